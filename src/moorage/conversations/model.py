"""What a thread is made of: its conversations, messages and deliveries. Frozen values; nothing here knows a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import UUID

from moorage.connectors.content import Choices, Content, File, Media, News, Text, UploadRequest
from moorage.core.ids import (
    AgentId,
    ChannelId,
    ConversationId,
    CustomerId,
    DeliveryId,
    GroupId,
    MessageId,
    ThreadId,
    WorkspaceId,
)

LATE_AFTER = timedelta(seconds=2)
"""A message older than its neighbour by more than this arrived late. Providers tell time in whole seconds."""

PREVIEW_CHARACTERS = 120

FIRST, ORDINARY = 0, 1
"""Places in a queue: before all others stands who had an agent already."""

OUTSIDE = frozenset({"follow_reply"})
"""Rules that speak to the customer outside of conversations."""

OwnerKind = Literal["bot", "queue", "agent", "nobody"]
AuthorKind = Literal["customer", "bot", "agent", "system"]
QueueReason = Literal["nobody_free", "agent_left"]
"""Why a conversation waits. `agent_left`: at the head of the queue, behind others of whom the same is true."""

FollowState = Literal["unknown", "following", "unfollowed"]


class DeliveryState(StrEnum):
    """What is known of a message on its way to the customer."""

    WAITING = "waiting"
    """Kept until the customer writes again: the account can answer, and send nothing else."""
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    ANSWERED = "answered"
    """Given as the answer to the customer's own request; the provider tells no more."""
    UNCONFIRMED = "unconfirmed"
    """The provider may or may not have it. Never sent again by itself."""
    FAILED = "failed"


class DeliveryReason(StrEnum):
    """The reasons that we ourselves give for how a delivery stands; a provider's are its connector's words."""

    PROVIDER_BUSY = "provider_busy"
    UNREACHABLE = "unreachable"
    NO_ANSWER = "no_answer"
    """The request may have arrived, and what came back told nothing."""
    SENDER_LOST = "sender_lost"
    """Whoever sent it has not told what became of it."""
    SECRET_UNREADABLE = "secret_unreadable"  # noqa: S105 -- a reason, not a secret
    ERASED = "erased"
    """Its words were erased at the customer's request before it was sent."""
    LEFT = "left"
    """A person decided to leave an unconfirmed message as it is."""


@dataclass(frozen=True, slots=True)
class Thread:
    """One customer on one channel, for ever."""

    id: ThreadId
    channel_id: ChannelId
    customer_id: CustomerId
    external_customer_id: str
    seq: int
    follow_state: FollowState
    last_customer_message_at: datetime | None
    designated_agent_id: AgentId | None
    """Who wrote to the customer after a conversation; their next one goes there first, until `designated_until`."""
    designated_until: datetime | None
    last_provider_at: datetime | None
    """The latest instant that the provider named for this thread: later ones are in order, earlier ones came late."""

    @property
    def is_reachable(self) -> bool:
        """Return whether something sent would arrive, as far as we know."""
        return self.follow_state != "unfollowed"


