"""Takes in the pushes that stayed, gives free seats to who still waits or was left behind, and ends what a silent
channel has left open.

It is the net under intake and jobs.
"""

import asyncio
from datetime import timedelta

import psycopg
import structlog

from moorage.connectors.registry import Connectors
from moorage.infra.database import Database, Tx
from moorage.reception.leaving import find_left_behind, requeue_left_behind
from moorage.reception.operations import pick_up_group
from moorage.reception.pushes import WaitingThread, find_waiting_threads, oldest_waiting_push, put_off
from moorage.reception.queue import find_waiting_queues
from moorage.reception.settling import find_unsettled_channels, settle_channel
from moorage.reception.taking_in import take_in_oldest

LOOKS_EVERY_S = 1.0
LOOKS_AT_QUEUES_EVERY_S = 5.0
THREADS_AT_ONCE = 100
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=5)

log = structlog.get_logger()


class Sweeper:
    """One loop in each worker. Several do no harm: the locks of threads and queues keep them apart."""

    def __init__(self, *, database: Database, connectors: Connectors) -> None:
        self._database = database
        self._connectors = connectors

    async def run(self, *, stop: asyncio.Event) -> None:
        """Sweep until `stop` is set."""
        loop = asyncio.get_running_loop()
        queues_at = loop.time()
        while not stop.is_set():
            try:
                await self.sweep_pushes()
                if loop.time() >= queues_at:
                    queues_at = loop.time() + LOOKS_AT_QUEUES_EVERY_S
                    await self.sweep_left_behind()
                    await self.sweep_queues()
                    await self.sweep_channels()
            except psycopg.OperationalError:
                log.warning("sweep_interrupted")
            await _pause(stop)

    async def sweep_pushes(self) -> int:
        """Take in what should have been taken in by now, each customer's pushes in order, and return how many."""
        async with self._database.as_system() as tx:
            threads = await find_waiting_threads(tx, most=THREADS_AT_ONCE)
        taken = 0
        for thread in threads:
            taken += await self._take_in_all_of(thread)
        return taken

    async def sweep_left_behind(self) -> int:
        """Give customers who wait for agents who are away to others, and return how many."""
        async with self._database.as_system() as tx:
            left = await find_left_behind(tx)
        for one in left:
            await requeue_left_behind(self._database, connectors=self._connectors, left=one)
        return len(left)

    async def sweep_queues(self) -> int:
        """Give free seats to who waits in any queue, and return how many were given."""
        async with self._database.as_system() as tx:
            queues = await find_waiting_queues(tx)
        given = 0
        for queue in queues:
            given += await pick_up_group(
                self._database,
                connectors=self._connectors,
                workspace_id=queue.workspace_id,
                group_id=queue.group_id,
            )
        return given

    async def sweep_channels(self) -> int:
        """End what silent channels have left open, and return how many threads were touched."""
        async with self._database.as_system() as tx:
            channels = await find_unsettled_channels(tx)
        touched = 0
        for channel in channels:
            touched += await settle_channel(
                self._database,
                connectors=self._connectors,
                workspace_id=channel.workspace_id,
                channel_id=channel.channel_id,
            )
        return touched

    async def _take_in_all_of(self, thread: WaitingThread) -> int:
        """Take in a customer's pushes one by one. Where one fails, it and all behind it rest for a while."""
        taken = 0
        try:
            while await self._database.run(thread.workspace_id, lambda tx: self._take_in_one(tx, thread)):
                taken += 1
        except Exception as error:
            if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
                raise  # the database is away, which is not this customer's fault
            log.exception("push_not_swept", channel_id=str(thread.channel_id), workspace_id=str(thread.workspace_id))
            await self._database.run(thread.workspace_id, lambda tx: _put_off(tx, thread))
        return taken

    async def _take_in_one(self, tx: Tx, thread: WaitingThread) -> bool:
        return await take_in_oldest(tx, connectors=self._connectors, whose=thread.whose)


async def _put_off(tx: Tx, thread: WaitingThread) -> None:
    for failed in await oldest_waiting_push(tx, whose=thread.whose):
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**failed.attempts)
        await put_off(tx, thread=thread, failed=failed, until=tx.now + pause)


async def _pause(stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOKS_EVERY_S):
            await stop.wait()
    except TimeoutError:
        return
