"""The API of what an account says to who follows it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Self
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from moorage.channels.follow_replies.checking import FEWEST_ITEMS, NAME_BYTES, PLACEHOLDERS
from moorage.channels.follow_replies.model import MOST_MESSAGES, MOST_SCENES, FollowReply
from moorage.channels.follow_replies.pictures import ChannelPicture, pictures_of
from moorage.channels.follow_replies.storing import StoredFollowReply, read_follow_reply, save_follow_reply
from moorage.channels.model import Channel
from moorage.channels.queries import read_channel
from moorage.channels.routes import ChannelManager, TheDoor
from moorage.connectors.manifest import BudgetRule, ChoicesLimits, Manifest, NewsLimits
from moorage.core.errors import Missing
from moorage.core.ids import ChannelId
from moorage.infra.database import Tx
from moorage.staff.guard import SignedInActor, remote_address_of
from moorage.staff.rights import Act, require

router = APIRouter(prefix="/channels/{channel_id}/follow-reply", tags=["follow replies"])


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReplyPictureView(_View):
    """A picture of the channel's, as it is sent."""

    id: UUID
    media_type: str
    size_bytes: int
    width: int
    height: int
    name: str

    @classmethod
    def of(cls, picture: ChannelPicture) -> Self:
        """Return the view of a picture."""
        return cls(
            id=picture.id,
            media_type=picture.media_type,
            size_bytes=picture.size_bytes,
            width=picture.width,
            height=picture.height,
            name=picture.name,
        )


class ReplyChoicesLimitsView(_View):
    """How large a question with choices can be."""

    least_items: int
    most_items: int
    most_item_bytes: int
    most_words_bytes: int

    @classmethod
    def of(cls, limits: ChoicesLimits | None) -> Self | None:
        """Return the limits of a kind; None where it carries no choices."""
        if limits is None:
            return None
        return cls(
            least_items=FEWEST_ITEMS,
            most_items=limits.most_items,
            most_item_bytes=limits.most_item_bytes,
            most_words_bytes=limits.most_words_bytes,
        )


class ReplyNewsLimitsView(_View):
    """How large a card can be."""

    most_title_bytes: int
    most_description_bytes: int
    most_url_bytes: int

    @classmethod
    def of(cls, limits: NewsLimits | None) -> Self | None:
        """Return the limits of a kind; None where it carries no cards."""
        if limits is None:
            return None
        return cls(
            most_title_bytes=limits.most_title_bytes,
            most_description_bytes=limits.most_description_bytes,
            most_url_bytes=limits.most_url_bytes,
        )


class FollowReplyLimitsView(_View):
    """How much a follow reply can be."""

    most_messages: int
    """What the provider lets us send to who follows, and what is kept for each variant."""
    within_s: int | None
    """Within how many seconds after following. None: the provider sets no limit."""
    most_text_bytes: int
    most_scenes: int
    placeholders: list[str]
    name_bytes: int
    """How many bytes a name that is filled in takes at most; so many are counted for it."""
    sendable: list[str]
    choices: ReplyChoicesLimitsView | None
    news: ReplyNewsLimitsView | None

    @classmethod
    def of(cls, manifest: Manifest, *, rule: BudgetRule | None) -> Self:
        """Return the limits of a kind, under its rule for followers."""
        return cls(
            most_messages=min(MOST_MESSAGES, MOST_MESSAGES if rule is None else rule.most),
            within_s=None if rule is None else int(rule.lasts.total_seconds()),
            most_text_bytes=manifest.max_text_bytes,
            most_scenes=MOST_SCENES,
            placeholders=sorted(PLACEHOLDERS),
            name_bytes=NAME_BYTES,
            sendable=sorted(manifest.sendable),
            choices=ReplyChoicesLimitsView.of(manifest.choices),
            news=ReplyNewsLimitsView.of(manifest.news),
        )


class FollowReplyView(_View):
    """What a channel says to who follows it, and how much that can be."""

    reply: FollowReply
    version: int
    changed_at: datetime | None
    pictures: list[ReplyPictureView]
    """Those that the reply names."""
    limits: FollowReplyLimitsView


class FollowReplyChange(BaseModel):
    """A follow reply in place of the one that the person has seen as `version`."""

    model_config = ConfigDict(extra="forbid")

    reply: FollowReply
    version: int


@router.get("")
async def read_channel_follow_reply(channel_id: UUID, actor: SignedInActor, door: TheDoor) -> FollowReplyView:
    """Tell what a channel says to who follows it."""
    require(actor, Act.CHANNELS_READ)
    async with door.database.in_workspace(actor.workspace_id) as tx:
        channel = await read_channel(tx, channel_id=ChannelId(channel_id))
        manifest = _manifest(door.manifest(channel.kind))
        stored = await read_follow_reply(tx, channel_id=channel.id)
        return _view(stored, channel, manifest, await pictures_of(tx, channel_id=channel.id))


@router.put("")
async def change_channel_follow_reply(
    channel_id: UUID, change: FollowReplyChange, request: Request, actor: ChannelManager, door: TheDoor
) -> FollowReplyView:
    """Set what a channel says to who follows it from now on."""

    async def save(tx: Tx) -> FollowReplyView:
        channel = await read_channel(tx, channel_id=ChannelId(channel_id))
        manifest = _manifest(door.manifest(channel.kind))
        stored = await save_follow_reply(
            tx,
            channel_id=channel.id,
            reply=change.reply,
            version=change.version,
            manifest=manifest,
            by=actor.person_id,
            remote_address=remote_address_of(request),
        )
        return _view(stored, channel, manifest, await pictures_of(tx, channel_id=channel.id))

    return await door.database.run(actor.workspace_id, save)


def _manifest(manifest: Manifest) -> Manifest:
    """Return the manifest of a kind that tells of followers. Raises Missing for another."""
    if not manifest.tells_of_followers:
        raise Missing(what="follow reply")
    return manifest


def _view(
    stored: StoredFollowReply, channel: Channel, manifest: Manifest, pictures: Sequence[ChannelPicture]
) -> FollowReplyView:
    named = stored.reply.picture_ids()
    preset = channel.settings.budget_preset or manifest.default_preset or ""
    rules: Mapping[str, BudgetRule] = manifest.budget_presets.get(preset, {})
    return FollowReplyView(
        reply=stored.reply,
        version=stored.version,
        changed_at=stored.changed_at,
        pictures=[ReplyPictureView.of(picture) for picture in pictures if picture.id in named],
        limits=FollowReplyLimitsView.of(manifest, rule=rules.get("follow")),
    )
