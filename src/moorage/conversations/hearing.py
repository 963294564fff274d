"""What the provider tells of a customer: what they sent, what happened, and whether they follow."""

from dataclasses import replace
from datetime import datetime

from moorage.connectors.content import Content, Notice
from moorage.conversations.changing import add_message, show_again, show_last, touch
from moorage.conversations.model import Author, FollowState, Message
from moorage.conversations.open_thread import OpenThread

CUSTOMER = Author(kind="customer")
SYSTEM = Author(kind="system")


def hear_customer(opened: OpenThread, *, content: Content, sent_at: datetime) -> Message:
    """Add what the customer sent to the thread and to the open conversation, if there is one."""
    message = add_message(opened, author=CUSTOMER, content=content, sent_at=sent_at)
    heard_at = max(sent_at, opened.thread.last_customer_message_at or sent_at)
    opened.thread = replace(opened.thread, last_customer_message_at=heard_at)
    _note_provider_time(opened, sent_at)
    if opened.conversation is not None:
        touch(opened, replace(opened.conversation, unread=opened.conversation.unread + 1))
        show_last(opened, message)
    return message


def note(opened: OpenThread, *, content: Notice, happened_at: datetime) -> Message:
    """Add a line that only staff see to the thread and to the open conversation, if there is one."""
    message = add_message(opened, author=SYSTEM, content=content, sent_at=happened_at)
    _note_provider_time(opened, happened_at)
    return message


def note_following(opened: OpenThread, *, follow_state: FollowState, happened_at: datetime) -> None:
    """Remember whether the customer follows, unless something newer is known of them."""
    latest = opened.thread.last_provider_at
    if opened.thread.follow_state != follow_state and (latest is None or happened_at >= latest):
        opened.thread = replace(opened.thread, follow_state=follow_state)
        show_again(opened)


def _note_provider_time(opened: OpenThread, happened_at: datetime) -> None:
    latest = max(happened_at, opened.thread.last_provider_at or happened_at)
    opened.thread = replace(opened.thread, last_provider_at=latest)
