"""The running product: `moorage demo` in a folder of its own, as a person would start it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

READY_WITHIN_S = 120
STOPPED_WITHIN_S = 30


@dataclass(frozen=True, slots=True)
class SignIn:
    """One person of the demo."""

    email: str
    password: str


@dataclass(frozen=True, slots=True)
class Account:
    """The sandbox's Official Account, as an admin would copy it from WeChat's back office."""

    appid: str
    secret: str
    token: str
    aes_key: str
    callback_url: str


@dataclass(frozen=True, slots=True)
class Component:
    """The third-party platform that the demo plays, as it is registered at the sandbox."""

    appid: str
    event_url: str
    message_url: str


@dataclass(frozen=True, slots=True)
class Demo:
    """What the ready file says."""

    console_url: str
    api_url: str
    sandbox_url: str
    phone_url: str
    owner: SignIn
    agents: tuple[SignIn, ...]
    oa: Account
    component: Component
    clock_file: Path
    """Seconds by which product and sandbox move their clock."""

    @classmethod
    def read(cls, path: Path, *, data_dir: Path) -> "Demo":
        """Return the demo that the ready file at `path` describes, with its data in `data_dir`."""
        said = json.loads(path.read_text())
        return cls(
            console_url=said["console_url"],
            api_url=said["api_url"],
            sandbox_url=said["sandbox_url"],
            phone_url=said["phone_url"],
            owner=SignIn(**said["owner"]),
            agents=tuple(SignIn(**agent) for agent in said["agents"]),
            oa=Account(**said["oa"]),
            component=Component(**said["component"]),
            clock_file=data_dir / "clock",
        )


@asynccontextmanager
async def running_demo(*, folder: Path) -> AsyncGenerator[Demo]:
    """Start the demo with its data in `folder`, wait until it serves, and end it as Ctrl-C would."""
    ready, output, data_dir = folder / "ready.json", folder / "output.txt", folder / "data"
    with output.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "moorage.entry.cli", "demo",
            "--data-dir", str(data_dir), "--ready-file", str(ready),
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        await _until_ready(process, ready=ready, output=output)
        yield Demo.read(ready, data_dir=data_dir)
    finally:
        await _stop(process)


async def _until_ready(process: asyncio.subprocess.Process, *, ready: Path, output: Path) -> None:
    async with asyncio.timeout(READY_WITHIN_S):
        while not ready.exists():
            if process.returncode is not None:
                raise AssertionError(f"the demo ended with {process.returncode}:\n{output.read_text()[-4000:]}")
            await asyncio.sleep(0.1)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(STOPPED_WITHIN_S):
            await process.wait()
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        raise AssertionError("the demo did not end within 30 s of Ctrl-C") from None
