"""How many pushes of known customers one process takes in, beside as many bare inserts of a push.

Both run in one go on one server, so that the ratio means something wherever it runs; the figures alone do not. Bodies
are parsed beforehand: what is measured is the database work and ours around it.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from moorage.connectors.contract import Inbound
from moorage.core.clock import OffsetClock
from moorage.infra.database import Database, DomainEvent, Tx
from moorage.infra.pool import open_pool
from moorage.reception.pushes import store_push
from tests.conversations.desk import Desk, a_desk, an_openid
from tests.postgres import Server, running_server

CUSTOMERS = 40
AT_ONCE = 8


class Quiet:
    """Subscriptions of a process without jobs."""

    async def dispatch(self, tx: Tx, event: DomainEvent) -> None:
        """Do nothing about `event`."""


async def measure(server: Server, *, pushes: int) -> None:
    """Print both rates and their ratio."""
    server.create_database(name="bench")
    async with await open_pool(server.url(database="bench", login="moorage_app"), size=AT_ONCE) as pool:
        database = Database(pool=pool, clock=OffsetClock(), subscriptions=Quiet())
        async with a_desk(database) as desk:
            await desk.an_agent(most_conversations=100)
            customers = [an_openid() for _ in range(CUSTOMERS)]
            for customer in customers:
                await desk.hears(by=customer)
            taken_in = await _rate(_bodies(desk, customers, pushes), lambda inbound: _take_in(desk, inbound))
            stored = await _rate(_bodies(desk, customers, pushes), lambda inbound: _store(desk, inbound))
    print(f"taken in      {taken_in:7.0f} pushes/s")
    print(f"stored only   {stored:7.0f} pushes/s")
    print(f"ratio         {taken_in / stored:7.2f}")


def _bodies(desk: Desk, customers: Sequence[str], count: int) -> list[Inbound]:
    connector = desk.connectors[desk.channel.kind]
    return [connector.replay(body=desk.said(f"{n}", by=customers[n % len(customers)])) for n in range(count)]


async def _take_in(desk: Desk, inbound: Inbound) -> None:
    deadline = asyncio.get_running_loop().time() + 60
    await desk.intake.receive(address=desk.address, inbound=inbound, deadline=deadline)


async def _store(desk: Desk, inbound: Inbound) -> None:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await store_push(tx, channel_id=desk.channel.id, inbound=inbound, not_before=tx.now)


async def _rate(inbound: Sequence[Inbound], work: Callable[[Inbound], Awaitable[None]]) -> float:
    """Return how many were done in a second, `AT_ONCE` at a time."""
    waiting = iter(inbound)

    async def worker() -> None:
        for one in waiting:
            await work(one)

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return len(inbound) / (time.perf_counter() - began)


def main() -> None:
    """Run it."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pushes", type=int, default=2000)
    with running_server() as server:
        asyncio.run(measure(server, pushes=arguments.parse_args().pushes))


if __name__ == "__main__":
    main()
