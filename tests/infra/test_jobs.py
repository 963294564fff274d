"""Jobs come with their transaction, run once in order, and outlive the worker that held them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from moorage.core.ids import WorkspaceId, new_id
from moorage.infra.database import Database, Tx
from moorage.infra.jobs import JobKind, JobQueue, JobRunner
from tests.conftest import a_workspace

LIMIT_S = 15
KIND = JobKind(
    name="tests.note",
    time_limit=timedelta(seconds=5),
    most_repeats=0,
    safe_twice_because="it only takes notes",
    when_given_up="nothing",
)


class Notes:
    """Takes note of each job it is run for."""

    def __init__(self, *, awaited: int = 0) -> None:
        self.taken: list[tuple[WorkspaceId, str]] = []
        self.complete = asyncio.Event()
        self._awaited = awaited

    async def take(self, *, workspace_id: WorkspaceId, word: str) -> None:
        self.taken.append((workspace_id, word))
        if len(self.taken) == self._awaited:
            self.complete.set()


@asynccontextmanager
async def _running(runner: JobRunner) -> AsyncGenerator[None]:
    async with asyncio.timeout(LIMIT_S):
        task = asyncio.create_task(runner.run())
        try:
            yield
        finally:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


async def _write(database: Database, workspace: WorkspaceId, *words: str, lock: str | None = None) -> None:
    async with database.in_workspace(workspace) as tx:
        for word in words:
            await JobQueue().later(tx, KIND, lock=lock, arguments={"word": word})


async def test_a_job_runs_with_its_workspace_and_arguments(fresh_database: Database) -> None:
    workspace = await a_workspace(fresh_database)
    notes = Notes()
    await _write(fresh_database, workspace, "你好")
    await JobRunner(pool=fresh_database.pool, functions={KIND: notes.take}).run_waiting()
    assert notes.taken == [(workspace, "你好")]


async def test_ids_and_instants_reach_a_job_as_what_they_were(fresh_database: Database) -> None:
    workspace = await a_workspace(fresh_database)
    given = {"boat_id": new_id(), "at": datetime(2026, 5, 1, 8, 30, 0, 250, tzinfo=UTC), "berth": "7", "length": 12}
    got: list[dict[str, object]] = []

    async def take(**arguments: object) -> None:
        got.append(arguments)

    async with fresh_database.in_workspace(workspace) as tx:
        await JobQueue().later(tx, KIND, arguments=given)
    await JobRunner(pool=fresh_database.pool, functions={KIND: take}).run_waiting()
    assert got == [{"workspace_id": workspace, **given}]


async def test_a_job_of_a_transaction_that_failed_never_was(fresh_database: Database) -> None:
    workspace = await a_workspace(fresh_database)
    notes = Notes()

    async def write_and_fail(tx: Tx) -> None:
        await JobQueue().later(tx, KIND, arguments={"word": "x"})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fresh_database.run(workspace, write_and_fail)
    await JobRunner(pool=fresh_database.pool, functions={KIND: notes.take}).run_waiting()
    assert notes.taken == []


async def test_jobs_with_one_lock_run_in_order_of_writing(fresh_database: Database) -> None:
    workspace = await a_workspace(fresh_database)
    words = [str(n) for n in range(10)]
    notes = Notes(awaited=len(words))
    await _write(fresh_database, workspace, *words, lock="notes:one")
    async with _running(JobRunner(pool=fresh_database.pool, functions={KIND: notes.take}, concurrency=4)):
        await notes.complete.wait()
    assert [word for _, word in notes.taken] == words


async def test_a_job_whose_worker_died_is_run_by_the_next_and_frees_its_lock(fresh_database: Database) -> None:
    workspace = await a_workspace(fresh_database)
    notes = Notes(awaited=2)
    await _write(fresh_database, workspace, "first", "second", lock="notes:one")
    async with fresh_database.in_platform() as tx:
        dead = await tx.value(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
        )
        held = await tx.value("SELECT id FROM procrastinate_fetch_job_v2(NULL, %s)", [dead])
    assert held is not None
    runner = JobRunner(pool=fresh_database.pool, functions={KIND: notes.take})
    await runner.run_waiting()
    assert notes.taken == []  # the dead worker's job holds the lock
    async with _running(runner):
        await notes.complete.wait()
    assert [word for _, word in notes.taken] == ["first", "second"]


async def test_a_job_that_takes_too_long_is_ended(fresh_database: Database) -> None:
    workspace = await a_workspace(fresh_database)
    endless = JobKind(
        name="tests.endless",
        time_limit=timedelta(milliseconds=50),
        most_repeats=0,
        safe_twice_because="it does nothing",
        when_given_up="nothing",
    )

    async def wait_for_ever(*, workspace_id: WorkspaceId) -> None:
        await asyncio.Event().wait()

    async with fresh_database.in_workspace(workspace) as tx:
        await JobQueue().later(tx, endless)
    await JobRunner(pool=fresh_database.pool, functions={endless: wait_for_ever}).run_waiting()
    async with fresh_database.in_platform() as tx:
        assert await tx.value("SELECT status::text FROM procrastinate_jobs") == "failed"


async def test_a_failed_job_is_put_back_for_later(fresh_database: Database) -> None:
    workspace = await a_workspace(fresh_database)
    repeated = JobKind(
        name="tests.repeated",
        time_limit=timedelta(seconds=5),
        most_repeats=2,
        safe_twice_because="it does nothing",
        when_given_up="nothing",
    )

    async def fail(*, workspace_id: WorkspaceId) -> None:
        raise ConnectionError

    async with fresh_database.in_workspace(workspace) as tx:
        await JobQueue().later(tx, repeated)
    await JobRunner(pool=fresh_database.pool, functions={repeated: fail}).run_waiting()
    async with fresh_database.in_platform() as tx:
        assert await tx.value("SELECT status::text || attempts FROM procrastinate_jobs") == "todo1"


async def test_a_scheduled_job_comes_by_the_clock_and_gets_no_arguments(fresh_database: Database) -> None:
    came = asyncio.Event()

    async def ring() -> None:
        came.set()

    each_second = replace(KIND, cron="* * * * * *")
    async with _running(JobRunner(pool=fresh_database.pool, functions={each_second: ring})):
        await came.wait()


async def test_a_job_cut_off_by_a_stopping_worker_runs_again(fresh_database: Database) -> None:
    workspace = await a_workspace(fresh_database)
    started, notes = asyncio.Event(), Notes()

    async def hang(*, workspace_id: WorkspaceId, word: str) -> None:
        started.set()
        await asyncio.Event().wait()

    await _write(fresh_database, workspace, "kept")
    async with _running(JobRunner(pool=fresh_database.pool, functions={KIND: hang}, finish_limit_s=0.05)):
        await started.wait()
    await JobRunner(pool=fresh_database.pool, functions={KIND: notes.take}).run_waiting()
    assert notes.taken == [(workspace, "kept")]
