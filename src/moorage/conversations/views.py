"""What the API and the event log say about conversations and messages. Both use the same models."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from moorage.connectors.content import Content
from moorage.conversations.budgets import MUTE_CHANNEL_STATES, LockReason, Sending, Standing, past
from moorage.conversations.model import (
    AuthorKind,
    Conversation,
    DeliveryState,
    FollowState,
    Message,
    OwnerKind,
    QueueReason,
    Surroundings,
)
from moorage.core.ids import ThreadId
from moorage.customers.model import avatar_address
from moorage.infra.database import Fact


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BudgetView(_View):
    """What may still be sent to the customer. `left` and `most` are null where the provider sets no limit."""

    open: bool
    left: int | None
    most: int | None
    ends_at: datetime | None
    reason: LockReason | None

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """Return the view of `standing`."""
        return cls(
            open=standing.open,
            left=standing.left,
            most=standing.most,
            ends_at=standing.ends_at,
            reason=standing.reason,
        )


class ChannelRef(_View):
    """The channel a conversation came by, as far as the conversation depends on it.

    A channel's change makes no new version of its conversations: who hears of one that contradicts this reads them
    again.
    """

    id: UUID
    name: str
    kind: str
    state: str
    verified: bool | None

    @classmethod
    def of(cls, around: Surroundings) -> Self:
        """Return the channel that stands in `around`."""
        return cls(
            id=around.channel_id,
            name=around.channel_name,
            kind=around.channel_kind,
            state=around.channel_state,
            verified=around.channel_verified,
        )


class CustomerRef(_View):
    """The customer of a conversation, by the name that staff use, with their picture where it is known."""

    id: UUID
    name: str
    avatar_url: str | None

    @classmethod
    def of(cls, around: Surroundings) -> Self:
        """Return the customer who stands in `around`."""
        return cls(
            id=around.customer_id,
            name=around.customer_name,
            avatar_url=avatar_address(customer_id=around.customer_id, blob_id=around.customer_avatar_id),
        )


class OwnerView(_View):
    """Who has to act next; in a closed conversation, the agent who had it last."""

    kind: OwnerKind
    agent_id: UUID | None = None
    agent_name: str | None = None


class LastMessageView(_View):
    """The last message in one line."""

    author_kind: AuthorKind
    preview: str
    type: str


class ConversationView(_View):
    """One conversation as lists and headers show it."""

    id: UUID
    thread_id: UUID
    channel: ChannelRef
    customer: CustomerRef
    state: Literal["open", "closed"]
    owner: OwnerView
    group_id: UUID | None
    opened_at: datetime
    queued_at: datetime | None
    queue_priority: int
    """Of two who wait, the smaller one is served first."""
    queue_reason: QueueReason | None
    assigned_at: datetime | None
    closed_at: datetime | None
    end_reason: str | None
    waiting_since: datetime | None
    unread: int
    last_message_at: datetime
    last_message: LastMessageView | None
    follow_state: FollowState
    """Told with the thread's newest conversation; `unknown` in an older one, as is what may be sent."""
    budget: BudgetView
    sending: Sending
    """`passive_only`: what is said waits, and goes out as the answer to what the customer sends next."""
    waiting: int
    """How many messages wait so."""
    after_session: bool
    """Closed and the thread's newest: who had it last may still write to the customer, as far as `budget` allows."""
    version: int
    event_cursor: str | None = None
    """Only where one conversation was asked for: the facts after it are newer than this view."""


class MessageAuthorView(_View):
    """Who wrote a message. `why` names the rule that wrote it, where no person did."""

    kind: AuthorKind
    agent_id: UUID | None = None
    name: str | None = None
    why: str | None = None


class DeliveryView(_View):
    """How far a message for the customer got. `reason` is a stable word; `details` are the provider's own."""

    state: DeliveryState
    reason: str | None = None
    attempts: int = 0
    may_resend: bool = False
    """A person may decide to send it again; for an unconfirmed one, or to leave it as it is."""
    details: Mapping[str, object] | None = None


class MessageView(_View):
    """One entry of a thread."""

    id: UUID
    thread_id: UUID
    conversation_id: UUID | None
    seq: int
    author: MessageAuthorView
    content: Content
    delivery: DeliveryView | None
    after_session: bool
    """An agent wrote it when no conversation was open; `conversation_id` is null."""
    arrived_late: bool
    sent_at: datetime
    created_at: datetime
    version: int


