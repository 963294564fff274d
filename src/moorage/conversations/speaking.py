"""Saying something to the customer: the message, and how it gets to them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from moorage.connectors.content import Content
from moorage.conversations.budgets import MOST_WAITING, Budget
from moorage.conversations.changing import add_message, show_again, show_last, touch
from moorage.conversations.charging import charge, check_reachable
from moorage.conversations.link_life import links_last, with_fresh_link
from moorage.conversations.model import Author, DeliveryState, Message, NewDelivery
from moorage.conversations.open_thread import OpenThread
from moorage.core.errors import DomainError
from moorage.core.ids import DeliveryId, MessageId, new_id


@dataclass(eq=False)
class TooManyWaiting(DomainError):
    """The account can only answer, and as many messages as may wait for the customer's next one do so already."""

    code: ClassVar[str] = "conversations.too_many_waiting"
    kind: ClassVar[str] = "conflict"
    most: int


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
        message = add_message(
            opened, author=author, content=content, sent_at=opened.now, delivery_state=DeliveryState.QUEUED
        )
        give_to_sender(opened, message=message, budget=budget, held=held)
    _show_said(opened, message)
    return message


def say_as_answer(opened: OpenThread, *, message_id: MessageId, author: Author, content: Content) -> Message:
    """Add a message that goes out as the answer to the customer's own request. It spends no budget."""
    message = add_message(
        opened,
        author=author,
        content=content,
        sent_at=opened.now,
        delivery_state=DeliveryState.ANSWERED,
        message_id=message_id,
    )
    _show_said(opened, message)
    return message


def add_led(
    opened: OpenThread, *, author: Author, content: Content, leader_id: DeliveryId, budget_id: UUID | None
) -> Message:
    """Add a message that goes along with a held one, and so costs nothing. See `merging`."""
    message = add_message(
        opened, author=author, content=content, sent_at=opened.now, delivery_state=DeliveryState.QUEUED
    )
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


def _let_wait(opened: OpenThread, *, author: Author, content: Content) -> Message:
    if len(opened.waiting) >= MOST_WAITING:
        raise TooManyWaiting(most=MOST_WAITING)
    message = add_message(
        opened, author=author, content=content, sent_at=opened.now, delivery_state=DeliveryState.WAITING
    )
    opened.waiting.append(message)
    show_again(opened)
    return message


def _due(opened: OpenThread, budget: Budget | None) -> datetime:
    """Return until when a held line waits for others: as long as the window lasts, and its budget."""
    until = opened.now + (opened.merge_window or timedelta())
    return until if budget is None else min(until, budget.ends_at)


def _show_said(opened: OpenThread, message: Message) -> None:
    """Show what a person said to the customer in the lists; they said it having read the rest.

    What a rule said, a greeting for instance, leaves the customer's own words standing: those are to be answered.
    """
    if opened.conversation is not None and message.author.why is None:
        touch(opened, replace(opened.conversation, unread=0))
        show_last(opened, message)
