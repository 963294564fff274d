"""Signing in and out."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import structlog

from moorage.core.errors import DomainError
from moorage.core.ids import AgentId, PersonId, SessionId, WorkspaceId
from moorage.infra.audit import write_audit
from moorage.infra.database import Database, Tx
from moorage.staff.limits import Attempt, attempt_of, settle, too_many, wait_of
from moorage.staff.model import normalise_email
from moorage.staff.passwords import Passwords
from moorage.staff.presence import come_online, leave_work
from moorage.staff.sessions import LiveSession, NewSession, begin_session, end_session
from moorage.staff.views import session_ended

log = structlog.get_logger(__name__)


@dataclass(eq=False)
class WrongCredentials(DomainError):
    """Nobody has this address, or the password is another one; which of the two is not told."""

    code: ClassVar[str] = "staff.wrong_credentials"
    kind: ClassVar[str] = "unauthenticated"


@dataclass(eq=False)
class NoWorkspace(DomainError):
    """The person is known and works for no company here."""

    code: ClassVar[str] = "staff.no_workspace"
    kind: ClassVar[str] = "forbidden"


@dataclass(frozen=True, slots=True)
class _Known:
    id: PersonId
    password_hash: str


@dataclass(frozen=True, slots=True)
class _Membership:
    workspace_id: WorkspaceId
    agent_id: AgentId


async def sign_in(
    database: Database, passwords: Passwords, *, email: str, password: str, remote_address: str, user_agent: str
) -> NewSession:
    """Begin a session for whom `email` and `password` belong to, in the workspace they joined first.

    Raises WrongCredentials, TooManyAttempts, NoWorkspace or SignInBusy. No transaction is open while the password is
    hashed, and an unknown address costs the same work as a known one.
    """
    address = normalise_email(email)
    attempt = attempt_of(email=address or email, remote_address=remote_address)
    async with database.in_platform() as tx:
        wait = await wait_of(tx, attempt)
        known = await _find_person(tx, address) if address and wait is None else None
    _refuse_if_waiting(wait)
    right = await passwords.verify(known.password_hash if known else None, password)
    await _settle(database, attempt, known=known, right=right)
    if known is None or not right:
        raise WrongCredentials
    if passwords.is_outdated(known.password_hash):
        await _renew_hash(database, passwords, known=known, password=password)
    return await _begin(database, person_id=known.id, remote_address=remote_address, user_agent=user_agent)


async def sign_out(tx: Tx, *, live: LiveSession, remote_address: str) -> bool:
    """End a session: its agent is gone, and every process closes the session's sockets. False if it had ended."""
    actor = live.actor
    if not await end_session(tx, session_id=live.session_id):
        return False
    await leave_work(tx, agent_id=actor.agent_id)
    tx.record(session_ended(session_id=live.session_id, agent_id=actor.agent_id))
    await _audit(tx, "staff.signed_out", actor.person_id, live.session_id, remote_address)
    log.info("signed_out", person_id=str(actor.person_id), session_id=str(live.session_id))
    return True


async def _find_person(tx: Tx, email: str) -> _Known | None:
    return await tx.row(_Known, "SELECT id, password_hash FROM persons WHERE email = %s", [email])


def _refuse_if_waiting(wait: timedelta | None) -> None:
    if wait is not None:
        log.warning("sign_in_limited")
        raise too_many(wait)


async def _settle(database: Database, attempt: Attempt, *, known: _Known | None, right: bool) -> None:
    async with database.in_platform() as tx:
        wait = await settle(tx, attempt, person_id=known.id if known else None, right=right)
    _refuse_if_waiting(wait)


async def _renew_hash(database: Database, passwords: Passwords, *, known: _Known, password: str) -> None:
    renewed = await passwords.rehash(password)
    async with database.in_platform() as tx:
        await tx.execute(
            "UPDATE persons SET password_hash = %s WHERE id = %s AND password_hash = %s",
            [renewed, known.id, known.password_hash],
        )


async def _begin(database: Database, *, person_id: PersonId, remote_address: str, user_agent: str) -> NewSession:
    async with database.in_platform() as tx:
        membership = await tx.row(
            _Membership,
            "SELECT workspace_id, agent_id FROM memberships WHERE person_id = %s ORDER BY since, workspace_id LIMIT 1",
            [person_id],
        )
    if membership is None:
        raise NoWorkspace

    async def enter(tx: Tx) -> NewSession:
        session = await begin_session(
            tx,
            person_id=person_id,
            agent_id=membership.agent_id,
            remote_address=remote_address,
            user_agent=user_agent,
        )
        await come_online(tx, agent_id=membership.agent_id)
        await _audit(tx, "staff.signed_in", person_id, session.id, remote_address)
        return session

    session = await database.run(membership.workspace_id, enter)
    log.info("signed_in", person_id=str(person_id), session_id=str(session.id))
    return session


async def _audit(tx: Tx, act: str, person_id: PersonId, session_id: SessionId, remote_address: str) -> None:
    await write_audit(
        tx,
        by=person_id,
        remote_address=remote_address,
        act=act,
        object_kind="session",
        object_id=session_id,
        before=None,
        after=None,
    )
