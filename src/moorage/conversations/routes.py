"""The API of conversations and messages, as far as it only reads or marks as read. Commands are reception's."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import HTTPConnection

from moorage.connectors.registry import Connectors
from moorage.conversations.queries import (
    Scope,
    State,
    event_cursor,
    list_cards,
    list_messages,
    may_read_thread,
    read_budget,
    read_card,
)
from moorage.conversations.reading import mark_read
from moorage.conversations.views import BudgetView, ConversationsView, ConversationView, MessagesView
from moorage.conversations.writing_shown import note_writing, take_writing_back
from moorage.core.errors import Missing
from moorage.core.ids import ConversationId, ThreadId
from moorage.infra.database import Database, Tx
from moorage.staff.guard import SignedInActor

router = APIRouter(tags=["conversations"])


@dataclass(frozen=True, slots=True)
class ConversationsDoor:
    """What these routes and reception's need of the process; kept as `app.state.conversations_door`."""

    database: Database
    connectors: Connectors


def conversations_door(connection: HTTPConnection) -> ConversationsDoor:
    """Return the door that the application put in its state."""
    door: object = connection.app.state.conversations_door
    if not isinstance(door, ConversationsDoor):
        raise TypeError("app.state.conversations_door must be a ConversationsDoor")
    return door


TheConversations = Annotated[ConversationsDoor, Depends(conversations_door)]
Limit = Annotated[int, Query(ge=1, le=100)]


class ReadMark(BaseModel):
    """How far somebody has read."""

    model_config = ConfigDict(extra="forbid")

    seq: int = Field(ge=0)


@router.get("/conversations")
async def read_conversations(
    *,
    actor: SignedInActor,
    door: TheConversations,
    scope: Scope = "mine",
    state: State = "open",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = 50,
) -> ConversationsView:
    """List conversations: one's own, those that wait, or all that one may see."""
    async with door.database.in_workspace(actor.workspace_id) as tx:
        position = await event_cursor(tx) if cursor is None else None
        page = await list_cards(
            tx, actor=actor, scope=scope, state=state, cursor=cursor, limit=limit, connectors=door.connectors
        )
    return ConversationsView(
        items=[card.view() for card in page.items], next_cursor=page.next_cursor, event_cursor=position
    )


@router.get("/conversations/{conversation_id}")
async def read_conversation(conversation_id: UUID, actor: SignedInActor, door: TheConversations) -> ConversationView:
    """Show one conversation."""
    async with door.database.in_workspace(actor.workspace_id) as tx:
        position = await event_cursor(tx)
        card = await read_card(
            tx, actor=actor, conversation_id=ConversationId(conversation_id), connectors=door.connectors
        )
    return card.view(event_cursor=position)


@router.post("/conversations/{conversation_id}/read", status_code=status.HTTP_204_NO_CONTENT)
async def mark_conversation_read(
    conversation_id: UUID, mark: ReadMark, actor: SignedInActor, door: TheConversations
) -> None:
    """Mark the customer's messages up to a seq as read; what others than its agent read counts for nothing."""

    async def mark_it(tx: Tx) -> None:
        await mark_read(
            tx,
            actor=actor,
            conversation_id=ConversationId(conversation_id),
            seq=mark.seq,
            connectors=door.connectors,
        )

    await door.database.run(actor.workspace_id, mark_it)


@router.post("/conversations/{conversation_id}/typing", status_code=status.HTTP_204_NO_CONTENT)
async def show_typing(conversation_id: UUID, actor: SignedInActor, door: TheConversations) -> None:
    """Let the customer of one's own conversation see that one types; at most every 10 s, and never charged."""

    async def note_it(tx: Tx) -> None:
        await note_writing(tx, actor=actor, conversation_id=ConversationId(conversation_id), connectors=door.connectors)

    await door.database.run(actor.workspace_id, note_it)


@router.delete("/conversations/{conversation_id}/typing", status_code=status.HTTP_204_NO_CONTENT)
async def hide_typing(conversation_id: UUID, actor: SignedInActor, door: TheConversations) -> None:
    """Let the customer of one's own conversation see that one types no longer, where nothing was sent."""

    async def take_it_back(tx: Tx) -> None:
        await take_writing_back(
            tx, actor=actor, conversation_id=ConversationId(conversation_id), connectors=door.connectors
        )

    await door.database.run(actor.workspace_id, take_it_back)


@router.get("/threads/{thread_id}/messages")
async def read_messages(
    thread_id: UUID,
    actor: SignedInActor,
    door: TheConversations,
    before: Annotated[int | None, Query(ge=1, lt=2**62)] = None,
    limit: Limit = 50,
) -> MessagesView:
    """Show a stretch of a customer's history, the newest unless `before` names a seq."""
    async with door.database.in_workspace(actor.workspace_id) as tx:
        if not await may_read_thread(tx, actor=actor, thread_id=ThreadId(thread_id)):
            raise Missing(what="thread")
        position = await event_cursor(tx)
        items, has_older = await list_messages(tx, thread_id=ThreadId(thread_id), before=before, limit=limit)
    return MessagesView(items=list(items), has_older=has_older, event_cursor=position)


@router.get("/threads/{thread_id}/budget")
async def read_thread_budget(thread_id: UUID, actor: SignedInActor, door: TheConversations) -> BudgetView:
    """Tell what may still be sent to a customer, and until when."""
    async with door.database.in_workspace(actor.workspace_id) as tx:
        if not await may_read_thread(tx, actor=actor, thread_id=ThreadId(thread_id)):
            raise Missing(what="thread")
        return BudgetView.of(await read_budget(tx, thread_id=ThreadId(thread_id), connectors=door.connectors))
