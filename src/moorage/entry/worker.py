"""The worker process: sends messages, takes in what stayed, runs jobs, notices who is gone."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from moorage.channels.job_functions import channel_jobs
from moorage.conversations.job_functions import conversation_jobs
from moorage.conversations.outgoing_links import OutgoingLinks
from moorage.conversations.people.profiles import Profiles
from moorage.conversations.sender import Sender
from moorage.entry.container import Container, authorizations_of, open_container
from moorage.infra.jobs import JobFunctions, JobRunner
from moorage.infra.settings import Settings
from moorage.infra.upkeep import UPKEEP, keep_house
from moorage.reception.job_functions import reception_jobs
from moorage.reception.sweeper import Sweeper
from moorage.staff.presence import close_lost_connections, mark_away

LOST_CONNECTIONS_EVERY_S = 5.0

log = structlog.get_logger()


async def run_worker(settings: Settings, *, ready_file: Path | None = None) -> None:
    """Work until SIGINT or SIGTERM; then end what is being sent or run, and return.

    `ready_file` is written once all loops run. A defect in one loop ends the process, so that it is started anew.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_container(settings) as parts:
        await keep_house(parts.database)
        await work(parts, stop=stop, ready_file=ready_file)
    log.info("worker_ended")


async def work(parts: Container, *, stop: asyncio.Event, ready_file: Path | None = None) -> None:
    """Run every loop of a worker until `stop` is set."""
    sender = Sender(
        database=parts.database,
        connectors=parts.connectors,
        box=parts.box,
        blobs=parts.blobs,
        links=OutgoingLinks(links=parts.links, public_url=parts.settings.public_url),
    )
    sweeper = Sweeper(database=parts.database, connectors=parts.connectors)
    jobs = JobRunner(pool=parts.pool, functions=_job_functions(parts))
    close_lost = partial(close_lost_connections, parts.database)
    async with asyncio.TaskGroup() as loops:
        loops.create_task(sender.run(stop=stop, listen_url=parts.database_url))
        loops.create_task(sweeper.run(stop=stop))
        endless = (
            loops.create_task(jobs.run()),
            loops.create_task(parts.clock.keep_measuring(parts.pool)),
            loops.create_task(_repeat(close_lost, every_s=LOST_CONNECTIONS_EVERY_S)),
            loops.create_task(_repeat(partial(mark_away, parts.database), every_s=LOST_CONNECTIONS_EVERY_S)),
        )
        log.info("worker_started")
        if ready_file is not None:
            ready_file.touch()  # noqa: ASYNC240 -- once, and quick
        await stop.wait()
        for loop in endless:
            loop.cancel()


def _job_functions(parts: Container) -> JobFunctions:
    """Return which function each kind of job runs, of every room."""
    database, box, connectors, blobs = parts.database, parts.box, parts.connectors, parts.blobs
    profiles = Profiles(database=database, connectors=connectors, box=box, blobs=blobs)
    return {
        UPKEEP: partial(keep_house, database),
        **channel_jobs(database=database, box=box, connectors=connectors, authorizations=authorizations_of(parts)),
        **conversation_jobs(database=database, box=box, connectors=connectors, blobs=blobs, profiles=profiles),
        **reception_jobs(database=database, connectors=connectors, blobs=blobs, profiles=profiles),
    }


async def _repeat(action: Callable[[], Awaitable[object]], *, every_s: float) -> None:
    """Do `action` again and again until cancelled; a database that is away is waited for."""
    while True:
        try:
            await action()
        except (psycopg.OperationalError, PoolTimeout):
            log.warning("loop_interrupted")
        await asyncio.sleep(every_s)
