"""What agents do with conversations, and how queues are picked up. Each goes through the engine."""

from dataclasses import dataclass
from typing import ClassVar

from moorage.connectors.content import Choices, File, Media, News, Text, UploadRequest
from moorage.connectors.manifest import Manifest
from moorage.connectors.registry import Connectors
from moorage.conversations.merging import say_to_merge
from moorage.conversations.model import Author, Conversation, Message
from moorage.conversations.open_thread import OpenThread, lock_known_thread, open_thread
from moorage.conversations.queries import may_read_thread, thread_of
from moorage.conversations.speaking import say
from moorage.conversations.writing import save
from moorage.core.errors import DomainError, Malformed, Missing
from moorage.core.ids import AgentId, ConversationId, GroupId, WorkspaceId
from moorage.infra.database import Database, Tx
from moorage.reception.applying import (
    ConversationClosed,
    KindNotSendableNow,
    NewerConversation,
    Turn,
    begin_asking,
    begin_turn,
    keep_decisions,
    react,
    say_words,
)
from moorage.reception.model import AgentEnded, AgentFound, AgentReplied, AgentTook, AgentWritesAfter, Event
from moorage.reception.offers import check_choices, check_news
from moorage.reception.queue import Place, first_in_queue, groups_of, lock_queue
from moorage.reception.routing import seat_for
from moorage.staff.model import Actor
from moorage.staff.rights import Act, Forbidden, may
from moorage.staff.seats import eligible_agents, take_seat_beyond_cap

Said = Text | Media | File | UploadRequest | Choices | News
"""What an agent can say to a customer."""

MOST_PICKED_UP = 1000
"""Of one call: a bound for a loop that otherwise ends when seats or customers do."""


@dataclass(eq=False)
class TextTooLong(DomainError):
    """The channel carries no text of this length in one message."""

    code: ClassVar[str] = "conversations.text_too_long"
    kind: ClassVar[str] = "malformed"
    bytes: int
    most_bytes: int


@dataclass(eq=False)
class KindNotSendable(DomainError):
    """The channel carries no messages of this kind."""

    code: ClassVar[str] = "conversations.kind_not_sendable"
    kind: ClassVar[str] = "conflict"
    type: str


async def agent_replies(
    tx: Tx, *, actor: Actor, conversation_id: ConversationId, content: Said, connectors: Connectors
) -> tuple[OpenThread, Message]:
    """Accept what the conversation's own agent says to the customer, and return it with its thread.

    After the end it is an after-session message of whoever had the conversation last: it belongs to the thread alone.
    Raises NotYours, ConversationClosed, NewerConversation, TextTooLong, Malformed, KindNotSendable or
    KindNotSendableNow, or why nothing can be sent: BudgetClosed, CustomerUnfollowed, ChannelMute, TooManyWaiting.
    """
    turn, conversation = await _turn_to_say(tx, actor=actor, conversation_id=conversation_id, connectors=connectors)
    around = turn.opened.around
    check_content(content, manifest=connectors[around.channel_kind].manifest, passive_only=around.passive_only)
    await react(turn, _wish_to_say(actor, conversation, content))
    turn.opened.agent_names[actor.agent_id] = actor.name
    author = Author(kind="agent", agent_id=actor.agent_id)
    if isinstance(content, Text) and turn.opened.merge_window is not None:
        most_bytes = connectors[around.channel_kind].manifest.max_text_bytes
        message = await say_to_merge(tx, opened=turn.opened, author=author, content=content, most_bytes=most_bytes)
    else:
        message = say(turn.opened, author=author, content=content)
    begin_asking(turn, message)
    await _finish(turn)
    return turn.opened, message


async def agent_ends(tx: Tx, *, actor: Actor, conversation_id: ConversationId, connectors: Connectors) -> OpenThread:
    """End a conversation, one's own or as a supervisor any, and return its thread.

    Its seat falls free, which is published: the queue is picked up after this transaction.
    """
    turn, conversation = await _turn_on(tx, actor=actor, conversation_id=conversation_id, connectors=connectors)
    if not may(actor, Act.CONVERSATION_END, conversation):
        raise Forbidden(act=Act.CONVERSATION_END.value)
    await react(turn, AgentEnded(actor.agent_id))
    await _finish(turn)
    return turn.opened


async def agent_takes(tx: Tx, *, actor: Actor, conversation_id: ConversationId, connectors: Connectors) -> OpenThread:
    """Take a conversation from the queue or, as a supervisor, from anybody, and return its thread.

    Who takes one themselves may go beyond their cap.
    """
    turn, conversation = await _turn_on(tx, actor=actor, conversation_id=conversation_id, connectors=connectors)
    if not may(actor, Act.CONVERSATION_TAKE, conversation):
        raise Forbidden(act=Act.CONVERSATION_TAKE.value)
    turn.opened.agent_names[actor.agent_id] = actor.name
    if conversation.owner_kind == "queue" and conversation.group_id is not None:
        await lock_queue(tx, group_id=conversation.group_id)  # before the seat, in the order of locks
    await take_seat_beyond_cap(tx, agent_id=actor.agent_id)
    await react(turn, AgentTook(actor.agent_id))
    await _finish(turn)
    return turn.opened


async def pick_up_queue(
    database: Database, *, connectors: Connectors, workspace_id: WorkspaceId, agent_id: AgentId
) -> int:
    """Give the free seats of an agent's groups to who waits there, and return how many were given.

    One transaction for each customer, because a thread comes before a seat in the order of locks.
    """
    async with database.in_workspace(workspace_id) as tx:
        group_ids = await groups_of(tx, agent_id=agent_id)
    given = 0
    for group_id in group_ids:
        given += await pick_up_group(database, connectors=connectors, workspace_id=workspace_id, group_id=group_id)
    return given


async def pick_up_group(
    database: Database, *, connectors: Connectors, workspace_id: WorkspaceId, group_id: GroupId
) -> int:
    """Give the free seats of a group to who waits in its queue, longest first, and return how many were given."""
    given = 0
    for _ in range(MOST_PICKED_UP):
        async with database.in_workspace(workspace_id) as tx:
            # Whoever found no seat a moment ago holds the queue until they stand in it: wait for them.
            await lock_queue(tx, group_id=group_id)
            first = await first_in_queue(tx, group_id=group_id)
            free = first is not None and bool(await eligible_agents(tx, group_id=group_id))
        if first is None or not free:
            return given

        async def connect(tx: Tx, place: Place = first) -> bool:
            return await _connect_first(tx, place=place, connectors=connectors)

        given += await database.run(workspace_id, connect)
    return given


async def _connect_first(tx: Tx, *, place: Place, connectors: Connectors) -> bool:
    """Give a free seat to the first of a queue; False if they are not the first any more, or nothing is free."""
    locked = await lock_known_thread(tx, thread_id=place.thread_id)
    opened = await open_thread(tx, locked=locked, connectors=connectors)
    await lock_queue(tx, group_id=place.group_id)
    if await first_in_queue(tx, group_id=place.group_id) != place:
        return False
    agent_id = await seat_for(tx, group_id=place.group_id)
    if agent_id is None:
        return False
    turn = begin_turn(tx, opened=opened)
    await react(turn, AgentFound(agent_id))
    await _finish(turn)
    return True


async def _turn_to_say(
    tx: Tx, *, actor: Actor, conversation_id: ConversationId, connectors: Connectors
) -> tuple[Turn, Conversation]:
    """Lock a conversation's thread and return a turn on it, also after its end. Raises Missing or NewerConversation."""
    thread_id = await thread_of(tx, conversation_id=conversation_id)
    locked = await lock_known_thread(tx, thread_id=thread_id)
    opened = await open_thread(tx, locked=locked, connectors=connectors)
    newest = opened.newest
    if newest is None or newest.id != conversation_id:
        if await may_read_thread(tx, actor=actor, thread_id=thread_id):
            raise NewerConversation
        raise Missing(what="conversation")
    if not may(actor, Act.CONVERSATION_READ, newest):
        raise Missing(what="conversation")
    return begin_turn(tx, opened=opened), newest


def _wish_to_say(actor: Actor, conversation: Conversation, content: Said) -> Event:
    if conversation.state == "open":
        prompt_id = content.prompt_id if isinstance(content, Choices) else None
        return AgentReplied(actor.agent_id, prompt_id=prompt_id)
    return AgentWritesAfter(actor.agent_id, had_last=may(actor, Act.CONVERSATION_WRITE_AFTER, conversation))


async def _turn_on(
    tx: Tx, *, actor: Actor, conversation_id: ConversationId, connectors: Connectors
) -> tuple[Turn, Conversation]:
    """Lock a conversation's thread and return a turn on it. Raises Missing or ConversationClosed."""
    thread_id = await thread_of(tx, conversation_id=conversation_id)
    locked = await lock_known_thread(tx, thread_id=thread_id)
    opened = await open_thread(tx, locked=locked, connectors=connectors)
    conversation = opened.conversation
    if conversation is None or conversation.id != conversation_id:
        raise ConversationClosed
    if not may(actor, Act.CONVERSATION_READ, conversation):
        raise Missing(what="conversation")
    return begin_turn(tx, opened=opened), conversation


async def _finish(turn: Turn) -> None:
    say_words(turn)
    await keep_decisions(turn)
    await save(turn.tx, opened=turn.opened)


def check_content(content: Said, *, manifest: Manifest, passive_only: bool) -> None:
    """Return if a channel carries `content` now.

    Where the account only answers, choices go out as a text with numbers.
    Raises TextTooLong, Malformed, KindNotSendable or KindNotSendableNow.
    """
    if isinstance(content, Text):
        _check_text(content, most_bytes=manifest.max_text_bytes)
    elif not (isinstance(content, UploadRequest) or content.type in manifest.sendable):  # a request goes out as words
        raise KindNotSendable(type=content.type)
    elif isinstance(content, Choices):
        check_choices(content, manifest=manifest)
    elif passive_only:
        raise KindNotSendableNow(type=content.type)
    elif isinstance(content, News):
        check_news(content, manifest=manifest)


def _check_text(content: Text, *, most_bytes: int) -> None:
    if not content.text.strip():
        raise Malformed(field="content.text", reason="empty")
    if "\x00" in content.text:
        raise Malformed(field="content.text", reason="unprintable")
    size = len(content.text.encode())
    if size > most_bytes:
        raise TextTooLong(bytes=size, most_bytes=most_bytes)
