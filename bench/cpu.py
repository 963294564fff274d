"""Processor time of processes, read from /proc: it says what work costs, whoever else is using the machine."""

import os
from collections.abc import Mapping
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_s(process: int) -> float:
    """Return the processor seconds that a process and its children have used, the ended and the living."""
    parents = _parents()
    return sum(_used_s(one) for one in parents if one == process or _descends(one, process, parents))


def _descends(one: int, process: int, parents: Mapping[int, int]) -> bool:
    while (one := parents.get(one, 0)) > 1:
        if one == process:
            return True
    return False


def _parents() -> Mapping[int, int]:
    found: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (words := _stat(int(entry.name))):
            found[int(entry.name)] = int(words[1])
    return found


def _used_s(process: int) -> float:
    words = _stat(process)
    return sum(map(int, words[11:15])) * _TICK_S if words else 0.0


def _stat(process: int) -> list[str]:
    """Return the fields after the program's name, which may hold spaces; none for a process that is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []
