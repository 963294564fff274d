"""The promise under the workbench: a snapshot and the events after it show what a fresh snapshot shows."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from moorage.core.ids import new_id
from moorage.infra.database import Database
from tests.postgres import Server as Postgres
from tests.realtime.replica import Console, Page, a_console, differences
from tests.realtime.town import MINUTES_5, Person, Town, a_town

SEEDS = (1, 2, 3)
ACTS = 14
SAME_WITHIN_S = 20.0


@dataclass
class Pages:
    """The pages that a town's people have open, each person's in every way of losing the line."""

    town: Town
    steady: list[Page] = field(default_factory=list[Page])
    away: list[Page] = field(default_factory=list[Page])
    restarted: list[Page] = field(default_factory=list[Page])

    @property
    def all(self) -> Sequence[Page]:
        return [*self.steady, *self.away, *self.restarted]

    async def same_as_fresh(self) -> None:
        """Assert that every page that is online shows what one shows that is opened now."""
        await self.town.until_quiet()
        for person in self.town.watching:
            pages = [page for page in self.all if page.console.actor == person.actor and page.socket is not None]
            async with asyncio.timeout(SAME_WITHIN_S):
                found = await self._differences(person, pages)
                while found is None:
                    found = await self._differences(person, pages)
            told = [f"seed {self.town.seed}:", *found[:20], *self.town.done[-60:]]
            assert not found, "\n".join(told)

    async def _differences(self, person: Person, pages: Sequence[Page]) -> list[str] | None:
        """Compare pages with a fresh one; None if something happened meanwhile, a tick of the worker for instance."""
        town = self.town
        before = await town.position()
        for page in pages:
            await page.catch_up(before)
        async with a_console(actor=person.actor, token=person.token, address=town.steady.address) as fresh:
            await fresh.read_everything()
        found = [
            f"the page of {page.name} differs from a fresh one at {line}"
            for page in pages
            for line in compared(page.console, fresh, town=town)
        ]
        quiet = await town.position() == before and all(page.position == before for page in pages)
        return found if quiet else None


def compared(held: Console, fresh: Console, *, town: Town) -> list[str]:
    """Return what two pages of one person show differently."""
    now = town.desk.database.clock.now()
    found = differences(held.shown(now=now), fresh.shown(now=now))
    for thread_id in fresh.threads:
        if thread_id in held.threads:
            ours, theirs = held.timeline(thread_id), fresh.timeline(thread_id)
            found += differences(ours, theirs, at=f"/threads/{thread_id}")
    return found


@pytest.fixture
async def town(fresh_database: Database, tmp_path: Path, seed: int) -> AsyncIterator[Town]:
    async with a_town(fresh_database, folder=tmp_path, seed=seed) as opened:
        yield opened


async def opened(town: Town, stack: AsyncExitStack) -> Pages:
    """Open a page of everybody who watches for each way to lose the line: first its socket, then the one snapshot."""
    pages = Pages(town)
    for person in town.watching:
        three: list[Page] = []
        for name, ways, server in (
            ("steady", pages.steady, town.steady),
            ("away", pages.away, town.steady),
            ("restarted", pages.restarted, town.restarted),
        ):
            console = await stack.enter_async_context(
                a_console(actor=person.actor, token=person.token, address=server.address)
            )
            page = Page(name=f"{person.actor.name}, {name}", console=console, token=person.token)
            await page.connect(server.address)
            stack.push_async_callback(page.disconnect)
            ways.append(page)
            three.append(page)
        await three[0].console.read_everything()
        for page in three[1:]:
            page.console.copy_of(three[0].console)
    return pages


@pytest.mark.parametrize("seed", SEEDS)
async def test_snapshot_and_events_show_what_a_fresh_snapshot_shows(town: Town) -> None:
    await town.live(acts=ACTS)
    await town.until_quiet()
    async with AsyncExitStack() as stack:
        pages = await opened(town, stack)
        await town.live(acts=ACTS)
        await pages.same_as_fresh()
        for page in pages.away:
            await page.disconnect()
        await town.live(acts=ACTS)
        for page in pages.restarted:
            await page.disconnect()
        await town.restarted.stop()
        await town.live(acts=ACTS)
        await town.restarted.start()
        for page in pages.restarted:
            await page.connect(town.restarted.address)
        for page in pages.away:
            await page.connect(town.steady.address)
        await pages.same_as_fresh()


@pytest.mark.parametrize("seed", [11])
async def test_page_whose_place_in_the_log_is_gone_reads_everything_again(
    town: Town, postgres: Postgres, fresh_database: Database
) -> None:
    await town.live(acts=ACTS)
    async with AsyncExitStack() as stack:
        pages = await opened(town, stack)
        for page in [*pages.away, *pages.restarted]:
            await page.disconnect()
        await town.live(acts=ACTS)
        await town.until_quiet()
        for page in pages.steady:
            await page.catch_up(await town.position())
        await forget_facts(postgres, fresh_database)
        for page in pages.away:
            await page.connect(town.steady.address)
        for page in pages.restarted:
            page.cursor = f"{new_id()}:{page.position}"
            await page.connect(town.steady.address)
        await pages.same_as_fresh()
        assert {page.resyncs > 0 for page in [*pages.away, *pages.restarted]} == {True}
        await town.live(acts=ACTS)
        await pages.same_as_fresh()


async def forget_facts(postgres: Postgres, database: Database) -> None:
    """Drop the whole log, as if all of it were older than what is kept."""
    name = urlsplit(str(database.pool.conninfo)).path.removeprefix("/")
    async with await psycopg.AsyncConnection.connect(postgres.url(database=name, login="postgres")) as connection:
        deleted = await connection.execute("DELETE FROM event_log")
        assert deleted.rowcount > 0


@pytest.mark.parametrize("seed", [21])
async def test_five_minutes_later_everybody_sees_who_is_away_and_what_has_ended(town: Town) -> None:
    await town.live(acts=ACTS)
    await town.until_quiet()
    async with AsyncExitStack() as stack:
        pages = await opened(town, stack)
        for page in pages.away:
            await page.disconnect()
        await town.live(acts=ACTS)
        town.move_clock(MINUTES_5)
        await town.until_everybody_is_away()
        for page in pages.away:
            await page.connect(town.steady.address)
        await pages.same_as_fresh()
        await town.everybody_is_seen()
        await town.live(acts=ACTS)
        town.move_clock(0)
        await pages.same_as_fresh()
