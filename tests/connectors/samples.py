"""What each kind of channel brings to the shared suite. A kind without an entry here fails it by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from moorage.connectors.contract import RawRequest
from tests.connectors import web_requests, wechat_requests
from tests.connectors.wechat_vectors import sample, sample_names


@dataclass(frozen=True, slots=True)
class KindSamples:
    """Genuine requests of one docked account, and the ways to make them something else."""

    credentials: Mapping[str, str]
    now: datetime
    pushes: Mapping[str, RawRequest]
    """Different pushes of customers."""
    answerable: RawRequest
    """One of them that a text may answer at once."""
    again: Callable[[RawRequest], RawRequest]
    """The same push as the provider delivers it once more."""
    forged: Callable[[RawRequest], RawRequest]
    """The same with a signature that is not the provider's."""
    foreign: RawRequest
    """A genuine push of another account."""
    stale: RawRequest
    """A genuine push of another time."""
    verification: tuple[RawRequest, bytes] | None
    """The provider's question whether the address is ours, and the answer; None where it asks none."""


def _wechat_forged(request: RawRequest) -> RawRequest:
    query = dict(request.query)
    for name in ("signature", "msg_signature"):
        query[name] = "0" * 40
    return replace(request, query=query)


def _wechat_again(request: RawRequest) -> RawRequest:
    """Return a redelivery: the same plaintext, sealed and signed at another second."""
    at = wechat_requests.NOW.replace(second=35)
    body = next(body for body in _WECHAT_BODIES.values() if wechat_requests.sealed_push(body).body == request.body)
    return wechat_requests.sealed_push(body, nonce="42", at=at)


_WECHAT_BODIES = {name: sample(name) for name in sample_names("msg_", "event_") if "release_check" not in name}

_WEB_PUSHES = {
    "text": web_requests.a_push(web_requests.a_text("你好 👋")),
    "choice": web_requests.a_push(web_requests.a_text("2", choice_id="c2")),
    "later": web_requests.a_push(web_requests.a_text("one more", at=web_requests.NOW + timedelta(seconds=1))),
    "offline": web_requests.a_push(web_requests.a_text("typed before", at=web_requests.NOW - timedelta(hours=3))),
    "image": web_requests.a_push(web_requests.a_message("image", upload="u1", width=640)),
    "unknown": web_requests.a_push(web_requests.a_message("dance", steps=[1, {"left": None}, 2.5])),
    "textless": web_requests.a_push(web_requests.a_message("text", text=7)),
    "stranger": web_requests.a_push(web_requests.a_text("你好"), visitor_id="another-visitor"),
}

SAMPLES: Mapping[str, KindSamples] = {
    "wechat_oa": KindSamples(
        credentials=wechat_requests.CREDENTIALS,
        now=wechat_requests.NOW,
        pushes={name: wechat_requests.sealed_push(body) for name, body in _WECHAT_BODIES.items()},
        answerable=wechat_requests.sealed_push(sample("msg_text")),
        again=_wechat_again,
        forged=_wechat_forged,
        foreign=wechat_requests.sealed_push(sample("msg_text"), appid="wx0000000000000bad"),
        stale=wechat_requests.sealed_push(sample("msg_text"), at=wechat_requests.NOW.replace(hour=1)),
        verification=(wechat_requests.verification(echostr="42"), b"42"),
    ),
    "web": KindSamples(
        credentials=web_requests.CREDENTIALS,
        now=web_requests.NOW,
        pushes=_WEB_PUSHES,
        answerable=_WEB_PUSHES["text"],
        again=web_requests.with_a_new_token,
        forged=web_requests.forged,
        foreign=web_requests.a_push(web_requests.a_text(), site_id="othersite"),
        stale=web_requests.a_push(web_requests.a_text(at=web_requests.NOW - timedelta(days=30))),
        verification=None,
    ),
}
