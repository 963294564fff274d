"""What the database needs each hour: partitions for the days ahead, and old things thrown away."""

from datetime import timedelta

from moorage.infra.database import Database
from moorage.infra.jobs import JobKind

SESSIONS_KEPT = timedelta(days=30)
SIGN_INS_KEPT = timedelta(days=90)
COMMANDS_KEPT = timedelta(hours=24)
DOCKING_ATTEMPTS_KEPT = timedelta(days=7)

UPKEEP = JobKind(
    name="infra.keep_house",
    time_limit=timedelta(minutes=5),
    most_repeats=3,
    safe_twice_because="it makes only what is missing and removes only what has expired",
    when_given_up="a warning in the log; new rows go to the default partition until the next run",
    cron="17 * * * *",
)


async def keep_house(database: Database) -> None:
    """Make the partitions of the days ahead, drop those older than a week, and delete what has expired.

    Run it also when a worker starts, so that an installation that slept for days does not wait for the next hour.
    """
    async with database.in_platform() as tx:
        await tx.execute("SELECT moorage_make_partitions((%s AT TIME ZONE 'UTC')::date)", [tx.now])
    async with database.in_platform() as tx:
        await tx.execute("SELECT moorage_drop_partitions((%s AT TIME ZONE 'UTC')::date)", [tx.now])
    async with database.in_platform() as tx:
        await tx.execute("DELETE FROM idempotency_keys WHERE created_at < %s", [tx.now - COMMANDS_KEPT])
        await tx.execute("DELETE FROM sign_ins WHERE at < %s", [tx.now - SIGN_INS_KEPT])
        await tx.execute("DELETE FROM sessions WHERE LEAST(expires_at, ended_at) < %s", [tx.now - SESSIONS_KEPT])
        await tx.execute("DELETE FROM docking_attempts WHERE created_at < %s", [tx.now - DOCKING_ATTEMPTS_KEPT])
        await tx.execute("DELETE FROM procrastinate_jobs WHERE status IN ('succeeded', 'cancelled')")
        await tx.execute("DELETE FROM use_counts WHERE ends_at < %s", [tx.now])
