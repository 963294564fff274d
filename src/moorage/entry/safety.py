"""What every answer carries so that a browser does nothing behind our back, and how much any request may bring."""

from collections.abc import Mapping
from http import HTTPStatus

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
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
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
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


class _TooLarge(HTTPException):
    """The body went past the limit while it was read. An HTTPException, because the framework lets only those pass."""

    def __init__(self) -> None:
        super().__init__(status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


class BodyLimit:
    """Refuses bodies over the limit with 413, as soon as that is known and without keeping what came before."""

    def __init__(self, app: ASGIApp, *, counters: Counters, most_bytes: int = MOST_BODY_BYTES) -> None:
        self._app = app
        self._counters = counters
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._most_bytes:
            self._note()
            await self._refuse(scope, receive, send)
            return
        await self._measured(scope, receive, send)

    async def _measured(self, scope: Scope, receive: Receive, send: Send) -> None:
        got = 0
        answered = False

        async def take() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > self._most_bytes:
                self._note()
                raise _TooLarge
            return message

        async def tell(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, take, tell)
        except _TooLarge:
            if answered:
                raise
            await self._refuse(scope, receive, send)

    def _note(self) -> None:
        log.warning("request_refused", code="core.body_too_large")
        self._counters.count("requests_refused.body_too_large")

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = problem(
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            code="core.body_too_large",
            details={"most_bytes": self._most_bytes},
        )
        await answer(scope, receive, send)
