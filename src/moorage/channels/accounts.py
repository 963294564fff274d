"""The account behind a channel, as its provider describes it: name, picture, kind, and what it grants now."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

import structlog

from moorage.channels.addresses import find_address
from moorage.channels.credentials import PLATFORM_ID, open_verification, seal_platform_verification
from moorage.channels.events import ChannelVerificationChanged
from moorage.channels.grants import granted_since, limits_by_grant, store_permission_sets
from moorage.channels.model import Channel
from moorage.channels.pictures import picture_type
from moorage.channels.platforms import open_platform
from moorage.channels.queries import read_channel
from moorage.channels.states import mark_deauthorized, mark_limited
from moorage.channels.tokens import keep_refresh_token
from moorage.channels.views import channel_changed
from moorage.connectors.authorization import AccountProfile, PlatformManifest
from moorage.connectors.contract import Connector
from moorage.connectors.failures import CredentialsInvalid, CredentialsReason, ProviderFailure
from moorage.connectors.registry import Connectors, required_platform_power
from moorage.core.ids import ChannelId, WorkspaceId, new_id
from moorage.infra.blobs import Blob, BlobStore, record_blob
from moorage.infra.database import Database, Tx
from moorage.infra.secrets import SecretBox

MOST_NAME_CHARACTERS = 80
JOB_WITHIN_S = 30.0
LARGEST_PICTURE_BYTES = 2 * 1024 * 1024

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Accounts:
    """Reads accounts at their providers and writes down what they say."""

    database: Database
    box: SecretBox
    connectors: Connectors
    blobs: BlobStore

    async def refresh(self, *, workspace_id: WorkspaceId, channel_id: ChannelId, deadline: float) -> None:
        """Bring a channel's profile, rights and picture up to date. Raises Missing or a provider failure.

        An account that no longer knows us is deauthorized. A picture that cannot be had is left out.
        """
        async with self.database.in_workspace(workspace_id) as tx:
            channel = await read_channel(tx, channel_id=channel_id)
        connector = self.connectors[channel.kind]
        if channel.docked_by != "authorization" or channel.state == "undocked":
            return
        try:
            profile = await self._read_profile(connector, channel, deadline=deadline)
        except CredentialsInvalid as failure:
            if failure.reason == CredentialsReason.AUTHORIZATION_GONE:
                await self._say_gone(workspace_id, channel)
            raise
        await self._store_profile(workspace_id, connector, channel, profile)
        await self._fetch_avatar(workspace_id, connector, channel_id, url=profile.avatar_url, deadline=deadline)

    async def refresh_by_job(self, *, workspace_id: WorkspaceId, channel_id: ChannelId) -> None:
        """Do the same as a job. A failure that a repetition may mend is raised; others an admin has to mend."""
        deadline = asyncio.get_running_loop().time() + JOB_WITHIN_S
        try:
            await self.refresh(workspace_id=workspace_id, channel_id=channel_id, deadline=deadline)
        except CredentialsInvalid as failure:
            log.warning("account_not_read", channel_id=str(channel_id), reason=failure.reason)

    async def _read_profile(self, connector: Connector, channel: Channel, *, deadline: float) -> AccountProfile:
        platform = await open_platform(self.database, box=self.box, connector=connector)
        power = required_platform_power(connector)
        return await power.account_profile(platform, external_id=channel.external_id, deadline=deadline)

    async def _say_gone(self, workspace_id: WorkspaceId, channel: Channel) -> None:
        async def say(tx: Tx) -> None:
            now = await read_channel(tx, channel_id=channel.id)
            if now.authorized_at == channel.authorized_at:  # else it was authorized anew while we asked
                await mark_deauthorized(tx, channel_id=channel.id, reason=CredentialsReason.AUTHORIZATION_GONE)

        await self.database.run(workspace_id, say)

    async def _store_profile(
        self, workspace_id: WorkspaceId, connector: Connector, channel: Channel, profile: AccountProfile
    ) -> None:
        manifest = required_platform_power(connector).manifest

        async def store(tx: Tx) -> None:
            await store_profile(tx, box=self.box, manifest=manifest, channel_id=channel.id, profile=profile)

        await self.database.run(workspace_id, store)

    async def _fetch_avatar(
        self,
        workspace_id: WorkspaceId,
        connector: Connector,
        channel_id: ChannelId,
        *,
        url: str | None,
        deadline: float,
    ) -> None:
        """Keep a copy of the account's picture, unless it is the one that we have."""
        async with self.database.in_workspace(workspace_id) as tx:
            known = await tx.value(
                "SELECT avatar_url FROM channels WHERE workspace_id = %s AND id = %s", [workspace_id, channel_id]
            )
        if url is None or url == known:
            return
        try:
            content = await required_platform_power(connector).fetch_picture(url=url, deadline=deadline)
        except ProviderFailure as failure:
            log.warning("avatar_not_fetched", channel_id=str(channel_id), detail=failure.detail)
            return
        media_type = picture_type(content)
        if media_type is None or len(content) > LARGEST_PICTURE_BYTES:
            log.warning("avatar_not_usable", channel_id=str(channel_id), size=len(content))
            return
        blob = await self.blobs.keep(
            workspace_id=workspace_id, blob_id=new_id(), content=content, media_type=media_type
        )

        async def store(tx: Tx) -> None:
            await _store_avatar(tx, channel_id=channel_id, blob=blob, url=url)

        await self.database.run(workspace_id, store)


