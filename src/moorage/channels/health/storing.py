"""Keeping what a look at a channel found, and the worst of it where lists can show it."""

from collections.abc import Sequence

from psycopg.types.json import Jsonb

from moorage.channels.health.model import Check, Health
from moorage.channels.queries import read_channel
from moorage.channels.views import channel_changed
from moorage.core.ids import ChannelId
from moorage.infra.database import Tx


async def store_checks(tx: Tx, *, channel_id: ChannelId, checks: Sequence[Check]) -> None:
    """Keep what the provider has just said, in place of what it said before."""
    for check in checks:
        await tx.execute(
            """
            INSERT INTO channel_checks (workspace_id, channel_id, name, state, reason, details, checked_at)
            VALUES (%(workspace_id)s, %(channel_id)s, %(name)s, %(state)s, %(reason)s, %(details)s, %(now)s)
            ON CONFLICT (workspace_id, channel_id, name) DO UPDATE
            SET state = excluded.state, reason = excluded.reason, details = excluded.details,
                checked_at = excluded.checked_at
            """,
            {
                "workspace_id": tx.workspace_id,
                "channel_id": channel_id,
                "name": check.name,
                "state": check.state,
                "reason": check.reason,
                "details": Jsonb(dict(check.details)),
                "now": tx.now,
            },
        )


async def store_health(tx: Tx, *, channel_id: ChannelId, health: Health) -> None:
    """Say what the checks come to, and tell the workspace where that is new."""
    changed = await tx.execute(
        """
        UPDATE channels
        SET health = %(state)s, health_check = %(check)s, health_reason = %(reason)s, version = version + 1
        WHERE workspace_id = %(workspace_id)s AND id = %(id)s
          AND (health, health_check, health_reason) IS DISTINCT FROM (%(state)s, %(check)s, %(reason)s)
        """,
        {
            "state": health.state,
            "check": health.check,
            "reason": health.reason,
            "workspace_id": tx.workspace_id,
            "id": channel_id,
        },
    )
    if changed:
        tx.record(channel_changed(await read_channel(tx, channel_id=channel_id)))
