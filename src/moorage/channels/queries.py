"""Reading docked channels."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from moorage.channels.model import AccountType, Channel, ChannelSettings, ChannelState
from moorage.core.errors import Missing
from moorage.core.ids import ChannelId
from moorage.infra.database import Tx

_SELECT: LiteralString = """
    SELECT c.id, c.kind, c.external_id, c.name, c.account_type, c.verified, c.state, c.state_reason, c.settings,
           c.policy, c.version, c.docked_at, a.verified_at AS server_verified_at,
           (SELECT t.last_customer_message_at FROM threads t
            WHERE t.workspace_id = c.workspace_id AND t.channel_id = c.id
            ORDER BY t.last_customer_message_at DESC NULLS LAST LIMIT 1) AS last_message_at
    FROM channels c
    LEFT JOIN channel_addresses a ON a.workspace_id = c.workspace_id AND a.channel_id = c.id
"""


@dataclass(frozen=True, slots=True)
class _Row:
    id: ChannelId
    kind: str
    external_id: str
    name: str
    account_type: AccountType | None
    verified: bool | None
    state: ChannelState
    state_reason: str | None
    settings: Mapping[str, object]
    policy: Mapping[str, object]
    version: int
    docked_at: datetime
    server_verified_at: datetime | None
    last_message_at: datetime | None


async def read_channel(tx: Tx, *, channel_id: ChannelId) -> Channel:
    """Return one channel of the workspace. Raises Missing."""
    row = await tx.row(_Row, _SELECT + "WHERE c.workspace_id = %s AND c.id = %s", [tx.workspace_id, channel_id])
    if row is None:
        raise Missing(what="channel")
    return _channel(row)


async def list_channels(tx: Tx) -> list[Channel]:
    """Return the channels of the workspace, in the order they were docked. There are tens of them, not thousands."""
    rows = await tx.rows(_Row, _SELECT + "WHERE c.workspace_id = %s ORDER BY c.docked_at, c.id", [tx.workspace_id])
    return [_channel(row) for row in rows]


def _channel(row: _Row) -> Channel:
    return Channel(
        id=row.id,
        kind=row.kind,
        external_id=row.external_id,
        name=row.name,
        account_type=row.account_type,
        verified=row.verified,
        state=row.state,
        state_reason=row.state_reason,
        settings=ChannelSettings.model_validate(row.settings),
        policy=row.policy,
        version=row.version,
        docked_at=row.docked_at,
        server_verified_at=row.server_verified_at,
        last_message_at=row.last_message_at,
    )