async def store_profile(
    tx: Tx, *, box: SecretBox, manifest: PlatformManifest, channel_id: ChannelId, profile: AccountProfile
) -> None:
    """Write down what the provider says about the account. A name that an admin gave the channel stays."""
    before = await read_channel(tx, channel_id=channel_id)
    name = _name_after(before, profile)
    await tx.execute(
        """
        UPDATE channels
        SET name = %(name)s, account_name = %(account_name)s, account_type = coalesce(%(account_type)s, account_type),
            verified = coalesce(%(verified)s, verified), principal_name = %(principal_name)s,
            external_account_id = coalesce(%(external_account_id)s, external_account_id), profile_read_at = %(now)s,
            version = version + 1
        WHERE workspace_id = %(workspace_id)s AND id = %(id)s
        """,
        {
            "name": name,
            "account_name": profile.name[:MOST_NAME_CHARACTERS],
            "account_type": profile.account_type,
            "verified": profile.verified,
            "principal_name": profile.principal_name,
            "external_account_id": profile.external_account_id,
            "now": tx.now,
            "workspace_id": tx.workspace_id,
            "id": channel_id,
        },
    )
    await keep_refresh_token(tx, box=box, channel_id=channel_id, refresh_token=profile.refresh_token)
    await _store_verification(tx, box=box, channel_id=channel_id)
    if profile.permission_sets is not None:
        await store_permission_sets(tx, channel_id=channel_id, set_ids=profile.permission_sets)
    after = await read_channel(tx, channel_id=channel_id)
    granted = await granted_since(tx, channel_id=channel_id)
    await mark_limited(
        tx, channel_id=channel_id, limits=limits_by_grant(manifest, granted=granted, verified=after.verified)
    )
    tx.record(channel_changed(await read_channel(tx, channel_id=channel_id)))
    if after.verified != before.verified:
        tx.publish(ChannelVerificationChanged(channel_id=channel_id))


def _name_after(before: Channel, profile: AccountProfile) -> str:
    """Return the channel's name: the account's own, as long as nobody has given it another."""
    given = before.name not in {before.account_name, before.external_id}
    return before.name if given else profile.name[:MOST_NAME_CHARACTERS]


async def _store_verification(tx: Tx, *, box: SecretBox, channel_id: ChannelId) -> None:
    """Let pushes be held against the account's second id, now that it is known."""
    channel = await read_channel(tx, channel_id=channel_id)
    address = await find_address(tx, kind=channel.kind, external_id=channel.external_id)
    before = open_verification(box, address)
    sealed = seal_platform_verification(
        box,
        kind=channel.kind,
        external_id=channel.external_id,
        platform_id=before[PLATFORM_ID],
        external_account_id=channel.external_account_id,
        before=before,
    )
    await tx.execute(
        "UPDATE channel_addresses SET verification = %s WHERE workspace_id = %s AND channel_id = %s",
        [sealed, tx.workspace_id, channel_id],
    )


async def _store_avatar(tx: Tx, *, channel_id: ChannelId, blob: Blob, url: str) -> None:
    await record_blob(tx, blob)
    await tx.execute(
        """
        UPDATE channels SET avatar_blob_id = %s, avatar_url = %s, version = version + 1
        WHERE workspace_id = %s AND id = %s
        """,
        [blob.id, url, tx.workspace_id, channel_id],
    )
    tx.record(channel_changed(await read_channel(tx, channel_id=channel_id)))


async def avatar_blob(tx: Tx, *, channel_id: ChannelId) -> UUID | None:
    """Return which blob holds the account's picture. Raises Missing."""
    return (await read_channel(tx, channel_id=channel_id)).avatar_blob_id
