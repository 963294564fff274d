"""Hands the facts of the event log to this process's sockets, each fact once, in order, to whom it concerns.

A socket joins where the process's reader stands: what came before, it reads from the log itself; what comes after, the
hub puts into its outbox. Nothing falls between the two.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from moorage.core.ids import SessionId, WorkspaceId
from moorage.infra.database import Database
from moorage.infra.events import EventReader, LoggedFact, Position
from moorage.realtime.model import CloseCode, Line, ResyncReason, line_of
from moorage.realtime.outbox import MOST_WAITING, Outbox
from moorage.staff.model import Actor
from moorage.staff.rights import audience_tokens

PAGE = 500
MOST_REPLAYED = 5000
"""Facts. Who missed more is quicker with a fresh snapshot."""
SIGN_OUT_TOPIC = "session.ended"
AGENT_TOPIC = "agent.changed"


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One socket: who it speaks for, and what it still has to be sent."""

    actor: Actor
    session_id: SessionId
    outbox: Outbox


@dataclass(frozen=True, slots=True)
class Joined:
    """Where a new socket stands: it is to read the facts after `after` up to `start` itself, or to begin afresh."""

    member: Member
    start: Position
    after: int
    resync: ResyncReason | None


class LogCut(Exception):
    """The facts that a socket missed are not kept any more: it is told to read everything again."""


class Hub:
    """All sockets of this process, and its one reader of the log."""

    def __init__(self, *, database: Database, url: str, most_waiting: int = MOST_WAITING) -> None:
        """`url` is where the reader's own connection goes; `most_waiting` facts make a client too slow."""
        self._reader = EventReader(database=database, url=url, listener=self)
        self._most_waiting = most_waiting
        self._rooms: dict[WorkspaceId, set[Member]] = {}
        self._workbenches: set[Member] = set()

    @property
    def sockets(self) -> int:
        """Return how many sockets are joined."""
        return sum(len(members) for members in self._rooms.values())

    async def run(self) -> None:
        """Hand out facts until cancelled. However that ends, every socket is told to come again with its cursor."""
        try:
            await self._reader.run()
        finally:
            for members in self._rooms.values():
                for member in members:
                    member.outbox.close(CloseCode.COME_AGAIN)

    @asynccontextmanager
    async def joined(self, *, actor: Actor, session_id: SessionId, cursor: Position | None) -> AsyncGenerator[Joined]:
        """Keep a place for a socket that has read up to `cursor` (None: it begins now) while the block runs."""
        resync = await self._resync_reason(actor.workspace_id, cursor)
        start = await self._reader.follow(actor.workspace_id)
        # From here to the registration nothing may be awaited, or a fact could fall between the two.
        after = cursor.seq if cursor is not None and resync is None else start.seq
        start = Position(epoch=start.epoch, seq=max(start.seq, after))
        outbox = Outbox(position=start, tokens=audience_tokens(actor), most_waiting=self._most_waiting)
        member = Member(actor, session_id, outbox)
        self._rooms.setdefault(actor.workspace_id, set()).add(member)
        try:
            yield Joined(member=member, start=start, after=after, resync=resync)
        finally:
            self._leave(member)

    async def missed(self, joined: Joined) -> AsyncGenerator[Sequence[Line]]:
        """Yield, page by page, the facts between a socket's cursor and its place. Raises LogCut where some are gone."""
        after = joined.after
        while after < joined.start.seq:
            limit = min(PAGE, joined.start.seq - after)
            page = await self._reader.read_since(joined.member.actor.workspace_id, seq=after, limit=limit)
            if not page or page[0].seq != after + 1:
                raise LogCut
            yield [line_of(fact) for fact in page]
            after = page[-1].seq

    def opened_workbench(self, member: Member) -> None:
        """Remember that this socket's client has the workbench open."""
        self._workbenches.add(member)

    def closed_workbench(self, member: Member) -> bool:
        """Forget that it had, and return whether its agent has no other workbench in this process."""
        self._workbenches.discard(member)
        return all(other.actor.agent_id != member.actor.agent_id for other in self._workbenches)

    def facts(self, workspace_id: WorkspaceId, facts: Sequence[LoggedFact]) -> None:
        """Put the next facts into the outboxes of whom they concern."""
        lines = [line_of(fact) for fact in facts]
        ended = {fact.object_id for fact in facts if fact.topic == SIGN_OUT_TOPIC}
        roles = {fact.object_id: fact.payload.get("role") for fact in facts if fact.topic == AGENT_TOPIC}
        for member in self._rooms.get(workspace_id, ()):
            if member.session_id in ended:
                member.outbox.close(CloseCode.SIGNED_OUT)
                continue
            member.outbox.offer(lines)
            if roles.get(member.actor.agent_id, member.actor.role) != member.actor.role:
                member.outbox.start_again(reason="rights_changed")

    def reset(self, workspace_id: WorkspaceId, position: Position) -> None:
        """Have every socket of the workspace read everything again: the log is not the one they followed."""
        for member in self._rooms.get(workspace_id, ()):
            member.outbox.begin_at(position, reason="unknown_epoch")

    async def _resync_reason(self, workspace_id: WorkspaceId, cursor: Position | None) -> ResyncReason | None:
        if cursor is None:
            return None
        newest = await self._reader.position(workspace_id)
        if cursor.epoch != newest.epoch:
            return "unknown_epoch"
        if cursor.seq > newest.seq:
            return "unknown_position"
        return "too_much" if newest.seq - cursor.seq > MOST_REPLAYED else None

    def _leave(self, member: Member) -> None:
        self._workbenches.discard(member)
        members = self._rooms[member.actor.workspace_id]
        members.discard(member)
        if not members:
            del self._rooms[member.actor.workspace_id]
            self._reader.forget(member.actor.workspace_id)
