"""Killing processes of a demo, and knowing when they are back."""

import asyncio
import os
import random
import signal
from pathlib import Path

import httpx

from tests.browser.demo import Demo

BACK_WITHIN_S = 60


def processes_of(folder: Path, command: str) -> list[int]:
    """Return the demo's processes that run `command`, found by the folder that only this demo has."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue  # gone meanwhile
        if command.encode() in words and b"moorage.entry.cli" in words and str(folder).encode() in environment:
            found.append(int(entry.name))
    return found


def kill(process: int) -> None:
    """Kill a process as the kernel does that runs out of memory."""
    os.kill(process, signal.SIGKILL)


class Killer:
    """Kills web process and worker of a demo at random, each again only after it was back for a moment."""

    def __init__(self, *, demo: Demo, folder: Path, chance: random.Random, every_s: float) -> None:
        self._demo = demo
        self._folder = folder
        self._chance = chance
        self._every_s = every_s
        self.kills = 0

    async def kill_until(self, over: asyncio.Event) -> None:
        """Go on killing both until `over` is set; both run again afterwards."""
        async with asyncio.TaskGroup() as killers:
            killers.create_task(self._kill_web(over))
            killers.create_task(self._kill_worker(over))

    async def _kill_web(self, over: asyncio.Event) -> None:
        while await self._has_time(over):
            await self._kill("serve")
            await until_serving(self._demo)

    async def _kill_worker(self, over: asyncio.Event) -> None:
        while await self._has_time(over):
            await self._kill("work")

    async def _has_time(self, over: asyncio.Event) -> bool:
        """Wait for a random moment; return False if all is over before it comes."""
        try:
            async with asyncio.timeout(self._chance.uniform(0.2, 2 * self._every_s)):
                await over.wait()
        except TimeoutError:
            return True
        return False

    async def _kill(self, command: str) -> None:
        """Kill a process and return once another one runs in its place."""
        for process in processes_of(self._folder, command):
            kill(process)
            self.kills += 1
            await until_replaced(self._folder, command, process)


async def until_replaced(folder: Path, command: str, process: int) -> None:
    """Return once a process runs `command` that is not `process`."""
    async with asyncio.timeout(BACK_WITHIN_S):
        while not set(processes_of(folder, command)) - {process}:
            await asyncio.sleep(0.05)


async def until_serving(demo: Demo) -> None:
    """Return once the web process answers."""
    async with asyncio.timeout(BACK_WITHIN_S), httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                if (await client.get(f"{demo.console_url}/readyz")).is_success:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.05)


async def kill_database(folder: Path) -> None:
    """Kill the demo's PostgreSQL and return once another one has taken its place."""
    lock_file = folder / "data" / "postgres" / "data" / "postmaster.pid"
    killed = _first_number(lock_file)
    kill(killed)
    async with asyncio.timeout(BACK_WITHIN_S):
        while _first_number(lock_file) in {killed, 0}:
            await asyncio.sleep(0.05)


def _first_number(file: Path) -> int:
    try:
        return int(file.read_text().partition("\n")[0] or 0)
    except (FileNotFoundError, ValueError):
        return 0
