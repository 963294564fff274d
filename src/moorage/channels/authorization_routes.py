"""The API of docking by authorization: beginning and finishing attempts, and what an account grants."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import segno
from fastapi import APIRouter, Depends, Header, Request, Response, status
from pydantic import BaseModel, ConfigDict, Field

from moorage.channels.accounts import avatar_blob
from moorage.channels.attempts import AttemptState, Way, how_it_stands
from moorage.channels.authorizations import Authorizations
from moorage.channels.grants import granted_since
from moorage.channels.queries import read_channel
from moorage.channels.routes import ChannelManager, TheDoor
from moorage.channels.views import ChannelView, PermissionSetView
from moorage.connectors.registry import platform_power
from moorage.core.errors import Missing
from moorage.core.ids import ChannelId
from moorage.customers.links import LINK_HEADER, READING, ThePages
from moorage.infra.blobs import BlobStore, find_blob
from moorage.infra.limits import count_use
from moorage.staff.guard import SignedInActor, remote_address_of
from moorage.staff.rights import Act, require

PICTURE_HEADERS: Final = {
    "Cache-Control": "private, max-age=86400, immutable",
    "Content-Disposition": 'inline; filename="avatar"',
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
"""A picture from outside is shown as a picture, and is nothing else to a browser."""

PICTURE_SCHEMA: Final = {"schema": {"type": "string", "format": "binary"}}

router = APIRouter(tags=["channels"])


@dataclass(frozen=True, slots=True)
class AuthorizationsDoor:
    """What these routes need of the process; the application keeps it as `app.state.authorizations_door`."""

    authorizations: Authorizations
    blobs: BlobStore


def authorizations_door(request: Request) -> AuthorizationsDoor:
    """Return the door that the application put in its state."""
    door: object = request.app.state.authorizations_door
    if not isinstance(door, AuthorizationsDoor):
        raise TypeError("app.state.authorizations_door must be an AuthorizationsDoor")
    return door


ThisDoor = Annotated[AuthorizationsDoor, Depends(authorizations_door)]


class NewAuthorization(BaseModel):
    """An account to dock; with `channel_id`, the one of that channel, which is to be authorized again."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(max_length=40)
    channel_id: UUID | None = None
    way: Way = "code"


class BegunAuthorizationView(BaseModel):
    """Where it goes on: for a code the provider's page, by navigation from a page of ours, as it looks at where the
    browser comes from; for a link our own page, to be opened by whoever administers the account."""

    id: UUID
    url: str
    picture: str | None
    """Of a link: the same as a picture to scan, as a `data:` address."""
    expires_at: datetime


class AuthorizationResult(BaseModel):
    """What the provider's page led back with."""

    model_config = ConfigDict(extra="forbid")

    state: str = Field(min_length=1, max_length=200)
    auth_code: str = Field(min_length=1, max_length=1024)


class LinkResult(BaseModel):
    """What the provider's page led a phone back with."""

    model_config = ConfigDict(extra="forbid")

    auth_code: str = Field(min_length=1, max_length=1024)


class AuthorizationLinkView(BaseModel):
    """Who asks for an account, and the provider's page to go on to, by navigation from ours."""

    url: str
    company: str
    person: str
    done: bool
    expires_at: datetime


async def link_token(
    request: Request, pages: ThePages, token: Annotated[str, Header(alias=LINK_HEADER, max_length=200)] = ""
) -> str:
    """Return the token of a link, which is as secret as the link itself. Raises TooOften."""
    place = request.client.host if request.client else "unknown"
    async with pages.database.in_platform() as tx:
        await count_use(tx, limit=READING, by=place)
    return token


LinkToken = Annotated[str, Depends(link_token)]


class AuthorizationStateView(BaseModel):
    """How an attempt stands. `reason` is a word that the kind has a sentence for."""

    id: UUID
    kind: str
    state: AttemptState
    channel_id: UUID | None
    reason: str | None
    expires_at: datetime


class ChannelPermissionView(BaseModel):
    """One set of rights, and whether the account grants it."""

    set_id: int
    required: bool
    granted: bool
    granted_at: datetime | None
    about: PermissionSetView | None
    """None for a set that we have no use for."""


class ChannelPermissionsView(BaseModel):
    """What an account grants, and what it could. Empty for a channel that is docked by its own credentials."""

    items: list[ChannelPermissionView]


