"""The API of the installation's platforms, for its operators only."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response, status
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from moorage.channels.authorization_errors import PlatformFixed
from moorage.channels.platforms import (
    Platform,
    PlatformHealth,
    TicketState,
    authorizing_connector,
    find_platform,
    read_health,
    store_platform,
)
from moorage.channels.routes import ChannelsDoor, TheDoor
from moorage.channels.unclaimed import dismiss_unclaimed, list_unclaimed
from moorage.channels.views import CredentialFieldView, TextView
from moorage.connectors.authorization import PlatformManifest
from moorage.connectors.contract import Connector
from moorage.connectors.registry import required_platform_power
from moorage.infra.audit import write_audit
from moorage.infra.database import Tx
from moorage.staff.guard import TheSession, remote_address_of
from moorage.staff.rights import Forbidden
from moorage.staff.sessions import LiveSession

DEFAULT_KIND = "wechat_oa"

router = APIRouter(tags=["installation"])


async def operator(live: TheSession) -> LiveSession:
    """Return the session of a person who operates the installation. Raises Forbidden for anybody else."""
    if not live.operator:
        raise Forbidden(act="installation.manage")
    return live


Operator = Annotated[LiveSession, Depends(operator)]


class TicketView(BaseModel):
    """Whether the provider sends its ticket, which everything else hangs on."""

    received_at: datetime | None
    state: Literal["never", "fresh", "old"]


class PlatformTokenView(BaseModel):
    """Why the platform's token could not be got the last time; nothing where it could."""

    reason: str | None
    text: TextView | None


class PlatformView(BaseModel):
    """Our platform at a provider, and what to enter there."""

    kind: str
    source: Literal["env", "stored", "none"]
    appid: str | None
    token: str | None
    aes_key: str | None
    has_secret: bool
    event_url: str
    message_url: str
    start_domain: str
    ticket: TicketView
    token_state: PlatformTokenView
    fields: list[CredentialFieldView]


class PlatformChange(BaseModel):
    """The platform's credentials. A secret that is left out stays as it is, for the same platform."""

    model_config = ConfigDict(extra="forbid")

    appid: str = Field(max_length=100)
    secret: SecretStr | None = None
    token: str = Field(max_length=100)
    aes_key: str = Field(max_length=100)


class UnclaimedView(BaseModel):
    """An account that authorized our platform without anybody here having begun it."""

    id: UUID
    kind: str
    external_id: str
    authorized_at: datetime
    received_at: datetime


class UnclaimedListView(BaseModel):
    """The accounts that wait for somebody to dock them, the newest first."""

    items: list[UnclaimedView]


@router.get("/installation/platform")
async def read_installation_platform(live: Operator, door: TheDoor, kind: str = DEFAULT_KIND) -> PlatformView:
    """Tell how our platform at a provider is set up, and whether the provider's ticket comes."""
    connector = authorizing_connector(door.connectors, kind=kind)
    async with door.database.in_workspace(live.actor.workspace_id) as tx:
        return await _view(tx, door, connector)


@router.put("/installation/platform")
async def change_installation_platform(
    change: PlatformChange, request: Request, live: Operator, door: TheDoor, kind: str = DEFAULT_KIND
) -> PlatformView:
    """Set up our platform at a provider. What the environment says counts first and cannot be changed here."""
    connector = authorizing_connector(door.connectors, kind=kind)
    power = required_platform_power(connector)
    if power.configured is not None:
        raise PlatformFixed

    async def store(tx: Tx) -> PlatformView:
        secret = "" if change.secret is None else change.secret.get_secret_value()
        given = {"appid": change.appid, "secret": secret, "token": change.token, "aes_key": change.aes_key}
        platform = await store_platform(
            tx, box=door.box, kind=kind, manifest=power.manifest, given=given, by=live.person.id
        )
        await write_audit(
            tx,
            by=live.person.id,
            remote_address=remote_address_of(request),
            act="installation.platform_changed",
            object_kind="platform",
            object_id=None,
            after={"kind": kind, "platform_id": platform.id, "secret": "given" if secret else "kept"},
        )
        return await _view(tx, door, connector)

    return await door.database.run(live.actor.workspace_id, store)


@router.get("/installation/unclaimed")
async def read_unclaimed_authorizations(live: Operator, door: TheDoor) -> UnclaimedListView:  # noqa: ARG001 -- the guard
    """List the accounts that authorized our platform without an attempt of ours."""
    async with door.database.in_platform() as tx:
        found = await list_unclaimed(tx)
    return UnclaimedListView(
        items=[
            UnclaimedView(
                id=one.id,
                kind=one.kind,
                external_id=one.external_id,
                authorized_at=one.authorized_at,
                received_at=one.received_at,
            )
            for one in found
        ]
    )


@router.post("/installation/unclaimed/{unclaimed_id}/dismiss", status_code=status.HTTP_204_NO_CONTENT)
async def dismiss_unclaimed_authorization(
    unclaimed_id: UUID, request: Request, live: Operator, door: TheDoor
) -> Response:
    """Take an account off the list. At the provider nothing changes: only the account can withdraw."""

    async def dismiss(tx: Tx) -> None:
        external_id = await dismiss_unclaimed(tx, unclaimed_id=unclaimed_id, by=live.person.id)
        await write_audit(
            tx,
            by=live.person.id,
            remote_address=remote_address_of(request),
            act="installation.unclaimed_dismissed",
            object_kind="unclaimed_authorization",
            object_id=unclaimed_id,
            before={"external_id": external_id},
        )

    await door.database.run(live.actor.workspace_id, dismiss)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


async def _view(tx: Tx, door: ChannelsDoor, connector: Connector) -> PlatformView:
    manifest = required_platform_power(connector).manifest
    platform = await find_platform(tx, box=door.box, connector=connector)
    if platform is None:
        health = PlatformHealth(ticket=TicketState(received_at=None, age="never"), token_reason=None)
    else:
        health = await read_health(tx, platform=platform, manifest=manifest)
    return _described(door, connector.manifest.kind, manifest, platform, health)


def _described(
    door: ChannelsDoor, kind: str, manifest: PlatformManifest, platform: Platform | None, health: PlatformHealth
) -> PlatformView:
    credentials: Mapping[str, str] = {} if platform is None else platform.credentials
    public_url, words = door.public_url.rstrip("/"), door.words[kind]
    reason = health.token_reason
    return PlatformView(
        kind=kind,
        source="none" if platform is None else platform.source,
        appid=credentials.get("appid"),
        token=credentials.get("token"),
        aes_key=credentials.get("aes_key"),
        has_secret=bool(credentials.get("secret")),
        event_url=public_url + manifest.event_path,
        message_url=public_url + manifest.message_path.format(external_id=manifest.account_placeholder),
        start_domain=urlsplit(public_url).netloc,
        ticket=TicketView(received_at=health.ticket.received_at, state=health.ticket.age),
        token_state=PlatformTokenView(
            reason=reason,
            text=TextView.of(words, f"reason.{reason}") if f"reason.{reason}" in words["en"] else None,
        ),
        fields=[CredentialFieldView.of(field, words, under="field.platform") for field in manifest.credential_fields],
    )
