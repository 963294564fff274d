"""A provider's server at the wire, whose every answer the test decides."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

WITHOUT_ANSWER = b""
"""An answer that closes the connection after the request was read."""


class ThenCut(bytes):
    """An answer after whose bytes, half of them perhaps, the connection is closed."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def asked(self) -> dict[str, object]:
        return json.loads(self.body)


Answer = Callable[[Call], Awaitable[bytes]]


@dataclass
class Provider:
    """Where the server listens, what arrived, and who answers."""

    url: str
    answer: Answer
    calls: list[Call] = field(default_factory=list[Call])

    def calls_of(self, path: str) -> list[Call]:
        return [call for call in self.calls if call.path == path]


def answered(value: object, *, status: str = "200 OK", content_type: str = "application/json; encoding=utf-8") -> bytes:
    """Return an HTTP answer; what is not bytes already goes out as JSON."""
    body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@asynccontextmanager
async def running_provider(answer: Answer, *, port: int = 0) -> AsyncGenerator[Provider]:
    """Serve on a free port of this machine, or on `port`, until the block is over; then no connection is left."""
    provider = Provider(url="", answer=answer)
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            while (call := await _read_call(reader)) is not None:
                provider.calls.append(call)
                reply = await provider.answer(call)
                if reply == WITHOUT_ANSWER:
                    return
                writer.write(reply)
                await writer.drain()
                if isinstance(reply, ThenCut):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield provider
    finally:
        server.close()
        for writer in writers:
            writer.close()


async def _read_call(reader: asyncio.StreamReader) -> Call | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode().strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    method, target, _ = first.split(" ")
    address = urlsplit(target)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    query = {name: values[0] for name, values in parse_qs(address.query, keep_blank_values=True).items()}
    return Call(method=method, path=address.path, query=query, headers=headers, body=body)
