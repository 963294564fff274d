"""The two doors to the database, and the unit of work that stands behind them.

`in_workspace()` opens a transaction that sees one company's rows. `as_system()` opens one that sees, on the few tables
that timers, sweeper and sender read, the rows of all. Nothing else opens a transaction. An operation receives its `Tx`
and never commits; leaving a door by an exception rolls everything back.

Inside a door statements go out in a pipeline: what is sent without a question (`Tx.send`) waits for no answer, and goes
with the next question or with COMMIT. So a transaction costs as many round trips as it asks questions, and one more.

On the way out a door runs the `now` subscribers of the domain events that were published, defers a job for each
`later` one, and, as the last statements before COMMIT, numbers and inserts the collected facts of the event log.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, LiteralString, Protocol, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import class_row, scalar_row, tuple_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from moorage.core.clock import Clock
from moorage.core.ids import PersonId, WorkspaceId

Row = TypeVar("Row")
Result = TypeVar("Result")
Params = Mapping[str, object] | Sequence[object] | None

REPEATED_STATES = ("40P01", "40001")  # deadlock detected, serialization failure: nothing happened, try again
MOST_ATTEMPTS = 3


class DomainEvent:
    """A fact that a higher room may react to. Subclasses are frozen dataclasses in a room's `events.py`."""


@dataclass(frozen=True, slots=True)
class RunningCommand:
    """The command that this task carries out, named so that it can be sent again without being done again."""

    person_id: PersonId
    key: str


RUNNING_COMMAND: ContextVar[RunningCommand | None] = ContextVar("running_command", default=None)
"""Set at the door of a request. A transaction that changes what others see marks it as carried out."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the event log: what browsers and webhooks are told, in commit order.

    `audience` holds tokens of those who may see it: `all`, `role:supervisor`, `agent:<id>`, `group:<id>`.
    `version` is the object's own, so that a reader applies it only if it is newer than what it has.
    """

    topic: str
    object_id: UUID
    version: int
    audience: tuple[str, ...]
    payload: Mapping[str, object]


class Subscriptions(Protocol):
    """What is to happen with a domain event, in the same transaction (`now`) or as a job written in it (`later`)."""

    async def dispatch(self, tx: "Tx", event: DomainEvent) -> None:
        """Run the `now` functions of `event` and write the jobs of its `later` ones."""
        ...


class Asked(Generic[Row]):
    """A question that has been sent. Several go out together; asking for the rows of one waits for it.

    Rows may also be taken after the door was left: then the question went out with COMMIT and cost no wait of its own.
    """

    def __init__(self, cursor: psycopg.AsyncCursor[Row]) -> None:
        self._cursor = cursor

    async def row(self) -> Row | None:
        """Return the first row, or None."""
        return await self._cursor.fetchone()

    async def rows(self) -> list[Row]:
        """Return all rows."""
        return await self._cursor.fetchall()


@dataclass(slots=True)
class Attempt:
    """A part of a transaction, from its beginning to the end of its block."""

    undone: bool = False

    def undo(self) -> None:
        """Undo it when its block ends."""
        self.undone = True


