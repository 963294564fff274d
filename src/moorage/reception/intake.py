"""What becomes of a push: stored once, taken in, answered in time. Two short transactions, and a sweeper behind them.

If the first fails, the provider is told to come again. If the second fails, the push stays for the sweeper and the
provider is told that all is well.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import psycopg
import structlog

from moorage.channels.credentials import open_verification
from moorage.channels.model import Address
from moorage.connectors.contract import Inbound, WireReply
from moorage.connectors.registry import Connectors, required_answering_power
from moorage.conversations.outgoing_links import OutgoingLinks
from moorage.core.errors import DomainError
from moorage.infra.database import Database, Tx
from moorage.infra.secrets import SecretBox
from moorage.reception.account_events import tells_of_account
from moorage.reception.pushes import StoredPush, leave_to_api, read_push
from moorage.reception.taking_in import Request, take_in_request
from moorage.reception.together import Arrival, Together

LOCK_TIMEOUT = timedelta(seconds=2)
PASSIVE_WITHIN_S = 3.5
"""A later answer might meet a provider that has gone: it goes through the API instead."""
LOOKS_EVERY_S = 0.1
GIVES_UP_WITHIN_S = 0.4

log = structlog.get_logger()


@dataclass(eq=False)
class PushNotStored(DomainError):
    """The push could not be stored in time; nothing of it is kept, so the provider must come again."""

    code: ClassVar[str] = "reception.push_not_stored"
    kind: ClassVar[str] = "unavailable"
    why: str


class Intake:
    """Receives pushes for any channel."""

    def __init__(
        self,
        *,
        database: Database,
        connectors: Connectors,
        box: SecretBox,
        links: OutgoingLinks,
        lock_timeout: timedelta = LOCK_TIMEOUT,
    ) -> None:
        self._database = database
        self._lock_timeout = lock_timeout
        self._connectors = connectors
        self._box = box
        self._links = links
        self._together = Together(database=database, connectors=connectors, lock_timeout=lock_timeout)

    async def receive(
        self, *, address: Address, inbound: Inbound, deadline: float, credentials: Mapping[str, str] | None = None
    ) -> WireReply:
        """Return the answer to a verified push, at the latest at `deadline` (loop seconds) and a little.

        It is sealed with `credentials`; None: those of the address itself.
        Raises MalformedInput for a replayed signature, and PushNotStored: then the provider must be told to come
        again.
        """
        loop = asyncio.get_running_loop()
        passive_until = loop.time() + PASSIVE_WITHIN_S
        connector = self._connectors[address.kind]
        push = await self._store(address, inbound, deadline=deadline)
        if push.answer_by == "open" or not push.taken_in:
            request = Request(
                push=push, inbound=inbound, may_answer=lambda: loop.time() < passive_until, links=self._links
            )
            push = await self._settled(address, request, deadline=deadline)
        if push.answer_by != "passive" or push.reply is None:
            return connector.acknowledge()
        return required_answering_power(connector).seal_reply(
            credentials=open_verification(self._box, address) if credentials is None else credentials,
            reply=push.reply,
            context=inbound.reply_context,
            now=self._database.clock.now(),
        )

    async def _store(self, address: Address, inbound: Inbound, *, deadline: float) -> StoredPush:
        try:
            async with asyncio.timeout_at(deadline):
                arrival = Arrival(channel_id=address.channel_id, inbound=inbound)
                return await self._together.store(address.workspace_id, arrival)
        except (TimeoutError, psycopg.OperationalError) as reason:
            raise PushNotStored(why=_name(reason)) from reason

    async def _settled(self, address: Address, request: Request, *, deadline: float) -> StoredPush:
        """Return the push when it is settled, by us or by who was quicker; else leave it to sweeper and API."""
        push = request.push
        try:
            async with asyncio.timeout_at(deadline):
                if not push.taken_in:
                    return await self._take_in_or_wait(address, request)
                return await self._wait_for_answer(address, push)
        except (TimeoutError, psycopg.OperationalError) as reason:
            log.warning(
                "push_left_to_sweeper", push_id=str(push.id), channel_id=str(address.channel_id), why=_name(reason)
            )
        except Exception:
            log.exception("push_not_taken_in", push_id=str(push.id), channel_id=str(address.channel_id))
        return await self._give_up(address, push)

    async def _take_in_or_wait(self, address: Address, request: Request) -> StoredPush:
        """Take the push in. A redelivery that cannot, as somebody works on the thread, waits for the outcome."""
        try:
            return await self._take_in(address, request)
        except psycopg.errors.LockNotAvailable:
            if request.push.is_new:
                raise
            return await self._wait_for_answer(address, request.push)

    async def _take_in(self, address: Address, request: Request) -> StoredPush:
        if not tells_of_account(request.inbound):
            return await self._together.take_in(address.workspace_id, request)

        async def take_in(tx: Tx) -> StoredPush:
            return await take_in_request(tx, connectors=self._connectors, request=request)

        return await self._database.run(address.workspace_id, take_in, lock_timeout=self._lock_timeout)

    async def _wait_for_answer(self, address: Address, push: StoredPush) -> StoredPush:
        """Return the push when its answer is settled. The caller's deadline ends the wait."""
        while push.answer_by == "open":
            await asyncio.sleep(LOOKS_EVERY_S)
            async with self._database.in_workspace(address.workspace_id) as tx:
                push = await read_push(tx, push_id=push.id, day=push.day)
        return push

    async def _give_up(self, address: Address, push: StoredPush) -> StoredPush:
        """Leave the answer to the API, and return the push as it stands: perhaps it was settled after all."""
        patience = timedelta(seconds=GIVES_UP_WITHIN_S)
        try:
            async with (
                asyncio.timeout(GIVES_UP_WITHIN_S),
                self._database.in_workspace(address.workspace_id, lock_timeout=patience) as tx,
            ):
                await leave_to_api(tx, push_id=push.id, day=push.day)
                return await read_push(tx, push_id=push.id, day=push.day)
        except (TimeoutError, psycopg.OperationalError) as reason:
            log.warning(
                "push_not_given_up", push_id=str(push.id), channel_id=str(address.channel_id), why=_name(reason)
            )
            return push


def _name(error: Exception) -> str:
    return type(error).__name__
