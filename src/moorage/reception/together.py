"""Intake's two transactions, each for all pushes of a company that are there at the same moment.

Alone, a push costs more in BEGIN, COMMIT and waiting than in statements. The threads of a round are locked first, in
one order for all processes, so the order of locks stays thread, conversation, seat, counter. A round in which anything
fails is undone, and each of its pushes goes its own way.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

import psycopg

from moorage.channels.replays import refuse_replayed
from moorage.connectors.contract import Inbound
from moorage.connectors.registry import Connectors
from moorage.conversations.open_thread import Whose
from moorage.core.ids import ChannelId, WorkspaceId
from moorage.infra.database import Database, Tx
from moorage.infra.rounds import RoundFailed, Rounds
from moorage.reception.pushes import StoredPush, ask_to_store, find_stored
from moorage.reception.taking_in import Request, take_in_requests

MOST_AT_ONCE = 16
PATIENCE_TOGETHER = timedelta(milliseconds=100)
"""How long a round waits for a lock: everybody else's customers wait meanwhile. Who needs longer waits alone."""
SWEPT_AFTER = timedelta(seconds=6)
"""When the sweeper may think that nobody takes a push in any more."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A verified push that is to be stored."""

    channel_id: ChannelId
    inbound: Inbound

    @property
    def whose(self) -> Whose:
        """Return whose it is. Pushes of one customer never share a round."""
        return Whose(channel_id=self.channel_id, external_customer_id=self.inbound.external_customer_id)


Push = TypeVar("Push", Arrival, Request)
Result = TypeVar("Result")


class Together:
    """Stores pushes and takes them in, those of a company in rounds."""

    def __init__(self, *, database: Database, connectors: Connectors, lock_timeout: timedelta) -> None:
        self._database = database
        self._connectors = connectors
        self._lock_timeout = lock_timeout
        self._storing: dict[WorkspaceId, Rounds[Arrival, StoredPush | None]] = {}
        self._taking_in: dict[WorkspaceId, Rounds[Request, StoredPush]] = {}

    async def store(self, workspace_id: WorkspaceId, arrival: Arrival) -> StoredPush:
        """Store a push once and return how it stands. Raises MalformedInput for a replayed signature."""
        if arrival.inbound.uncovered is not None:
            async with self._database.in_workspace(workspace_id, lock_timeout=self._lock_timeout) as tx:
                await refuse_replayed(tx, channel_id=arrival.channel_id, uncovered=arrival.inbound.uncovered)
        try:
            stored = await self._rounds_of(self._storing, workspace_id, self._store_all).join(arrival)
        except (RoundFailed, psycopg.errors.LockNotAvailable):
            [stored] = await self._store_all(workspace_id, self._lock_timeout, [arrival])
        if stored is not None:
            return stored
        async with self._database.in_workspace(workspace_id) as tx:
            return await find_stored(tx, channel_id=arrival.channel_id, inbound=arrival.inbound)

    async def take_in(self, workspace_id: WorkspaceId, request: Request) -> StoredPush:
        """Take in a push of a request and return how it stands then."""
        try:
            return await self._rounds_of(self._taking_in, workspace_id, self._take_in_all).join(request)
        except (RoundFailed, psycopg.errors.LockNotAvailable):
            [push] = await self._take_in_all(workspace_id, self._lock_timeout, [request])
            return push

    def _rounds_of(
        self,
        rounds: dict[WorkspaceId, Rounds[Push, Result]],
        workspace_id: WorkspaceId,
        work: Callable[[WorkspaceId, timedelta, Sequence[Push]], Awaitable[Sequence[Result]]],
    ) -> Rounds[Push, Result]:
        if workspace_id not in rounds:
            patience = min(self._lock_timeout, PATIENCE_TOGETHER)
            rounds[workspace_id] = Rounds(partial(work, workspace_id, patience), most=MOST_AT_ONCE, apart=_whose)
        return rounds[workspace_id]

    async def _store_all(
        self, workspace_id: WorkspaceId, patience: timedelta, arrivals: Sequence[Arrival]
    ) -> Sequence[StoredPush | None]:
        """Store pushes and return how each stands; None for one that came before."""
        in_order = [(one.channel_id, one.inbound) for one in sorted(arrivals, key=_whose)]
        async with self._database.in_workspace(workspace_id, lock_timeout=patience) as tx:
            asked = await ask_to_store(tx, arrivals=in_order, not_before=tx.now + SWEPT_AFTER)
        stored = {(push.channel_id, push.once_key): push for push in await asked.rows()}
        return [stored.get((one.channel_id, one.inbound.once_key)) for one in arrivals]

    async def _take_in_all(
        self, workspace_id: WorkspaceId, patience: timedelta, requests: Sequence[Request]
    ) -> Sequence[StoredPush]:
        async def take_in(tx: Tx) -> Sequence[StoredPush]:
            taken = await take_in_requests(tx, connectors=self._connectors, requests=sorted(requests, key=_whose))
            return [taken[one.whose] for one in requests]

        return await self._database.run(workspace_id, take_in, lock_timeout=patience)


def _whose(push: Arrival | Request) -> Whose:
    return push.whose
