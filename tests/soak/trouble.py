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
    faults: Sequence[Order] = ()
    disorder: str | None = None
    tokens_die: bool = False
    needs_files: bool = False
    """Whether it shows only when customers send files."""
    needs_pictures: bool = False
    """Whether it shows only when agents send pictures."""
    ends_authorization: bool = False
    """Whether accounts must be docked again afterwards."""
    minutes_before: int = 0
    """How much later it begins by everybody's clock: what went wrong before is not held against anybody any more."""


def _fault(endpoint: str, kind: str, *, every: int = 2, **more: object) -> Order:
    return {"endpoint": endpoint, "kind": kind, "every": every, **more}


def _code(errcode: int, *, every: int = 2) -> Trouble:
    return Trouble(name=f"send_{errcode}", faults=[_fault(SEND, "errcode", errcode=errcode, every=every)])


def _refused(errcode: int) -> Order:
    """Return the refusal of a token, again and again: each account must have come to ask for another one."""
    return _fault(SEND, "errcode", errcode=errcode, times=1000)


# Whatever makes a message wait comes first, so that the rest goes on meanwhile.
_WAITING: Sequence[Trouble] = (
    Trouble("send_timeout_lost", faults=[_fault(SEND, "timeout", timeout_s=17)]),
    Trouble("send_timeout_arrived", faults=[_fault(SEND, "timeout", applied=True, timeout_s=17)]),
    _code(45011),
    Trouble("media_errcode", faults=[_fault(DOWNLOAD, "errcode", errcode=-1)], needs_files=True),
    Trouble("media_html", faults=[_fault(DOWNLOAD, "html")], needs_files=True),
    Trouble("media_http_500", faults=[_fault(DOWNLOAD, "http500")], needs_files=True),
    Trouble("media_drop", faults=[_fault(DOWNLOAD, "drop")], needs_files=True),
    Trouble("media_half", faults=[_fault(DOWNLOAD, "half_body")], needs_files=True),
    Trouble("media_slow", faults=[_fault(DOWNLOAD, "slow", delay_s=2)], needs_files=True),
    Trouble("media_gone", faults=[_fault(DOWNLOAD, "errcode", errcode=40007)], needs_files=True),
)
_LOST_ANSWERS: Sequence[Trouble] = (
    Trouble("send_slow", faults=[_fault(SEND, "slow", delay_s=3)]),
    Trouble("send_http_500", faults=[_fault(SEND, "http500")]),
    Trouble("send_http_502_arrived", faults=[_fault(SEND, "http500", status=502, applied=True)]),
    Trouble("send_html", faults=[_fault(SEND, "html")]),
    Trouble("send_half", faults=[_fault(SEND, "half_body")]),
    Trouble("send_drop_lost", faults=[_fault(SEND, "drop")]),
    Trouble("send_drop_arrived", faults=[_fault(SEND, "drop", applied=True)]),
    Trouble("upload_drop", faults=[_fault(UPLOAD, "drop", every=1)], needs_pictures=True),
    Trouble("upload_refused", faults=[_fault(UPLOAD, "errcode", every=1, errcode=40005)], needs_pictures=True),
)
_DISORDER: Sequence[Trouble] = tuple(
    Trouble(kind, disorder=kind) for kind in ("duplicate", "parallel", "out_of_order", "delayed")
)
_TOKENS: Sequence[Trouble] = (
    Trouble("tokens_die", tokens_die=True),
    _code(40001),
    _code(40014),
    _code(42001),
)
_REFUSALS: Sequence[Trouble] = tuple(
    _code(errcode)
    for errcode in (-1, 45009, 45015, 40003, 43004, 48002, 43019, 48001, 61007, 45002, 40007, 40164, 99999, 45047)
)
# Each call for a token fails while tokens are refused: after three in a row nobody asks for a while.
_NO_TOKENS: Sequence[Trouble] = (
    Trouble("new_tokens_fail", minutes_before=11, faults=[_refused(40001), _fault(TOKEN, "http500", every=1)]),
    Trouble(
        "platform_tokens_fail",
        faults=[_refused(42001), _fault(PLATFORM_TOKEN, "errcode", every=1, errcode=-1)],
    ),
)
_ENDS: Sequence[Trouble] = tuple(
    Trouble(f"send_{errcode}", faults=[_fault(SEND, "errcode", errcode=errcode, times=1)], ends_authorization=True)
    for errcode in (42007, 61003, 61023)
)

TROUBLES: Sequence[Trouble] = (*_WAITING, *_LOST_ANSWERS, *_DISORDER, *_TOKENS, *_REFUSALS, *_NO_TOKENS, *_ENDS)
