"""Programs as processes of their own: their words in one log, started again when they end, gone when we are."""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from moorage.core.errors import DomainError

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 30.0
STEADY_AFTER_S = 5.0  # who has run for so long did not fail at starting, so what ended it is no reason to wait
MOST_FALSE_STARTS = 4
PARTING_LIMIT_S = 12.0
LONGEST_LINE_BYTES = 1024 * 1024

Tell = Callable[[str], None]


@dataclass(eq=False)
class ProgramKeepsFailing(DomainError):
    """A program ended again and again before everything was ready; its last words are in the log above."""

    code: ClassVar[str] = "entry.program_keeps_failing"
    kind: ClassVar[str] = "unavailable"
    name: str
    status: int

    def __str__(self) -> str:
        return f"{self.name} does not start (last status {self.status}); its words are above."


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run, under which name its words appear, and how it is ended when we are killed ourselves."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Added to ours."""
    orphan_signal: Literal["TERM", "KILL"] = "KILL"


class Supervisor:
    """Keeps programs running until it is cancelled. Use it from the main thread: their lives are bound to it."""

    def __init__(self, *, tell: Tell, first_pause_s: float = FIRST_PAUSE_S) -> None:
        self._tell = tell
        self._first_pause_s = first_pause_s
        self.everything_ready = False
        """Until this is set, a program that only ever fails is given up; afterwards it is always tried again."""

    async def keep(self, program: Program) -> None:
        """Run `program`, and again with growing pauses whenever it ends. Raises ProgramKeepsFailing.

        Cancelling ends the process: in order within 12 s, else by force.
        """
        pause_s, false_starts = self._first_pause_s, 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            status = await self._run_once(program)
            if loop.time() - began > STEADY_AFTER_S:
                pause_s, false_starts = self._first_pause_s, 0
            false_starts += 1
            if false_starts >= MOST_FALSE_STARTS and not self.everything_ready:
                raise ProgramKeepsFailing(name=program.name, status=status)
            self._tell(f"{program.name} ended with status {status}; it starts again in {pause_s:g} s")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _run_once(self, program: Program) -> int:
        process = await asyncio.create_subprocess_exec(
            *_bound_to_us(program),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **program.environment},
            start_new_session=True,  # Ctrl-C is for the supervisor alone
            limit=LONGEST_LINE_BYTES,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._relay(program.name, process.stdout))
            try:
                return await process.wait()
            finally:
                if process.returncode is None:
                    await _end(process)

    async def _relay(self, name: str, words: asyncio.StreamReader | None) -> None:
        while words is not None:
            try:
                line = await words.readline()
            except ValueError:  # longer than a line of a log can sensibly be
                continue
            if not line:
                return
            self._tell(f"{name:<8}| {line.decode(errors='replace').rstrip()}")


def _bound_to_us(program: Program) -> tuple[str, ...]:
    """Return the command, ended by the kernel together with us where `setpriv` (util-linux) can arrange that."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", program.orphan_signal, "--", *program.command) if setpriv else program.command


async def _end(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    try:
        async with asyncio.timeout(PARTING_LIMIT_S):
            await process.wait()
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
