"""The reading side of the event log: in order, without gaps, again after every interruption."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from moorage.core.ids import WorkspaceId, new_id
from moorage.infra.database import Database
from moorage.infra.listening import wake_ups

CHANNEL = "moorage_events"
POLL_EVERY_S = 1.0
BATCH = 500

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LoggedFact:
    """One line of the event log. `audience` and `payload` are as they were recorded."""

    seq: int
    topic: str
    object_id: UUID
    object_version: int
    audience: Sequence[str]
    payload: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Position:
    """How far a workspace's log has come. Numbers of another epoch mean nothing."""

    epoch: UUID
    seq: int


@dataclass(frozen=True, slots=True)
class _Counter:
    workspace_id: UUID
    epoch: UUID
    seq: int


@dataclass(frozen=True, slots=True)
class _Workspace:
    id: WorkspaceId


class FactListener(Protocol):
    """Who is told of new facts. Both methods return at once: they put things into queues and wait for nobody."""

    def facts(self, workspace_id: WorkspaceId, facts: Sequence[LoggedFact]) -> None:
        """Take the next facts of a followed workspace: each number once, in order."""
        ...

    def reset(self, workspace_id: WorkspaceId, position: Position) -> None:
        """Forget every number: the log was restored from a copy, and goes on from `position`."""
        ...


class EventReader:
    """One process's reader. It reads only workspaces that somebody here follows."""

    def __init__(self, *, database: Database, url: str, listener: FactListener) -> None:
        self._database = database
        self._url = url
        self._listener = listener
        self._reached: dict[WorkspaceId, Position] = {}

    async def run(self) -> None:
        """Tell the listener of new facts until cancelled. A database that is away is asked again each second."""
        async with aclosing(wake_ups(url=self._url, channel=CHANNEL, at_least_every_s=POLL_EVERY_S)) as batches:
            async for payloads in batches:
                try:
                    await self._read_new(payloads)
                except (psycopg.OperationalError, PoolTimeout):
                    log.warning("event_log_not_read")

    async def follow(self, workspace_id: WorkspaceId) -> Position:
        """Follow a workspace from now on, and return the position after which the listener will be told.

        Whoever registers with the listener before the next `await` misses nothing.
        """
        if workspace_id not in self._reached:
            position = await self.position(workspace_id)
            self._reached.setdefault(workspace_id, position)
        return self._reached[workspace_id]

    def forget(self, workspace_id: WorkspaceId) -> None:
        """Stop following a workspace."""
        self._reached.pop(workspace_id, None)

    async def position(self, workspace_id: WorkspaceId) -> Position:
        """Return the newest committed position of a workspace. Raises LookupError if it has no counter."""
        async with self._database.in_workspace(workspace_id) as tx:
            position = await tx.row(Position, "SELECT epoch, seq FROM event_counters")
        if position is None:
            raise LookupError(f"workspace {workspace_id} has no event counter")
        return position

    async def read_since(self, workspace_id: WorkspaceId, *, seq: int, limit: int) -> list[LoggedFact]:
        """Return up to `limit` facts after `seq`, in order.

        The first one has the number `seq + 1` unless that day has been dropped: then the reader must start anew.
        """
        async with self._database.in_workspace(workspace_id) as tx:
            return await tx.rows(
                LoggedFact,
                """
                SELECT seq, topic, object_id, object_version, audience, payload
                FROM event_log WHERE workspace_id = %s AND seq > %s ORDER BY seq LIMIT %s
                """,
                [workspace_id, seq, limit],
            )

    async def _read_new(self, payloads: frozenset[str]) -> None:
        followed = list(self._reached)
        woken = [workspace_id for workspace_id in followed if str(workspace_id) in payloads] if payloads else followed
        if not woken:
            return
        async with self._database.as_system() as tx:
            counters = await tx.rows(
                _Counter, "SELECT workspace_id, epoch, seq FROM event_counters WHERE workspace_id = ANY(%s)", [woken]
            )
        for counter in counters:
            await self._read_up_to(WorkspaceId(counter.workspace_id), Position(epoch=counter.epoch, seq=counter.seq))

    async def _read_up_to(self, workspace_id: WorkspaceId, newest: Position) -> None:
        while (reached := self._reached.get(workspace_id)) is not None:
            if newest.epoch != reached.epoch or newest.seq < reached.seq:
                self._reached[workspace_id] = newest
                self._listener.reset(workspace_id, newest)
                return
            if newest.seq == reached.seq:
                return
            facts = await self.read_since(workspace_id, seq=reached.seq, limit=BATCH)
            if self._reached.get(workspace_id) != reached:
                continue  # forgotten and followed anew meanwhile: what was read belongs to nobody
            if not facts or facts[0].seq != reached.seq + 1:
                self._reached[workspace_id] = newest
                self._listener.reset(workspace_id, newest)
                return
            newest = Position(epoch=newest.epoch, seq=max(newest.seq, facts[-1].seq))
            self._reached[workspace_id] = Position(epoch=reached.epoch, seq=facts[-1].seq)
            self._listener.facts(workspace_id, facts)


async def begin_new_epochs(database: Database) -> int:
    """Begin a new epoch in every workspace and return how many there are.

    To be called after the database was set back: numbers given out since the copy was made will be given out again, and
    only the epoch tells browsers that they mean something else.
    """
    async with database.in_platform() as tx:
        workspaces = await tx.rows(_Workspace, "SELECT id FROM workspaces")
    for workspace in workspaces:
        async with database.in_workspace(workspace.id) as tx:
            await tx.execute(
                "UPDATE event_counters SET epoch = %s WHERE workspace_id = %s", [new_id(), tx.workspace_id]
            )
    return len(workspaces)
