"""Server processes: started without root's rights, bound to their parent's life, found and ended by their folder."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

POLL_S = 0.02
KILLED_WITHIN_S = 5.0
# Commands here are built from our own constants, the binaries' folder and the data folder: hence the S603 below.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def server_uid() -> int | None:
    """Return the user id that server files need, or None where they are simply ours."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def unprivileged(*, must_reach: Sequence[Path]) -> tuple[str, ...] | None:
    """Return the words to put before a command so that it has no root rights and ends with its parent.

    PostgreSQL refuses to run as root, so root becomes `nobody`. Where that user cannot reach `must_reach` (all below
    /root, say) it is given the one capability to pass through folders. None: there is no way on this machine.
    """
    setpriv = shutil.which("setpriv", path=_ENVIRONMENT["PATH"])
    if setpriv is None:
        return None
    plain = (setpriv, "--pdeathsig", "INT")
    if os.geteuid() != 0:
        return plain
    nobody = pwd.getpwnam("nobody")
    dropped = (*plain, f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups")
    # Without the secure bit access(2), which PostgreSQL asks, would judge as if the capability were not there.
    capability = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup")
    passing = (*dropped, *capability)
    return next((prefix for prefix in (dropped, passing) if _reaches(prefix, must_reach)), None)


def _reaches(prefix: Sequence[str], paths: Sequence[Path]) -> bool:
    tests = [[*prefix, "test", "-x", str(path)] for path in paths]
    return all(run_tool(test).returncode == 0 for test in tests)


def run_tool(command: Sequence[str], *, password: str = "") -> subprocess.CompletedProcess[str]:
    """Return what a short-lived tool of the server said (both streams in `stdout`) and how it ended.

    A password goes through the environment, because whoever lists processes reads command lines.
    """
    return subprocess.run(  # noqa: S603
        command,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**_ENVIRONMENT, "PGPASSWORD": password},
        cwd="/",
        umask=0o077,
    )


def start_process(command: Sequence[str], *, log: Path) -> subprocess.Popen[bytes]:
    """Start a server whose words go to `log`. A session of its own keeps Ctrl-C of the terminal away from it."""
    with log.open("wb") as words:
        return subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            env=_ENVIRONMENT,
            cwd="/",
            umask=0o077,
            start_new_session=True,
        )


def stop_process(process: subprocess.Popen[bytes], *, limit_s: float) -> None:
    """End a server in order (SIGINT: clients are cut, data is safe), by force once `limit_s` is over; reap it."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=limit_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)
        process.wait(timeout=KILLED_WITHIN_S)


def clear_remains(*, data: Path, sockets: Path, limit_s: float) -> None:
    """End whatever still works in `data` and remove its lock files, so that a new server can start there.

    A lock file alone proves nothing: its process may be a zombie that nobody reaped, or another one by now.
    """
    deadline = time.monotonic() + limit_s
    for pid in _processes_in(data) & {_noted_pid(data)}:
        _signal(pid, signal.SIGINT)
    while running := _processes_in(data):
        if time.monotonic() > deadline:
            for pid in running:
                _signal(pid, signal.SIGKILL)
        time.sleep(POLL_S)
    for left in (data / "postmaster.pid", *sockets.iterdir()):
        left.unlink(missing_ok=True)


def _noted_pid(data: Path) -> int:
    try:
        return int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return -1


def _processes_in(data: Path) -> set[int]:
    """Return the living processes that work in `data`: a server and its children all stand in their data folder."""
    return {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _stands_in(entry, data)}


def _stands_in(entry: Path, data: Path) -> bool:
    try:
        return (entry / "cwd").readlink() == data  # a zombie has no cwd left
    except OSError:  # ended meanwhile, or another user's
        return False


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
