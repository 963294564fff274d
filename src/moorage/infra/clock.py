"""The process's clock: the database's time, and in demo and tests an offset that a file names."""

import asyncio
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import structlog
from psycopg.rows import scalar_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from moorage.core.clock import OffsetClock, host_time

MEASURE_EVERY_S = 60.0
SAMPLES = 3
LARGE_OFFSET = timedelta(seconds=1)

log = structlog.get_logger()


class DatabaseClock(OffsetClock):
    """The host's clock corrected to the database's, so that hosts that disagree still agree with each other."""

    def __init__(self, *, clock_file: Path | None = None, host: Callable[[], datetime] = host_time) -> None:
        super().__init__(host=host)
        self._moved = FileOffset(clock_file) if clock_file is not None else None

    def now(self) -> datetime:
        """Return the database's time as aware UTC, moved by the clock file where there is one."""
        return super().now() + self._moved.read() if self._moved is not None else super().now()

    async def measure(self, pool: AsyncConnectionPool) -> timedelta:
        """Measure, use and return the offset (database minus host). The quickest of three answers counts."""
        async with pool.connection() as connection:
            samples = [await _sample(connection, host=self.host) for _ in range(SAMPLES)]
        offset = min(samples)[1]
        self.correct(offset=offset)
        if abs(offset) > LARGE_OFFSET:
            log.warning("host_clock_differs", offset_s=offset.total_seconds())
        return offset

    async def keep_measuring(self, pool: AsyncConnectionPool) -> None:
        """Measure each minute until cancelled; a database that is away leaves the last offset in use."""
        while True:
            await asyncio.sleep(MEASURE_EVERY_S)
            try:
                await self.measure(pool)
            except (psycopg.OperationalError, PoolTimeout):
                log.warning("clock_not_measured")


async def _sample(connection: psycopg.AsyncConnection, *, host: Callable[[], datetime]) -> tuple[timedelta, timedelta]:
    """Return how long the database took to answer, and the offset if its answer was made half-way."""
    asked_at = host()
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT clock_timestamp()")
        answer: object = await cursor.fetchone()
    took = host() - asked_at
    if not isinstance(answer, datetime):
        raise TypeError("clock_timestamp() gave no instant")
    return took, answer - (asked_at + took / 2)


class FileOffset:
    """The seconds in a clock file, looked up again whenever the file has changed. No file means none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._offset = timedelta()

    def read(self) -> timedelta:
        """Return the present offset. A file that is being written keeps the offset of before."""
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            self._seen, self._offset = None, timedelta()
            return self._offset
        seen = (status.st_ino, status.st_mtime_ns, status.st_size)
        if seen != self._seen:
            self._offset = self._parse()
            self._seen = seen
        return self._offset

    def _parse(self) -> timedelta:
        try:
            text = self._path.read_text(encoding="ascii").strip()
            return timedelta(seconds=float(text)) if text else timedelta()
        except (OSError, ValueError, OverflowError):
            return self._offset
