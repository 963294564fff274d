"""What every answer carries so that a browser does nothing behind our back, and how much any request may bring."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moorage.entry.counters import Counters
from moorage.entry.problems import problem

log = structlog.get_logger()

MOST_BODY_BYTES = 1024 * 1024

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Agents record voices in the console.
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self), payment=()",
    # A provider's authorization page looks at which site a browser comes from; of our addresses it learns no more.
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class SafetyHeaders:
    """Adds the headers above to every answer, and makes the API's answers uncacheable unless they say otherwise."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._headers = dict(HEADERS)
        if https:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, tell)


@dataclass(frozen=True, slots=True)
class LargerBody:
    """Addresses whose requests may bring more, and what is answered to those that bring too much even so."""

    path: re.Pattern[str]
    most_bytes: int
    refusal: Callable[[int, int], JSONResponse]
    """Called with how much came, as far as that is known, and how much may."""


def _body_too_large(_: int, most_bytes: int) -> JSONResponse:
    return problem(
        status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE, code="core.body_too_large", details={"most_bytes": most_bytes}
    )


class _TooLarge(HTTPException):
    """The body went past the limit while it was read. An HTTPException, because the framework lets only those pass."""

    def __init__(self) -> None:
        super().__init__(status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


class BodyLimit:
    """Refuses bodies over the limit with 413, as soon as that is known and without keeping what came before."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        counters: Counters,
        most_bytes: int = MOST_BODY_BYTES,
        larger: Sequence[LargerBody] = (),
    ) -> None:
        """`larger` are the few addresses where another limit holds."""
        self._app = app
        self._counters = counters
        self._usual = LargerBody(path=re.compile(""), most_bytes=most_bytes, refusal=_body_too_large)
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = next((place for place in self._larger if place.path.fullmatch(scope["path"])), self._usual)
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared) > limit.most_bytes:
            self._note()
            await limit.refusal(int(declared), limit.most_bytes)(scope, receive, send)
            return
        await self._measured(limit, scope, receive, send)

    async def _measured(self, limit: LargerBody, scope: Scope, receive: Receive, send: Send) -> None:
        got = 0
        answered = False

        async def take() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > limit.most_bytes:
                self._note()
                raise _TooLarge
            return message

        async def tell(message: Message) -> None:
            nonlocal answered
            if got > limit.most_bytes and not answered:
                return  # somebody inside has made an answer of their own of it
            answered = True
            await send(message)

        try:
            await self._app(scope, take, tell)
        except _TooLarge:
            if answered:
                raise
        if got > limit.most_bytes and not answered:
            await limit.refusal(got, limit.most_bytes)(scope, receive, send)

    def _note(self) -> None:
        log.warning("request_refused", code="core.body_too_large")
        self._counters.count("requests_refused.body_too_large")
