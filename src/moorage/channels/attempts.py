"""Attempts to dock an account by authorization: one row each, found by both ways back, and settled once.

The browser comes back with the random state, the provider's push with the attempt's code. Only digests of both are
kept: whoever reads the table can finish nothing with it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, LiteralString
from uuid import UUID

from moorage.connectors.authorization import DockingReason
from moorage.core.errors import Missing
from moorage.core.ids import ChannelId, PersonId, WorkspaceId, new_id
from moorage.infra.database import Tx

AttemptState = Literal["open", "exchanging", "done", "failed"]
Way = Literal["code", "link"]
"""How an attempt leads to the provider: a code on the screen of who began it, or a link for somebody else's phone."""

LEASE = timedelta(seconds=25)
"""Longer than any exchange may take, so that a code is asked for by one at a time."""
FINISHED_WITHIN = timedelta(hours=1)
"""After the attempt's own end: the administrator may have confirmed in its last second, and the code lives on."""
FINAL: Sequence[str] = tuple(DockingReason)
"""Failures that another code would not mend."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. `external_id` is the account that has to be authorized, or was; None where any may be."""

    id: UUID
    kind: str
    platform_id: str
    workspace_id: WorkspaceId
    person_id: PersonId
    remote_address: str
    channel_id: ChannelId | None
    state: AttemptState
    reason: str | None
    external_id: str | None
    pushed_code: bytes | None
    expires_at: datetime
    way: Way
    onward_url: bytes | None
    """Of a link: the provider's page that it leads on to, sealed."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The right to exchange a code, or None for the lease where somebody else has it or nothing is left to do."""

    attempt: Attempt
    lease: UUID | None


_SELECT: LiteralString = """
    SELECT id, kind, platform_id, workspace_id, person_id, remote_address, channel_id, state, reason, external_id,
           pushed_code, expires_at, way, onward_url
    FROM docking_attempts
"""


def pushed_code_context(attempt_id: UUID) -> str:
    """Return what the code that a push brought for an attempt is sealed for."""
    return f"docking-attempt:{attempt_id}"


def onward_url_context(attempt_id: UUID) -> str:
    """Return what the provider's page that a link leads on to is sealed for."""
    return f"docking-link:{attempt_id}"


def digest_of(secret: str) -> bytes:
    """Return what is stored of a state or a code."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


async def add_attempt(tx: Tx, attempt: Attempt, *, state: str, attempt_code: str) -> None:
    """Write a new attempt with the digests of its state and code."""
    await tx.execute(
        """
        INSERT INTO docking_attempts
               (id, kind, platform_id, state_digest, attempt_code_digest, workspace_id, person_id, remote_address,
                channel_id, external_id, created_at, expires_at, way, onward_url)
        VALUES (%(id)s, %(kind)s, %(platform_id)s, %(state_digest)s, %(code_digest)s, %(workspace_id)s, %(person_id)s,
                %(remote_address)s, %(channel_id)s, %(external_id)s, %(now)s, %(expires_at)s, %(way)s, %(onward_url)s)
        """,
        {
            "id": attempt.id,
            "kind": attempt.kind,
            "platform_id": attempt.platform_id,
            "state_digest": digest_of(state),
            "code_digest": digest_of(attempt_code),
            "workspace_id": attempt.workspace_id,
            "person_id": attempt.person_id,
            "remote_address": attempt.remote_address,
            "channel_id": attempt.channel_id,
            "external_id": attempt.external_id,
            "now": tx.now,
            "expires_at": attempt.expires_at,
            "way": attempt.way,
            "onward_url": attempt.onward_url,
        },
    )


async def read_attempt(tx: Tx, *, attempt_id: UUID) -> Attempt:
    """Return an attempt. Raises Missing."""
    attempt = await tx.row(Attempt, _SELECT + "WHERE id = %s", [attempt_id])
    if attempt is None:
        raise Missing(what="authorization")
    return attempt


async def attempt_of_state(tx: Tx, *, state: str) -> Attempt | None:
    """Return the attempt that a browser comes back from, or None."""
    return await tx.row(Attempt, _SELECT + "WHERE state_digest = %s", [digest_of(state)])


async def attempt_of_code(tx: Tx, *, kind: str, platform_id: str, attempt_code: str) -> Attempt | None:
    """Return the attempt that a provider's push answers, or None."""
    return await tx.row(
        Attempt,
        _SELECT + "WHERE attempt_code_digest = %s AND kind = %s AND platform_id = %s",
        [digest_of(attempt_code), kind, platform_id],
    )


