"""Work that many ask for at the same moment, done for all of them together.

Who comes while a round is underway waits for the next one. So nobody waits when there is little to do, and the more
there is, the more one round does: one transaction for thirty requests instead of thirty.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class RoundFailed(Exception):
    """A round of several failed for what one of them did, or for a cause of all: each is to be tried alone."""


class _Place(Generic[Item, Result]):
    """One who waits: what for, and what came of it."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.outcome: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.call: asyncio.Future[None] | None = None

    def wake(self) -> None:
        if self.call is not None and not self.call.done():
            self.call.set_result(None)


class Rounds(Generic[Item, Result]):
    """Does `work` for all items that wait, round after round; each round is carried by one of those who wait for it."""

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        most: int,
        apart: Callable[[Item], Hashable] | None = None,
    ) -> None:
        """`work` returns the results in the order of its items. Items of one `apart` never meet in a round."""
        self._work = work
        self._most = most
        self._apart = apart
        self._places: list[_Place[Item, Result]] = []
        self._underway = False

    async def join(self, item: Item) -> Result:
        """Return what `work` made of `item`.

        Raises what it raised if the item was alone in its round, else RoundFailed.
        """
        place = _Place[Item, Result](item)
        self._places.append(place)
        try:
            while not place.outcome.done():
                if self._underway:
                    place.call = asyncio.get_running_loop().create_future()
                    await place.call
                else:
                    await self._carry_round()
        finally:
            if place in self._places:
                self._places.remove(place)
            self._call_next()
        return place.outcome.result()

    async def _carry_round(self) -> None:
        chosen = self._choose()
        self._underway = True
        try:
            results = await self._work([place.item for place in chosen])
            for place, result in zip(chosen, results, strict=True):
                place.outcome.set_result(result)
        except Exception as error:  # noqa: BLE001 -- it is handed to those whose round it was
            for place in chosen:
                place.outcome.set_exception(error if len(chosen) == 1 else RoundFailed())
                place.outcome.exception()  # seen, whether or not its owner is still there
        finally:
            self._underway = False
            # Who carried the round may have been cancelled: then the others are in the next one.
            self._places[:0] = [place for place in chosen if not place.outcome.done()]
            for place in chosen:
                place.wake()

    def _choose(self) -> list[_Place[Item, Result]]:
        """Take out those of the next round, who came first, and return them."""
        chosen: list[_Place[Item, Result]] = []
        met: set[Hashable] = set()
        for place in self._places:
            apart = id(place) if self._apart is None else self._apart(place.item)
            if apart not in met and len(chosen) < self._most:
                met.add(apart)
                chosen.append(place)
        taken = set(map(id, chosen))
        self._places = [place for place in self._places if id(place) not in taken]
        return chosen

    def _call_next(self) -> None:
        if self._places and not self._underway:
            self._places[0].wake()
