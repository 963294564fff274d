"""How a channel stands: every change of it, with its reason, told to the workspace once."""

from collections.abc import Sequence

from moorage.channels.events import ChannelStateChanged
from moorage.channels.model import ChannelState
from moorage.channels.queries import read_channel
from moorage.channels.views import channel_changed
from moorage.connectors.contract import RefusalReason
from moorage.core.ids import ChannelId
from moorage.infra.database import Tx

TOLD_BY_SENDS: Sequence[str] = (RefusalReason.DAILY_LIMIT,)
"""Reasons that a good token says nothing about."""

_WORKING: Sequence[ChannelState] = ("active", "restricted", "failing")


async def mark_failing(tx: Tx, *, channel_id: ChannelId, reason: str) -> None:
    """Say that the provider does not work with this channel at present, and why."""
    await _change(tx, channel_id=channel_id, to="failing", reason=reason, only_from=_WORKING)


async def mark_restricted(tx: Tx, *, channel_id: ChannelId, reason: str) -> None:
    """Say that the account lacks a right that something needs; the rest goes on."""
    await _change(tx, channel_id=channel_id, to="restricted", reason=reason, only_from=_WORKING)


async def mark_deauthorized(tx: Tx, *, channel_id: ChannelId, reason: str) -> None:
    """Say that the account has withdrawn its authorization."""
    await _change(tx, channel_id=channel_id, to="deauthorized", reason=reason, only_from=_WORKING)


async def mark_active(tx: Tx, *, channel_id: ChannelId) -> None:
    """Say that the channel works again, whatever was wrong with it."""
    await _change(tx, channel_id=channel_id, to="active", reason=None, only_from=("failing", "restricted"))


async def mark_reachable(tx: Tx, *, channel_id: ChannelId) -> None:
    """Say that the account's credentials hold again. What only a later send can tell remains."""
    await _change(
        tx, channel_id=channel_id, to="active", reason=None, only_from=("failing",), not_from_reasons=TOLD_BY_SENDS
    )


async def _change(
    tx: Tx,
    *,
    channel_id: ChannelId,
    to: ChannelState,
    reason: str | None,
    only_from: Sequence[ChannelState],
    not_from_reasons: Sequence[str] = (),
) -> None:
    """Change the state unless it is so already, or is one that this may not end."""
    changed = await tx.execute(
        """
        UPDATE channels SET state = %(to)s, state_reason = %(reason)s, version = version + 1
        WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND state = ANY(%(only_from)s)
          AND (state, state_reason) IS DISTINCT FROM (%(to)s, %(reason)s)
          AND coalesce(state_reason, '') <> ALL(%(not_from_reasons)s)
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
    if changed:
        tx.record(channel_changed(await read_channel(tx, channel_id=channel_id)))
        tx.publish(ChannelStateChanged(channel_id=channel_id, state=to, reason=reason))
