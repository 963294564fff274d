"""Who owns a conversation, from its opening to its end; whom its customer meets next, and what reception remembers."""

from dataclasses import replace
from datetime import datetime

from moorage.conversations.changing import current_conversation, show_again, touch
from moorage.conversations.model import FIRST, ORDINARY, Conversation, OwnerSpan, QueueReason
from moorage.conversations.open_thread import OpenThread
from moorage.core.ids import AgentId, ConversationId, GroupId, new_id


def open_conversation(opened: OpenThread, *, group_id: GroupId | None) -> Conversation:
    """Open a conversation in the thread, owned by the queue until somebody else is named in the same transaction.

    The one before it is shown again, because nothing can be said there any more.
    """
    show_again(opened)
    conversation = Conversation(
        id=ConversationId(new_id()),
        state="open",
        owner_kind="queue",
        owner_agent_id=None,
        group_id=group_id,
        engine_state={},
        opened_at=opened.now,
        queued_at=None,
        queue_priority=ORDINARY,
        queue_reason=None,
        assigned_at=None,
        closed_at=None,
        end_reason=None,
        waiting_since=None,
        unread=0,
        last_message_at=opened.now,
        last_message={},
        version=0,
    )
    touch(opened, conversation)
    return conversation


def give_to_queue(opened: OpenThread, *, group_id: GroupId, reason: QueueReason, priority: int = ORDINARY) -> None:
    """Make the queue of a group the owner of the open conversation; who stands there already keeps their place.

    At the head of the queue they stand in the order in which they wait for an answer.
    """
    current = current_conversation(opened)
    if current.owner_kind != "queue" or current.group_id != group_id or current.queued_at is None:
        since = current.waiting_since if priority == FIRST else None
        current = replace(current, queued_at=since or opened.now)
    waiting = replace(current, owner_kind="queue", owner_agent_id=None, group_id=group_id)
    touch(opened, replace(waiting, queue_priority=priority, queue_reason=reason))
    _own(opened, reason=reason)


def give_to_agent(opened: OpenThread, *, agent_id: AgentId, agent_name: str, reason: str) -> None:
    """Make an agent, who holds a seat for it, the owner of the open conversation."""
    opened.agent_names[agent_id] = agent_name
    # Who was to be asked first has been asked.
    opened.thread = replace(opened.thread, designated_agent_id=None, designated_until=None)
    touch(
        opened,
        replace(current_conversation(opened), owner_kind="agent", owner_agent_id=agent_id, assigned_at=opened.now),
    )
    _own(opened, reason=reason)


def close_conversation(opened: OpenThread, *, reason: str) -> None:
    """End the open conversation. It keeps the agent it had last; without one nobody owns it."""
    current = current_conversation(opened)
    kind = "agent" if current.owner_kind == "agent" else "nobody"
    opened.releases_held = True
    touch(
        opened,
        replace(current, state="closed", owner_kind=kind, closed_at=opened.now, end_reason=reason, waiting_since=None),
    )
    _end_span(opened, current.id)


def designate(opened: OpenThread, *, agent_id: AgentId, until: datetime) -> None:
    """Remember who wrote after the session: until then the customer's next message goes to them first."""
    opened.thread = replace(opened.thread, designated_agent_id=agent_id, designated_until=until)


def remember_reception(opened: OpenThread, *, engine_state: dict[str, object], waiting_since: datetime | None) -> None:
    """Keep what reception knows of the thread with its newest conversation, if that knowledge is new."""
    newest = opened.newest
    if newest is None or (newest.engine_state == engine_state and newest.waiting_since == waiting_since):
        return
    touch(opened, replace(newest, engine_state=engine_state, waiting_since=waiting_since))


def _own(opened: OpenThread, *, reason: str) -> None:
    """Write down who owns the open conversation from now on."""
    current = current_conversation(opened)
    _end_span(opened, current.id)
    opened.spans.append(
        OwnerSpan(
            id=new_id(),
            conversation_id=current.id,
            owner_kind=current.owner_kind,
            agent_id=current.owner_agent_id,
            started_at=opened.now,
            ended_at=None,
            reason=reason,
        )
    )
    opened.owners_changed.add(current.id)


def _end_span(opened: OpenThread, conversation_id: ConversationId) -> None:
    """End who owned the conversation, in what this transaction wrote and, by `save`, in what stood there before."""
    opened.spans = [
        replace(span, ended_at=opened.now) if span.conversation_id == conversation_id and not span.ended_at else span
        for span in opened.spans
    ]
    opened.owners_changed.add(conversation_id)
