"""One holder of a token in the database, whoever asks: of a channel or of our platform.

Who finds the token due takes a lease by a conditional UPDATE, commits, asks the provider with no transaction open, and
stores the result only if nobody else has meanwhile. The others go on with the old token while it is good, or wait for
the new one. Three failures in a row open a circuit: for five minutes nobody asks again.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import LiteralString, Protocol
from uuid import UUID

import structlog
from psycopg.types.json import Jsonb

from moorage.connectors.failures import (
    AddressNotAllowed,
    ChannelReason,
    CredentialsInvalid,
    CredentialsReason,
    ProviderFailure,
    Refused,
    TryLater,
    Unreachable,
)
from moorage.core.errors import DomainError
from moorage.core.ids import new_id
from moorage.infra.database import Tx
from moorage.infra.secrets import SecretBox

DUE_BEFORE_END = timedelta(minutes=5)
"""Providers give a new token only in the last minutes of the old one; asking earlier brings the same again."""
USABLE_BEFORE_END = timedelta(seconds=5)
LEASE = timedelta(seconds=15)
CALL_LIMIT_S = 12.0
"""Of one renewal, shorter than the lease, so that no two holders ask at the same time."""
FORCED_AT_MOST_EVERY = timedelta(minutes=10)
FAILURES_TO_CIRCUIT = 3
CIRCUIT = timedelta(minutes=5)
LOOK_AGAIN_S = 0.1

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where a token lies: a table with the columns of `channel_tokens`, and the row in it."""

    table: LiteralString
    where: LiteralString
    key: Mapping[str, object]
    """The parameters of `where`."""
    context: str
    """What the token is sealed for."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """What a provider issued. `refresh_token` is None where none came with it."""

    token: str = field(repr=False)
    lasts: timedelta
    refresh_token: str | None = field(default=None, repr=False)


class TokenOwner(Protocol):
    """Whose token it is: how to ask for it, and what else changes with it."""

    shelf: Shelf

    def transaction(self) -> AbstractAsyncContextManager[Tx]:
        """Open a transaction that sees the shelf."""
        ...

    def absent(self) -> DomainError:
        """Return what is wrong where the shelf has no row."""
        ...

    async def issue(self, *, force: bool, deadline: float) -> NewToken:
        """Ask the provider, with no transaction open. Raises a provider failure."""
        ...

    async def on_renewed(self, tx: Tx, new: NewToken, *, had_failed: bool) -> None:
        """Write what else is known now, in the transaction that stores the token."""
        ...

    async def on_failed(self, tx: Tx, failure: ProviderFailure, *, failures: int) -> None:
        """Say how things stand after the `failures`-th failure in a row."""
        ...


@dataclass(frozen=True, slots=True)
class _Stored:
    """The row as one read saw it."""

    token: bytes | None
    version: int
    expires_at: datetime | None
    circuit_until: datetime | None
    last_error: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one read of the row means at its time."""

    token: str | None
    version: int
    due: bool
    usable: bool
    circuit_for: timedelta | None
    last_error: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Lease:
    """The right to renew, until somebody else may take it."""

    id: UUID
    version: int
    taken_at: datetime
    had_failed: bool