async def keep_pushed_code(tx: Tx, *, attempt_id: UUID, sealed: bytes) -> bool:
    """Keep the code that a push brought, and return whether it may still be of use."""
    kept = await tx.execute(
        "UPDATE docking_attempts SET pushed_code = %s WHERE id = %s AND state <> 'done'", [sealed, attempt_id]
    )
    return bool(kept)


async def take_attempt(tx: Tx, *, attempt_id: UUID, code: str) -> Taken:
    """Return the attempt with the lease to exchange `code`, if it can still be exchanged and nobody is doing so.

    An attempt that failed may be taken again, with another code than the one that the provider refused.
    """
    lease = new_id()
    taken = await tx.execute(
        """
        UPDATE docking_attempts
        SET state = 'exchanging', reason = NULL, exchanging_by = %(lease)s, exchanging_until = %(until)s
        WHERE id = %(id)s AND (
          state = 'open' OR (state = 'exchanging' AND exchanging_until <= %(now)s)
          OR (state = 'failed' AND reason <> ALL(%(final)s) AND refused_code_digest IS DISTINCT FROM %(code)s)
        )
        """,
        {
            "lease": lease,
            "until": tx.now + LEASE,
            "id": attempt_id,
            "now": tx.now,
            "final": list(FINAL),
            "code": digest_of(code),
        },
    )
    return Taken(attempt=await read_attempt(tx, attempt_id=attempt_id), lease=lease if taken else None)


async def finish_attempt(tx: Tx, *, attempt_id: UUID, channel_id: ChannelId, external_id: str) -> None:
    """Say what came of an attempt. Whoever holds the grant says so, whosever lease it is by now."""
    await tx.execute(
        """
        UPDATE docking_attempts
        SET state = 'done', reason = NULL, channel_id = %s, external_id = %s, pushed_code = NULL,
            exchanging_by = NULL, exchanging_until = NULL, settled_at = %s
        WHERE id = %s
        """,
        [channel_id, external_id, tx.now, attempt_id],
    )


async def fail_attempt(tx: Tx, *, attempt_id: UUID, lease: UUID, reason: str, refused_code: str | None) -> None:
    """Say why an attempt came to nothing, and give the lease back. `refused_code` is not tried again."""
    await tx.execute(
        """
        UPDATE docking_attempts
        SET state = 'failed', reason = %(reason)s, exchanging_by = NULL, exchanging_until = NULL,
            refused_code_digest = %(refused)s, settled_at = %(now)s
        WHERE id = %(id)s AND state = 'exchanging' AND exchanging_by = %(lease)s
        """,
        {
            "reason": reason,
            "refused": None if refused_code is None else digest_of(refused_code),
            "now": tx.now,
            "id": attempt_id,
            "lease": lease,
        },
    )


def is_overdue(attempt: Attempt, *, now: datetime) -> bool:
    """Tell whether nobody finished the attempt in time, and nobody may any more."""
    return attempt.state == "open" and now >= attempt.expires_at + FINISHED_WITHIN


def how_it_stands(attempt: Attempt, *, now: datetime) -> tuple[AttemptState, str | None]:
    """Return an attempt's state and reason; one that nobody finished in time has failed."""
    if is_overdue(attempt, now=now):
        return "failed", DockingReason.ATTEMPT_EXPIRED
    return attempt.state, attempt.reason
