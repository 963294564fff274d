"""Each hour: partitions for the days ahead, none older than a week, and nothing expired is kept."""

from datetime import UTC, datetime, timedelta

from moorage.core.ids import WorkspaceId, new_id
from moorage.infra.database import Database, Fact
from moorage.infra.upkeep import keep_house
from tests.conftest import MovableClock, a_workspace


async def _partitions(database: Database) -> set[str]:
    async with database.in_platform() as tx:
        names = await tx.value(
            "SELECT string_agg(inhrelid::regclass::text, ' ') FROM pg_inherits WHERE inhparent = 'event_log'::regclass"
        )
    return set(str(names).split())


def _name(day: datetime) -> str:
    return f"event_log_{day:%Y%m%d}"


async def _record(database: Database, workspace: WorkspaceId) -> None:
    async with database.in_workspace(workspace) as tx:
        tx.record(Fact(topic="t", object_id=new_id(), version=1, audience=("all",), payload={}))


async def _facts(database: Database, workspace: WorkspaceId) -> object:
    async with database.in_workspace(workspace) as tx:
        return await tx.value("SELECT array_agg(seq ORDER BY seq) FROM event_log")


async def test_the_days_ahead_have_partitions_and_old_ones_are_gone(
    fresh_database: Database, clock: MovableClock
) -> None:
    start = datetime.now(UTC)
    clock.forward(timedelta(days=9))
    await keep_house(fresh_database)
    await keep_house(fresh_database)
    expected = {_name(start + timedelta(days=days)) for days in (2, 3, 8, 9, 10, 11, 12)}
    assert await _partitions(fresh_database) == {*expected, "event_log_other"}


async def test_rows_that_came_before_their_partition_move_into_it(
    fresh_database: Database, clock: MovableClock
) -> None:
    workspace = await a_workspace(fresh_database)
    clock.forward(timedelta(days=30))
    await _record(fresh_database, workspace)
    await keep_house(fresh_database)
    await _record(fresh_database, workspace)
    assert await _facts(fresh_database, workspace) == [1, 2]
    assert _name(clock.now()) in await _partitions(fresh_database)


async def test_facts_are_kept_for_a_week(fresh_database: Database, clock: MovableClock) -> None:
    workspace = await a_workspace(fresh_database)
    await _record(fresh_database, workspace)
    clock.forward(timedelta(days=7))
    await keep_house(fresh_database)
    assert await _facts(fresh_database, workspace) == [1]
    clock.forward(timedelta(days=1))
    await keep_house(fresh_database)
    assert await _facts(fresh_database, workspace) is None


async def test_expired_sessions_and_commands_are_deleted(fresh_database: Database, clock: MovableClock) -> None:
    person = new_id()
    async with fresh_database.in_platform() as tx:
        await tx.execute(
            "INSERT INTO persons (id, email, name, password_hash, created_at) VALUES (%s, 'a@b', 'A', 'x', %s)",
            [person, tx.now],
        )
        await tx.execute(
            "INSERT INTO sessions (id, token_digest, csrf_token, person_id, created_at, last_seen_at, expires_at,"
            " remote_address, user_agent) VALUES (%(id)s, 'd', 'c', %(person)s, %(now)s, %(now)s, %(now)s, '', '')",
            {"id": new_id(), "person": person, "now": tx.now},
        )
        await tx.execute(
            "INSERT INTO idempotency_keys (person_id, key, request_digest, created_at, lease_until)"
            " VALUES (%(person)s, 'k', 'd', %(now)s, %(now)s)",
            {"person": person, "now": tx.now},
        )
    await keep_house(fresh_database)
    assert await _counts(fresh_database) == (1, 1)
    clock.forward(timedelta(days=2))
    await keep_house(fresh_database)
    assert await _counts(fresh_database) == (1, 0)
    clock.forward(timedelta(days=29))
    await keep_house(fresh_database)
    assert await _counts(fresh_database) == (0, 0)


async def _counts(database: Database) -> tuple[object, object]:
    async with database.in_platform() as tx:
        return (
            await tx.value("SELECT count(*) FROM sessions"),
            await tx.value("SELECT count(*) FROM idempotency_keys"),
        )
