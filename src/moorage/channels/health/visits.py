"""Looking at every docked channel now and then, and sooner at those that ail: trouble shows with nobody looking."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from moorage.channels.events import ChannelStateChanged
from moorage.channels.health.doctor import Doctor
from moorage.channels.health.model import health_of
from moorage.channels.jobs import EXAMINE_CHANNEL
from moorage.channels.undocking import ChannelUndocked
from moorage.core.errors import Missing
from moorage.core.ids import ChannelId, WorkspaceId
from moorage.infra.database import Database, Tx
from moorage.infra.jobs import JobQueue

EVERY: Final = timedelta(minutes=30)
JITTER: Final = timedelta(minutes=6)
"""So that a thousand channels docked in one morning are not looked at in one minute ever after."""
AILING_EVERY: Final = timedelta(minutes=5)
AFTER_FAILURE: Final = timedelta(minutes=2)
MOST_AT_ONCE: Final = 200
JOB_WITHIN_S: Final = 40.0


@dataclass(frozen=True, slots=True)
class _Due:
    workspace_id: WorkspaceId
    channel_id: ChannelId


@dataclass(frozen=True, slots=True)
class Visits:
    """Sends the doctor to the channels."""

    doctor: Doctor

    async def examine_due(self) -> None:
        """Write a job for each channel whose time has come, and say when the next one is."""
        database = self.doctor.database
        async with database.in_platform() as tx:
            due = await tx.rows(
                _Due,
                """
                UPDATE channel_addresses SET examine_at = %(now)s + %(every)s + random() * %(jitter)s
                WHERE (kind, external_id) IN (
                  SELECT kind, external_id FROM channel_addresses WHERE examine_at <= %(now)s
                  ORDER BY examine_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
                RETURNING workspace_id, channel_id
                """,
                {"now": tx.now, "every": EVERY, "jitter": JITTER, "most": MOST_AT_ONCE},
            )
        jobs = JobQueue()
        for one in due:
            async with database.in_workspace(one.workspace_id) as tx:
                await jobs.later(tx, EXAMINE_CHANNEL, arguments={"channel_id": one.channel_id})

    async def examine_by_job(self, *, workspace_id: WorkspaceId, channel_id: ChannelId) -> None:
        """Look at one channel, with as few calls as will do; one that ails is looked at again soon."""
        deadline = asyncio.get_running_loop().time() + JOB_WITHIN_S
        try:
            checks = await self.doctor.ask(
                workspace_id=workspace_id,
                channel_id=channel_id,
                parts=("access", "quotas", "voice"),
                deadline=deadline,
                renews="if_due",
                quotas=("send",),
            )
        except (Missing, ChannelUndocked):
            return
        if health_of(checks).state == "failing":
            await _look_again(self.doctor.database, workspace_id, channel_id)


async def look_soon(tx: Tx, event: ChannelStateChanged) -> None:
    """Have a channel that has just failed looked at in a moment: it may have been nothing, or may be over."""
    if event.state == "failing":
        await _sooner(tx, channel_id=event.channel_id, within=AFTER_FAILURE)


async def _look_again(database: Database, workspace_id: WorkspaceId, channel_id: ChannelId) -> None:
    async with database.in_workspace(workspace_id) as tx:
        await _sooner(tx, channel_id=channel_id, within=AILING_EVERY)


async def _sooner(tx: Tx, *, channel_id: ChannelId, within: timedelta) -> None:
    await tx.execute(
        """
        UPDATE channel_addresses SET examine_at = least(examine_at, %s)
        WHERE workspace_id = %s AND channel_id = %s
        """,
        [tx.now + within, tx.workspace_id, channel_id],
    )