@router.post("/authorizations", status_code=status.HTTP_201_CREATED)
async def begin_authorization(
    new: NewAuthorization, request: Request, actor: ChannelManager, door: ThisDoor
) -> BegunAuthorizationView:
    """Begin to dock an account by authorization, and tell where the browser is to go."""
    begun = await door.authorizations.begin(
        actor=actor,
        kind=new.kind,
        channel_id=None if new.channel_id is None else ChannelId(new.channel_id),
        remote_address=remote_address_of(request),
        way=new.way,
    )
    picture = segno.make(begun.url, error="m", micro=False).svg_data_uri(border=2) if new.way == "link" else None
    return BegunAuthorizationView(id=begun.id, url=begun.url, picture=picture, expires_at=begun.expires_at)


@router.post("/authorizations/complete")
async def complete_authorization(
    result: AuthorizationResult, actor: ChannelManager, door: ThisDoor, channels: TheDoor
) -> ChannelView:
    """Finish the attempt that the browser comes back from; doing it again tells the same channel."""
    channel_id = await door.authorizations.complete(actor=actor, state=result.state, code=result.auth_code)
    async with channels.database.in_workspace(actor.workspace_id) as tx:
        return channels.view(await read_channel(tx, channel_id=channel_id))


@router.get("/pages/authorization")
async def read_authorization_link(token: LinkToken, door: ThisDoor) -> AuthorizationLinkView:
    """Tell whoever was sent a link who asks, and where it goes on."""
    opened = await door.authorizations.read_link(state=token)
    return AuthorizationLinkView(
        url=opened.url,
        company=opened.company,
        person=opened.person,
        done=opened.state == "done",
        expires_at=opened.expires_at,
    )


@router.post("/pages/authorization/complete", status_code=status.HTTP_204_NO_CONTENT)
async def complete_authorization_link(token: LinkToken, result: LinkResult, door: ThisDoor) -> Response:
    """Finish the attempt that somebody's phone comes back from. Who began it sees the channel."""
    await door.authorizations.complete_link(state=token, code=result.auth_code)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.get("/authorizations/{authorization_id}")
async def read_authorization(
    authorization_id: UUID, actor: ChannelManager, door: ThisDoor, channels: TheDoor
) -> AuthorizationStateView:
    """Tell how an attempt stands, for a page that waits for it."""
    attempt = await door.authorizations.read(workspace_id=actor.workspace_id, attempt_id=authorization_id)
    state, reason = how_it_stands(attempt, now=channels.database.clock.now())
    return AuthorizationStateView(
        id=attempt.id,
        kind=attempt.kind,
        state=state,
        channel_id=attempt.channel_id,
        reason=reason,
        expires_at=attempt.expires_at,
    )


@router.get("/channels/{channel_id}/permissions")
async def read_channel_permissions(channel_id: UUID, actor: SignedInActor, channels: TheDoor) -> ChannelPermissionsView:
    """List the permission sets of a channel: those that we use first, granted or not, then what else is granted."""
    require(actor, Act.CHANNELS_READ)
    async with channels.database.in_workspace(actor.workspace_id) as tx:
        channel = await read_channel(tx, channel_id=ChannelId(channel_id))
        granted = await granted_since(tx, channel_id=channel.id)
    power = platform_power(channels.connectors[channel.kind])
    if power is None or channel.docked_by != "authorization":
        return ChannelPermissionsView(items=[])
    known = {permission.id: permission for permission in power.manifest.permission_sets}
    words = channels.words[channel.kind]
    return ChannelPermissionsView(
        items=[
            ChannelPermissionView(
                set_id=set_id,
                required=set_id in known and known[set_id].required,
                granted=set_id in granted,
                granted_at=granted.get(set_id),
                about=PermissionSetView.of(known[set_id], words) if set_id in known else None,
            )
            for set_id in (*known, *sorted(granted.keys() - known.keys()))
        ]
    )


@router.get(
    "/channels/{channel_id}/avatar",
    response_class=Response,
    responses={
        200: {
            "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
            "description": "The account's picture",
        }
    },
)
async def read_channel_avatar(channel_id: UUID, actor: SignedInActor, door: ThisDoor, channels: TheDoor) -> Response:
    """Return the account's picture as the provider gave it."""
    require(actor, Act.CHANNELS_READ)
    async with channels.database.in_workspace(actor.workspace_id) as tx:
        blob_id = await avatar_blob(tx, channel_id=ChannelId(channel_id))
        if blob_id is None:
            raise Missing(what="avatar")
        blob = await find_blob(tx, blob_id=blob_id)
    return Response(await door.blobs.read(blob), media_type=blob.media_type, headers=PICTURE_HEADERS)
