"""Promises of limits on what needs no sign-in."""

from datetime import timedelta

import pytest

from moorage.infra.database import Database
from moorage.infra.limits import TooOften, UseLimit, count_use
from tests.conftest import MovableClock

LIMIT = UseLimit(name="test", most=3, window=timedelta(minutes=1))


async def use(database: Database, *, by: str, limit: UseLimit = LIMIT) -> None:
    async with database.in_platform() as tx:
        await count_use(tx, limit=limit, by=by)


async def test_one_use_too_many_is_refused_until_the_window_ends(database: Database, clock: MovableClock) -> None:
    for _ in range(LIMIT.most):
        await use(database, by="192.0.2.1")
    for _ in range(2):
        with pytest.raises(TooOften) as refused:
            await use(database, by="192.0.2.1")
        assert 0 < refused.value.retry_after_s <= 60
    clock.forward(LIMIT.window)
    await use(database, by="192.0.2.1")


async def test_places_and_limits_are_counted_apart(database: Database) -> None:
    other = UseLimit(name="other", most=1, window=timedelta(minutes=1))
    for _ in range(LIMIT.most):
        await use(database, by="192.0.2.2")
    await use(database, by="192.0.2.3")
    await use(database, by="192.0.2.2", limit=other)
