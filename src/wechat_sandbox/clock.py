"""The time of the stand-in: the machine's time plus an offset that tests may move."""

import os
import time
from collections.abc import Callable
from pathlib import Path


class OffsetFixedByFile(Exception):
    """The offset comes from a clock file, so nobody else may set it."""


class SandboxClock:
    """Tells Unix seconds; a clock file, if any, is looked at on every call."""

    def __init__(self, *, clock_file: Path | None, real_time_s: Callable[[], float] = time.time) -> None:
        self._file = clock_file
        self._real_time_s = real_time_s
        self._offset_s = 0.0
        self._seen: tuple[int, int, int] | None = None

    def now_s(self) -> float:
        """Return the stand-in's present instant in Unix seconds."""
        return self._real_time_s() + self.offset_s()

    def offset_s(self) -> float:
        """Return the seconds added to the machine's time; an absent or empty file means 0."""
        if self._file is not None:
            self._follow_file(self._file)
        return self._offset_s

    def set_offset(self, *, offset_s: float) -> None:
        """Move the clock. Raises OffsetFixedByFile when a clock file rules."""
        if self._file is not None:
            raise OffsetFixedByFile
        self._offset_s = offset_s

    def _follow_file(self, file: Path) -> None:
        try:
            stat = os.stat(file)
        except FileNotFoundError:
            self._seen, self._offset_s = None, 0.0
            return
        # The inode is part of the mark because a writer may rename a new file over the old one.
        mark = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if mark != self._seen:
            self._offset_s = _offset_in(file, otherwise=self._offset_s)
            self._seen = mark


def _offset_in(file: Path, *, otherwise: float) -> float:
    try:
        text = file.read_text().strip()
        return float(text) if text else 0.0
    except (OSError, ValueError):
        # Seen half-written: keep the last good value, the next change of the file is read again.
        return otherwise