class LeasedTokens:
    """The TokenSource of one owner."""

    def __init__(self, *, box: SecretBox, owner: TokenOwner) -> None:
        self._box = box
        self._owner = owner
        self._shelf = owner.shelf

    async def token(self, *, deadline: float) -> str:
        """Return a token that should work, renewed if it is due. Raises a provider failure."""
        async with self._owner.transaction() as tx:
            seen = await self._read(tx)
        if seen.token is not None and not seen.due:
            return seen.token
        try:
            return await self._renewed(seen, refused=None, deadline=deadline)
        except ProviderFailure:
            if seen.token is not None and seen.usable:
                return seen.token  # the provider keeps it for some minutes yet; the failure is on record
            raise

    async def after_refusal(self, *, failed: str, deadline: float) -> str:
        """Return another token than `failed`: the stored one if that is newer, else a renewed one. Raises a provider
        failure, at the latest when the provider insists on giving `failed` again."""
        async with self._owner.transaction() as tx:
            seen = await self._read(tx)
        if seen.token is not None and seen.token != failed and seen.usable:
            return seen.token
        return await self._renewed(seen, refused=failed, deadline=deadline)

    async def check(self, *, deadline: float) -> None:
        """Return if the provider gives a token now, also while the circuit is open. Raises a provider failure."""
        async with self._owner.transaction() as tx:
            seen = await self._read(tx)
        await self._renewed(seen, refused=None, deadline=deadline, checking=True)

    async def _renewed(self, first: _Seen, *, refused: str | None, deadline: float, checking: bool = False) -> str:
        """Return a usable token other than `refused`: renew it, or wait for who does. `checking` wants a new one."""
        seen = first
        while True:
            async with self._owner.transaction() as tx:
                lease = await self._take_lease(tx, version=seen.version, past_circuit=checking)
                seen = seen if lease else await self._read(tx)
            if lease:
                return await self._renew(lease, refused=refused, deadline=deadline)
            is_new = seen.version > first.version
            if seen.token is not None and seen.token != refused and seen.usable and (is_new or not checking):
                return seen.token
            if seen.circuit_for is not None and not checking:
                raise _failure_again(seen.last_error, retry_after=seen.circuit_for)
            if asyncio.get_running_loop().time() + LOOK_AGAIN_S > deadline:
                raise TryLater(external_code=None, detail="token is being renewed", retry_after=timedelta(seconds=1))
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _renew(self, lease: _Lease, *, refused: str | None, deadline: float) -> str:
        limit = min(deadline, asyncio.get_running_loop().time() + CALL_LIMIT_S)
        try:
            new = await self._owner.issue(force=False, deadline=limit)
            if new.token == refused:
                await self._claim_force(lease)
                new = await self._owner.issue(force=True, deadline=limit)
        except Unreachable as failure:
            await self._record_failure(lease, failure)
            # Whatever the token was wanted for has not been asked for: that much is sure.
            raise Unreachable(external_code=None, detail=failure.detail, written=False) from failure
        except ProviderFailure as failure:
            await self._record_failure(lease, failure)
            raise
        await self._store(lease, new)
        return new.token

    # ------------------------------------------------------------ the row

    async def _read(self, tx: Tx) -> _Seen:
        stored = await tx.row(
            _Stored,
            "SELECT token, version, expires_at, circuit_until, last_error FROM "  # noqa: S608 -- literals only
            + self._shelf.table
            + " WHERE "
            + self._shelf.where,
            self._shelf.key,
        )
        if stored is None:
            raise self._owner.absent()
        left = (stored.expires_at or tx.now) - tx.now
        circuit_for = stored.circuit_until - tx.now if stored.circuit_until else timedelta()
        return _Seen(
            token=None if stored.token is None else self._box.open(stored.token, context=self._shelf.context).decode(),
            version=stored.version,
            due=left <= DUE_BEFORE_END,
            usable=left > USABLE_BEFORE_END,
            circuit_for=circuit_for if circuit_for > timedelta() else None,
            last_error=stored.last_error or {},
        )

    async def _take_lease(self, tx: Tx, *, version: int, past_circuit: bool) -> _Lease | None:
        """Return the lease, or None where somebody else holds it, has renewed already, or the circuit is open."""
        lease_id = new_id()
        had_failed = await tx.value(
            "UPDATE "  # noqa: S608 -- literals only
            + self._shelf.table
            + " SET renewing_until = %(until)s, renewing_by = %(lease)s WHERE "
            + self._shelf.where
            + """
              AND version = %(version)s
              AND (renewing_until IS NULL OR renewing_until <= %(now)s)
              AND (circuit_until IS NULL OR circuit_until <= %(now)s OR %(past_circuit)s)
            RETURNING last_error IS NOT NULL
            """,
            {
                **self._shelf.key,
                "until": tx.now + LEASE,
                "lease": lease_id,
                "version": version,
                "now": tx.now,
                "past_circuit": past_circuit,
            },
        )
        if had_failed is None:
            return None
        return _Lease(id=lease_id, version=version, taken_at=tx.now, had_failed=bool(had_failed))

    async def _claim_force(self, lease: _Lease) -> None:
        """Return if a renewal may be forced now. It throws away a token that others may be using, so it is rare.

        Raises CredentialsInvalid where the last one was a moment ago: forcing again would help nobody.
        """
        async with self._owner.transaction() as tx:
            claimed = await tx.execute(
                "UPDATE "  # noqa: S608 -- literals only
                + self._shelf.table
                + " SET forced_at = %(now)s WHERE "
                + self._shelf.where
                + " AND renewing_by = %(lease)s AND (forced_at IS NULL OR forced_at <= %(before)s)",
                {**self._shelf.key, "now": tx.now, "lease": lease.id, "before": tx.now - FORCED_AT_MOST_EVERY},
            )
        if not claimed:
            raise CredentialsInvalid(
                external_code=None,
                detail="the provider gives the token again that it refuses",
                reason=CredentialsReason.TOKEN_REFUSED,
            )

    async def _store(self, lease: _Lease, new: NewToken) -> None:
        """Keep the new token, unless somebody else has renewed since the lease ended. Its life counts from the lease:
        a little short, never too long."""
        async with self._owner.transaction() as tx:
            stored = await tx.execute(
                "UPDATE "  # noqa: S608 -- literals only
                + self._shelf.table
                + """
                SET token = %(token)s, version = version + 1, expires_at = %(expires_at)s, renewing_until = NULL,
                    renewing_by = NULL, failures = 0, circuit_until = NULL, last_error = NULL
                WHERE version = %(version)s AND renewing_by = %(lease)s AND
                """
                + self._shelf.where,
                {
                    **self._shelf.key,
                    "token": self._box.seal(new.token.encode(), context=self._shelf.context),
                    "expires_at": lease.taken_at + new.lasts,
                    "version": lease.version,
                    "lease": lease.id,
                },
            )
            if stored:
                await self._owner.on_renewed(tx, new, had_failed=lease.had_failed)

    async def _record_failure(self, lease: _Lease, failure: ProviderFailure) -> None:
        """Give the lease back, count the failure, and let the owner say what an admin should know."""
        log.warning(
            "token_not_renewed",
            of=self._shelf.context,
            reason=failure_reason(failure),
            code=failure.external_code,
        )
        async with self._owner.transaction() as tx:
            failures = await tx.value(
                "UPDATE "  # noqa: S608 -- literals only
                + self._shelf.table
                + """
                SET renewing_until = NULL, renewing_by = NULL, failures = failures + 1, last_error = %(error)s,
                    circuit_until = CASE WHEN failures + 1 >= %(most)s THEN %(circuit_until)s ELSE circuit_until END
                WHERE renewing_by = %(lease)s AND
                """
                + self._shelf.where
                + " RETURNING failures",
                {
                    **self._shelf.key,
                    "error": Jsonb(_error_of(failure)),
                    "most": FAILURES_TO_CIRCUIT,
                    "circuit_until": tx.now + CIRCUIT,
                    "lease": lease.id,
                },
            )
            if isinstance(failures, int):  # else the lease ended meanwhile: who took it over says how things stand
                await self._owner.on_failed(tx, failure, failures=failures)


def failure_reason(failure: ProviderFailure) -> str:
    """Return the stable word for a failure, `provider_unreachable` where the provider gave no reason."""
    told = isinstance(failure, CredentialsInvalid | Refused)
    return failure.reason if told else ChannelReason.PROVIDER_UNREACHABLE


def _error_of(failure: ProviderFailure) -> Mapping[str, str]:
    """Return what is kept of a failure, to tell those who ask while the circuit is open."""
    error = {"reason": failure_reason(failure), "detail": failure.detail, "code": str(failure.external_code or "")}
    if isinstance(failure, AddressNotAllowed):
        error["address"] = failure.address
    if isinstance(failure, Refused):
        error["refused"] = "yes"
    return error


def _failure_again(error: Mapping[str, str], *, retry_after: timedelta) -> ProviderFailure:
    """Return the failure that opened the circuit, for somebody who asks while it is open."""
    code = int(error["code"]) if error.get("code") else None
    detail = error.get("detail", "")
    reason = error.get("reason", ChannelReason.PROVIDER_UNREACHABLE)
    if "address" in error:
        return AddressNotAllowed(external_code=code, detail=detail, reason=reason, address=error["address"])
    if "refused" in error:
        return Refused(external_code=code, detail=detail, reason=reason)
    if reason == ChannelReason.PROVIDER_UNREACHABLE:
        return TryLater(external_code=code, detail=detail, retry_after=retry_after)
    return CredentialsInvalid(external_code=code, detail=detail, reason=reason)