class Tx:
    """One open transaction. Statements are plain SQL with named or positional parameters."""

    def __init__(
        self,
        *,
        connection: psycopg.AsyncConnection,
        pipeline: psycopg.AsyncPipeline,
        workspace_id: WorkspaceId | None,
        now: datetime,
    ) -> None:
        self.connection = connection
        self._pipeline = pipeline
        self.now = now
        self._workspace_id = workspace_id
        self.events: list[DomainEvent] = []
        self.facts: list[Fact] = []

    @property
    def workspace_id(self) -> WorkspaceId:
        """Return the workspace this transaction sees. Only a system transaction has none; asking it is a defect."""
        if self._workspace_id is None:
            raise LookupError("a system transaction belongs to no workspace")
        return self._workspace_id

    async def execute(self, query: LiteralString, params: Params = None) -> int:
        """Run `query` and return the number of rows it touched."""
        cursor = self.connection.cursor(row_factory=tuple_row)
        await cursor.execute(query, params)
        await self._pipeline.sync()
        return cursor.rowcount

    async def send(self, query: LiteralString, params: Params = None) -> None:
        """Send `query`, of which nothing is to be known; what goes wrong with it is raised by what is awaited next."""
        await self.connection.cursor(row_factory=tuple_row).execute(query, params)

    async def ask(self, kind: type[Row], query: LiteralString, params: Params = None) -> Asked[Row]:
        """Send `query` and return the question, whose rows are each a `kind` (columns are its keyword arguments)."""
        cursor = self.connection.cursor(row_factory=class_row(kind))
        await cursor.execute(query, params)
        return Asked(cursor)

    async def row(self, kind: type[Row], query: LiteralString, params: Params = None) -> Row | None:
        """Return the first row as a `kind`, or None."""
        return await (await self.ask(kind, query, params)).row()

    async def rows(self, kind: type[Row], query: LiteralString, params: Params = None) -> list[Row]:
        """Return all rows, each as a `kind`."""
        return await (await self.ask(kind, query, params)).rows()

    async def value(self, query: LiteralString, params: Params = None) -> object | None:
        """Return the first column of the first row, or None where there is no row."""
        cursor = self.connection.cursor(row_factory=scalar_row)
        await cursor.execute(query, params)
        return await cursor.fetchone()

    @asynccontextmanager
    async def attempt(self) -> AsyncGenerator[Attempt]:
        """Run a block that can be undone, with the locks it took, while the transaction goes on."""
        attempt = Attempt()
        facts, events = len(self.facts), len(self.events)
        await self.send("SAVEPOINT attempt")
        yield attempt
        if attempt.undone:
            del self.facts[facts:], self.events[events:]
            await self.send("ROLLBACK TO SAVEPOINT attempt")

    def publish(self, event: DomainEvent) -> None:
        """Tell higher rooms of `event` before this transaction commits."""
        self.events.append(event)

    def record(self, fact: Fact) -> None:
        """Add `fact` to the event log when this transaction commits."""
        self.facts.append(fact)


