"""Sealed pushes over HTTP, as cheap to send as they can be: what is measured shall be the server, not the generator."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from moorage.connectors.contract import RawRequest

ENDS_WITHIN_S = 300.0


def as_http(request: RawRequest, *, path: str) -> bytes:
    """Return the bytes of `request` as they go over a connection that stays open."""
    head = (
        f"POST {path}?{urlencode(request.query)} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Mozilla/4.0\r\n"
        f"Accept: */*\r\nContent-Type: text/xml\r\nContent-Length: {len(request.body)}\r\n\r\n"
    )
    return head.encode() + request.body


@dataclass(slots=True)
class Answers:
    """What came back, and when: seconds from the moment a request was due until its answer was there."""

    took_s: list[float] = field(default_factory=list[float])
    refused: list[bytes] = field(default_factory=list[bytes])

    def note(self, answer: bytes, *, took_s: float) -> None:
        """Keep one answer. Everything but a 200 is a refusal."""
        self.took_s.append(took_s)
        if not answer.startswith(b"HTTP/1.1 200 "):
            self.refused.append(answer[:200])

    def quantile_ms(self, share: float) -> float:
        """Return the latency that `share` of all answers did not exceed."""
        ordered = sorted(self.took_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


class _Connection(asyncio.Protocol):
    """One connection that carries one request at a time; `free` is called whenever it could carry another."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._buffer = b""
        self._due_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def send(self, request: bytes, *, due_at: float) -> None:
        """Send a request whose time had come at `due_at`."""
        self._due_at = due_at
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        answer, self._buffer = self._buffer, b""
        self._load.answered(self, answer, took_s=time.perf_counter() - self._due_at)

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost(exc)


class _Load:
    """Requests over connections, counted until each has its answer."""

    def __init__(self, count: int) -> None:
        self.answers = Answers()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._missing = count

    def answered(self, connection: _Connection, answer: bytes, *, took_s: float) -> None:
        """Keep an answer and go on."""
        self.answers.note(answer, took_s=took_s)
        self._missing -= 1
        if not self._missing:
            self.done.set_result(None)
        else:
            self.go_on(connection)

    def lost(self, reason: Exception | None) -> None:
        """End the run: a connection must not be closed in the middle of it."""
        if not self.done.done():
            self.done.set_exception(ConnectionError(f"the server closed a connection: {reason}"))

    def go_on(self, connection: _Connection) -> None:
        """Use a connection that is free."""
        raise NotImplementedError

    async def connect(self, port: int, *, connections: int) -> Sequence[_Connection]:
        """Open the connections."""
        loop = asyncio.get_running_loop()
        return [
            (await loop.create_connection(lambda: _Connection(self), "127.0.0.1", port))[1] for _ in range(connections)
        ]

    async def until_done(self, connections: Iterable[_Connection]) -> Answers:
        """Return the answers once all are there."""
        try:
            async with asyncio.timeout(ENDS_WITHIN_S):
                await self.done
        finally:
            for connection in connections:
                connection.transport.close()
        return self.answers


class _ClosedLoop(_Load):
    def __init__(self, requests: Sequence[bytes]) -> None:
        super().__init__(len(requests))
        self._waiting: Iterator[bytes] = iter(requests)

    def go_on(self, connection: _Connection) -> None:
        request = next(self._waiting, None)
        if request is not None:
            connection.send(request, due_at=time.perf_counter())


class _OpenLoop(_Load):
    def __init__(self, count: int) -> None:
        super().__init__(count)
        self._free: deque[_Connection] = deque()  # in turn, so that none rests until the server closes it
        self._due: list[tuple[float, bytes]] = []

    def go_on(self, connection: _Connection) -> None:
        if self._due:
            due_at, request = self._due.pop(0)
            connection.send(request, due_at=due_at)
        else:
            self._free.append(connection)

    def send(self, request: bytes, *, due_at: float) -> None:
        if self._free:
            self._free.popleft().send(request, due_at=due_at)
        else:
            self._due.append((due_at, request))


async def closed_loop(port: int, requests: Sequence[bytes], *, connections: int) -> tuple[float, Answers]:
    """Send the next request on a connection as soon as it has its answer; return requests per second, and the answers.

    A server that is slow is asked less often, so the latencies say little here.
    """
    load = _ClosedLoop(requests)
    opened = await load.connect(port, connections=connections)
    began = time.perf_counter()
    for connection in opened:
        load.go_on(connection)
    answers = await load.until_done(opened)
    return len(requests) / (time.perf_counter() - began), answers


async def open_loop(port: int, requests: Sequence[bytes], *, per_s: float, connections: int) -> Answers:
    """Send requests at their times whatever became of those before; latencies count from when each was due."""
    load = _OpenLoop(len(requests))
    opened = await load.connect(port, connections=connections)
    for connection in opened:
        load.go_on(connection)
    began = time.perf_counter()
    for number, request in enumerate(requests):
        due_at = began + number / per_s
        if (pause := due_at - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        load.send(request, due_at=due_at)
    return await load.until_done(opened)
