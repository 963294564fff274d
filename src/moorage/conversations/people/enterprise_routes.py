"""The API of enterprise identity: what a channel's admins set, and the conflicts that they decide about."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, status
from pydantic import BaseModel, ConfigDict, Field

from moorage.channels.queries import read_channel
from moorage.connectors.registry import visitors_power
from moorage.conversations.people.conflicts import settle_conflict
from moorage.conversations.people.identify_routes import TheIdentifying
from moorage.conversations.people.identifying import Identifying
from moorage.conversations.people.telling import tell_of_identities
from moorage.conversations.people.visits import ROOT, Place
from moorage.core.errors import Missing
from moorage.core.ids import ChannelId
from moorage.customers.bindings import Cause, Conflict, Decision, list_conflicts
from moorage.customers.enterprise import EnterpriseIdentity, change_enterprise, make_secret, read_enterprise
from moorage.infra.audit import write_audit
from moorage.infra.database import Tx
from moorage.staff.guard import remote_address_of, require_right
from moorage.staff.model import Actor
from moorage.staff.rights import Act

router = APIRouter(prefix="/channels/{channel_id}/identity", tags=["enterprise identity"])
ChannelManager = Annotated[Actor, Depends(require_right(Act.CHANNELS_MANAGE))]


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ConflictView(_View):
    """A link that bound nobody: it contradicts what is known, or who opened it says that it does not mean them."""

    id: UUID
    cause: Cause
    customer_id: UUID
    customer_name: str
    user_id: str
    attributes: dict[str, str]
    bound_user_id: str | None
    holder_id: UUID | None
    holder_name: str | None
    state: str
    created_at: datetime
    settled_at: datetime | None
    settled_by: str | None

    @classmethod
    def of(cls, conflict: Conflict) -> "ConflictView":
        """Return the view of a conflict."""
        return cls(
            id=conflict.id,
            cause=conflict.cause,
            customer_id=conflict.customer_id,
            customer_name=conflict.customer_name,
            user_id=conflict.user_id,
            attributes=dict(conflict.attributes),
            bound_user_id=conflict.bound_user_id,
            holder_id=conflict.holder_id,
            holder_name=conflict.holder_name,
            state=conflict.state,
            created_at=conflict.created_at,
            settled_at=conflict.settled_at,
            settled_by=conflict.settled_by,
        )


class EnterpriseIdentityView(_View):
    """How a channel's company says who its customers are. The secret itself is told once, when it is made."""

    enabled: bool
    link_address: str
    """What every link begins with; opened as it is, the way for who comes without a link."""
    secret_made_at: datetime | None
    previous_until: datetime | None
    attributes: list[str]
    login_url: str | None
    asks_profile: bool
    conflicts: list[ConflictView]
    version: int


class NewSecretView(_View):
    """A new secret, told this once, and how things stand with it."""

    secret: str
    identity: EnterpriseIdentityView


class EnterpriseIdentityChange(BaseModel):
    """What is to hold from now on, in place of what the person has seen as `version`."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool
    attributes: list[Annotated[str, Field(max_length=100)]] = Field(max_length=100)
    login_url: Annotated[str | None, Field(max_length=1000)]
    asks_profile: bool
    version: int


class ConflictDecision(BaseModel):
    """Leave what is known (`kept`), or put what the link says in its place (`replaced`)."""

    model_config = ConfigDict(extra="forbid")

    decision: Decision


@router.get("")
async def read_enterprise_identity(
    channel_id: UUID, actor: ChannelManager, door: TheIdentifying
) -> EnterpriseIdentityView:
    """Tell how the company says who its customers are, and where links contradict what is known."""
    async with door.identifying.visits.database.in_workspace(actor.workspace_id) as tx:
        return await _view(tx, door.identifying, ChannelId(channel_id))


@router.put("")
async def change_enterprise_identity(
    channel_id: UUID, asked: EnterpriseIdentityChange, request: Request, actor: ChannelManager, door: TheIdentifying
) -> EnterpriseIdentityView:
    """Switch it on or off, and say what may come along and where the company's own page is."""

    async def change(tx: Tx) -> EnterpriseIdentityView:
        channel = ChannelId(channel_id)
        before = (await _view(tx, door.identifying, channel)).model_dump(mode="json", include=AUDITED)
        await change_enterprise(
            tx,
            channel_id=channel,
            enabled=asked.enabled,
            attributes=asked.attributes,
            login_url=asked.login_url,
            asks_profile=asked.asks_profile,
            version=asked.version,
        )
        after = asked.model_dump(mode="json", include=AUDITED)
        await _audit(tx, _By(actor, request, channel_id), act="channel.identity_changed", before=before, after=after)
        tell_of_identities(tx, channel_id=channel)
        return await _view(tx, door.identifying, channel)

    return await door.identifying.visits.database.run(actor.workspace_id, change)


