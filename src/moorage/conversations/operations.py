"""What can be done to a locked thread. Each function changes the `OpenThread` in memory; `writing.save` writes it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from moorage.connectors.content import Content, Notice
from moorage.conversations.budgets import (
    MOST_WAITING,
    MUTE_CHANNEL_STATES,
    Budget,
    BudgetClosed,
    Standing,
    Trigger,
    charged,
    kept_for_people,
    payer,
    reopened,
    sendable,
    standing,
)
from moorage.conversations.link_life import links_last, with_fresh_link
from moorage.conversations.model import (
    FIRST,
    ORDINARY,
    Author,
    Conversation,
    DeliveryState,
    FollowState,
    Message,
    NewDelivery,
    OwnerSpan,
    QueueReason,
    arrived_late,
    summary_of,
)
from moorage.conversations.open_thread import OpenThread
from moorage.core.errors import DomainError
from moorage.core.ids import AgentId, ConversationId, DeliveryId, GroupId, MessageId, new_id

CUSTOMER = Author(kind="customer")
SYSTEM = Author(kind="system")


@dataclass(eq=False)
class CustomerUnfollowed(DomainError):
    """The customer left the account, so nothing would arrive."""

    code: ClassVar[str] = "conversations.unfollowed"
    kind: ClassVar[str] = "conflict"


@dataclass(eq=False)
class ChannelMute(DomainError):
    """The channel's account does not let us send."""

    code: ClassVar[str] = "conversations.channel_cannot_send"
    kind: ClassVar[str] = "conflict"
    state: str


@dataclass(eq=False)
class TooManyWaiting(DomainError):
    """The account can only answer, and as many messages as may wait for the customer's next one do so already."""

    code: ClassVar[str] = "conversations.too_many_waiting"
    kind: ClassVar[str] = "conflict"
    most: int


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
    _touch(opened, conversation)
    return conversation


def give_to_queue(opened: OpenThread, *, group_id: GroupId, reason: QueueReason, priority: int = ORDINARY) -> None:
    """Make the queue of a group the owner of the open conversation; who stands there already keeps their place.

    At the head of the queue they stand in the order in which they wait for an answer.
    """
    current = _current(opened)
    if current.owner_kind != "queue" or current.group_id != group_id or current.queued_at is None:
        since = current.waiting_since if priority == FIRST else None
        current = replace(current, queued_at=since or opened.now)
    waiting = replace(current, owner_kind="queue", owner_agent_id=None, group_id=group_id)
    _touch(opened, replace(waiting, queue_priority=priority, queue_reason=reason))
    _own(opened, reason=reason)


def give_to_agent(opened: OpenThread, *, agent_id: AgentId, agent_name: str, reason: str) -> None:
    """Make an agent, who holds a seat for it, the owner of the open conversation."""
    opened.agent_names[agent_id] = agent_name
    # Who was to be asked first has been asked.
    opened.thread = replace(opened.thread, designated_agent_id=None, designated_until=None)
    _touch(
        opened,
        replace(_current(opened), owner_kind="agent", owner_agent_id=agent_id, assigned_at=opened.now),
    )
    _own(opened, reason=reason)


def close_conversation(opened: OpenThread, *, reason: str) -> None:
    """End the open conversation. It keeps the agent it had last; without one nobody owns it."""
    current = _current(opened)
    kind = "agent" if current.owner_kind == "agent" else "nobody"
    opened.releases_held = True
    _touch(
        opened,
        replace(current, state="closed", owner_kind=kind, closed_at=opened.now, end_reason=reason, waiting_since=None),
    )
    _end_span(opened, current.id)


def remember_reception(opened: OpenThread, *, engine_state: dict[str, object], waiting_since: datetime | None) -> None:
    """Keep what reception knows of the thread with its newest conversation, if that knowledge is new."""
    newest = opened.newest
    if newest is None or (newest.engine_state == engine_state and newest.waiting_since == waiting_since):
        return
    _touch(opened, replace(newest, engine_state=engine_state, waiting_since=waiting_since))


def hear_customer(opened: OpenThread, *, content: Content, sent_at: datetime) -> Message:
    """Add what the customer sent to the thread and to the open conversation, if there is one."""
    message = _add(opened, author=CUSTOMER, content=content, sent_at=sent_at)
    heard_at = max(sent_at, opened.thread.last_customer_message_at or sent_at)
    opened.thread = replace(opened.thread, last_customer_message_at=heard_at)
    _note_provider_time(opened, sent_at)
    if opened.conversation is not None:
        _touch(opened, replace(opened.conversation, unread=opened.conversation.unread + 1))
        _show_last(opened, message)
    return message


