"""The API of channels: kinds, docking, settings, live checks."""

import re
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, status
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from moorage.channels.account_statements import Statement, state_account
from moorage.channels.addresses import callback_url
from moorage.channels.copying import Copied, copy_settings
from moorage.channels.docking import dock_with_credentials
from moorage.channels.model import AccountType, Channel, ChannelSettings, ChannelState, SettingsPart
from moorage.channels.operations import change_channel, change_credentials
from moorage.channels.platforms import find_platform, read_health, ticket_reason
from moorage.channels.queries import MOST_OF_A_PAGE, count_channels, list_channels, read_channel
from moorage.channels.views import (
    AuthorizationView,
    CallbackAddressView,
    CapabilitiesView,
    ChannelHealthView,
    ChannelKindsView,
    ChannelKindView,
    ChannelsView,
    ChannelView,
    CopiedView,
    SettingsCopiedView,
    Words,
    avatar_url,
)
from moorage.connectors.contract import Connector
from moorage.connectors.manifest import Manifest
from moorage.connectors.registry import Connectors, platform_power
from moorage.core.errors import DomainError, Malformed, Missing
from moorage.core.ids import ChannelId
from moorage.infra.database import Database, Tx
from moorage.infra.secrets import SecretBox
from moorage.staff.guard import SignedInActor, remote_address_of, require_right
from moorage.staff.model import Actor
from moorage.staff.rights import Act, require

MOST_COPIED_TO: Final = 200
MOST_PARTS: Final = 50
"""Of settings, in one request: more than there are."""

router = APIRouter(tags=["channels"])


@dataclass(frozen=True, slots=True)
class ChannelsDoor:
    """What these routes need of the process; the application keeps it as `app.state.channels_door`."""

    database: Database
    box: SecretBox
    connectors: Connectors
    words: dict[str, Words]
    """Kind -> its texts."""
    public_url: str

    def manifest(self, kind: str) -> Manifest:
        """Return the manifest of a kind. Raises Missing."""
        connector = self.connectors.get(kind)
        if connector is None:
            raise Missing(what="channel kind")
        return connector.manifest

    def view(self, channel: Channel) -> ChannelView:
        """Return what the API says about `channel`."""
        manifest = self.manifest(channel.kind)
        return ChannelView(
            id=channel.id,
            kind=channel.kind,
            external_id=channel.external_id,
            name=channel.name,
            account_type=channel.account_type,
            verified=channel.verified,
            state=channel.state,
            state_reason=channel.state_reason,
            callback_url=self.callback_url(channel),
            docked_at=channel.docked_at,
            last_message_at=channel.last_message_at,
            server_verified_at=channel.server_verified_at,
            settings=channel.settings,
            capabilities=CapabilitiesView.of(manifest),
            docked_by=channel.docked_by,
            state_reasons=list(channel.state_reasons),
            external_account_id=channel.external_account_id,
            account_name=channel.account_name,
            principal_name=channel.principal_name,
            avatar_url=avatar_url(channel),
            authorized_at=channel.authorized_at,
            undocked_at=channel.undocked_at,
            health=None
            if channel.health is None
            else ChannelHealthView(state=channel.health, check=channel.health_check, reason=channel.health_reason),
            version=channel.version,
        )

    def callback_url(self, channel: Channel) -> str:
        """Return where the pushes of `channel` arrive."""
        power = platform_power(self.connectors[channel.kind])
        if channel.docked_by == "authorization" and power is not None:
            return self.public_url.rstrip("/") + power.manifest.message_path.format(external_id=channel.external_id)
        manifest = self.manifest(channel.kind)
        return callback_url(manifest, public_url=self.public_url, external_id=channel.external_id)

    async def authorization(self, tx: Tx, connector: Connector) -> AuthorizationView | None:
        """Return whether accounts of a kind can be docked by authorization now, or None for a kind without that."""
        power = platform_power(connector)
        if power is None:
            return None
        platform = await find_platform(tx, box=self.box, connector=connector)
        reason = "not_configured" if platform is None else None
        if platform is not None:
            health = await read_health(tx, platform=platform, manifest=power.manifest)
            reason = "no_ticket" if ticket_reason(health.ticket) else None
        return AuthorizationView.of(power.manifest, self.words[connector.manifest.kind], reason)


