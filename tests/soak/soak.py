"""A soak: people write and agents answer while everything that can go wrong does, one by one; then the books."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import httpx

from tests.browser.backstage import minutes_pass
from tests.browser.demo import Demo, running_demo
from tests.kill.stage import Person
from tests.soak import books as checks
from tests.soak.books import Books
from tests.soak.clerks import PICTURES, Clerk
from tests.soak.town import FILES, KINDS, Town
from tests.soak.trouble import TROUBLES, Order, Trouble

SHOWS_WITHIN_S = 30.0
SETTLES_WITHIN_S = 150.0
LOOKS_EVERY_S = 0.2
EACH_ALONE = httpx.Limits(max_keepalive_connections=0)
"""On a busy machine a connection kept alive is closed by the server just when it is used again."""
MINUTES_TO_TRY_AGAIN = 5
"""After this long whatever waits to be fetched once more is due."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done."""

    pushes: int
    customers_each: int
    """Of each account."""
    hits: int
    """How often each thing goes wrong at most."""
    writers: int = 12
    """How many people write at the same time."""


@dataclass
class Soak:
    """A running demo with everybody at it."""

    town: Town
    owner: Person
    clerks: list[Clerk]
    books: Books
    sizes: Sizes
    chance: random.Random
    tell: Callable[[str], None]
    hits: dict[str, int] = field(default_factory=dict[str, int])
    docked_again: int = 0

    async def run(self) -> Mapping[str, object]:
        """Let everything happen, check all of it, and return the figures. Raises AssertionError."""
        began = time.monotonic()
        await self.town.come(self.sizes.customers_each)
        over = asyncio.Event()
        async with asyncio.TaskGroup() as people:
            for clerk in self.clerks:
                people.create_task(clerk.answer_until(over, chance=random.Random(self.chance.random())))
            await self._troubles()
            wrote_s = time.monotonic() - began
            await self._calm()
            over.set()
        await self._settles()
        return await self._figures(wrote_s=wrote_s)

    async def _troubles(self) -> None:
        for number, trouble in enumerate(TROUBLES):
            await self._switch_on(trouble)
            share = (self.sizes.pushes - self._written()) // (len(TROUBLES) - number + 1)
            in_order = trouble.disorder is None
            await self.town.write(max(1, share), writers=self.sizes.writers, in_order=in_order)
            hits = self.hits[trouble.name] = await self._switch_off(trouble)
            self.tell(f"{trouble.name}: {hits} times; {self._written()} pushes so far")
            if trouble.ends_authorization:
                self.docked_again += await self.town.dock_again(self.owner)

    def _written(self) -> int:
        return len(self.town.all_written())

    async def _calm(self) -> None:
        """Let people write while nothing is wrong, and see that what they are answered arrives."""
        await self.town.dock_again(self.owner)
        before = await self.books.value("SELECT count(*) FROM messages WHERE delivery_state = 'sent'")
        await self.town.write(max(1, self.sizes.pushes - self._written()), writers=self.sizes.writers, in_order=True)
        async with asyncio.timeout(SHOWS_WITHIN_S):
            while await self.books.value("SELECT count(*) FROM messages WHERE delivery_state = 'sent'") == before:
                await asyncio.sleep(LOOKS_EVERY_S)

    async def _switch_on(self, trouble: Trouble) -> None:
        sandbox, hits = self.town.sandbox, {"times": self.sizes.hits}
        if trouble.minutes_before:
            minutes_pass(self.town.demo, trouble.minutes_before)
        for clerk in self.clerks:
            clerk.pictures = 1 if trouble.needs_pictures else PICTURES
        if trouble.tokens_die:
            await self.town.end_tokens()
        for fault in trouble.faults:
            (await sandbox.post("/sandbox/api/faults", json=hits | dict(fault))).raise_for_status()
        if trouble.disorder is not None:
            order = hits | {"kind": trouble.disorder, "delay_s": 1}
            (await sandbox.post("/sandbox/api/disorder", json=order)).raise_for_status()

    async def _switch_off(self, trouble: Trouble) -> int:
        """End the trouble once all of it has shown; return how often it did."""
        if trouble.disorder is not None:
            place, expected = "/sandbox/api/disorder", {trouble.disorder: self.sizes.hits}
        else:
            place = "/sandbox/api/faults"
            expected = {str(fault["endpoint"]): _times(fault, self.sizes) for fault in trouble.faults}
        gives_up_at = asyncio.get_running_loop().time() + SHOWS_WITHIN_S
        self.town.kinds = FILES if trouble.needs_files else KINDS
        # What is used up is listed no more, and what has not shown yet has all its times left.
        while _has_not_shown(left := await self._left(place), expected):
            assert asyncio.get_running_loop().time() < gives_up_at, f"{trouble.name} does not show: {left}"
            await self.town.write(1, writers=1, in_order=False)
        self.town.kinds = KINDS
        (await self.town.sandbox.delete(place)).raise_for_status()
        return sum(times - left.get(name, 0) for name, times in expected.items())

    async def _left(self, place: str) -> Mapping[str, int]:
        listed = (await self.town.sandbox.get(place)).raise_for_status().json()
        return {str(one.get("endpoint") or one["kind"]): int(one["times"]) for one in listed}

    async def _settles(self) -> None:
        """Return when nothing is underway, in the product's own time as far as files are concerned."""
        async with asyncio.timeout(SETTLES_WITHIN_S):
            while await self.books.underway():
                await asyncio.sleep(LOOKS_EVERY_S)
            while await self.books.fetching():
                minutes_pass(self.town.demo, MINUTES_TO_TRY_AGAIN)
                await self._until_fetched()
            while await self.books.underway():
                await asyncio.sleep(LOOKS_EVERY_S)

    async def _until_fetched(self) -> None:
        """Return when no file is on its way, or after a while in which those that are due were tried."""
        gives_up_at = asyncio.get_running_loop().time() + SHOWS_WITHIN_S
        while await self.books.fetching() and asyncio.get_running_loop().time() < gives_up_at:
            await asyncio.sleep(LOOKS_EVERY_S)

    async def _figures(self, *, wrote_s: float) -> Mapping[str, object]:
        written = self.town.all_written()
        said = [words for clerk in self.clerks for words in clerk.said]
        await checks.every_push_is_taken_in(self.books, written)
        await checks.every_message_is_there_once_and_in_order(self.books, self.town.customers)
        deliveries = await checks.every_delivery_is_explained(self.books)
        files = await checks.every_file_is_kept_or_explained(self.books)
        shown = await checks.phones_show_what_was_sent(self.books, self.town, said=said)
        await checks.the_books_balance(self.books)
        return {
            "pushes": len(written),
            "accounts": len(self.town.accounts),
            "customers": len(self.town.customers),
            "pushes_per_s": round(len(written) / wrote_s, 1),
            "troubles": len(TROUBLES),
            "hits": sum(self.hits.values()),
            "docked_again": self.docked_again,
            "replies": len(said),
            "refused_in_the_composer": sum(clerk.refused for clerk in self.clerks),
            "shown_on_phones": shown,
            "deliveries": dict(deliveries),
            "files": dict(files),
            "lost": 0,
            "doubled": 0,
            "unexplained": 0,
        }


