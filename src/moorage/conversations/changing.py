"""The steps that every change of a locked thread is made of.

They change the `OpenThread` in memory, as all do that are made of them: `owners`, `hearing`, `charging` and `speaking`.
"""

from dataclasses import replace
from datetime import datetime

from moorage.connectors.content import Content
from moorage.conversations.audiences import audience_of
from moorage.conversations.model import Author, Conversation, DeliveryState, Message, arrived_late, summary_of
from moorage.conversations.open_thread import OpenThread
from moorage.core.ids import MessageId, new_id


def current_conversation(opened: OpenThread) -> Conversation:
    """Return the open conversation. Raises LookupError: who calls this knows that there is one."""
    if opened.conversation is None:
        raise LookupError("no conversation is open in this thread")
    return opened.conversation


def touch(opened: OpenThread, changed: Conversation) -> None:
    """Make `changed` the newest conversation; its version grows once in a transaction."""
    if changed.id not in opened.touched:
        audience = opened.audiences.setdefault(changed.id, set())
        if opened.newest is not None and opened.newest.id == changed.id:
            audience.update(audience_of(opened.newest))
        changed = replace(changed, version=changed.version + 1)
    opened.touched[changed.id] = changed
    opened.newest = changed


def show_again(opened: OpenThread) -> None:
    """Tell browsers of the newest conversation anew, because something that it is shown with has changed."""
    if opened.newest is not None:
        touch(opened, opened.newest)


def add_message(
    opened: OpenThread,
    *,
    author: Author,
    content: Content,
    sent_at: datetime,
    delivery_state: DeliveryState | None = None,
    message_id: MessageId | None = None,
) -> Message:
    """Return a new message of the thread, and of its open conversation unless there is none or `author` speaks outside.

    It has no `delivery_state` where nothing is to be delivered: the customer's own, and lines for staff.
    """
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


def show_last(opened: OpenThread, message: Message) -> None:
    """Make `message` the one that lists show of the open conversation. Raises LookupError where none is open."""
    summary = summary_of(message.content, author_kind=message.author.kind)
    touch(opened, replace(current_conversation(opened), last_message=summary, last_message_at=opened.now))
