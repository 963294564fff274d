"""A local server that plays an account's own: it keeps what it got and answers as a test says."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answers; `after` is awaited first."""

    body: bytes = b"success"
    status: int = 200
    after: Callable[[], Awaitable[object]] | None = None


@dataclass(slots=True)
class Receiver:
    """Answers come from `replies` in order, then from `usual`; a GET is echoed unless `echoes` is off."""

    url: str = ""
    usual: Reply | Callable[[Received], Reply] = field(default_factory=Reply)
    replies: deque[Reply] = field(default_factory=deque[Reply])
    requests: list[Received] = field(default_factory=list[Received])
    echoes: bool = True

    @property
    def pushes(self) -> list[Received]:
        return [request for request in self.requests if request.method == "POST"]

    def reply_to(self, request: Received) -> Reply:
        if request.method == "GET" and self.echoes:
            return Reply(body=request.query["echostr"].encode())
        if self.replies:
            return self.replies.popleft()
        return self.usual(request) if callable(self.usual) else self.usual

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read_request(reader)
            self.requests.append(request)
            reply = self.reply_to(request)
            if reply.after is not None:
                await reply.after()
            head = f"HTTP/1.1 {reply.status} X\r\nContent-Length: {len(reply.body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + reply.body)
            await writer.drain()
        except ConnectionError:
            pass  # The other side gave up waiting, which is what some tests are about.
        finally:
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    line, *headers = head.split("\r\n")
    method, target, _ = line.split(" ")
    lengths = [text.split(":")[1] for text in headers if text.lower().startswith("content-length:")]
    body = await reader.readexactly(int(lengths[0])) if lengths else b""
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Received(method=method, path=parts.path, query=query, body=body, at=asyncio.get_running_loop().time())


@asynccontextmanager
async def running_receiver() -> AsyncGenerator[Receiver]:
    """Yield a receiver that listens on a free port of this machine."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    receiver.url = f"http://{host}:{port}/callback"
    try:
        yield receiver
    finally:
        server.close()