def _has_not_shown(left: Mapping[str, int], expected: Mapping[str, int]) -> bool:
    return any(left.get(name) == times for name, times in expected.items())


def _times(fault: Order, sizes: Sizes) -> int:
    return cast("int", fault.get("times", sizes.hits))


async def soak(
    folder: Path, *, sizes: Sizes, seed: int, tell: Callable[[str], None] = lambda _: None
) -> Mapping[str, object]:
    """Run a soak with a demo of its own in `folder` and return its figures. Raises AssertionError.

    `tell` is told how far it is.
    """
    chance = random.Random(seed)
    async with running_demo(folder=folder) as demo, AsyncExitStack() as stack:
        owner = await stack.enter_async_context(Person.signed_in(demo, demo.owner))
        sandbox = await stack.enter_async_context(
            httpx.AsyncClient(base_url=demo.sandbox_url, trust_env=False, timeout=30, limits=EACH_ALONE)
        )
        town = Town(demo=demo, sandbox=sandbox, chance=chance)
        await town.dock_all(owner)
        clerks = [await _at_work(stack, demo, number) for number in range(len(demo.agents))]
        books = await stack.enter_async_context(Books.opened(folder))
        made = Soak(town=town, owner=owner, clerks=clerks, books=books, sizes=sizes, chance=chance, tell=tell)
        return await made.run()


async def _at_work(stack: AsyncExitStack, demo: Demo, number: int) -> Clerk:
    agent = await stack.enter_async_context(Person.signed_in(demo, demo.agents[number]))
    await stack.enter_async_context(agent.at_the_workbench())
    return Clerk(agent=agent, name=f"agent {number} answer")
