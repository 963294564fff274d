"""The clock shows the database's time, moved only by a clock file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from psycopg_pool import AsyncConnectionPool

from moorage.infra.clock import DatabaseClock, FileOffset
from moorage.infra.settings import ClockFileRefused, Settings, refuse_clock_file

CLOSE = timedelta(seconds=0.5)


async def test_a_wrong_host_clock_is_corrected_to_the_database(pool: AsyncConnectionPool) -> None:
    clock = DatabaseClock()
    clock.correct(offset=timedelta(hours=5))
    offset = await clock.measure(pool)
    assert abs(offset) < CLOSE  # the test's database runs on this host
    assert abs(clock.now() - datetime.now(UTC)) < CLOSE


def test_the_clock_follows_its_file(tmp_path: Path) -> None:
    path = tmp_path / "offset"
    clock = DatabaseClock(clock_file=path)
    assert abs(clock.now() - datetime.now(UTC)) < CLOSE
    path.write_text("172800\n")
    assert abs(clock.now() - datetime.now(UTC) - timedelta(days=2)) < CLOSE
    path.unlink()
    assert abs(clock.now() - datetime.now(UTC)) < CLOSE


def test_a_half_written_file_keeps_the_offset_of_before(tmp_path: Path) -> None:
    path = tmp_path / "offset"
    path.write_text("60")
    moved = FileOffset(path)
    assert moved.read() == timedelta(seconds=60)
    path.write_text("6x0")
    assert moved.read() == timedelta(seconds=60)


def test_a_service_refuses_a_clock_file(tmp_path: Path) -> None:
    with pytest.raises(ClockFileRefused):
        refuse_clock_file(Settings(clock_file=tmp_path / "offset"))
    refuse_clock_file(Settings(clock_file=None))