@router.post("/secret", status_code=status.HTTP_201_CREATED)
async def make_identity_secret(
    channel_id: UUID, request: Request, actor: ChannelManager, door: TheIdentifying
) -> NewSecretView:
    """Make a new secret. Links signed with the one before are good for another 24 hours."""

    async def make(tx: Tx) -> NewSecretView:
        channel = ChannelId(channel_id)
        await _view(tx, door.identifying, channel)
        secret = await make_secret(tx, box=door.identifying.visits.box, channel_id=channel)
        await _audit(tx, _By(actor, request, channel_id), act="channel.identity_secret_made", before=None, after={})
        tell_of_identities(tx, channel_id=channel)
        return NewSecretView(secret=secret, identity=await _view(tx, door.identifying, channel))

    return await door.identifying.visits.database.run(actor.workspace_id, make)


@router.post("/conflicts/{conflict_id}/settle")
async def settle_identity_conflict(
    *,
    channel_id: UUID,
    conflict_id: UUID,
    asked: ConflictDecision,
    request: Request,
    actor: ChannelManager,
    door: TheIdentifying,
) -> EnterpriseIdentityView:
    """Decide whether what is known stays, or what a link says takes its place."""

    async def settle(tx: Tx) -> EnterpriseIdentityView:
        channel = ChannelId(channel_id)
        conflict = await settle_conflict(
            tx, channel_id=channel, conflict_id=conflict_id, decision=asked.decision, by=actor.person_id
        )
        # The company's own ids of people stand with the conflict, where they can be erased.
        after: dict[str, object] = {"conflict_id": str(conflict.id), "customer_id": str(conflict.customer_id)}
        before: dict[str, object] = {"holder_id": None if conflict.holder_id is None else str(conflict.holder_id)}
        await _audit(
            tx, _By(actor, request, channel_id), act=f"channel.identity_{asked.decision}", before=before, after=after
        )
        tell_of_identities(tx, channel_id=channel)
        return await _view(tx, door.identifying, channel)

    return await door.identifying.visits.database.run(actor.workspace_id, settle)


AUDITED = {"enabled", "attributes", "login_url", "asks_profile"}


async def _view(tx: Tx, identifying: Identifying, channel_id: ChannelId) -> EnterpriseIdentityView:
    """Return the view of a channel whose kind can tell who opens a page. Raises Missing for every other."""
    channel = await read_channel(tx, channel_id=channel_id)
    if visitors_power(identifying.visits.connectors[channel.kind]) is None:
        raise Missing(what="identity")
    settings: EnterpriseIdentity = await read_enterprise(tx, channel_id=channel_id)
    conflicts = await list_conflicts(tx, channel_id=channel_id)
    return EnterpriseIdentityView(
        enabled=settings.enabled,
        link_address=f"{identifying.visits.public_url.rstrip('/')}{ROOT}/{Place(tx.workspace_id, channel_id).key}",
        secret_made_at=settings.secret_made_at,
        previous_until=settings.previous_until,
        attributes=list(settings.attributes),
        login_url=settings.login_url,
        asks_profile=settings.asks_profile,
        conflicts=[ConflictView.of(conflict) for conflict in conflicts],
        version=settings.version,
    )


@dataclass(frozen=True, slots=True)
class _By:
    """Who changes the identities of which channel, and from where."""

    actor: Actor
    request: Request
    channel_id: UUID


async def _audit(tx: Tx, by: _By, *, act: str, before: dict[str, object] | None, after: dict[str, object]) -> None:
    await write_audit(
        tx,
        by=by.actor.person_id,
        remote_address=remote_address_of(by.request),
        act=act,
        object_kind="channel",
        object_id=by.channel_id,
        before=before,
        after=after,
    )
