"""Background jobs: written in the transaction of the facts they are about, run by any worker, not lost with one.

A room names its jobs as `JobKind` constants in its `jobs.py`; `later` writes one. Its `job_functions.py` says which
function each kind runs; `entry/` joins these tables and hands them to a `JobRunner`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import structlog
from procrastinate import App, BaseRetryStrategy, PsycopgConnector, RetryDecision
from procrastinate import exceptions as job_errors
from procrastinate.jobs import Job
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from moorage.infra.database import Tx

SWEEP_EVERY_S = 10.0
POLL_EVERY_S = 1.0  # a job put back into its queue wakes nobody
HEARTBEAT_EVERY_S = 3.0
LOST_AFTER_S = 12.0  # a worker that has not been heard of for so long is taken for dead
RESTART_AFTER_S = 1.0
FINISH_LIMIT_S = 10.0
LONGEST_PAUSE_S = 3600

log = structlog.get_logger()

_TICK = "timestamp"  # procrastinate adds it to every scheduled job

JobArgument = str | int | UUID | datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """One sort of job. Its name and arguments are stored: a new meaning is a new kind."""

    name: str
    time_limit: timedelta
    most_repeats: int
    """How often a failed run is repeated, after 2, 4, 8 … seconds."""
    safe_twice_because: str
    """Why running it twice does no harm; a job that outlives its worker does run twice."""
    when_given_up: str
    """What a person sees after the last repeat."""
    queue: str = "default"
    cron: str | None = None
    """When a job comes by the clock, once for each tick however many workers there are, and without arguments.

    Five fields, in the host's time zone, or six with the seconds last.
    """


JobFunctions = Mapping[JobKind, Callable[..., Awaitable[object]]]
"""Which function each kind of job runs. What it returns is of no interest here."""


class JobQueue:
    """Where jobs are written. It needs no connection of its own: a job rides on the transaction that wants it."""

    def __init__(self) -> None:
        self._app = App(connector=PsycopgConnector())

    async def later(
        self,
        tx: Tx,
        kind: JobKind,
        *,
        lock: str | None = None,
        not_before: datetime | None = None,
        arguments: Mapping[str, JobArgument] | None = None,
    ) -> None:
        """Write a job that runs if and only if `tx` commits; its function also gets `workspace_id`.

        Ids are called `…_id` and instants `at` or `…_at`, and come out as what they went in; so do texts and numbers.
        Jobs with the same `lock`, named by purpose (`media:<thread>`), run one after the other in order of writing.
        """
        named = {"workspace_id": tx.workspace_id, **(arguments or {})}
        plain = {name: _stored(value) for name, value in named.items()}
        deferrer = self._app.configure_task(
            kind.name, connection=tx.connection, queue=kind.queue, lock=lock, schedule_at=not_before
        )
        await deferrer.defer_async(**plain)


class JobRunner:
    """Runs jobs in this process, and takes over those of workers that died."""

    def __init__(
        self,
        *,
        pool: AsyncConnectionPool,
        functions: JobFunctions,
        concurrency: int = 4,
        finish_limit_s: float = FINISH_LIMIT_S,
    ) -> None:
        """`functions` get `workspace_id: WorkspaceId` and the arguments that `later` was given; scheduled ones none."""
        self._pool = pool
        self._concurrency = concurrency
        self._finish_limit_s = finish_limit_s
        self._app = App(connector=PsycopgConnector())
        for kind, function in functions.items():
            self._add(kind, function)

    def _add(self, kind: JobKind, function: Callable[..., Awaitable[object]]) -> None:
        async def run(**arguments: JobArgument) -> None:
            async with asyncio.timeout(kind.time_limit.total_seconds()):
                await function(**_named(arguments))

        task = self._app.task(
            name=kind.name,
            queue=kind.queue,
            retry=_Repeats(most=kind.most_repeats),
        )(run)
        if kind.cron is not None:
            self._app.periodic(cron=kind.cron, periodic_id=kind.name)(task)  # pyright: ignore[reportArgumentType] -- it does take the timestamp

    async def run(self) -> None:
        """Run jobs until cancelled; those that run then get `finish_limit_s` to end, or start again elsewhere."""
        async with self._app.open_async(self._pool), asyncio.TaskGroup() as tasks:
            tasks.create_task(self._work())
            tasks.create_task(self._sweep())

    async def run_waiting(self) -> None:
        """Run the jobs that wait now, one after the other, and return."""
        async with self._app.open_async(self._pool):
            await self._app.run_worker_async(wait=False, listen_notify=False, install_signal_handlers=False)

    async def _work(self) -> None:
        while True:
            try:
                await self._app.run_worker_async(
                    concurrency=self._concurrency,
                    fetch_job_polling_interval=POLL_EVERY_S,
                    install_signal_handlers=False,
                    delete_jobs="successful",
                    shutdown_graceful_timeout=self._finish_limit_s,
                    update_heartbeat_interval=HEARTBEAT_EVERY_S,
                    stalled_worker_timeout=LOST_AFTER_S,
                )
            except (job_errors.ConnectorException, psycopg.OperationalError, PoolTimeout):
                log.warning("job_worker_interrupted")
            await asyncio.sleep(RESTART_AFTER_S)

    async def _sweep(self) -> None:
        while True:
            try:
                await self.take_over_stalled()
            except (job_errors.ConnectorException, psycopg.OperationalError, PoolTimeout):
                log.warning("stalled_jobs_not_swept")
            await asyncio.sleep(SWEEP_EVERY_S)

    async def take_over_stalled(self) -> int:
        """Put jobs whose worker died back into their queue, and return how many.

        Without it such a job stays `doing`, and the next one with its lock waits for ever.
        """
        manager = self._app.job_manager
        stalled = list(await manager.get_stalled_jobs(seconds_since_heartbeat=LOST_AFTER_S))
        for job in stalled:
            log.warning("stalled_job_taken_over", job_id=job.id, job=job.task_name)
            await manager.retry_job(job)
        return len(stalled)


class _Repeats(BaseRetryStrategy):
    """Repeats a failed job with growing pauses, and one that was cut off by a stopping worker in any case."""

    def __init__(self, *, most: int) -> None:
        self._most = most

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision(retry_in={"seconds": 0})
        if job.attempts >= self._most:
            log.error("job_given_up", job_id=job.id, job=job.task_name)
            return None
        return RetryDecision(retry_in={"seconds": min(2 ** (job.attempts + 1), LONGEST_PAUSE_S)})


def _stored(value: JobArgument) -> str | int | None:
    """Return an argument as it is written down."""
    match value:
        case UUID():
            return str(value)
        case datetime():
            return value.isoformat()
        case _:
            return value


def _named(arguments: Mapping[str, JobArgument]) -> dict[str, object]:
    """Return what a function is called with: ids and instants as what they were, and no tick of the clock."""
    return {name: _read(name, value) for name, value in arguments.items() if name != _TICK}


def _read(name: str, value: JobArgument) -> object:
    if not isinstance(value, str):
        return value
    if name.endswith("_id"):
        return UUID(value)
    return datetime.fromisoformat(value) if name == "at" or name.endswith("_at") else value
