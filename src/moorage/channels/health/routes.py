"""The API of a channel's health: what is known, asking anew, and what can be mended from here."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from moorage.channels.health.doctor import Doctor
from moorage.channels.health.model import Part
from moorage.channels.health.views import HealthView, RefusedCallView, ReportsView
from moorage.channels.leases import failure_reason
from moorage.channels.queries import read_channel
from moorage.channels.reports import list_reports
from moorage.channels.routes import ChannelManager
from moorage.connectors.failures import ProviderFailure
from moorage.core.errors import DomainError
from moorage.core.ids import ChannelId
from moorage.infra.audit import write_audit
from moorage.infra.database import Tx
from moorage.staff.guard import SignedInActor, remote_address_of
from moorage.staff.rights import Act, require

CHECKS_LIMIT_S: Final = 15.0
ALL_PARTS: Final[tuple[Part, ...]] = ("access", "network", "quotas", "voice")

router = APIRouter(prefix="/channels/{channel_id}", tags=["channels"])


@dataclass(frozen=True, slots=True)
class HealthDoor:
    """What these routes need of the process; the application keeps it as `app.state.health_door`."""

    doctor: Doctor


def health_door(request: Request) -> HealthDoor:
    """Return the door that the application put in its state."""
    door: object = request.app.state.health_door
    if not isinstance(door, HealthDoor):
        raise TypeError("app.state.health_door must be a HealthDoor")
    return door


TheDoor = Annotated[HealthDoor, Depends(health_door)]


@dataclass(eq=False)
class ProviderRefused(DomainError):
    """The provider did not do it. `reason` is a word that the kind has a sentence for."""

    code: ClassVar[str] = "channels.provider_refused"
    kind: ClassVar[str] = "conflict"
    reason: str
    external_code: int | None
    detail: str


class ChecksToRun(BaseModel):
    """What to ask the provider; each part is a call or two, so that a page can show how far it is."""

    model_config = ConfigDict(extra="forbid")

    parts: list[Part] = Field(default_factory=lambda: list(ALL_PARTS), min_length=1, max_length=len(ALL_PARTS))


class RequestInQuestion(BaseModel):
    """The provider's words about a call that it refused, which name the call."""

    model_config = ConfigDict(extra="forbid")

    said: str = Field(min_length=1, max_length=300)


class VoiceRecognition(BaseModel):
    """Whether the provider is to recognise what customers say."""

    model_config = ConfigDict(extra="forbid")

    on: bool


@router.get("/health")
async def read_channel_health(channel_id: UUID, actor: SignedInActor, door: TheDoor) -> HealthView:
    """Tell what is known of a channel's health without asking its provider."""
    require(actor, Act.CHANNELS_READ)
    return HealthView.of(await door.doctor.read(workspace_id=actor.workspace_id, channel_id=ChannelId(channel_id)))


@router.get("/reports")
async def read_channel_reports(channel_id: UUID, actor: SignedInActor, door: TheDoor) -> ReportsView:
    """Show what the provider has reported about the account itself lately, the newest first."""
    require(actor, Act.CHANNELS_READ)
    async with door.doctor.database.in_workspace(actor.workspace_id) as tx:
        channel = await read_channel(tx, channel_id=ChannelId(channel_id))
        return ReportsView.of(await list_reports(tx, channel_id=channel.id))


@router.post("/checks")
async def check_channel(
    channel_id: UUID, actor: ChannelManager, door: TheDoor, run: ChecksToRun | None = None
) -> HealthView:
    """Ask the provider now whether the channel works, and tell everything that is known then."""
    channel = ChannelId(channel_id)
    await door.doctor.count_asking(channel_id=channel)
    return HealthView.of(
        await door.doctor.ask(
            workspace_id=actor.workspace_id,
            channel_id=channel,
            parts=ALL_PARTS if run is None else tuple(dict.fromkeys(run.parts)),
            deadline=_deadline(),
        )
    )


@router.post("/requests/explain")
async def explain_refused_request(
    channel_id: UUID, asked: RequestInQuestion, actor: ChannelManager, door: TheDoor
) -> RefusedCallView:
    """Tell what the provider remembers of a call that it refused: when, from which address, and what it answered."""
    channel = ChannelId(channel_id)
    await door.doctor.count_asking(channel_id=channel)
    try:
        call = await door.doctor.explain(
            workspace_id=actor.workspace_id, channel_id=channel, said=asked.said, deadline=_deadline()
        )
    except ProviderFailure as failure:
        raise _refused(failure) from failure
    return RefusedCallView.of(call)


@router.post("/quotas/reset")
async def reset_channel_quotas(channel_id: UUID, request: Request, actor: ChannelManager, door: TheDoor) -> HealthView:
    """Set the provider's counts of the account's calls to zero, which it allows a few times a month."""
    channel = ChannelId(channel_id)
    try:
        await door.doctor.reset_quotas(workspace_id=actor.workspace_id, channel_id=channel, deadline=_deadline())
    except ProviderFailure as failure:
        raise _refused(failure) from failure

    async def audit(tx: Tx) -> None:
        await write_audit(
            tx,
            by=actor.person_id,
            remote_address=remote_address_of(request),
            act="channel.quotas_reset",
            object_kind="channel",
            object_id=channel,
        )

    await door.doctor.database.run(actor.workspace_id, audit)
    return await _asked(door, actor, channel, parts=("access", "quotas"))


@router.put("/voice-recognition")
async def switch_channel_voice_recognition(
    channel_id: UUID, wanted: VoiceRecognition, request: Request, actor: ChannelManager, door: TheDoor
) -> HealthView:
    """Let the provider recognise what customers say, or not. Followers of before may take a day to be affected."""
    channel = ChannelId(channel_id)
    try:
        await door.doctor.switch_voice_recognition(
            workspace_id=actor.workspace_id, channel_id=channel, on=wanted.on, deadline=_deadline()
        )
    except ProviderFailure as failure:
        raise _refused(failure) from failure

    async def audit(tx: Tx) -> None:
        await write_audit(
            tx,
            by=actor.person_id,
            remote_address=remote_address_of(request),
            act="channel.voice_recognition_switched",
            object_kind="channel",
            object_id=channel,
            after={"on": wanted.on},
        )

    await door.doctor.database.run(actor.workspace_id, audit)
    return await _asked(door, actor, channel, parts=("voice",))


async def _asked(door: HealthDoor, actor: ChannelManager, channel: ChannelId, *, parts: tuple[Part, ...]) -> HealthView:
    return HealthView.of(
        await door.doctor.ask(
            workspace_id=actor.workspace_id, channel_id=channel, parts=parts, deadline=_deadline(), renews="if_due"
        )
    )


def _refused(failure: ProviderFailure) -> ProviderRefused:
    return ProviderRefused(reason=failure_reason(failure), external_code=failure.external_code, detail=failure.detail)


def _deadline() -> float:
    return asyncio.get_running_loop().time() + CHECKS_LIMIT_S
