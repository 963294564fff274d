"""Work that many ask for at once, done in rounds: everybody is served, whoever fails or leaves."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.infra.rounds import RoundFailed, Rounds

FAILS = -1


class Bench:
    """Work that tells of its rounds and can be held up."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.underway = 0
        self.go = asyncio.Event()

    async def work(self, items: Sequence[int]) -> list[int]:
        """Return ten times each item; raise ValueError if one of them is to fail."""
        self.rounds.append(list(items))
        self.underway += 1
        assert self.underway == 1
        try:
            await self.go.wait()
        finally:
            self.underway -= 1
        if FAILS in items:
            raise ValueError
        return [item * 10 for item in items]


async def until_all_wait() -> None:
    """Let everything that can run now do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_who_comes_alone_is_served_alone_and_at_once() -> None:
    bench = Bench()
    bench.go.set()
    rounds = Rounds(bench.work, most=10)
    assert [await rounds.join(1), await rounds.join(2)] == [10, 20]
    assert bench.rounds == [[1], [2]]


async def test_those_who_come_meanwhile_share_the_next_round_in_their_order() -> None:
    bench = Bench()
    rounds = Rounds(bench.work, most=3)
    joined = [asyncio.create_task(rounds.join(n)) for n in range(1, 7)]
    await until_all_wait()
    bench.go.set()
    assert await asyncio.gather(*joined) == [10, 20, 30, 40, 50, 60]
    assert bench.rounds == [[1], [2, 3, 4], [5, 6]]


async def test_those_who_must_stay_apart_never_meet() -> None:
    bench = Bench()
    rounds = Rounds(bench.work, most=10, apart=lambda item: item % 2)
    joined = [asyncio.create_task(rounds.join(n)) for n in range(1, 6)]
    await until_all_wait()
    bench.go.set()
    await asyncio.gather(*joined)
    assert bench.rounds == [[1], [2, 3], [4, 5]]


async def test_failure_is_its_own_alone_and_asks_for_another_way_in_company() -> None:
    bench = Bench()
    rounds = Rounds(bench.work, most=10)
    joined = [asyncio.create_task(rounds.join(n)) for n in (FAILS, 2, FAILS)]
    await until_all_wait()
    bench.go.set()
    alone, *company = await asyncio.gather(*joined, return_exceptions=True)
    assert isinstance(alone, ValueError)
    assert all(isinstance(outcome, RoundFailed) for outcome in company)
    assert await rounds.join(4) == 40


@pytest.mark.parametrize("leaver", [0, 1, 2])
async def test_whoever_leaves_the_others_are_served(leaver: int) -> None:
    bench = Bench()
    rounds = Rounds(bench.work, most=2)
    joined = [asyncio.create_task(rounds.join(n)) for n in range(1, 5)]
    await until_all_wait()
    joined[leaver].cancel()
    await until_all_wait()
    bench.go.set()
    outcomes = await asyncio.gather(*joined, return_exceptions=True)
    assert isinstance(outcomes.pop(leaver), asyncio.CancelledError)
    assert outcomes == [n * 10 for n in range(1, 5) if n != leaver + 1]


@given(
    items=st.lists(st.integers(-1, 4), min_size=1, max_size=20),
    leavers=st.sets(st.integers(0, 19)),
    most=st.integers(1, 5),
)
def test_everybody_who_stays_gets_an_outcome(items: list[int], leavers: set[int], most: int) -> None:
    async def play() -> None:
        bench = Bench()
        rounds = Rounds(bench.work, most=most, apart=lambda item: item)
        joined = [asyncio.create_task(rounds.join(item)) for item in items]
        await until_all_wait()
        for number in leavers & set(range(len(items))):
            joined[number].cancel()
        bench.go.set()
        for number, item in enumerate(items):
            with suppress(asyncio.CancelledError, ValueError, RoundFailed):
                assert await asyncio.wait_for(joined[number], 5) == item * 10
                assert number not in leavers
        for one in bench.rounds:
            assert len(one) <= most
            assert len(set(one)) == len(one)

    asyncio.run(play())
