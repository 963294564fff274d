"""Who hands messages to visitors. The connector knows only the protocol; beside it, visitors of this very process."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from moorage.connectors.content import Content
from moorage.connectors.failures import Unreachable

MOST_WAITING = 100
"""Messages that one visit may leave unacknowledged. After that it counts as gone, and comes back for the rest."""


@dataclass(frozen=True, slots=True)
class ForVisitor:
    """One message for a visitor. `message_id` is the same whenever it is handed over: a second one is dropped."""

    site_id: str
    visitor_id: str
    message_id: UUID | None
    content: Content


class Visitors(Protocol):
    """Whoever holds the visitors' connections."""

    async def deliver(self, message: ForVisitor, *, deadline: float) -> None:
        """Show a message to its visitor and return when they have acknowledged it, before `deadline` (loop seconds).

        Where they are not there it returns at once: the message stands in their thread, which their page reads when
        they come back. Raises Unreachable where it is not known whether it arrived.
        """
        ...


@dataclass(frozen=True, slots=True)
class Handed:
    """A message in a visitor's hands. It counts as arrived once they acknowledge it."""

    message: ForVisitor
    _acknowledged: asyncio.Event = field(default_factory=asyncio.Event)

    def acknowledge(self) -> None:
        """Say that it has arrived."""
        self._acknowledged.set()

    async def arrived(self) -> None:
        """Wait until it has been acknowledged."""
        await self._acknowledged.wait()


class Visit:
    """One open page of a visitor. A message that comes a second time is acknowledged and not shown again."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[Handed] = asyncio.Queue(maxsize=MOST_WAITING)
        self._left = asyncio.Event()
        self._seen: set[UUID] = set()

    @property
    def has_left(self) -> bool:
        """Return whether the page was closed, or has fallen too far behind."""
        return self._left.is_set()

    def leave(self) -> None:
        """Close the page: nobody waits for it any more."""
        self._left.set()

    def hand(self, handed: Handed) -> None:
        """Put a message before the visitor; one who has too many before them has left."""
        try:
            self._waiting.put_nowait(handed)
        except asyncio.QueueFull:
            self.leave()

    async def next(self) -> Handed:
        """Return the next message that the page has not seen yet."""
        while True:
            handed = await self._waiting.get()
            message_id = handed.message.message_id
            if message_id is None or message_id not in self._seen:
                if message_id is not None:
                    self._seen.add(message_id)
                return handed
            handed.acknowledge()

    async def gone(self) -> None:
        """Wait until the page is closed."""
        await self._left.wait()


class InProcessVisitors:
    """Visitors whose pages are connected to this process."""

    def __init__(self) -> None:
        self._visits: dict[tuple[str, str], list[Visit]] = {}

    @asynccontextmanager
    async def visiting(self, *, site_id: str, visitor_id: str) -> AsyncGenerator[Visit]:
        """Keep a page of a visitor open while the block runs."""
        visit, visits = Visit(), self._visits.setdefault((site_id, visitor_id), [])
        visits.append(visit)
        try:
            yield visit
        finally:
            visit.leave()
            visits.remove(visit)
            if not visits:
                self._visits.pop((site_id, visitor_id), None)

    async def deliver(self, message: ForVisitor, *, deadline: float) -> None:
        """Show a message on every open page of its visitor; the first acknowledgement counts."""
        handed = Handed(message)
        visits = [visit for visit in self._visits.get((message.site_id, message.visitor_id), ()) if not visit.has_left]
        if not visits:
            return
        for visit in visits:
            visit.hand(handed)
        try:
            async with asyncio.timeout_at(deadline):
                await _first(handed, visits)
        except TimeoutError as error:
            raise Unreachable(external_code=None, detail="no acknowledgement", written=True) from error


async def _first(handed: Handed, visits: list[Visit]) -> None:
    """Wait until a message has arrived, or all pages that could tell so have been closed."""

    async def all_gone() -> None:
        for visit in visits:
            await visit.gone()

    async with asyncio.TaskGroup() as waits:
        tasks = [waits.create_task(handed.arrived()), waits.create_task(all_gone())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
