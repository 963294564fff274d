"""A demo in a folder of its own, with its processes in view."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAMES = ("cli serve", "cli work", "wechat_sandbox", "bin/postgres")
READY_WITHIN_S = 120
STOPPED_WITHIN_S = 40


@dataclass
class RunningDemo:
    """One run. `ready` is what its ready file says."""

    process: asyncio.subprocess.Process
    folder: Path
    ready: dict[str, Any]

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    @property
    def ready_file(self) -> Path:
        return self.folder / "ready.json"

    @property
    def returncode(self) -> int | None:
        return self.process.returncode

    def processes(self) -> dict[str, int]:
        """Return the living processes that work for this demo, by name."""
        ours: dict[str, int] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and self._is_ours(entry):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                ours |= {name: int(entry.name) for name in NAMES if name in words and " demo " not in words}
        return ours

    def process_named(self, name: str) -> int:
        return self.processes()[name]

    def kill(self) -> None:
        self.process.kill()

    def _is_ours(self, entry: Path) -> bool:
        """Tell by the command line or the environment, which both name the data folder."""
        mark = os.fsencode(self.data_dir)
        try:
            return mark in (entry / "cmdline").read_bytes() or mark in (entry / "environ").read_bytes()
        except OSError:
            return False


@asynccontextmanager
async def started_demo(folder: Path) -> AsyncGenerator[RunningDemo]:
    """Run a demo with its data in `folder`; end it as Ctrl-C would unless it has ended."""
    ready_file = folder / "ready.json"
    bare = {name: value for name, value in os.environ.items() if not name.startswith("MOORAGE_")}
    with (folder / "output.txt").open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "moorage.entry.cli", "demo"),
            *("--data-dir", str(folder / "data"), "--ready-file", str(ready_file)),
            env=bare,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    demo = RunningDemo(process=process, folder=folder, ready={})
    try:
        demo.ready = await _said(process, folder)
        yield demo
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        async with asyncio.timeout(STOPPED_WITHIN_S):
            await process.wait()


async def _said(process: asyncio.subprocess.Process, folder: Path) -> dict[str, Any]:
    async with asyncio.timeout(READY_WITHIN_S):
        while True:
            if process.returncode is not None:
                raise AssertionError(f"the demo ended:\n{(folder / 'output.txt').read_text()[-4000:]}")
            text = (folder / "ready.json").read_text() if (folder / "ready.json").exists() else "old"
            if text != "old":
                return json.loads(text)
            await asyncio.sleep(0.05)
