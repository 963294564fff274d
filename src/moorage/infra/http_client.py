"""The one client that calls providers, and how a call fails: did the request leave this machine or not?"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import httpx

from moorage.core.errors import DomainError

CONNECT_LIMIT_S = 5.0
EXCHANGE_LIMIT_S = 15.0
LARGEST_ANSWER_BYTES = 4 * 1024 * 1024
_WRITING = frozenset({"http11.send_request_headers.started", "http11.send_request_body.started"})


@dataclass(eq=False)
class CallFailed(DomainError):
    """No usable HTTP answer came. `written` tells whether the request may have reached the other side.

    `detail` names the failure without address or content, because both may carry tokens.
    """

    code: ClassVar[str] = "infra.call_failed"
    kind: ClassVar[str] = "unavailable"
    written: bool
    detail: str


@dataclass(eq=False)
class AnswerTooLarge(CallFailed):
    """The other side answered with more than was asked for."""


class WrittenTracker:
    """Notices, as a trace of httpx, when the first byte of a request is about to be written."""

    def __init__(self) -> None:
        self.written = False

    async def __call__(self, event: str, _info: Mapping[str, object]) -> None:
        """Take one trace event."""
        if event in _WRITING:
            self.written = True


def open_provider_client(*, most_connections: int = 100) -> httpx.AsyncClient:
    """Return the client for providers: HTTP/1.1, all time-outs set, no redirects, nothing from the environment.

    The caller closes it. Use it through `call`.
    """
    return httpx.AsyncClient(
        http2=False,
        follow_redirects=False,
        trust_env=False,
        timeout=httpx.Timeout(EXCHANGE_LIMIT_S, connect=CONNECT_LIMIT_S, pool=CONNECT_LIMIT_S),
        limits=httpx.Limits(max_connections=most_connections, max_keepalive_connections=20, keepalive_expiry=20.0),
        headers={"User-Agent": "moorage"},
    )


async def call(
    client: httpx.AsyncClient, request: httpx.Request, *, deadline: float, most_bytes: int = LARGEST_ANSWER_BYTES
) -> httpx.Response:
    """Return the whole answer to `request`, of any status, before `deadline` (loop seconds).

    Raises CallFailed, AnswerTooLarge among them: no more than `most_bytes` are ever kept.
    """
    tracker = WrittenTracker()
    request.extensions["trace"] = tracker
    try:
        async with asyncio.timeout_at(deadline):
            response = await client.send(request, stream=True)
            try:
                return await _read(response, most_bytes=most_bytes)
            finally:
                await response.aclose()
    except TimeoutError as error:
        raise CallFailed(written=tracker.written, detail="deadline") from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise CallFailed(written=tracker.written, detail=type(error).__name__) from error
    except AttributeError as error:
        # The transport asks a socket for its peer that the other side closed in the same instant.
        raise CallFailed(written=tracker.written, detail="lost_while_connecting") from error


async def _read(response: httpx.Response, *, most_bytes: int) -> httpx.Response:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > most_bytes:
            raise AnswerTooLarge(written=True, detail="answer_too_large")
        chunks.append(chunk)
    headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _FRAMING]
    return httpx.Response(response.status_code, headers=headers, content=b"".join(chunks), request=response.request)


# They describe the bytes on the wire; the content we hand on is decoded and whole.
_FRAMING = frozenset({"content-encoding", "content-length", "transfer-encoding"})