def channels_door(request: Request) -> ChannelsDoor:
    """Return the door that the application put in its state."""
    door: object = request.app.state.channels_door
    if not isinstance(door, ChannelsDoor):
        raise TypeError("app.state.channels_door must be a ChannelsDoor")
    return door


TheDoor = Annotated[ChannelsDoor, Depends(channels_door)]
ChannelManager = Annotated[Actor, Depends(require_right(Act.CHANNELS_MANAGE))]


class NewChannel(BaseModel):
    """An account to dock by its own credentials. Account type and verification are the admin's word, if they know."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(max_length=40)
    name: str | None = Field(default=None, max_length=200)
    credentials: dict[str, SecretStr] = Field(max_length=20)
    account_type: AccountType | None = None
    verified: bool | None = None


class ChannelChange(BaseModel):
    """What is to change on a channel, and the version that the person has seen.

    Account type and verification are the admin's word, for accounts that were docked by their own credentials; null
    takes it back.
    """

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, max_length=200)
    settings: ChannelSettings | None = None
    account_type: AccountType | None = None
    verified: bool | None = None
    version: int

    @property
    def stated(self) -> Statement:
        """Return what is stated about the account; empty where nothing is."""
        stated: Statement = {}
        if "account_type" in self.model_fields_set:
            stated["account_type"] = self.account_type
        if "verified" in self.model_fields_set:
            stated["verified"] = self.verified
        return stated


class SettingsCopy(BaseModel):
    """Which parts of a channel's settings go to which others."""

    model_config = ConfigDict(extra="forbid")

    to: list[UUID] = Field(min_length=1, max_length=MOST_COPIED_TO)
    parts: list[SettingsPart] = Field(min_length=1, max_length=MOST_PARTS)


class CredentialsChange(BaseModel):
    """Credentials that take the place of the present ones, and the version of the channel that the person has seen."""

    model_config = ConfigDict(extra="forbid")

    credentials: dict[str, SecretStr] = Field(min_length=1, max_length=20)
    version: int


@router.get("/channel-kinds")
async def read_channel_kinds(actor: SignedInActor, door: TheDoor) -> ChannelKindsView:
    """List the kinds of channels, with the fields of their docking form and what they can do."""
    require(actor, Act.CHANNELS_READ)
    async with door.database.in_platform() as tx:
        authorizations = {kind: await door.authorization(tx, connector) for kind, connector in door.connectors.items()}
    return ChannelKindsView(
        items=[
            ChannelKindView.of(connector.manifest, door.words[kind], authorizations[kind])
            for kind, connector in door.connectors.items()
        ]
    )


@router.get("/channel-kinds/{kind}/address")
async def read_callback_address(
    kind: str, external_id: str, actor: SignedInActor, door: TheDoor
) -> CallbackAddressView:
    """Tell the address to enter at the provider for an account, before it is docked."""
    require(actor, Act.CHANNELS_READ)
    manifest = door.manifest(kind)
    named = next(field for field in manifest.credential_fields if field.name == manifest.account_field)
    if not re.fullmatch(named.pattern, external_id):
        raise Malformed(field="external_id", reason="mismatch")
    return CallbackAddressView(callback_url=callback_url(manifest, public_url=door.public_url, external_id=external_id))


@router.get("/channels")
async def read_channels(
    *,
    actor: SignedInActor,
    door: TheDoor,
    query: Annotated[str, Query(max_length=80)] = "",
    state: ChannelState | None = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_OF_A_PAGE)] = 50,
) -> ChannelsView:
    """List the channels of the workspace in the order they were docked, undocked ones among them.

    `query` is looked for in names and ids; the counts by state come with the first page and heed the query alone.
    """
    require(actor, Act.CHANNELS_READ)
    async with door.database.in_workspace(actor.workspace_id) as tx:
        counts = await count_channels(tx, query=query) if cursor is None else None
        page = await list_channels(tx, query=query, state=state, cursor=cursor, limit=limit)
    return ChannelsView(
        items=[door.view(channel) for channel in page.items],
        next_cursor=page.next_cursor,
        counts=None if counts is None else dict(counts),
    )


