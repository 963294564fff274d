"""The API of undocking: what it would end, and doing it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, ConfigDict

from moorage.channels.model import Channel
from moorage.channels.queries import read_channel
from moorage.channels.routes import ChannelManager, TheDoor
from moorage.channels.undocking import undock_channel
from moorage.channels.views import ChannelView
from moorage.core.ids import ChannelId
from moorage.infra.database import Tx
from moorage.reception.settling import count_open_conversations
from moorage.staff.guard import remote_address_of

router = APIRouter(tags=["channels"])


class UndockPreview(BaseModel):
    """What undocking a channel would end at once: its open conversations, with those that wait and that agents have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    open_conversations: int
    waiting: int
    with_agents: int


class Undocking(BaseModel):
    """The version of the channel that the person has seen, if nothing newer is to be undocked."""

    model_config = ConfigDict(extra="forbid")

    version: int | None = None


@router.get("/channels/{channel_id}/undock")
async def preview_undocking(channel_id: UUID, actor: ChannelManager, door: TheDoor) -> UndockPreview:
    """Tell what undocking a channel would end."""
    async with door.database.in_workspace(actor.workspace_id) as tx:
        channel = await read_channel(tx, channel_id=ChannelId(channel_id))
        standing = await count_open_conversations(tx, channel_id=channel.id)
    return UndockPreview(
        open_conversations=standing.open_conversations, waiting=standing.waiting, with_agents=standing.with_agents
    )


@router.post("/channels/{channel_id}/undock")
async def undock_one_channel(
    channel_id: UUID,
    request: Request,
    actor: ChannelManager,
    door: TheDoor,
    undocking: Annotated[Undocking | None, Body()] = None,
) -> ChannelView:
    """Undock a channel: its account is free, its open conversations end at once, its history and settings stay."""

    async def undock(tx: Tx) -> Channel:
        return await undock_channel(
            tx,
            channel_id=ChannelId(channel_id),
            version=None if undocking is None else undocking.version,
            by=actor.person_id,
            remote_address=remote_address_of(request),
        )

    return door.view(await door.database.run(actor.workspace_id, undock))
