"""How a channel stands: every change of it, with its reason, told to the workspace once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from psycopg.types.json import Jsonb

from moorage.channels.events import ChannelStateChanged
from moorage.channels.model import ChannelState
from moorage.channels.queries import read_channel
from moorage.channels.views import channel_changed
from moorage.connectors.failures import PermissionMissing, ProviderFailure, RefusalReason
from moorage.core.ids import ChannelId
from moorage.infra.database import Tx

TOLD_BY_SENDS: Sequence[str] = (RefusalReason.DAILY_LIMIT,)
"""Reasons that a good token says nothing about."""

CHOICES_REFUSED_FOR = timedelta(hours=24)
"""An account that is certified today can show choices tomorrow."""

_ENDED: Sequence[ChannelState] = ("deauthorized", "undocked")
_WORKING: Sequence[ChannelState] = ("active", "restricted", "failing")


async def mark_failing(tx: Tx, *, channel_id: ChannelId, reason: str) -> None:
    """Say that the provider does not work with this channel at present, and why."""
    await _change(tx, channel_id=channel_id, to="failing", reason=reason, only_from=_WORKING)


async def mark_restricted(tx: Tx, *, channel_id: ChannelId, reason: str) -> None:
    """Say that the account lacks a right that something needs; the rest goes on."""
    await _change(tx, channel_id=channel_id, to="restricted", reason=reason, only_from=_WORKING)


async def note_missing_permission(tx: Tx, *, channel_id: ChannelId, failure: ProviderFailure) -> None:
    """Say which right the account has not granted, where that is why the provider refused a call."""
    if isinstance(failure, PermissionMissing):
        await mark_restricted(tx, channel_id=channel_id, reason=failure.missing_reason)


async def mark_limited(tx: Tx, *, channel_id: ChannelId, limits: Sequence[str]) -> None:
    """Say what the account lacks, as the provider tells it: restricted if anything, else active.

    A channel that fails goes on failing: what it lacks shows once it is reached again.
    """
    await tx.execute(
        "UPDATE channels SET limits = %s WHERE workspace_id = %s AND id = %s",
        [Jsonb(list(limits)), tx.workspace_id, channel_id],
    )
    await _change(tx, channel_id=channel_id, to="active", reason=None, only_from=("active", "restricted"))


async def mark_docked(tx: Tx, *, channel_id: ChannelId, limits: Sequence[str]) -> None:
    """Say that the account is docked, newly or again, whatever the channel's state was."""
    await tx.execute(
        "UPDATE channels SET limits = %s WHERE workspace_id = %s AND id = %s",
        [Jsonb(list(limits)), tx.workspace_id, channel_id],
    )
    await _change(tx, channel_id=channel_id, to="active", reason=None, only_from=(*_WORKING, *_ENDED, "authorizing"))


async def mark_deauthorized(tx: Tx, *, channel_id: ChannelId, reason: str) -> None:
    """Say that the account has withdrawn its authorization."""
    await _change(tx, channel_id=channel_id, to="deauthorized", reason=reason, only_from=_WORKING)


async def mark_active(tx: Tx, *, channel_id: ChannelId) -> None:
    """Say that the channel works again, as far as the account's limits let it."""
    await _change(tx, channel_id=channel_id, to="active", reason=None, only_from=("failing", "restricted"))


async def mark_reachable(tx: Tx, *, channel_id: ChannelId) -> None:
    """Say that the account's credentials hold again. What only a later send can tell remains."""
    await _change(
        tx, channel_id=channel_id, to="active", reason=None, only_from=("failing",), not_from_reasons=TOLD_BY_SENDS
    )


async def note_refused_choices(tx: Tx, *, channel_id: ChannelId) -> None:
    """Remember that the account shows no choices to tap; after a day it is tried again."""
    await tx.execute(
        "UPDATE channels SET choices_refused_until = %s WHERE workspace_id = %s AND id = %s",
        [tx.now + CHOICES_REFUSED_FOR, tx.workspace_id, channel_id],
    )


@dataclass(frozen=True, slots=True)
class _Changed:
    state: ChannelState
    state_reason: str | None


async def _change(
    tx: Tx,
    *,
    channel_id: ChannelId,
    to: ChannelState,
    reason: str | None,
    only_from: Sequence[ChannelState],
    not_from_reasons: Sequence[str] = (),
) -> None:
    """Change the state unless it is so already, or is one that this may not end. With limits, active is restricted."""
    changed = await tx.row(
        _Changed,
        """
        UPDATE channels SET state = wanted.state, state_reason = wanted.reason, version = version + 1
        FROM (
          SELECT CASE WHEN %(to)s = 'active' AND limits <> '[]' THEN 'restricted' ELSE %(to)s END AS state,
                 CASE WHEN %(to)s = 'active' THEN limits ->> 0 ELSE %(reason)s END AS reason
          FROM channels WHERE workspace_id = %(workspace_id)s AND id = %(id)s
        ) AS wanted
        WHERE channels.workspace_id = %(workspace_id)s AND channels.id = %(id)s AND channels.state = ANY(%(only_from)s)
          AND (channels.state, channels.state_reason) IS DISTINCT FROM (wanted.state, wanted.reason)
          AND coalesce(channels.state_reason, '') <> ALL(%(not_from_reasons)s)
        RETURNING channels.state, channels.state_reason
        """,
        {
            "to": to,
            "reason": reason,
            "workspace_id": tx.workspace_id,
            "id": channel_id,
            "only_from": list(only_from),
            "not_from_reasons": list(not_from_reasons),
        },
    )
    if changed is not None:
        tx.record(channel_changed(await read_channel(tx, channel_id=channel_id)))
        tx.publish(ChannelStateChanged(channel_id=channel_id, state=changed.state, reason=changed.state_reason))