def note(opened: OpenThread, *, content: Notice, happened_at: datetime) -> Message:
    """Add a line that only staff see to the thread and to the open conversation, if there is one."""
    message = _add(opened, author=SYSTEM, content=content, sent_at=happened_at)
    _note_provider_time(opened, happened_at)
    return message


def say_as_answer(opened: OpenThread, *, message_id: MessageId, author: Author, content: Content) -> Message:
    """Add a message that goes out as the answer to the customer's own request. It spends no budget."""
    message = _add(
        opened,
        author=author,
        content=content,
        sent_at=opened.now,
        delivery_state=DeliveryState.ANSWERED,
        message_id=message_id,
    )
    _show_said(opened, message)
    return message


def say(opened: OpenThread, *, author: Author, content: Content, held: bool = False) -> Message:
    """Add a message for the customer, charge it and give it to the sender; or let it wait where the account only
    answers. A `held` one is not due before the channel's window for merging is over. What goes out by a link gets one
    that works from now on.

    Raises BudgetClosed, CustomerUnfollowed, ChannelMute or TooManyWaiting, and then adds nothing: what cannot be
    delivered is not accepted.
    """
    check_reachable(opened)
    content = with_fresh_link(content, now=opened.now, lasts=links_last(opened.around.channel_settings))
    if opened.around.passive_only:
        message = _let_wait(opened, author=author, content=content)
    else:
        budget = charge(opened, by_rule=author.why)
        message = _add(opened, author=author, content=content, sent_at=opened.now, delivery_state=DeliveryState.QUEUED)
        give_to_sender(opened, message=message, budget=budget, held=held)
    _show_said(opened, message)
    return message


def add_led(
    opened: OpenThread, *, author: Author, content: Content, leader_id: DeliveryId, budget_id: UUID | None
) -> Message:
    """Add a message that goes along with a held one, and so costs nothing. See `merging`."""
    message = _add(opened, author=author, content=content, sent_at=opened.now, delivery_state=DeliveryState.QUEUED)
    opened.deliveries.append(
        NewDelivery(
            id=DeliveryId(new_id()),
            message_id=message.id,
            seq=message.seq,
            budget_id=budget_id,
            not_before=opened.now,
            merged_into=leader_id,
        )
    )
    show_again(opened)
    _show_said(opened, message)
    return message


def give_to_sender(
    opened: OpenThread, *, message: Message, budget: Budget | None, seq: int | None = None, held: bool = False
) -> None:
    """Give the sender a message that was charged to `budget` (None: the provider sets no limit).

    What was held before goes out first, and now.
    """
    opened.releases_held = True
    opened.deliveries.append(
        NewDelivery(
            id=DeliveryId(new_id()),
            message_id=message.id,
            seq=message.seq if seq is None else seq,
            budget_id=None if budget is None else budget.id,
            not_before=_due(opened, budget) if held else opened.now,
        )
    )


def _due(opened: OpenThread, budget: Budget | None) -> datetime:
    """Return until when a held line waits for others: as long as the window lasts, and its budget."""
    until = opened.now + (opened.merge_window or timedelta())
    return until if budget is None else min(until, budget.ends_at)


def _let_wait(opened: OpenThread, *, author: Author, content: Content) -> Message:
    if len(opened.waiting) >= MOST_WAITING:
        raise TooManyWaiting(most=MOST_WAITING)
    message = _add(opened, author=author, content=content, sent_at=opened.now, delivery_state=DeliveryState.WAITING)
    opened.waiting.append(message)
    show_again(opened)
    return message


def note_following(opened: OpenThread, *, follow_state: FollowState, happened_at: datetime) -> None:
    """Remember whether the customer follows, unless something newer is known of them."""
    latest = opened.thread.last_provider_at
    if opened.thread.follow_state != follow_state and (latest is None or happened_at >= latest):
        opened.thread = replace(opened.thread, follow_state=follow_state)
        show_again(opened)


def open_budget(opened: OpenThread, *, trigger: Trigger, happened_at: datetime) -> None:
    """Open the budget that `trigger` gives; it counts from the provider's time, but never from a time to come."""
    opened.budgets = reopened(
        opened.budgets,
        rules=opened.rules,
        trigger=trigger,
        happened_at=min(happened_at, opened.now),
        new_id=new_id(),
    )
    show_again(opened)


def show_again(opened: OpenThread) -> None:
    """Tell browsers of the newest conversation anew, because something that it is shown with has changed."""
    if opened.newest is not None:
        _touch(opened, opened.newest)


def budget_standing(opened: OpenThread) -> Standing:
    """Return what a person may still send to the customer of this thread."""
    return sendable(
        opened.budgets,
        rules=opened.rules,
        follow_state=opened.thread.follow_state,
        channel_state=opened.around.channel_state,
        answers_only=opened.around.passive_only,
        waiting=len(opened.waiting),
        now=opened.now,
    )


