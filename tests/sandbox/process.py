"""The stand-in as a process of its own."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).parents[2] / "src"


async def start_process(*arguments: str) -> asyncio.subprocess.Process:
    """Return the started command; it finds the project's own sources."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "wechat_sandbox",
        *arguments,
        env=dict(os.environ, PYTHONPATH=str(SOURCES)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )


@asynccontextmanager
async def running_process(folder: Path, *arguments: str) -> AsyncGenerator[dict[str, Any]]:
    """Yield the addresses from the ready file; the process is ended and awaited afterwards."""
    ready = folder / "ready.json"
    places = ("--ready-file", str(ready), "--state-file", str(folder / "state.json"))
    process = await start_process(*places, *arguments)
    assert process.stderr is not None
    draining = asyncio.ensure_future(process.stderr.read())
    try:
        async with asyncio.timeout(20):
            while not ready.exists():
                assert process.returncode is None, (await draining).decode()
                await asyncio.sleep(0.02)
        yield json.loads(ready.read_text())
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(10):
            await process.wait()
        await draining
    assert not ready.exists()
