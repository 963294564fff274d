"""Sessions: a random token in the browser's cookie, its digest in the database.

A session ends 12 hours after its last request and 14 days after it began, whichever comes first, or by signing out.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from moorage.core.ids import AgentId, GroupId, PersonId, SessionId, WorkspaceId, new_id
from moorage.infra.database import Database, Tx
from moorage.staff.model import Actor, Locale, Person, Role, Workspace

IDLE: Final = timedelta(hours=12)
ABSOLUTE: Final = timedelta(days=14)
TOUCHED_EVERY: Final = timedelta(minutes=1)
"""A session's row is not written at each request; its end is this exact at most."""

LONGEST_USER_AGENT: Final = 300


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session just begun: the only moment at which its token exists outside the browser."""

    id: SessionId
    token: str
    csrf_token: str


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that is in force, and whose it is."""

    session_id: SessionId
    csrf_token: str
    person: Person
    workspace: Workspace
    actor: Actor
    operator: bool


@dataclass(frozen=True, slots=True)
class _Row:
    id: SessionId
    csrf_token: str
    person_id: PersonId
    email: str
    name: str
    operator: bool
    workspace_id: WorkspaceId | None
    agent_id: AgentId | None
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class _Membership:
    role: Role
    agent_name: str
    group_ids: list[GroupId]
    name: str
    locale: Locale
    time_zone: str


async def begin_session(
    tx: Tx, *, person_id: PersonId, agent_id: AgentId, remote_address: str, user_agent: str
) -> NewSession:
    """Store a session of the transaction's workspace and return it with its token."""
    session = NewSession(id=SessionId(new_id()), token=secrets.token_urlsafe(32), csrf_token=secrets.token_urlsafe(32))
    await tx.execute(
        """
        INSERT INTO sessions (id, token_digest, csrf_token, person_id, workspace_id, agent_id,
                              created_at, last_seen_at, expires_at, remote_address, user_agent)
        VALUES (%(id)s, %(digest)s, %(csrf_token)s, %(person_id)s, %(workspace_id)s, %(agent_id)s,
                %(now)s, %(now)s, %(expires_at)s, %(remote_address)s, %(user_agent)s)
        """,
        {
            "id": session.id,
            "digest": _digest(session.token),
            "csrf_token": session.csrf_token,
            "person_id": person_id,
            "workspace_id": tx.workspace_id,
            "agent_id": agent_id,
            "now": tx.now,
            "expires_at": tx.now + IDLE,
            "remote_address": remote_address,
            "user_agent": user_agent[:LONGEST_USER_AGENT],
        },
    )
    return session


async def find_session(database: Database, *, token: str) -> LiveSession | None:
    """Return the session in force that `token` belongs to, with today's rights, and count this as its use."""
    async with database.in_platform() as tx:
        row = await _find_row(tx, token)
        if row is not None and tx.now - row.last_seen_at >= TOUCHED_EVERY:
            await _touch(tx, row.id)
    if row is None or row.workspace_id is None or row.agent_id is None:
        return None
    async with database.in_workspace(row.workspace_id) as tx:
        membership = await _find_membership(tx, row.agent_id)
    if membership is None:
        return None
    return LiveSession(
        session_id=row.id,
        csrf_token=row.csrf_token,
        person=Person(id=row.person_id, email=row.email, name=row.name),
        workspace=Workspace(
            id=row.workspace_id, name=membership.name, locale=membership.locale, time_zone=membership.time_zone
        ),
        actor=Actor(
            person_id=row.person_id,
            agent_id=row.agent_id,
            workspace_id=row.workspace_id,
            role=membership.role,
            group_ids=frozenset(membership.group_ids),
            name=membership.agent_name,
        ),
        operator=row.operator,
    )


async def session_lives(database: Database, *, session_id: SessionId) -> bool:
    """Tell whether a session is still in force. Asking does not count as using it."""
    async with database.in_platform() as tx:
        found = await tx.value(
            "SELECT 1 FROM sessions WHERE id = %s AND ended_at IS NULL AND expires_at > %s", [session_id, tx.now]
        )
    return found is not None


async def end_session(tx: Tx, *, session_id: SessionId) -> bool:
    """End a session now and return whether it was still in force."""
    ended = await tx.execute(
        "UPDATE sessions SET ended_at = %s WHERE id = %s AND ended_at IS NULL", [tx.now, session_id]
    )
    return ended == 1


async def _find_row(tx: Tx, token: str) -> _Row | None:
    return await tx.row(
        _Row,
        """
        SELECT s.id, s.csrf_token, s.person_id, p.email, p.name, s.workspace_id, s.agent_id, s.last_seen_at,
               EXISTS (SELECT 1 FROM operators o WHERE o.person_id = s.person_id) AS operator
        FROM sessions s JOIN persons p ON p.id = s.person_id
        WHERE s.token_digest = %s AND s.ended_at IS NULL AND s.expires_at > %s
        """,
        [_digest(token), tx.now],
    )


async def _find_membership(tx: Tx, agent_id: AgentId) -> _Membership | None:
    return await tx.row(
        _Membership,
        """
        SELECT a.role, a.name AS agent_name, w.name, w.locale, w.time_zone,
               ARRAY(SELECT m.group_id FROM skill_group_members m
                     WHERE m.workspace_id = a.workspace_id AND m.agent_id = a.id) AS group_ids
        FROM agents a JOIN workspaces w ON w.id = a.workspace_id
        WHERE a.workspace_id = %s AND a.id = %s
        """,
        [tx.workspace_id, agent_id],
    )


async def _touch(tx: Tx, session_id: SessionId) -> None:
    await tx.execute(
        """
        UPDATE sessions
        SET last_seen_at = %(now)s, expires_at = least(%(now)s + %(idle)s, created_at + %(absolute)s)
        WHERE id = %(id)s AND ended_at IS NULL
        """,
        {"now": tx.now, "idle": IDLE, "absolute": ABSOLUTE, "id": session_id},
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