@router.get("/channels/{channel_id}")
async def read_one_channel(channel_id: UUID, actor: SignedInActor, door: TheDoor) -> ChannelView:
    """Tell everything about one channel but its credentials."""
    require(actor, Act.CHANNELS_READ)
    async with door.database.in_workspace(actor.workspace_id) as tx:
        return door.view(await read_channel(tx, channel_id=ChannelId(channel_id)))


@dataclass(eq=False)
class KindNotDockable(DomainError):
    """Channels of this kind cannot be added here."""

    code: ClassVar[str] = "channels.kind_not_dockable"
    kind: ClassVar[str] = "conflict"
    channel_kind: str


@router.post("/channels", status_code=status.HTTP_201_CREATED)
async def dock_channel(new: NewChannel, request: Request, actor: ChannelManager, door: TheDoor) -> ChannelView:
    """Dock an account by its own credentials. Whether they work is for the checks to find out."""
    manifest = door.manifest(new.kind)
    if not manifest.dockable:
        raise KindNotDockable(channel_kind=manifest.kind)

    async def dock(tx: Tx) -> Channel:
        return await dock_with_credentials(
            tx,
            manifest=manifest,
            box=door.box,
            name=new.name,
            credentials={name: value.get_secret_value() for name, value in new.credentials.items()},
            account_type=new.account_type,
            verified=new.verified,
            by=actor.person_id,
            remote_address=remote_address_of(request),
        )

    return door.view(await door.database.run(actor.workspace_id, dock))


@router.patch("/channels/{channel_id}")
async def change_one_channel(
    channel_id: UUID, change: ChannelChange, request: Request, actor: ChannelManager, door: TheDoor
) -> ChannelView:
    """Change a channel's name or settings, or what is stated about its account; what is left out stays as it is."""

    async def apply(tx: Tx) -> Channel:
        before = await read_channel(tx, channel_id=ChannelId(channel_id))
        manifest = door.manifest(before.kind)
        changed = await change_channel(
            tx,
            channel_id=before.id,
            manifest=manifest,
            version=change.version,
            name=change.name,
            settings=change.settings,
            by=actor.person_id,
            remote_address=remote_address_of(request),
        )
        if not change.stated:
            return changed
        return await state_account(
            tx,
            channel_id=before.id,
            manifest=manifest,
            stated=change.stated,
            by=actor.person_id,
            remote_address=remote_address_of(request),
        )

    return door.view(await door.database.run(actor.workspace_id, apply))


@router.put("/channels/{channel_id}/credentials")
async def change_channel_credentials(
    channel_id: UUID, change: CredentialsChange, request: Request, actor: ChannelManager, door: TheDoor
) -> ChannelView:
    """Replace credentials, after a reset secret or a change of key or mode; what is left out stays as it is."""

    async def apply(tx: Tx) -> Channel:
        before = await read_channel(tx, channel_id=ChannelId(channel_id))
        return await change_credentials(
            tx,
            channel_id=before.id,
            manifest=door.manifest(before.kind),
            box=door.box,
            version=change.version,
            credentials={name: value.get_secret_value() for name, value in change.credentials.items()},
            by=actor.person_id,
            remote_address=remote_address_of(request),
        )

    return door.view(await door.database.run(actor.workspace_id, apply))


@router.post("/channels/{channel_id}/copy-settings")
async def copy_channel_settings(
    channel_id: UUID, copy: SettingsCopy, request: Request, actor: ChannelManager, door: TheDoor
) -> SettingsCopiedView:
    """Copy parts of a channel's settings to other channels, to all of them or to none, and tell what changed."""

    async def apply(tx: Tx) -> list[Copied]:
        return await copy_settings(
            tx,
            channel_id=ChannelId(channel_id),
            to=[ChannelId(target) for target in copy.to],
            parts=copy.parts,
            manifests={kind: connector.manifest for kind, connector in door.connectors.items()},
            by=actor.person_id,
            remote_address=remote_address_of(request),
        )

    copied = await door.database.run(actor.workspace_id, apply)
    return SettingsCopiedView(
        changed=[
            CopiedView(channel_id=one.channel_id, name=one.name, parts=list(one.parts), version=one.version)
            for one in copied
        ]
    )
