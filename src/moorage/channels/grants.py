"""What an account has granted us, written down: the channel docked, newly or again, with its rights and tokens."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from moorage.channels.addresses import find_address
from moorage.channels.credentials import (
    open_verification,
    read_credentials,
    replace_credentials,
    seal_credentials,
    seal_platform_verification,
)
from moorage.channels.docking import AlreadyDocked, insert_channel
from moorage.channels.events import AccountAuthorizedUs, ChannelDocked
from moorage.channels.model import Address, Channel
from moorage.channels.platforms import Platform
from moorage.channels.queries import read_channel
from moorage.channels.states import mark_docked
from moorage.channels.tokens import REFRESH_TOKEN, channel_token_context, keep_refresh_token
from moorage.channels.undocking import ENDED_STATES
from moorage.channels.views import channel_changed
from moorage.connectors.authorization import Grant, PlatformManifest, PlatformReason
from moorage.connectors.contract import Connector, IssuedToken
from moorage.connectors.registry import required_platform_power
from moorage.core.errors import Missing
from moorage.core.ids import ChannelId, PersonId, new_id
from moorage.infra.audit import write_audit
from moorage.infra.database import Database, Tx
from moorage.infra.secrets import SecretBox

LIMITED = frozenset({"active", "restricted", "failing", "authorizing"})


@dataclass(frozen=True, slots=True)
class Docker:
    """Who docks an account, and from where."""

    person_id: PersonId
    remote_address: str


async def dock_by_grant(
    tx: Tx, *, connector: Connector, box: SecretBox, platform: Platform, grant: Grant, by: Docker
) -> Channel:
    """Dock the account of `grant` in the workspace and return its channel; one it had before is revived as it was.

    Raises AlreadyDocked where another workspace has it.
    """
    before = await _channel_of(tx, kind=connector.manifest.kind, external_id=grant.external_id)
    if before is None:
        channel_id = await _add_channel(tx, connector=connector, box=box, grant=grant, by=by)
    else:
        channel_id = before.id
        await _revive_channel(tx, connector=connector, box=box, channel=before, grant=grant)
    await _claim_address(
        tx, box=box, platform=platform, channel_id=channel_id, external_id=grant.external_id, before=before
    )
    await store_token(tx, box=box, channel_id=channel_id, token=grant.token)
    await store_permission_sets(tx, channel_id=channel_id, set_ids=grant.permission_sets)
    limits = limits_by_grant(
        required_platform_power(connector).manifest,
        granted=grant.permission_sets,
        verified=None if before is None else before.verified,
    )
    await mark_docked(tx, channel_id=channel_id, limits=limits)
    await _tell(tx, channel_id=channel_id, before=before, grant=grant, by=by)
    return await read_channel(tx, channel_id=channel_id)


async def hand_over_grant(database: Database, *, box: SecretBox, grant: Grant, kind: str) -> None:
    """Give the grant to the channel of the workspace that has the account: what it held before is worth nothing now.

    Its state stays as it is. An account that authorized us anew must not stop working for those who have docked it.
    """
    try:
        async with database.in_platform() as tx:
            address = await find_address(tx, kind=kind, external_id=grant.external_id)
    except Missing:
        return

    async def keep(tx: Tx) -> None:
        channel = await read_channel(tx, channel_id=address.channel_id)
        if channel.docked_by != "authorization" or channel.state not in LIMITED:
            return
        await keep_refresh_token(tx, box=box, channel_id=channel.id, refresh_token=grant.refresh_token)
        await store_token(tx, box=box, channel_id=channel.id, token=grant.token)
        tx.publish(AccountAuthorizedUs(channel_id=channel.id))

    await database.run(address.workspace_id, keep)


def limits_by_grant(manifest: PlatformManifest, *, granted: Collection[int], verified: bool | None) -> list[str]:
    """Return what keeps an account from being fully active, the gravest first."""
    missing = [one.missing_reason for one in manifest.permission_sets if one.required and one.id not in granted]
    return [*missing, *([PlatformReason.NOT_CERTIFIED] if verified is False else [])]


async def store_permission_sets(tx: Tx, *, channel_id: ChannelId, set_ids: Collection[int]) -> None:
    """Write down what the account grants now; what it goes on granting keeps the time since when."""
    await tx.execute(
        "DELETE FROM channel_permission_sets WHERE workspace_id = %s AND channel_id = %s AND set_id <> ALL(%s)",
        [tx.workspace_id, channel_id, list(set_ids)],
    )
    await tx.execute(
        """
        INSERT INTO channel_permission_sets (workspace_id, channel_id, set_id, granted_at)
        SELECT %s, %s, unnest(%s::integer[]), %s ON CONFLICT DO NOTHING
        """,
        [tx.workspace_id, channel_id, sorted(set_ids), tx.now],
    )


@dataclass(frozen=True, slots=True)
class _GrantedSet:
    set_id: int
    granted_at: datetime


async def granted_since(tx: Tx, *, channel_id: ChannelId) -> Mapping[int, datetime]:
    """Return the ids of the permission sets that the account grants, and since when."""
    rows = await tx.rows(
        _GrantedSet,
        "SELECT set_id, granted_at FROM channel_permission_sets WHERE workspace_id = %s AND channel_id = %s",
        [tx.workspace_id, channel_id],
    )
    return {row.set_id: row.granted_at for row in rows}


async def store_token(tx: Tx, *, box: SecretBox, channel_id: ChannelId, token: IssuedToken | None) -> None:
    """Store the token that came with a grant, or none. A renewal under way with what was before stores nothing."""
    context = channel_token_context(channel_id)
    await tx.execute(
        """
        INSERT INTO channel_tokens AS known (workspace_id, channel_id, token, expires_at, version)
        VALUES (%(workspace_id)s, %(channel_id)s, %(token)s, %(expires_at)s, 1)
        ON CONFLICT (workspace_id, channel_id) DO UPDATE
        SET token = %(token)s, expires_at = %(expires_at)s, version = known.version + 1, renewing_until = NULL,
            renewing_by = NULL, failures = 0, circuit_until = NULL, last_error = NULL
        """,
        {
            "workspace_id": tx.workspace_id,
            "channel_id": channel_id,
            "token": None if token is None else box.seal(token.token.encode(), context=context),
            "expires_at": None if token is None else tx.now + token.lasts,
        },
    )


async def _channel_of(tx: Tx, *, kind: str, external_id: str) -> Channel | None:
    found = await tx.value(
        "SELECT id FROM channels WHERE workspace_id = %s AND kind = %s AND external_id = %s FOR UPDATE",
        [tx.workspace_id, kind, external_id],
    )
    return await read_channel(tx, channel_id=ChannelId(found)) if isinstance(found, UUID) else None


async def _add_channel(tx: Tx, *, connector: Connector, box: SecretBox, grant: Grant, by: Docker) -> ChannelId:
    channel_id = ChannelId(new_id())
    await insert_channel(
        tx,
        channel_id=channel_id,
        manifest=connector.manifest,
        external_id=grant.external_id,
        name=grant.external_id,  # until the account's profile is read, a moment later
        account_type=None,
        verified=None,
        credentials=seal_credentials(box, _credentials(connector, grant), channel_id=channel_id),
        by=by.person_id,
    )
    await _mark_authorized(tx, channel_id=channel_id)
    return channel_id


def _credentials(connector: Connector, grant: Grant) -> Mapping[str, str]:
    named = {connector.manifest.account_field: grant.external_id}
    return named if grant.refresh_token is None else {**named, REFRESH_TOKEN: grant.refresh_token}


async def _revive_channel(tx: Tx, *, connector: Connector, box: SecretBox, channel: Channel, grant: Grant) -> None:
    before = await read_credentials(tx, box=box, channel_id=channel.id)
    after = {**before, **_credentials(connector, grant)}
    await replace_credentials(tx, box=box, channel_id=channel.id, credentials=after)
    await _mark_authorized(tx, channel_id=channel.id)


async def _mark_authorized(tx: Tx, *, channel_id: ChannelId) -> None:
    await tx.execute(
        """
        UPDATE channels
        SET docked_by_way = 'authorization', authorized_at = %(now)s,
            docked_at = CASE WHEN undocked_at IS NULL THEN docked_at ELSE %(now)s END, undocked_at = NULL,
            version = version + 1
        WHERE workspace_id = %(workspace_id)s AND id = %(id)s
        """,
        {"now": tx.now, "workspace_id": tx.workspace_id, "id": channel_id},
    )


async def _claim_address(
    tx: Tx, *, box: SecretBox, platform: Platform, channel_id: ChannelId, external_id: str, before: Channel | None
) -> None:
    """Take the account's address, or go on holding it. The key holds one per account over the whole installation."""
    known = await _address(tx, kind=platform.kind, external_id=external_id)
    if known is not None and known.workspace_id != tx.workspace_id:
        raise AlreadyDocked(external_id=external_id)
    claimed = await tx.execute(
        """
        INSERT INTO channel_addresses AS known (kind, external_id, workspace_id, channel_id, verification)
        VALUES (%(kind)s, %(external_id)s, %(workspace_id)s, %(channel_id)s, %(verification)s)
        ON CONFLICT (kind, external_id) DO UPDATE SET verification = %(verification)s, channel_id = %(channel_id)s
        WHERE known.workspace_id = %(workspace_id)s
        """,
        {
            "kind": platform.kind,
            "external_id": external_id,
            "workspace_id": tx.workspace_id,
            "channel_id": channel_id,
            "verification": seal_platform_verification(
                box,
                kind=platform.kind,
                external_id=external_id,
                platform_id=platform.id,
                external_account_id=None if before is None else before.external_account_id,
                # An account that was docked by its own credentials may go on pushing to its own address as well.
                before={} if known is None else open_verification(box, known),
            ),
        },
    )
    if not claimed:
        raise AlreadyDocked(external_id=external_id)


async def _address(tx: Tx, *, kind: str, external_id: str) -> Address | None:
    try:
        return await find_address(tx, kind=kind, external_id=external_id)
    except Missing:
        return None


async def _tell(tx: Tx, *, channel_id: ChannelId, before: Channel | None, grant: Grant, by: Docker) -> None:
    await write_audit(
        tx,
        by=by.person_id,
        remote_address=by.remote_address,
        act="channel.docked" if before is None else "channel.authorized_again",
        object_kind="channel",
        object_id=channel_id,
        before=None if before is None else {"state": before.state, "docked_by": before.docked_by},
        after={
            "docked_by": "authorization",
            "external_id": grant.external_id,
            "permission_sets": json.dumps(sorted(grant.permission_sets)),
        },
    )
    tx.record(channel_changed(await read_channel(tx, channel_id=channel_id)))
    if before is None or before.state in ENDED_STATES:
        tx.publish(ChannelDocked(channel_id=channel_id))
    tx.publish(AccountAuthorizedUs(channel_id=channel_id))
