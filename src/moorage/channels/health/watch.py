"""What arrives at channels' addresses, and what is refused there: noticed in memory, written down now and then.

A push may cost no statement more for this, and a forged one none at all. So each process notices for itself, and
writes at most one transaction for a channel in some seconds, however many requests there were.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from moorage.channels.health.doctor import Doctor
from moorage.channels.model import Address
from moorage.core.ids import ChannelId, WorkspaceId
from moorage.infra.database import Tx

ARRIVALS_EVERY = timedelta(seconds=30)
COUNTED_DURING = timedelta(minutes=10)
KEPT_FOR = timedelta(hours=3)


@dataclass(slots=True)
class _Noticed:
    """What happened at one address since the last writing."""

    arrived_at: datetime | None = None
    mode: str | None = None
    written_at: datetime | None = None
    written_mode: str | None = None
    refused: Counter[str] = field(default_factory=Counter[str])
    refused_at: datetime | None = None


class PushWatch:
    """Notices what arrives in this process. `write` is to be called every few seconds."""

    def __init__(self, doctor: Doctor) -> None:
        self._doctor = doctor
        self._noticed: dict[tuple[WorkspaceId, ChannelId], _Noticed] = {}

    def arrived(self, address: Address, *, mode: str | None, now: datetime) -> None:
        """Notice a genuine push."""
        noticed = self._of(address)
        noticed.arrived_at, noticed.mode = now, mode

    def refused(self, address: Address, *, reason: str, now: datetime) -> None:
        """Notice a request that was not genuine."""
        noticed = self._of(address)
        noticed.refused[reason] += 1
        noticed.refused_at = now

    async def write(self) -> None:
        """Write down what is new, one short transaction for each channel."""
        now = self._doctor.database.clock.now()
        for (workspace_id, channel_id), noticed in list(self._noticed.items()):
            if _worth_writing(noticed, now=now):
                await self._write_one(workspace_id, channel_id, noticed, now=now)

    async def _write_one(
        self, workspace_id: WorkspaceId, channel_id: ChannelId, noticed: _Noticed, *, now: datetime
    ) -> None:
        refused, noticed.refused = noticed.refused, Counter()
        arrived_at, mode = noticed.arrived_at, noticed.mode
        changes = bool(refused) or mode != noticed.written_mode or noticed.written_at is None

        async def write(tx: Tx) -> None:
            if arrived_at is not None:
                await _keep_arrival(tx, channel_id, arrived_at, mode)
            for reason, times in refused.items():
                await _keep_refusals(tx, channel_id, reason, times, at=noticed.refused_at or now)
            if changes:
                await self._doctor.review(tx, channel_id=channel_id)

        await self._doctor.database.run(workspace_id, write)
        noticed.written_at, noticed.written_mode = now, mode

    def _of(self, address: Address) -> _Noticed:
        return self._noticed.setdefault((address.workspace_id, address.channel_id), _Noticed())


def _worth_writing(noticed: _Noticed, *, now: datetime) -> bool:
    if noticed.refused:
        return True
    if noticed.arrived_at is None:
        return False
    if noticed.written_at is None or noticed.mode != noticed.written_mode:
        return True
    return noticed.arrived_at > noticed.written_at and now - noticed.written_at >= ARRIVALS_EVERY


async def _keep_arrival(tx: Tx, channel_id: ChannelId, at: datetime, mode: str | None) -> None:
    await tx.execute(
        """
        INSERT INTO channel_arrivals AS known (workspace_id, channel_id, last_push_at, last_mode)
        VALUES (%(workspace_id)s, %(channel_id)s, %(at)s, %(mode)s)
        ON CONFLICT (workspace_id, channel_id) DO UPDATE SET last_push_at = %(at)s, last_mode = %(mode)s
        WHERE known.last_push_at <= %(at)s
        """,
        {"workspace_id": tx.workspace_id, "channel_id": channel_id, "at": at, "mode": mode},
    )


async def _keep_refusals(tx: Tx, channel_id: ChannelId, reason: str, times: int, *, at: datetime) -> None:
    during = at - timedelta(seconds=at.timestamp() % COUNTED_DURING.total_seconds())
    await tx.execute(
        """
        INSERT INTO channel_refusals AS known (workspace_id, channel_id, reason, during, times, last_at)
        VALUES (%(workspace_id)s, %(channel_id)s, %(reason)s, %(during)s, %(times)s, %(at)s)
        ON CONFLICT (workspace_id, channel_id, reason, during) DO UPDATE
        SET times = known.times + %(times)s, last_at = greatest(known.last_at, %(at)s)
        """,
        {
            "workspace_id": tx.workspace_id,
            "channel_id": channel_id,
            "reason": reason,
            "during": during,
            "times": times,
            "at": at,
        },
    )
    await tx.execute(
        "DELETE FROM channel_refusals WHERE workspace_id = %s AND channel_id = %s AND last_at < %s",
        [tx.workspace_id, channel_id, at - KEPT_FOR],
    )