class ConversationsView(_View):
    """A page of conversations. `event_cursor` is given with the first page: the facts after it are newer."""

    items: list[ConversationView]
    next_cursor: str | None
    event_cursor: str | None


class MessagesView(_View):
    """A stretch of a thread, oldest first."""

    items: list[MessageView]
    has_older: bool
    event_cursor: str


def conversation_view(
    conversation: Conversation,
    *,
    thread_id: ThreadId,
    around: Surroundings,
    agent_name: str | None,
    follow_state: FollowState,
    budget: Standing,
    is_newest: bool,
    event_cursor: str | None = None,
) -> ConversationView:
    """Return the view of `conversation`, with what stands around it. `is_newest`: its thread has no newer one.

    What belongs to the thread is told with the newest one alone. Nothing can be said in an older one, and what changes
    in the thread makes no new version of it.
    """
    if not is_newest:
        follow_state, budget = "unknown", past(budget)
    reachable = follow_state != "unfollowed" and around.channel_state not in MUTE_CHANNEL_STATES
    return ConversationView(
        id=conversation.id,
        thread_id=thread_id,
        channel=ChannelRef.of(around),
        customer=CustomerRef.of(around),
        state=conversation.state,
        owner=OwnerView(kind=conversation.owner_kind, agent_id=conversation.owner_agent_id, agent_name=agent_name),
        group_id=conversation.group_id,
        opened_at=conversation.opened_at,
        queued_at=conversation.queued_at,
        queue_priority=conversation.queue_priority,
        queue_reason=conversation.queue_reason,
        assigned_at=conversation.assigned_at,
        closed_at=conversation.closed_at,
        end_reason=conversation.end_reason,
        waiting_since=conversation.waiting_since,
        unread=conversation.unread,
        last_message_at=conversation.last_message_at,
        last_message=LastMessageView.model_validate(conversation.last_message) if conversation.last_message else None,
        follow_state=follow_state,
        budget=BudgetView.of(budget),
        sending=budget.sending,
        waiting=budget.waiting,
        after_session=is_newest and conversation.state == "closed" and reachable,
        version=conversation.version,
        event_cursor=event_cursor,
    )


def message_view(
    message: Message,
    *,
    thread_id: ThreadId,
    author_name: str | None,
    attempts: int = 0,
    details: Mapping[str, object] | None = None,
) -> MessageView:
    """Return the view of `message`; `attempts` and `details` are those of its delivery."""
    state = message.delivery_state
    return MessageView(
        id=message.id,
        thread_id=thread_id,
        conversation_id=message.conversation_id,
        seq=message.seq,
        author=MessageAuthorView(
            kind=message.author.kind, agent_id=message.author.agent_id, name=author_name, why=message.author.why
        ),
        content=message.content,
        delivery=None
        if state is None
        else DeliveryView(
            state=state,
            reason=message.delivery_reason,
            attempts=attempts,
            may_resend=message.may_resend,
            details=details,
        ),
        after_session=message.is_after_session,
        arrived_late=message.arrived_late,
        sent_at=message.sent_at,
        created_at=message.created_at,
        version=message.version,
    )


def conversation_changed(view: ConversationView, *, audience: frozenset[str]) -> Fact:
    """Return the fact that tells browsers how a conversation is now."""
    return Fact(
        topic="conversation.changed",
        object_id=view.id,
        version=view.version,
        audience=tuple(sorted(audience)),
        payload=view.model_dump(mode="json"),
    )


def message_added(view: MessageView, *, audience: frozenset[str]) -> Fact:
    """Return the fact that tells browsers of a new message."""
    return _message_fact("message.added", view, audience)


def message_changed(view: MessageView, *, audience: frozenset[str]) -> Fact:
    """Return the fact that tells browsers how far a message got."""
    return _message_fact("message.changed", view, audience)


def _message_fact(topic: str, view: MessageView, audience: frozenset[str]) -> Fact:
    return Fact(
        topic=topic,
        object_id=view.id,
        version=view.version,
        audience=tuple(sorted(audience)),
        payload=view.model_dump(mode="json"),
    )
