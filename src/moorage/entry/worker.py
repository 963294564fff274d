"""The worker process: sends messages, takes in what stayed, runs jobs, notices who is gone."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from moorage.channels.comparing import Comparing
from moorage.channels.health.doctor import Doctor
from moorage.channels.health.jobs import EXAMINE_CHANNEL, EXAMINE_DUE, EXAMINE_DUE_SCHEDULE
from moorage.channels.health.visits import Visits
from moorage.channels.jobs import COMPARE_ACCOUNTS, COMPARE_ACCOUNTS_SCHEDULE, REFRESH_ACCOUNT, SETTLE_AUTHORIZATION
from moorage.channels.menus.jobs import COMPARE_MENU, COMPARE_MENUS, COMPARE_MENUS_SCHEDULE
from moorage.channels.menus.live import LiveMenus
from moorage.channels.menus.publishing import Menus
from moorage.conversations.jobs import (
    FETCH_DUE_MEDIA,
    FETCH_DUE_SCHEDULE,
    FETCH_MEDIA,
    HIDE_WRITING,
    SHOW_WRITING,
    SWEEP_UPLOADS,
    SWEEP_UPLOADS_SCHEDULE,
)
from moorage.conversations.media_fetching import MediaFetcher
from moorage.conversations.media_looking import Looks
from moorage.conversations.media_upkeep import fetch_due_media, sweep_uploads
from moorage.conversations.outgoing_links import OutgoingLinks
from moorage.conversations.people.jobs import PUSH_REMARK, READ_PROFILE
from moorage.conversations.people.profiles import Profiles
from moorage.conversations.people.remarks import Remarks
from moorage.conversations.sender import Sender
from moorage.conversations.writing_shown import WritingShower
from moorage.core.ids import AgentId, ChannelId, MessageId, WorkspaceId
from moorage.entry.container import Container, authorizations_of, open_container
from moorage.infra.jobs import JobKind, JobRunner
from moorage.infra.settings import Settings
from moorage.infra.upkeep import UPKEEP, UPKEEP_SCHEDULE, keep_house
from moorage.media.pictures import Pictures
from moorage.media.voices import Voices
from moorage.reception.erasing import Wishes
from moorage.reception.jobs import (
    CARRY_OUT_WISH,
    END_UNDOCKED,
    HAND_OVER,
    PICK_UP_QUEUE,
    SETTLE_CHANNEL,
    SHOW_CHANNEL_AGAIN,
)
from moorage.reception.leaving import hand_over
from moorage.reception.operations import pick_up_queue
from moorage.reception.settling import end_undocked, settle_channel, show_channel_again
from moorage.reception.sweeper import Sweeper
from moorage.staff.presence import close_lost_connections, mark_away

LOST_CONNECTIONS_EVERY_S = 5.0

SCHEDULES = (
    UPKEEP_SCHEDULE,
    COMPARE_MENUS_SCHEDULE,
    EXAMINE_DUE_SCHEDULE,
    COMPARE_ACCOUNTS_SCHEDULE,
    FETCH_DUE_SCHEDULE,
    SWEEP_UPLOADS_SCHEDULE,
)

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
    jobs = JobRunner(pool=parts.pool, functions=_job_functions(parts), schedules=SCHEDULES)
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


def _job_functions(parts: Container) -> Mapping[JobKind, Callable[..., Awaitable[None]]]:
    """Return which function each kind of job runs. Ids arrive as texts."""
    authorizations = authorizations_of(parts)
    menus = LiveMenus(Menus(database=parts.database, box=parts.box, connectors=parts.connectors))

    comparing = Comparing(
        database=parts.database, box=parts.box, connectors=parts.connectors, accounts=authorizations.accounts
    )
    visits = Visits(Doctor(database=parts.database, box=parts.box, connectors=parts.connectors))

    async def pick_up(*, workspace_id: WorkspaceId, agent_id: str) -> None:
        await pick_up_queue(
            parts.database, connectors=parts.connectors, workspace_id=workspace_id, agent_id=AgentId(UUID(agent_id))
        )

    async def hand_all_over(*, workspace_id: WorkspaceId, agent_id: str, at: str) -> None:
        await hand_over(
            parts.database,
            connectors=parts.connectors,
            workspace_id=workspace_id,
            agent_id=AgentId(UUID(agent_id)),
            at=datetime.fromisoformat(at),
        )

    async def settle(*, workspace_id: WorkspaceId, channel_id: str) -> None:
        await settle_channel(
            parts.database,
            connectors=parts.connectors,
            workspace_id=workspace_id,
            channel_id=ChannelId(UUID(channel_id)),
        )

    async def end_open(*, workspace_id: WorkspaceId, channel_id: str, at: str) -> None:
        await end_undocked(
            parts.database,
            connectors=parts.connectors,
            workspace_id=workspace_id,
            channel_id=ChannelId(UUID(channel_id)),
            at=datetime.fromisoformat(at),
        )

    async def show_again(*, workspace_id: WorkspaceId, channel_id: str) -> None:
        await show_channel_again(
            parts.database,
            connectors=parts.connectors,
            workspace_id=workspace_id,
            channel_id=ChannelId(UUID(channel_id)),
        )

    return {
        UPKEEP: partial(keep_house, parts.database),
        **_media_functions(parts),
        **_people_functions(parts),
        PICK_UP_QUEUE: pick_up,
        HAND_OVER: hand_all_over,
        SETTLE_CHANNEL: settle,
        END_UNDOCKED: end_open,
        SHOW_CHANNEL_AGAIN: show_again,
        SETTLE_AUTHORIZATION: authorizations.settle_pushed,
        REFRESH_ACCOUNT: authorizations.accounts.refresh_by_job,
        COMPARE_ACCOUNTS: comparing.compare_all,
        EXAMINE_DUE: visits.examine_due,
        EXAMINE_CHANNEL: visits.examine_by_job,
        COMPARE_MENUS: menus.compare_all,
        COMPARE_MENU: menus.compare_by_job,
    }


def _media_functions(parts: Container) -> Mapping[JobKind, Callable[..., Awaitable[None]]]:
    """Return what runs the jobs on files of conversations."""
    fetcher = MediaFetcher(
        database=parts.database,
        connectors=parts.connectors,
        box=parts.box,
        blobs=parts.blobs,
        looks=Looks(pictures=Pictures(), voices=Voices()),
    )

    async def fetch_media(*, workspace_id: WorkspaceId, message_id: str) -> None:
        await fetcher.fetch(workspace_id=workspace_id, message_id=MessageId(UUID(message_id)))

    async def fetch_due() -> None:
        await fetch_due_media(parts.database)

    async def sweep() -> None:
        await sweep_uploads(parts.database, blobs=parts.blobs)

    shower = WritingShower(database=parts.database, connectors=parts.connectors, box=parts.box)
    return {
        SHOW_WRITING: shower.show,
        HIDE_WRITING: shower.hide,
        FETCH_MEDIA: fetch_media,
        FETCH_DUE_MEDIA: fetch_due,
        SWEEP_UPLOADS: sweep,
    }


def _people_functions(parts: Container) -> Mapping[JobKind, Callable[..., Awaitable[None]]]:
    """Return what runs the jobs on what is known of customers."""
    profiles = Profiles(database=parts.database, connectors=parts.connectors, box=parts.box, blobs=parts.blobs)
    remarks = Remarks(database=parts.database, connectors=parts.connectors, box=parts.box)
    wishes = Wishes(database=parts.database, blobs=parts.blobs, profiles=profiles)
    return {READ_PROFILE: profiles.read, PUSH_REMARK: remarks.push, CARRY_OUT_WISH: wishes.carry_out}


async def _repeat(action: Callable[[], Awaitable[object]], *, every_s: float) -> None:
    """Do `action` again and again until cancelled; a database that is away is waited for."""
    while True:
        try:
            await action()
        except (psycopg.OperationalError, PoolTimeout):
            log.warning("loop_interrupted")
        await asyncio.sleep(every_s)
