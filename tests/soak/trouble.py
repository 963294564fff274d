"""Everything that can go wrong at the sandbox, in the order in which a soak switches it on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SEND = "/cgi-bin/message/custom/send"
DOWNLOAD = "/cgi-bin/media/get"
UPLOAD = "/cgi-bin/media/upload"
TOKEN = "/cgi-bin/stable_token"
PLATFORM_TOKEN = "/cgi-bin/component/api_authorizer_token"

Order = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that goes wrong: a fault of the API, disorder among pushes, or tokens that die."""

    name: str
    fault: Order | None = None
    disorder: str | None = None
    tokens_die: bool = False
    ends_authorization: bool = False
    """Whether accounts must be docked again afterwards."""
    spare: bool = False
    """Whether it shows only now and then, so that none of it in a short run says nothing."""


def _fault(endpoint: str, kind: str, *, every: int = 2, **more: object) -> Order:
    return {"endpoint": endpoint, "kind": kind, "every": every, **more}


def _code(errcode: int, *, every: int = 2) -> Trouble:
    return Trouble(name=f"send_{errcode}", fault=_fault(SEND, "errcode", errcode=errcode, every=every))


# Whatever makes a message wait comes first, so that the rest goes on meanwhile.
_WAITING: Sequence[Trouble] = (
    Trouble("send_timeout_lost", fault=_fault(SEND, "timeout", timeout_s=17)),
    Trouble("send_timeout_arrived", fault=_fault(SEND, "timeout", applied=True, timeout_s=17)),
    _code(45011),
    Trouble("media_errcode", fault=_fault(DOWNLOAD, "errcode", errcode=-1)),
    Trouble("media_html", fault=_fault(DOWNLOAD, "html")),
    Trouble("media_http_500", fault=_fault(DOWNLOAD, "http500")),
    Trouble("media_drop", fault=_fault(DOWNLOAD, "drop")),
    Trouble("media_half", fault=_fault(DOWNLOAD, "half_body")),
    Trouble("media_slow", fault=_fault(DOWNLOAD, "slow", delay_s=2)),
    Trouble("media_gone", fault=_fault(DOWNLOAD, "errcode", errcode=40007)),
)
_LOST_ANSWERS: Sequence[Trouble] = (
    Trouble("send_slow", fault=_fault(SEND, "slow", delay_s=3)),
    Trouble("send_http_500", fault=_fault(SEND, "http500")),
    Trouble("send_http_502_arrived", fault=_fault(SEND, "http500", status=502, applied=True)),
    Trouble("send_html", fault=_fault(SEND, "html")),
    Trouble("send_half", fault=_fault(SEND, "half_body")),
    Trouble("send_drop_lost", fault=_fault(SEND, "drop")),
    Trouble("send_drop_arrived", fault=_fault(SEND, "drop", applied=True)),
    Trouble("upload_drop", fault=_fault(UPLOAD, "drop"), spare=True),
    Trouble("upload_refused", fault=_fault(UPLOAD, "errcode", errcode=40005), spare=True),
)
_DISORDER: Sequence[Trouble] = tuple(
    Trouble(kind, disorder=kind) for kind in ("duplicate", "parallel", "out_of_order", "delayed")
)
_TOKENS: Sequence[Trouble] = (
    Trouble("tokens_die", tokens_die=True),
    Trouble("tokens_die_and_new_ones_fail", tokens_die=True, fault=_fault(TOKEN, "http500"), spare=True),
    Trouble("platform_tokens_fail", fault=_fault(PLATFORM_TOKEN, "errcode", errcode=-1), spare=True),
    _code(40001),
    _code(40014),
    _code(42001),
)
_REFUSALS: Sequence[Trouble] = tuple(
    _code(errcode)
    for errcode in (-1, 45009, 45015, 40003, 43004, 48002, 43019, 48001, 61007, 45002, 40007, 40164, 99999, 45047)
)
_ENDS: Sequence[Trouble] = tuple(
    Trouble(f"send_{errcode}", fault=_fault(SEND, "errcode", errcode=errcode, times=1), ends_authorization=True)
    for errcode in (42007, 61003, 61023)
)

TROUBLES: Sequence[Trouble] = (*_WAITING, *_LOST_ANSWERS, *_DISORDER, *_TOKENS, *_REFUSALS, *_ENDS)
