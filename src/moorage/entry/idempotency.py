"""`Idempotency-Key`: a command that is sent again with the same key does nothing and gets the first answer again.

A key is unique per person for 24 hours. While the first request runs it holds a lease; a second one waits for it a
moment. An answer that a later try may well change (not signed in, too many, a defect of ours) is not kept.

The command's own transaction marks the key as carried out. So when a process dies before it could keep the answer, a
repetition is told that it is done, and does nothing.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import ClassVar

import psycopg
import structlog
from psycopg_pool import PoolTimeout
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moorage.core.errors import DomainError, Malformed
from moorage.core.ids import PersonId
from moorage.entry.problems import MEDIA_TYPE, domain_problem
from moorage.infra.database import RUNNING_COMMAND, Database, RunningCommand

log = structlog.get_logger()

COMMANDS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
LONGEST_KEY = 200
LEASE = timedelta(seconds=60)
KEPT = timedelta(hours=24)
WAITS_S = 5.0
LOOKS_EVERY_S = 0.1
PIECE_BYTES = 64 * 1024
NOT_KEPT = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})

Whose = Callable[[HTTPConnection], Awaitable[PersonId | None]]


@dataclass(eq=False)
class IdempotencyConflict(DomainError):
    """The key was used before for another request."""

    code: ClassVar[str] = "core.idempotency_conflict"
    kind: ClassVar[str] = "conflict"


@dataclass(eq=False)
class StillRunning(DomainError):
    """The first request with this key has not ended yet; ask again in a moment."""

    code: ClassVar[str] = "core.idempotency_still_running"
    kind: ClassVar[str] = "conflict"
    retry_after_s: int = 1


@dataclass(eq=False)
class AlreadyCarriedOut(DomainError):
    """The first request with this key did what it asked for, but its answer is lost: look at what is there now."""

    code: ClassVar[str] = "core.already_carried_out"
    kind: ClassVar[str] = "conflict"


@dataclass(frozen=True, slots=True)
class Command:
    """One request that carries a key."""

    person_id: PersonId
    key: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class _Kept:
    request_digest: bytes
    status: int | None
    body: bytes | None
    lease_until: datetime
    """Also names the lease: only who holds it may store an answer."""
    carried_out: bool
    ours: bool


@dataclass(slots=True)
class _Captured:
    """An answer on its way out, with a copy of it."""

    status: int = 0
    body: bytearray = field(default_factory=bytearray)
    sets_cookie: bool = False

    @property
    def may_be_kept(self) -> bool:
        """Return whether a repetition should get this answer again. A cookie is for one answer only."""
        return not (self.sets_cookie or self.status in NOT_KEPT or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR)

    def copy(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.sets_cookie = "set-cookie" in Headers(raw=message["headers"])
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


class Idempotency:
    """Runs each command once per person and key."""

    def __init__(self, app: ASGIApp, *, database: Callable[[], Database], whose: Whose) -> None:
        self._app = app
        self._database = database
        self._whose = whose

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["method"] not in COMMANDS:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        key = request.headers.get("idempotency-key")
        person_id = await self._whose(request) if key is not None else None
        if key is None or person_id is None:
            await self._app(scope, receive, send)
            return
        try:
            await self._once(request, person_id, key, send)
        except DomainError as error:
            await domain_problem(error)(scope, receive, send)

    async def _once(self, request: Request, person_id: PersonId, key: str, send: Send) -> None:
        if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable():
            raise Malformed(field="Idempotency-Key", reason=f"1 to {LONGEST_KEY} printable characters")
        body = await request.body()
        command = Command(person_id=person_id, key=key, digest=await asyncio.to_thread(_digest, request, body))
        kept = await self._claim(command)
        if kept.ours:
            await self._run(request, body, command, lease=kept.lease_until, send=send)
            return
        await _replay(kept)(request.scope, request.receive, send)

    async def _claim(self, command: Command) -> _Kept:
        """Return our lease, or the answer of the one who had it before. Raises the two conflicts."""
        deadline = asyncio.get_running_loop().time() + WAITS_S
        while True:
            kept = await claim(self._database(), command)
            if kept.request_digest != command.digest:
                raise IdempotencyConflict
            if kept.ours or kept.status is not None:
                return kept
            if kept.carried_out and kept.lease_until <= self._database().clock.now():
                raise AlreadyCarriedOut
            if asyncio.get_running_loop().time() > deadline:
                raise StillRunning
            await asyncio.sleep(LOOKS_EVERY_S)

    async def _run(self, request: Request, body: bytes, command: Command, *, lease: datetime, send: Send) -> None:
        captured = _Captured()

        async def tell(message: Message) -> None:
            captured.copy(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                await self._settle(command, captured, lease=lease)
            await send(message)

        running = RUNNING_COMMAND.set(RunningCommand(person_id=command.person_id, key=command.key))
        try:
            await self._app(request.scope, _again(body, request.receive), tell)
        except Exception:
            await forget(self._database(), command, lease=lease)
            raise
        finally:
            RUNNING_COMMAND.reset(running)

    async def _settle(self, command: Command, captured: _Captured, *, lease: datetime) -> None:
        """Keep the answer, or free the key. The command is done by now: a database that is away changes nothing."""
        try:
            if captured.may_be_kept:
                await keep(self._database(), command, lease=lease, status=captured.status, body=bytes(captured.body))
            else:
                await forget(self._database(), command, lease=lease)
        except (psycopg.OperationalError, PoolTimeout) as error:
            log.warning("answer_not_kept", error=type(error).__name__)


async def claim(database: Database, command: Command) -> _Kept:
    """Return the key's row after trying to lease it; `ours` tells whether this call got the lease.

    A lease is taken when the key is new or a day old, or when an earlier one ran out with nothing done.
    """
    async with database.in_platform() as tx:
        parameters = {
            "person_id": command.person_id,
            "key": command.key,
            "digest": command.digest,
            "now": tx.now,
            "lease_until": tx.now + LEASE,
            "kept_since": tx.now - KEPT,
        }
        leased = await tx.row(
            _Kept,
            """
            INSERT INTO idempotency_keys AS k (person_id, key, request_digest, created_at, lease_until)
            VALUES (%(person_id)s, %(key)s, %(digest)s, %(now)s, %(lease_until)s)
            ON CONFLICT (person_id, key) DO UPDATE
              SET request_digest = EXCLUDED.request_digest, status = NULL, body = NULL, carried_out_at = NULL,
                  created_at = EXCLUDED.created_at, lease_until = EXCLUDED.lease_until
              WHERE k.created_at < %(kept_since)s
                 OR (k.status IS NULL AND k.carried_out_at IS NULL AND k.lease_until <= %(now)s
                     AND k.request_digest = EXCLUDED.request_digest)
            RETURNING request_digest, status, body, lease_until, false AS carried_out, true AS ours
            """,
            parameters,
        )
        if leased is not None:
            return leased
        kept = await tx.row(
            _Kept,
            """
            SELECT request_digest, status, body, lease_until, carried_out_at IS NOT NULL AS carried_out, false AS ours
            FROM idempotency_keys WHERE person_id = %(person_id)s AND key = %(key)s
            """,
            parameters,
        )
    return kept if kept is not None else await claim(database, command)  # forgotten in between: it is free again


async def keep(database: Database, command: Command, *, lease: datetime, status: int, body: bytes) -> None:
    """Keep the answer for whoever asks again."""
    async with database.in_platform() as tx:
        await tx.execute(
            """
            UPDATE idempotency_keys SET status = %s, body = %s
            WHERE person_id = %s AND key = %s AND lease_until = %s AND status IS NULL
            """,
            [status, body, command.person_id, command.key, lease],
        )


async def forget(database: Database, command: Command, *, lease: datetime) -> None:
    """Free the key that was leased in vain."""
    async with database.in_platform() as tx:
        await tx.execute(
            """
            DELETE FROM idempotency_keys
            WHERE person_id = %s AND key = %s AND lease_until = %s AND status IS NULL AND carried_out_at IS NULL
            """,
            [command.person_id, command.key, lease],
        )


def _digest(request: Request, body: bytes) -> bytes:
    head = f"{request.method} {request.url.path}?{request.url.query}\n"
    told = hashlib.sha256(head.encode("utf-8", "surrogateescape"))
    told.update(_without_boundary(request, body))
    return told.digest()


def _without_boundary(request: Request, body: bytes) -> bytes:
    """Return the body of a form without what separates its parts: a browser thinks of another one each time."""
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    return body.replace(boundary, b"") if kind == b"multipart/form-data" and boundary else body


def _replay(kept: _Kept) -> Response:
    status = kept.status if kept.status is not None else HTTPStatus.OK
    headers = {"Idempotency-Replayed": "true"}
    if not kept.body:
        return Response(status_code=status, headers=headers)
    media_type = MEDIA_TYPE if status >= HTTPStatus.BAD_REQUEST else "application/json"
    return Response(kept.body, status_code=status, media_type=media_type, headers=headers)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body, which has been read already, once more and in pieces."""
    at = 0
    given = False

    async def take() -> Message:
        nonlocal at, given
        if given:
            return await receive()
        piece = body[at : at + PIECE_BYTES]
        at += PIECE_BYTES
        given = at >= len(body)
        if not given:
            await asyncio.sleep(0)  # whoever takes a large body apart lets others have their turn between its pieces
        return {"type": "http.request", "body": piece, "more_body": not given}

    return take