class Database:
    """One process's way to PostgreSQL: a pool, the doors, and what happens on the way out of them."""

    def __init__(self, *, pool: AsyncConnectionPool, clock: Clock, subscriptions: Subscriptions) -> None:
        self.pool = pool
        self.clock = clock
        self._subscriptions = subscriptions

    @asynccontextmanager
    async def in_workspace(
        self, workspace_id: WorkspaceId, *, lock_timeout: timedelta | None = None
    ) -> AsyncGenerator[Tx]:
        """Open a transaction that sees the rows of `workspace_id` and no others.

        Where somebody waits for us outside, `lock_timeout` ends each wait for a lock by psycopg's LockNotAvailable.
        """
        async with self._transaction(workspace_id) as tx:
            if lock_timeout is None:
                await tx.send("SELECT set_config('moorage.workspace_id', %s, true)", [str(workspace_id)])
            else:
                await tx.send(
                    "SELECT set_config('moorage.workspace_id', %s, true), set_config('lock_timeout', %s, true)",
                    [str(workspace_id), f"{lock_timeout / timedelta(milliseconds=1):.0f}ms"],
                )
            yield tx
            await self._leave(tx)

    @asynccontextmanager
    async def as_system(self) -> AsyncGenerator[Tx]:
        """Open a transaction that sees, on the tables opened to `moorage_system`, the rows of every workspace."""
        async with self._transaction(None) as tx:
            await tx.send("SET LOCAL ROLE moorage_system")
            yield tx
            await self._leave(tx)

    @asynccontextmanager
    async def in_platform(self) -> AsyncGenerator[Tx]:
        """Open a transaction for platform tables. It names no workspace, so a company's table fails aloud in it."""
        async with self._transaction(None) as tx:
            yield tx
            await self._leave(tx)

    @asynccontextmanager
    async def _transaction(self, workspace_id: WorkspaceId | None) -> AsyncGenerator[Tx]:
        """Open a transaction in a pipeline: BEGIN goes out with the first question, COMMIT with what was sent last."""
        async with (
            self.pool.connection() as connection,
            connection.pipeline() as pipeline,
            connection.transaction(),
        ):
            tx = Tx(connection=connection, pipeline=pipeline, workspace_id=workspace_id, now=self.clock.now())
            try:
                yield tx
            except BaseException:
                # After a failure the server passes over everything until it is told to go on: else also ROLLBACK.
                with suppress(psycopg.Error):
                    await pipeline.sync()
                raise

    async def run(
        self,
        workspace_id: WorkspaceId,
        operation: Callable[[Tx], Awaitable[Result]],
        *,
        lock_timeout: timedelta | None = None,
    ) -> Result:
        """Return what `operation` returns, run in a workspace and repeated if PostgreSQL undid it to end a deadlock.

        Operations have no outside effects, so repeating one is safe. The third failure is raised.
        """
        for attempt in range(1, MOST_ATTEMPTS):
            try:
                async with self.in_workspace(workspace_id, lock_timeout=lock_timeout) as tx:
                    return await operation(tx)
            except psycopg.OperationalError as error:
                if error.sqlstate not in REPEATED_STATES:
                    raise
            await asyncio.sleep(random.uniform(0.005, 0.05) * attempt)  # noqa: S311 -- jitter, not a secret
        async with self.in_workspace(workspace_id, lock_timeout=lock_timeout) as tx:
            return await operation(tx)

    async def _leave(self, tx: Tx) -> None:
        while tx.events:
            await self._subscriptions.dispatch(tx, tx.events.pop(0))
        if tx.facts:
            await _mark_carried_out(tx)
            await _write_facts(tx)


async def _mark_carried_out(tx: Tx) -> None:
    """Mark the running command in the very transaction that does it, so that no crash lies between the two."""
    command = RUNNING_COMMAND.get()
    if command is not None:
        await tx.send(
            "UPDATE idempotency_keys SET carried_out_at = %s WHERE person_id = %s AND key = %s",
            [tx.now, command.person_id, command.key],
        )


async def _write_facts(tx: Tx) -> None:
    """Number and insert the collected facts, and wake the readers.

    The counter row is locked here, last of all locks. COMMIT goes out together with this statement, so that commit
    order is `seq` order without gaps, and nobody waits for the row longer than a commit takes on the server.
    """
    rows = [
        {
            "n": n,
            "topic": fact.topic,
            "object_id": str(fact.object_id),
            "object_version": fact.version,
            "audience": fact.audience,
            "payload": fact.payload,
        }
        for n, fact in enumerate(tx.facts, start=1)
    ]
    await tx.send(
        """
        WITH counter AS (
          UPDATE event_counters SET seq = seq + %(count)s WHERE workspace_id = %(workspace_id)s
          RETURNING seq - %(count)s AS base
        ), written AS (
          INSERT INTO event_log
                 (workspace_id, seq, day, topic, object_id, object_version, audience, payload, created_at)
          SELECT %(workspace_id)s, counter.base + fact.n, (%(now)s AT TIME ZONE 'UTC')::date,
                 fact.topic, fact.object_id, fact.object_version, fact.audience, fact.payload, %(now)s
          FROM counter, jsonb_to_recordset(%(facts)s)
               AS fact(n int, topic text, object_id uuid, object_version bigint, audience text[], payload jsonb)
        )
        SELECT pg_notify('moorage_events', %(workspace_id)s::text)
        """,
        {"count": len(rows), "workspace_id": tx.workspace_id, "now": tx.now, "facts": Jsonb(rows)},
    )
