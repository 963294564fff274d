"""Reading docked channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, LiteralString, get_args
from uuid import UUID

from moorage.channels.model import AccountType, Channel, ChannelSettings, ChannelState, DockedBy
from moorage.core.errors import Malformed, Missing
from moorage.core.ids import ChannelId
from moorage.core.paging import Page, decode_cursor, encode_cursor
from moorage.infra.database import Tx

_SELECT: LiteralString = """
    SELECT c.id, c.kind, c.external_id, c.name, c.account_type, c.verified, c.state, c.state_reason, c.settings,
           c.policy, c.version, c.docked_at, c.docked_by_way AS docked_by, c.external_account_id, c.account_name,
           c.principal_name, c.avatar_blob_id, c.limits, c.authorized_at, c.profile_read_at, c.undocked_at,
           c.health, c.health_check, c.health_reason,
           a.verified_at AS server_verified_at,
           (SELECT t.last_customer_message_at FROM threads t
            WHERE t.workspace_id = c.workspace_id AND t.channel_id = c.id
            ORDER BY t.last_customer_message_at DESC NULLS LAST LIMIT 1) AS last_message_at
    FROM channels c
    LEFT JOIN channel_addresses a ON a.workspace_id = c.workspace_id AND a.channel_id = c.id
"""

_COUNT: LiteralString = "SELECT c.state, count(*) AS channels FROM channels c"
_MATCHING: LiteralString = """
    WHERE c.workspace_id = %(workspace_id)s
      AND (c.name ILIKE %(pattern)s OR c.account_name ILIKE %(pattern)s OR c.principal_name ILIKE %(pattern)s
           OR c.external_id ILIKE %(pattern)s OR c.external_account_id ILIKE %(pattern)s)
"""
_IN_ORDER: LiteralString = " ORDER BY c.docked_at, c.id LIMIT %(limit)s"

MOST_OF_A_PAGE = 100
STATES: tuple[ChannelState, ...] = get_args(ChannelState)


@dataclass(frozen=True, slots=True)
class _Count:
    state: ChannelState
    channels: int


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
    docked_by: DockedBy
    external_account_id: str | None
    account_name: str | None
    principal_name: str | None
    avatar_blob_id: UUID | None
    limits: Sequence[str]
    authorized_at: datetime | None
    profile_read_at: datetime | None
    undocked_at: datetime | None
    health: Literal["ok", "warning", "failing"] | None
    health_check: str | None
    health_reason: str | None


async def read_channel(tx: Tx, *, channel_id: ChannelId) -> Channel:
    """Return one channel of the workspace. Raises Missing."""
    row = await tx.row(_Row, _SELECT + "WHERE c.workspace_id = %s AND c.id = %s", [tx.workspace_id, channel_id])
    if row is None:
        raise Missing(what="channel")
    return _channel(row)


async def read_channels(tx: Tx, *, channel_ids: Sequence[ChannelId]) -> list[Channel]:
    """Return those of the channels that there are, in the order of their names."""
    rows = await tx.rows(
        _Row,
        _SELECT + "WHERE c.workspace_id = %s AND c.id = ANY(%s) ORDER BY c.name, c.id",
        [tx.workspace_id, list(channel_ids)],
    )
    return [_channel(row) for row in rows]


async def list_channels(
    tx: Tx,
    *,
    query: str = "",
    state: ChannelState | None = None,
    cursor: str | None = None,
    limit: int = MOST_OF_A_PAGE,
) -> Page[Channel]:
    """Return a page of the workspace's channels in the order they were docked, undocked ones among them.

    `query` is looked for in their names and ids. Raises Malformed for a cursor of another list.
    """
    at, row_id = _start(cursor)
    by_state: LiteralString = "" if state is None else "AND c.state = %(state)s"
    rows = await tx.rows(
        _Row,
        _SELECT + _MATCHING + by_state + " AND (c.docked_at, c.id) > (%(at)s::timestamptz, %(id)s)" + _IN_ORDER,
        {**_matching(tx, query), "state": state, "at": at, "id": row_id, "limit": limit + 1},
    )
    channels = [_channel(row) for row in rows[:limit]]
    last = channels[-1] if len(rows) > limit else None
    return Page(
        items=channels, next_cursor=None if last is None else encode_cursor(last.docked_at.isoformat(), str(last.id))
    )


async def count_channels(tx: Tx, *, query: str = "") -> Mapping[ChannelState, int]:
    """Return how many of the channels that `query` finds are in each state."""
    rows = await tx.rows(
        _Count,
        _COUNT + _MATCHING + " GROUP BY c.state",
        _matching(tx, query),
    )
    found = {row.state: row.channels for row in rows}
    return {state: found.get(state, 0) for state in STATES}


def _matching(tx: Tx, query: str) -> dict[str, object]:
    escaped = query.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return {"workspace_id": tx.workspace_id, "pattern": f"%{escaped}%"}


def _start(cursor: str | None) -> tuple[str, UUID]:
    """Return the sort key that a page begins after."""
    if cursor is None:
        return "-infinity", UUID(int=0)
    at, row_id = decode_cursor(cursor, parts=2)
    try:
        return datetime.fromisoformat(at).isoformat(), UUID(row_id)
    except ValueError as error:
        raise Malformed(field="cursor", reason="not a cursor of this list") from error


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
        docked_by=row.docked_by,
        external_account_id=row.external_account_id,
        account_name=row.account_name,
        principal_name=row.principal_name,
        avatar_blob_id=row.avatar_blob_id,
        limits=tuple(row.limits),
        authorized_at=row.authorized_at,
        profile_read_at=row.profile_read_at,
        undocked_at=row.undocked_at,
        health=row.health,
        health_check=row.health_check,
        health_reason=row.health_reason,
    )
