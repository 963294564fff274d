"""What one socket still has to be sent. Bounded: who reads too slowly is dropped, not buffered for."""

import asyncio
from collections.abc import Sequence

from moorage.infra.events import Position
from moorage.realtime.model import CloseCode, Line, ResyncReason, facts, resync

MOST_WAITING = 1000
"""Facts. A healthy client has none waiting; one that is this far behind is quicker with a fresh catch-up."""
MOST_IN_FRAME = 200
MOST_ANSWERS = 20


class Closed(Exception):
    """The socket is to be closed with this code."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(code)
        self.code = code


class Outbox:
    """Facts and answers on their way to one socket, in order. Writers never wait; the socket's sender does."""

    def __init__(self, *, position: Position, tokens: frozenset[str], most_waiting: int = MOST_WAITING) -> None:
        self._told = position
        self._position = position
        self.tokens = tokens
        self._most_waiting = most_waiting
        self._lines: list[Line] = []
        self._answers: list[str] = []
        self._closing: CloseCode | None = None
        self._something = asyncio.Event()

    @property
    def closing(self) -> CloseCode | None:
        """Return the code with which the socket is to be closed, once that is decided."""
        return self._closing

    def offer(self, lines: Sequence[Line]) -> None:
        """Put in what of these newer facts the person may see, and move the cursor over all of them."""
        new = [line for line in lines if line.seq > self._position.seq]
        if not new or self._closing is not None:
            return
        self._position = Position(epoch=self._position.epoch, seq=new[-1].seq)
        self._lines += [line for line in new if line.visible_to(self.tokens)]
        if len(self._lines) > self._most_waiting:
            self.close(CloseCode.TOO_SLOW)
        elif self._lines:
            self._something.set()

    def answer(self, frame: str) -> None:
        """Put in an answer to what the client said. Before it the client learns how far it has read."""
        if self._closing is not None:
            return
        self._answers.append(frame)
        self._something.set()
        if len(self._answers) > MOST_ANSWERS:
            self.close(CloseCode.TOO_SLOW)

    def begin_at(self, position: Position, *, reason: ResyncReason) -> None:
        """Replace all that waits by a resync from `position`."""
        if self._closing is not None:
            return
        self._lines.clear()
        self._told = self._position = position
        self._answers = [resync(position, reason=reason)]
        self._something.set()

    def start_again(self, *, reason: ResyncReason) -> None:
        """Say resync, then close, so that the client comes back as who it is now."""
        self.begin_at(self._position, reason=reason)
        self.close(CloseCode.COME_AGAIN)

    def close(self, code: CloseCode) -> None:
        """Have the socket closed: after what waits was sent if the client may come again, at once otherwise."""
        if self._closing is not None:
            return
        self._closing = code
        if code is not CloseCode.COME_AGAIN:
            self._lines.clear()
            self._answers.clear()
        self._something.set()

    async def take(self) -> list[str]:
        """Wait for something to send and return it as frames. Raises Closed when nothing more is to be sent."""
        while not (self._lines or self._answers):
            if self._closing is not None:
                raise Closed(self._closing)
            self._something.clear()
            await self._something.wait()
        return self._next_frames()

    def _next_frames(self) -> list[str]:
        batch, self._lines = self._lines[:MOST_IN_FRAME], self._lines[MOST_IN_FRAME:]
        if self._lines:
            self._told = Position(epoch=self._position.epoch, seq=batch[-1].seq)
            return [facts(batch, self._told)]
        answers, self._answers = self._answers, []
        moved = self._told != self._position
        self._told = self._position
        return [facts(batch, self._position), *answers] if moved else answers
