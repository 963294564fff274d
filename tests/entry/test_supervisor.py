"""The supervisor: what it keeps running, what it gives up, and that nothing outlives it."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from moorage.entry.supervisor import Program, ProgramKeepsFailing, Supervisor

LIMIT_S = 30

STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(f"pid {os.getpid()}", flush=True)
time.sleep(600)
"""
SUPERVISOR_OF_ONE = """
import asyncio, sys
from moorage.entry.supervisor import Program, Supervisor
asyncio.run(Supervisor(tell=lambda line: print(line, flush=True)).keep(
    Program(name="child", command=(sys.executable, "-c", sys.argv[1]))))
"""


def _python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


class Log:
    """What a supervisor told, line by line, for a test that waits for words."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._more = asyncio.Event()

    def tell(self, line: str) -> None:
        self.lines.append(line)
        self._more.set()

    async def until(self, words: str, *, times: int = 1) -> str:
        async with asyncio.timeout(LIMIT_S):
            while True:
                found = [line for line in self.lines if words in line]
                if len(found) >= times:
                    return found[-1]
                self._more.clear()
                await self._more.wait()


def _lives(pid: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


async def _gone(pid: int) -> None:
    async with asyncio.timeout(LIMIT_S):
        while _lives(pid):
            await asyncio.sleep(0.01)


async def test_each_line_of_a_program_appears_under_its_name() -> None:
    log = Log()
    program = Program(name="tide", command=_python("import sys; print('上'); sys.stderr.write('out\\n')"))
    with pytest.raises(ProgramKeepsFailing):
        await Supervisor(tell=log.tell, first_pause_s=0.01).keep(program)
    assert "tide    | 上" in log.lines
    assert "tide    | out" in log.lines


async def test_program_that_never_starts_is_given_up_by_name() -> None:
    with pytest.raises(ProgramKeepsFailing, match=r"reef does not start .*status 7") as caught:
        await Supervisor(tell=Log().tell, first_pause_s=0.01).keep(
            Program(name="reef", command=_python("raise SystemExit(7)"))
        )
    assert caught.value.status == 7


async def test_program_that_ends_later_is_always_started_again() -> None:
    log = Log()
    supervisor = Supervisor(tell=log.tell, first_pause_s=0.01)
    supervisor.everything_ready = True
    task = asyncio.create_task(supervisor.keep(Program(name="buoy", command=_python("print('afloat')"))))
    await log.until("buoy    | afloat", times=3)
    assert [line for line in log.lines if "ended" in line] == [
        "buoy ended with status 0; it starts again in 0.01 s",
        "buoy ended with status 0; it starts again in 0.02 s",
    ]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_programs_environment_is_ours_and_its_own() -> None:
    log = Log()
    code = "import os; print(os.environ['TIDE'], 'PATH' in os.environ)"
    with pytest.raises(ProgramKeepsFailing):
        await Supervisor(tell=log.tell, first_pause_s=0.01).keep(
            Program(name="env", command=_python(code), environment={"TIDE": "high"})
        )
    assert "env     | high True" in log.lines


async def test_cancelled_supervisor_ends_its_program_in_order() -> None:
    log = Log()
    code = (
        "import os, signal, time; signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b'bye\\n'), os._exit(0)));"
        "os.write(1, b'up\\n'); time.sleep(600)"
    )
    task = asyncio.create_task(
        Supervisor(tell=log.tell, first_pause_s=0.01).keep(Program(name="tug", command=_python(code)))
    )
    await log.until("tug     | up")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "tug     | bye" in log.lines


@pytest.mark.kill
async def test_program_ends_with_a_supervisor_that_is_killed() -> None:
    supervisor = await asyncio.create_subprocess_exec(
        *_python(SUPERVISOR_OF_ONE), STUBBORN, stdout=asyncio.subprocess.PIPE
    )
    assert supervisor.stdout is not None
    async with asyncio.timeout(LIMIT_S):
        line = await supervisor.stdout.readline()
    child = int(line.split()[-1])
    os.kill(supervisor.pid, signal.SIGKILL)
    await supervisor.wait()
    await _gone(child)