@dataclass(frozen=True, slots=True)
class Conversation:
    """One service session of a thread. `engine_state` is reception's own; nobody else reads it.

    A closed conversation keeps the agent it had last.
    """

    id: ConversationId
    state: Literal["open", "closed"]
    owner_kind: OwnerKind
    owner_agent_id: AgentId | None
    group_id: GroupId | None
    engine_state: Mapping[str, object]
    opened_at: datetime
    queued_at: datetime | None
    queue_priority: int
    """Of two who wait, the smaller goes first: FIRST or ORDINARY."""
    queue_reason: QueueReason | None
    """Why it waits, or waited last."""
    assigned_at: datetime | None
    closed_at: datetime | None
    end_reason: str | None
    waiting_since: datetime | None
    unread: int
    last_message_at: datetime
    last_message: Mapping[str, str]
    version: int


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a message. `why` is set where a rule wrote it, also where it speaks for an agent."""

    kind: AuthorKind
    agent_id: AgentId | None = None
    why: str | None = None

    @property
    def speaks_outside(self) -> bool:
        """Return whether what they say belongs to the thread alone, also while a conversation is open."""
        return self.why in OUTSIDE


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of a thread."""

    id: MessageId
    seq: int
    conversation_id: ConversationId | None
    author: Author
    content: Content
    delivery_state: DeliveryState | None
    delivery_reason: str | None
    arrived_late: bool
    sent_at: datetime
    created_at: datetime
    version: int

    @property
    def is_after_session(self) -> bool:
        """Return whether a person wrote it when no conversation was open: it belongs to the thread alone."""
        return self.conversation_id is None and self.author.kind == "agent" and self.author.why is None

    @property
    def may_resend(self) -> bool:
        """Return whether a person may decide to send it again.

        What a rule said is let go where nobody knows whether it arrived; what a person left is settled.
        """
        if self.delivery_state is DeliveryState.UNCONFIRMED:
            return self.author.why is None and self.delivery_reason != DeliveryReason.LEFT
        return self.delivery_state is DeliveryState.FAILED and self.delivery_reason != DeliveryReason.ERASED


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a thread stands: its channel, its customer and its company, as far as conversations show or need them."""

    channel_id: ChannelId
    channel_kind: str
    channel_name: str
    channel_state: str
    channel_settings: Mapping[str, object]
    channel_verified: bool | None
    passive_only: bool
    """The account can answer what its customers send, and send nothing else."""
    most_text_bytes: int
    """UTF-8 bytes of one text."""
    customer_id: CustomerId
    customer_name: str
    customer_avatar_id: UUID | None = None
    """Of the picture that the provider told."""
    time_zone: str = "UTC"
    default_group_id: GroupId | None = None
    agent_is_away: bool = False
    """The agent who has the newest conversation is offline, or has not been there for some minutes."""
    profile_due_at: datetime | None = None
    """When the customer's profile is to be asked for at their next contact. None: it never was."""


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A message that is to be handed over, and the budget it was charged to (None: the provider sets no limit).

    `seq` is its place among the thread's deliveries: its own seq, or a later one where it is sent again. A held one is
    not due before `not_before`; one that is `merged_into` another goes along with that.
    """

    id: DeliveryId
    message_id: MessageId
    seq: int
    budget_id: UUID | None
    not_before: datetime
    merged_into: DeliveryId | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """How often a message was tried, and what the provider said the last time."""

    attempts: int
    details: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class OwnerSpan:
    """Who owned a conversation from when to when (None: still), and why."""

    id: UUID
    conversation_id: ConversationId
    owner_kind: OwnerKind
    agent_id: AgentId | None
    started_at: datetime
    ended_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A message to hand over now, leased to one sender."""

    workspace_id: WorkspaceId
    id: DeliveryId
    thread_id: ThreadId
    channel_id: ChannelId
    message_id: MessageId
    budget_id: UUID | None
    lease_id: UUID
    """Tells this try from every other one of the message, also after it is sent again."""
    attempts: int
    """How many times it was tried since it was last given to the sender, this one included."""
    waited_s: float
    """How long earlier failures have made it wait in all."""
    leads: bool = False
    """Other lines go along with it, under the same lease."""


def arrived_late(thread: Thread, *, happened_at: datetime) -> bool:
    """Return whether something of `happened_at` is older than its neighbour in `thread` by more than 2 s."""
    return thread.last_provider_at is not None and happened_at < thread.last_provider_at - LATE_AFTER


def summary_of(content: Content, *, author_kind: AuthorKind) -> dict[str, str]:
    """Return what a list shows of a message: who wrote it, its type, and the beginning of its words."""
    match content:
        case Text(text=text, chosen=chosen):
            words = text if chosen is None or chosen.text == text else f"{text} · {chosen.text}"
        case Media(recognized_text=str(text)) | Choices(text=text) | News(title=text):
            words = text
        case File(name=name):
            words = name
        case UploadRequest(file_name=name):
            words = name
        case _:
            words = ""
    return {"author_kind": author_kind, "preview": words[:PREVIEW_CHARACTERS], "type": content.type}
