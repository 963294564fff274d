"""What a channel's checks are read from, in one transaction: rows that others have written for their own sake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from moorage.channels.addresses import find_address
from moorage.channels.credentials import open_verification, verifies_itself
from moorage.channels.grants import granted_since
from moorage.channels.health.model import Check, CheckName, CheckState
from moorage.channels.model import Channel
from moorage.channels.platforms import TicketState, find_platform, read_health
from moorage.connectors.authorization import PermissionSet
from moorage.connectors.contract import Connector
from moorage.connectors.registry import platform_power
from moorage.core.errors import Missing
from moorage.core.ids import ChannelId
from moorage.infra.database import Tx
from moorage.infra.secrets import SecretBox

COUNTED_FOR = timedelta(hours=1)
"""How far back refused pushes are told of."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """How the channel's token stands."""

    has_token: bool
    expires_at: datetime | None
    failures: int
    circuit_until: datetime | None
    last_error: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Refusals:
    """Requests that were refused lately for one reason."""

    reason: str
    times: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Arrival:
    """The last genuine push, and how it was protected."""

    last_push_at: datetime
    last_mode: str | None


@dataclass(frozen=True, slots=True)
class LastDelivery:
    """The last message that was sent, or was not."""

    at: datetime
    reason: str | None
    external_code: str | None
    detail: str | None
    """What the provider said about it, in its own words."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the checks of one channel are judged by."""

    channel: Channel
    now: datetime
    ticket: TicketState | None
    """Of our platform, for an account that authorized it; None where that is not set up."""
    permission_sets: Sequence[PermissionSet]
    granted: frozenset[int]
    token: TokenRow | None
    mode: str | None
    """The mode that pushes are to have; None where the kind has but one."""
    arrival: Arrival | None
    refusals: Sequence[Refusals]
    sent: LastDelivery | None
    failed: LastDelivery | None
    asked: Mapping[CheckName, Check]
    """What the provider said when it was last asked."""


async def read_facts(tx: Tx, *, box: SecretBox, connector: Connector, channel: Channel) -> Facts:
    """Return what is known of a channel of the workspace."""
    power = platform_power(connector) if channel.docked_by == "authorization" else None
    ticket = None
    if power is not None:
        platform = await find_platform(tx, box=box, connector=connector)
        if platform is not None:
            ticket = (await read_health(tx, platform=platform, manifest=power.manifest)).ticket
    return Facts(
        channel=channel,
        now=tx.now,
        ticket=ticket,
        permission_sets=() if power is None else power.manifest.permission_sets,
        granted=frozenset(await granted_since(tx, channel_id=channel.id)),
        token=await _token(tx, channel_id=channel.id),
        mode=await _mode(tx, box=box, connector=connector, channel=channel),
        arrival=await tx.row(
            Arrival,
            "SELECT last_push_at, last_mode FROM channel_arrivals WHERE workspace_id = %s AND channel_id = %s",
            [tx.workspace_id, channel.id],
        ),
        refusals=await _refusals(tx, channel_id=channel.id),
        sent=await _last_delivery(tx, channel_id=channel.id, states=("sent",)),
        failed=await _last_delivery(tx, channel_id=channel.id, states=("failed", "unconfirmed")),
        asked=await _asked(tx, channel_id=channel.id),
    )


async def _token(tx: Tx, *, channel_id: ChannelId) -> TokenRow | None:
    return await tx.row(
        TokenRow,
        """
        SELECT token IS NOT NULL AS has_token, expires_at, failures, circuit_until, last_error
        FROM channel_tokens WHERE workspace_id = %s AND channel_id = %s
        """,
        [tx.workspace_id, channel_id],
    )


async def _mode(tx: Tx, *, box: SecretBox, connector: Connector, channel: Channel) -> str | None:
    """Return how pushes are to be protected. A platform's pushes are always sealed."""
    if not any(field.name == "mode" for field in connector.manifest.optional_credential_fields):
        return None
    try:
        address = await find_address(tx, kind=channel.kind, external_id=channel.external_id)
    except Missing:
        return None
    known = open_verification(box, address)
    by_hand = channel.docked_by == "credentials" and verifies_itself(known)
    return known.get("mode", "secure") if by_hand else "secure"


async def _refusals(tx: Tx, *, channel_id: ChannelId) -> Sequence[Refusals]:
    return await tx.rows(
        Refusals,
        """
        SELECT reason, sum(times)::bigint AS times, max(last_at) AS last_at FROM channel_refusals
        WHERE workspace_id = %s AND channel_id = %s AND last_at > %s
        GROUP BY reason ORDER BY max(last_at) DESC, reason
        """,
        [tx.workspace_id, channel_id, tx.now - COUNTED_FOR],
    )


async def _last_delivery(tx: Tx, *, channel_id: ChannelId, states: Sequence[str]) -> LastDelivery | None:
    newest: LastDelivery | None = None
    for state in states:  # each is one look at the end of an index
        found = await tx.row(
            LastDelivery,
            """
            SELECT coalesce((d.history -> -1 ->> 'at')::timestamptz, d.created_at) AS at, m.delivery_reason AS reason,
                   d.history -> -1 ->> 'external_code' AS external_code, d.history -> -1 ->> 'detail' AS detail
            FROM deliveries d JOIN messages m ON m.workspace_id = d.workspace_id AND m.id = d.message_id
            WHERE d.workspace_id = %s AND d.channel_id = %s AND d.state = %s ORDER BY d.id DESC LIMIT 1
            """,
            [tx.workspace_id, channel_id, state],
        )
        if found is not None and (newest is None or found.at > newest.at):
            newest = found
    return newest


@dataclass(frozen=True, slots=True)
class _Asked:
    name: CheckName
    state: CheckState
    reason: str | None
    details: Mapping[str, object]
    checked_at: datetime


async def _asked(tx: Tx, *, channel_id: ChannelId) -> Mapping[CheckName, Check]:
    rows = await tx.rows(
        _Asked,
        """
        SELECT name, state, reason, details, checked_at FROM channel_checks
        WHERE workspace_id = %s AND channel_id = %s
        """,
        [tx.workspace_id, channel_id],
    )
    return {
        row.name: Check(
            name=row.name,
            state=row.state,
            reason=row.reason,
            details=cast("Mapping[str, str]", row.details),
            checked_at=row.checked_at,
        )
        for row in rows
    }
