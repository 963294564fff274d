"""A real server on a port of its own, in the test's own loop."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    """Leaves the signals to pytest."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@asynccontextmanager
async def served(app: ASGIApp, *, lifespan: bool = False) -> AsyncGenerator[str]:
    """Serve `app` while the block runs; yield `127.0.0.1:<port>`."""
    # Named as TCP, asyncio switches Nagle's algorithm off; else every answer waits 40 ms for an acknowledgement.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="on" if lifespan else "off", timeout_graceful_shutdown=2
        )
        server = _Server(config)
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.serve(sockets=[listening]))
            async with asyncio.timeout(30):
                while not server.started:
                    assert not serving.done(), "the server did not start"
                    await asyncio.sleep(0.01)
            try:
                yield f"127.0.0.1:{listening.getsockname()[1]}"
            finally:
                server.should_exit = True
