"""One line in the log for each request, and an id that binds everything logged meanwhile."""

import time
from http import HTTPStatus

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moorage.core.ids import new_id
from moorage.entry.problems import UNAVAILABLE, problem, unavailable_problem

log = structlog.get_logger()

API = "/api"
QUIET = frozenset({"/healthz", "/readyz"})


class RequestLog:
    """Binds a request id, logs the outcome, and is the supervisor that turns a defect into a 500.

    The path is logged as its route's pattern, so that no id of a customer or a key ever stands in a log.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request_id = str(new_id())
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._logged(scope, receive, send, request_id=request_id)

    async def _logged(self, scope: Scope, receive: Receive, send: Send, *, request_id: str) -> None:
        started = time.perf_counter()
        status: int | None = None

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                MutableHeaders(scope=message).append("X-Request-Id", request_id)
            await send(message)

        try:
            await self._app(scope, receive, tell)
        except ClientDisconnect:
            log.info("client_left", path=_pattern(scope))
        except Exception as error:
            answer = _answer(error, scope)
            if scope["type"] != "http" or status is not None:
                raise
            await answer(scope, receive, tell)
        finally:
            if scope["type"] == "http" and scope["path"] not in QUIET:
                took_ms = round((time.perf_counter() - started) * 1000, 1)
                log.info(
                    "request_answered", method=scope["method"], path=_pattern(scope), status=status, took_ms=took_ms
                )


def _answer(error: Exception, scope: Scope) -> Response:
    """Log what no handler dealt with, and return the answer to it."""
    if isinstance(error, UNAVAILABLE):
        return unavailable_problem(error)
    log.exception("request_failed", path=_pattern(scope))
    return problem(status=HTTPStatus.INTERNAL_SERVER_ERROR, code="core.defect")


def _pattern(scope: Scope) -> str:
    """Return the route's pattern; an address that has none is not logged, because people put anything into it."""
    route: object = scope.get("route")
    pattern = str(getattr(route, "path", "(none)"))
    below_api = scope["path"].startswith(f"{API}/") and not pattern.startswith(f"{API}/")
    return f"{API}{pattern}" if below_api and pattern.startswith("/") else pattern
