"""The API's commands on conversations: reply, end, take."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict, Field

from moorage.connectors.content import News, Text
from moorage.conversations.media_files import use_upload
from moorage.conversations.open_thread import OpenThread
from moorage.conversations.queries import thread_of
from moorage.conversations.routes import TheConversations
from moorage.conversations.showing import opened_view, said_view
from moorage.conversations.views import ConversationView, MessageView
from moorage.core.errors import Missing
from moorage.core.ids import ConversationId
from moorage.infra.database import Tx
from moorage.reception.offers import question
from moorage.reception.operations import Said, agent_ends, agent_replies, agent_takes
from moorage.staff.guard import SignedInActor
from moorage.staff.model import Actor

router = APIRouter(tags=["conversations"])


class SaidText(BaseModel):
    """Words, as far as a person writes them."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text"]
    text: str = Field(max_length=20_000)


class SaidFile(BaseModel):
    """A picture, a voice, a video or any other file that was uploaded for the conversation before."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["image", "voice", "video", "file"]
    upload_id: UUID


class SaidChoices(BaseModel):
    """A question with choices that the customer taps or answers with a number."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["choices"]
    text: str = Field(max_length=2_000)
    items: list[Annotated[str, Field(max_length=500)]] = Field(min_length=2, max_length=10)
    tail: str = Field(default="", max_length=2_000)


class SaidNews(BaseModel):
    """A card that leads to a page. A picture that was uploaded for the conversation goes before an address of one."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["news"]
    title: str = Field(max_length=500)
    description: str = Field(default="", max_length=2_000)
    url: str = Field(max_length=2_048)
    picture_url: str | None = Field(default=None, max_length=2_048)
    picture_id: UUID | None = None


class Reply(BaseModel):
    """What an agent says to the customer."""

    model_config = ConfigDict(extra="forbid")

    content: Annotated[SaidText | SaidFile | SaidChoices | SaidNews, Field(discriminator="type")]


@router.post("/conversations/{conversation_id}/messages", status_code=status.HTTP_201_CREATED)
async def reply_to_customer(
    conversation_id: UUID, reply: Reply, actor: SignedInActor, door: TheConversations
) -> MessageView:
    """Say something to the customer of one's own conversation, or after its end as who had it last."""

    async def say_it(tx: Tx) -> MessageView:
        opened, message = await agent_replies(
            tx,
            actor=actor,
            conversation_id=ConversationId(conversation_id),
            content=await _content(
                tx, actor=actor, conversation_id=ConversationId(conversation_id), said=reply.content
            ),
            connectors=door.connectors,
        )
        return said_view(opened, message)

    return await door.database.run(actor.workspace_id, say_it)


@router.post("/conversations/{conversation_id}/end")
async def end_conversation(conversation_id: UUID, actor: SignedInActor, door: TheConversations) -> ConversationView:
    """End a conversation: one's own, or as a supervisor any."""

    async def end_it(tx: Tx) -> ConversationView:
        opened = await agent_ends(
            tx, actor=actor, conversation_id=ConversationId(conversation_id), connectors=door.connectors
        )
        return _view(opened)

    return await door.database.run(actor.workspace_id, end_it)


@router.post("/conversations/{conversation_id}/take")
async def take_conversation(conversation_id: UUID, actor: SignedInActor, door: TheConversations) -> ConversationView:
    """Take a conversation from the queue, or as a supervisor from whoever has it."""

    async def take_it(tx: Tx) -> ConversationView:
        opened = await agent_takes(
            tx, actor=actor, conversation_id=ConversationId(conversation_id), connectors=door.connectors
        )
        return _view(opened)

    return await door.database.run(actor.workspace_id, take_it)


async def _content(
    tx: Tx, *, actor: Actor, conversation_id: ConversationId, said: SaidText | SaidFile | SaidChoices | SaidNews
) -> Said:
    match said:
        case SaidText(text=text):
            return Text(text=text)
        case SaidChoices():
            return question(said.text, said.items, tail=said.tail)
        case SaidNews(picture_id=picture_id, picture_url=picture_url):
            card = News(title=said.title, description=said.description, url=said.url, picture_url=picture_url or None)
            if picture_id is None:
                return card
            thread_id = await thread_of(tx, conversation_id=conversation_id)
            await use_upload(tx, upload_id=picture_id, kind="image", thread_id=thread_id, actor=actor)
            return card.model_copy(update={"picture_blob_id": str(picture_id), "picture_url": None})
        case SaidFile(upload_id=upload_id, type=kind):
            thread_id = await thread_of(tx, conversation_id=conversation_id)
            return await use_upload(tx, upload_id=upload_id, kind=kind, thread_id=thread_id, actor=actor)


def _view(opened: OpenThread) -> ConversationView:
    if opened.newest is None:
        raise Missing(what="conversation")
    return opened_view(opened, opened.newest)
