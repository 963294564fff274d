"""How failures look over HTTP: `application/problem+json`, by one table over the kinds of failure.

Expected failures are one counted warning without a traceback; a traceback means a defect that someone must fix.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg_pool import PoolTimeout, TooManyRequests
from starlette.exceptions import HTTPException

from moorage.core.errors import DomainError

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"

STATUS_BY_KIND: Mapping[str, HTTPStatus] = {
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "malformed": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unauthenticated": HTTPStatus.UNAUTHORIZED,
    "forbidden": HTTPStatus.FORBIDDEN,
    "missing": HTTPStatus.NOT_FOUND,
    "conflict": HTTPStatus.CONFLICT,
    "gone": HTTPStatus.GONE,
    "refused": HTTPStatus.CONFLICT,
    "limited": HTTPStatus.TOO_MANY_REQUESTS,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}

UNAVAILABLE = (psycopg.OperationalError, PoolTimeout, TooManyRequests, TimeoutError)
"""Failures that are nobody's fault in particular and may be over when the client comes again."""

CODE_BY_STATUS: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "core.malformed",
    HTTPStatus.NOT_FOUND: "core.missing",
    HTTPStatus.METHOD_NOT_ALLOWED: "core.method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "core.body_too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "core.unsupported_media_type",
}


def problem(
    *,
    status: int,
    code: str,
    detail: str = "",
    details: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the answer that tells of a failure. `detail` is for people who read logs, `code` for the console."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "details": jsonable_encoder(dict(details or {})),
    }
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def domain_problem(error: DomainError) -> JSONResponse:
    """Return how an expected failure looks over HTTP."""
    status = STATUS_BY_KIND[error.kind]
    details = error.details()
    wait_s = details.get("retry_after_s")
    headers = {"Retry-After": str(wait_s)} if isinstance(wait_s, int) else None
    return problem(status=status, code=error.code, detail=_sentence(error), details=details, headers=headers)


def add_problem_handlers(app: FastAPI) -> None:
    """Make every failure of `app` a problem document."""
    app.add_exception_handler(DomainError, _domain)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(psycopg.DataError, _unstorable)
    app.add_exception_handler(UnicodeEncodeError, _unstorable)
    for kind in UNAVAILABLE:
        app.add_exception_handler(kind, _unavailable)


async def _domain(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DomainError)
    log.warning("request_refused", code=error.code)
    return domain_problem(error)


async def _validation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [{"field": _field(fault["loc"]), "reason": fault["msg"]} for fault in error.errors()]
    first = faults[0] if faults else {"field": "", "reason": "malformed"}
    log.warning("request_refused", code="core.malformed", fields=[fault["field"] for fault in faults])
    return problem(status=HTTPStatus.UNPROCESSABLE_ENTITY, code="core.malformed", details={**first, "faults": faults})


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = CODE_BY_STATUS.get(error.status_code, "core.refused")
    return problem(status=error.status_code, code=code, detail=error.detail, headers=error.headers)


async def _unstorable(_: Request, error: Exception) -> JSONResponse:
    """Answer for text that no database keeps: NUL characters, or halves of surrogate pairs."""
    log.warning("request_refused", code="core.malformed", error=type(error).__name__)
    return problem(
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        code="core.malformed",
        details={"field": "", "reason": "a value contains characters that cannot be stored"},
    )


async def _unavailable(_: Request, error: Exception) -> JSONResponse:
    return unavailable_problem(error)


def unavailable_problem(error: Exception) -> JSONResponse:
    """Return the answer when one of UNAVAILABLE kept us from serving: the database is away, or all too slow."""
    log.warning("request_not_served", error=type(error).__name__)
    return problem(status=HTTPStatus.SERVICE_UNAVAILABLE, code="core.unavailable", headers={"Retry-After": "1"})


def _field(location: Sequence[int | str]) -> str:
    """Return where in the request the fault is, as `settings.greeting.text`, without the leading `body` or `query`."""
    return ".".join(str(part) for part in location[1:]) or str(location[0] if location else "")


def _sentence(error: DomainError) -> str:
    return (type(error).__doc__ or "").strip().splitlines()[0] if type(error).__doc__ else ""