def designate(opened: OpenThread, *, agent_id: AgentId, until: datetime) -> None:
    """Remember who wrote after the session: until then the customer's next message goes to them first."""
    opened.thread = replace(opened.thread, designated_agent_id=agent_id, designated_until=until)


def read_up_to(opened: OpenThread, *, unread: int) -> None:
    """Set how many of the customer's messages in the newest conversation nobody has read yet."""
    if opened.newest is not None and opened.newest.unread != unread:
        _touch(opened, replace(opened.newest, unread=unread))


def check_reachable(opened: OpenThread) -> None:
    """Return if something said would arrive. Raises CustomerUnfollowed or ChannelMute."""
    if not opened.thread.is_reachable:
        raise CustomerUnfollowed
    if opened.around.channel_state in MUTE_CHANNEL_STATES:
        raise ChannelMute(state=opened.around.channel_state)


def charge(opened: OpenThread, *, by_rule: str | None) -> Budget | None:
    """Charge a message to the budget that pays for it, and return that; None where the provider sets no limit.

    `by_rule` names the rule that speaks, where no person does. Raises BudgetClosed.
    """
    if not opened.rules:
        return None
    budget = payer(
        opened.budgets,
        by_rule=by_rule,
        now=opened.now,
        kept_for_people=kept_for_people(opened.around.channel_settings),
    )
    if budget is None:
        reason = standing(opened.budgets, rules=opened.rules, now=opened.now).reason
        raise BudgetClosed(reason=reason or "spent")
    opened.budgets = charged(opened.budgets, budget_id=budget.id)
    show_again(opened)
    return budget


def _add(
    opened: OpenThread,
    *,
    author: Author,
    content: Content,
    sent_at: datetime,
    delivery_state: DeliveryState | None = None,
    message_id: MessageId | None = None,
) -> Message:
    opened.thread = replace(opened.thread, seq=opened.thread.seq + 1)
    message = Message(
        id=message_id or MessageId(new_id()),
        seq=opened.thread.seq,
        conversation_id=None if opened.conversation is None or author.speaks_outside else opened.conversation.id,
        author=author,
        content=content,
        delivery_state=delivery_state,
        delivery_reason=None,
        arrived_late=delivery_state is None and arrived_late(opened.thread, happened_at=sent_at),
        sent_at=sent_at,
        created_at=opened.now,
        version=1,
    )
    opened.messages.append(message)
    return message


def _show_said(opened: OpenThread, message: Message) -> None:
    """Show what a person said to the customer in the lists; they said it having read the rest.

    What a rule said, a greeting for instance, leaves the customer's own words standing: those are to be answered.
    """
    if opened.conversation is not None and message.author.why is None:
        _touch(opened, replace(opened.conversation, unread=0))
        _show_last(opened, message)


def _show_last(opened: OpenThread, message: Message) -> None:
    summary = summary_of(message.content, author_kind=message.author.kind)
    _touch(opened, replace(_current(opened), last_message=summary, last_message_at=opened.now))


def _note_provider_time(opened: OpenThread, happened_at: datetime) -> None:
    latest = max(happened_at, opened.thread.last_provider_at or happened_at)
    opened.thread = replace(opened.thread, last_provider_at=latest)


def _current(opened: OpenThread) -> Conversation:
    if opened.conversation is None:
        raise LookupError("no conversation is open in this thread")
    return opened.conversation


def _touch(opened: OpenThread, changed: Conversation) -> None:
    """Make `changed` the newest conversation; its version grows once in a transaction."""
    if changed.id not in opened.touched:
        audience = opened.audiences.setdefault(changed.id, set())
        if opened.newest is not None and opened.newest.id == changed.id:
            audience.update(audience_of(opened.newest))
        changed = replace(changed, version=changed.version + 1)
    opened.touched[changed.id] = changed
    opened.newest = changed


def audience_of(conversation: Conversation) -> set[str]:
    """Return the event log's tokens of those who may see `conversation` as it stands."""
    tokens = {"role:supervisor"}
    if conversation.owner_agent_id is not None:
        tokens.add(f"agent:{conversation.owner_agent_id}")
    if conversation.owner_kind == "queue" and conversation.group_id is not None:
        tokens.add(f"group:{conversation.group_id}")
    return tokens


def audience_of_thread(*, newest: Conversation | None, served_by: Iterable[AgentId]) -> set[str]:
    """Return the tokens of those who may read a thread, and so are told of every message of it.

    Each of its conversations opens the whole of it: the newest one, and those that agents have had before.
    """
    tokens = {"role:supervisor"} if newest is None else audience_of(newest)
    return tokens | {f"agent:{agent_id}" for agent_id in served_by}


def _own(opened: OpenThread, *, reason: str) -> None:
    """Write down who owns the open conversation from now on."""
    current = _current(opened)
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
