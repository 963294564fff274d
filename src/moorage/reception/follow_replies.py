"""From a customer who follows to what the account's admins want to be said then."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from moorage.channels.follow_replies.checking import as_counted
from moorage.channels.follow_replies.model import (
    ChoicesReply,
    NewsReply,
    PictureReply,
    ReplyMessage,
    TextReply,
    Variant,
)
from moorage.channels.follow_replies.pictures import ChannelPicture, pictures_of
from moorage.channels.follow_replies.storing import read_follow_reply
from moorage.connectors.content import Choices, Content, Media, News, Text
from moorage.conversations.open_thread import OpenThread
from moorage.infra.database import Tx
from moorage.reception.offers import question
from moorage.reception.texts import render, with_guidance

Told = Literal["new", "again", "returning"]


@dataclass(frozen=True, slots=True)
class PreparedReply:
    """What is to be said to a follower, and as which of the account's replies."""

    variant: Variant | None = None
    contents: Sequence[Content] = ()

    @property
    def prompt_id(self) -> UUID | None:
        """Return which question waits for an answer once it is said: the last one, of several."""
        asked = [content.prompt_id for content in self.contents if isinstance(content, Choices)]
        return asked[-1] if asked else None


NOTHING = PreparedReply()


def told_of_following(opened: OpenThread) -> Told:
    """Return what it means that a customer is said to follow, by what is known of them.

    Told twice within the time in which they may be answered, it is the same following: nobody leaves and comes back
    without our being told that they left.
    """
    if opened.thread.follow_state == "unfollowed":
        return "returning"
    if opened.thread.follow_state != "following":
        return "new"
    running = any(budget.trigger == "follow" and opened.now < budget.ends_at for budget in opened.budgets)
    return "again" if running else "returning"


async def prepare_follow_reply(
    tx: Tx, *, opened: OpenThread, scene: str | None, told: Told, guidance: str
) -> PreparedReply:
    """Return what is to be said to a customer who follows, in the order in which it is to be said.

    `guidance`, which may be empty, stands below the last text.
    """
    if told == "again":
        return NOTHING
    stored = await read_follow_reply(tx, channel_id=opened.thread.channel_id)
    chosen = stored.reply.chosen(scene=scene, returning=told == "returning")
    if chosen is None:
        return NOTHING
    variant, messages = chosen
    named = any(isinstance(message, PictureReply) for message in messages)
    pictures = await pictures_of(tx, channel_id=opened.thread.channel_id) if named else []
    contents = [content for message in messages if (content := _content(message, opened, pictures)) is not None]
    most_bytes = opened.around.most_text_bytes
    return PreparedReply(variant=variant, contents=_guided(contents, guidance, most_bytes=most_bytes))


def _guided(contents: Sequence[Content], guidance: str, *, most_bytes: int) -> Sequence[Content]:
    last = max((at for at, content in enumerate(contents) if isinstance(content, Text)), default=None)
    return [
        Text(text=with_guidance(content.text, guidance, most_bytes=most_bytes))
        if at == last and isinstance(content, Text)
        else content
        for at, content in enumerate(contents)
    ]


def _content(message: ReplyMessage, opened: OpenThread, pictures: Sequence[ChannelPicture]) -> Content | None:
    match message:
        case TextReply(text=text):
            return Text(text=_filled(text, opened))
        case PictureReply(picture_id=picture_id):
            picture = next((one for one in pictures if one.id == picture_id), None)
            return None if picture is None else _picture(picture)
        case ChoicesReply(text=text, items=items, tail=tail):
            return question(_filled(text, opened), items, tail=tail)
        case NewsReply():
            return _card(message)


def _card(card: NewsReply) -> News:
    own = None if card.picture_id is None else str(card.picture_id)
    return News(
        title=card.title,
        description=card.description,
        url=card.url,
        picture_url=None if own else card.picture_url or None,
        picture_blob_id=own,
    )


def _picture(picture: ChannelPicture) -> Media:
    return Media(
        type="image",
        state="kept",
        blob_id=str(picture.id),
        media_type=picture.media_type,
        size_bytes=picture.size_bytes,
        width=picture.width,
        height=picture.height,
        name=picture.name,
    )


def _filled(text: str, opened: OpenThread) -> str:
    around = opened.around
    return render(
        text,
        agent="",
        customer=as_counted(around.customer_name),
        channel=as_counted(around.channel_name),
        now=opened.now,
        time_zone=around.time_zone,
    )
