"""Sending a message again, or leaving it as it is: a person decides so where it did not arrive for sure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from moorage.conversations.budgets import MOST_WAITING
from moorage.conversations.changing import show_again
from moorage.conversations.charging import charge, check_reachable
from moorage.conversations.link_life import links_last, with_fresh_link
from moorage.conversations.message_rows import MessageRow
from moorage.conversations.model import (
    DeliveryReason,
    DeliveryState,
    Message,
    Tried,
)
from moorage.conversations.open_thread import OpenThread
from moorage.conversations.speaking import TooManyWaiting, give_to_sender
from moorage.core.errors import DomainError, Missing
from moorage.core.ids import MessageId, ThreadId
from moorage.infra.database import Tx


@dataclass(eq=False)
class NothingToResend(DomainError):
    """The message is on its way, has arrived, or was settled: nobody has to decide about it."""

    code: ClassVar[str] = "conversations.nothing_to_resend"
    kind: ClassVar[str] = "conflict"
    state: str
    """The message's delivery state, or `none` for one that was never to be sent."""


async def thread_of_message(tx: Tx, *, message_id: MessageId) -> ThreadId:
    """Return the thread of a message, read without a lock. Raises Missing."""
    found = await tx.row(
        _Ids,
        "SELECT id, thread_id FROM messages WHERE workspace_id = %s AND id = %s",
        [tx.workspace_id, message_id],
    )
    if found is None:
        raise Missing(what="message")
    return found.thread_id


async def read_said(tx: Tx, *, opened: OpenThread, message_id: MessageId) -> Message:
    """Return a message of a locked thread as it stands, and note there who wrote it and how often it was tried.

    Raises Missing.
    """
    row = await tx.row(
        _Row,
        """
        SELECT m.id, m.seq, m.conversation_id, m.author_kind, m.author_agent_id, m.why, m.content, m.delivery_state,
               m.delivery_reason, m.arrived_late, m.sent_at, m.created_at, m.version, a.name AS agent_name,
               coalesce(d.attempts, 0) AS attempts,
               nullif((d.history -> -1) - 'at' - 'outcome', '{}') AS details
        FROM messages m
        LEFT JOIN deliveries d ON d.workspace_id = m.workspace_id AND d.message_id = m.id
        LEFT JOIN agents a ON a.workspace_id = m.workspace_id AND a.id = m.author_agent_id
        WHERE m.workspace_id = %s AND m.id = %s AND m.thread_id = %s
        """,
        [tx.workspace_id, message_id, opened.thread.id],
    )
    if row is None:
        raise Missing(what="message")
    if row.author_agent_id is not None and row.agent_name is not None:
        opened.agent_names[row.author_agent_id] = row.agent_name
    opened.tried[message_id] = Tried(attempts=row.attempts, details=row.details)
    return row.message()


def send_again(opened: OpenThread, *, message: Message) -> Message:
    """Charge a message anew and give it to the sender once more, behind what is on its way already.

    It keeps its place in the history; a link in it works as long as a new one's. Where the account only answers it
    waits for the customer, like a new one. Raises NothingToResend, and whatever `say` raises; then nothing is changed.
    """
    if not message.may_resend:
        raise NothingToResend(state=message.delivery_state or "none")
    check_reachable(opened)
    opened.tried.pop(message.id, None)
    lasts = links_last(opened.around.channel_settings)
    message = replace(message, content=with_fresh_link(message.content, now=opened.now, lasts=lasts))
    return _wait_again(opened, message) if opened.around.passive_only else _deliver_again(opened, message)


def leave_unconfirmed(opened: OpenThread, *, message: Message) -> Message:
    """Settle that an unconfirmed message stays as it is. Raises NothingToResend where there is nothing to settle."""
    if message.delivery_state is not DeliveryState.UNCONFIRMED or not message.may_resend:
        raise NothingToResend(state=message.delivery_state or "none")
    return _changed(opened, replace(message, delivery_reason=DeliveryReason.LEFT))


def _deliver_again(opened: OpenThread, message: Message) -> Message:
    budget = charge(opened, by_rule=None)
    # A place in the order of the thread that no message has: everything said until now goes out before.
    opened.thread = replace(opened.thread, seq=opened.thread.seq + 1)
    give_to_sender(opened, message=message, budget=budget, seq=opened.thread.seq)
    return _changed(opened, replace(message, delivery_state=DeliveryState.QUEUED, delivery_reason=None))


def _wait_again(opened: OpenThread, message: Message) -> Message:
    if len(opened.waiting) >= MOST_WAITING:
        raise TooManyWaiting(most=MOST_WAITING)
    waiting = _changed(opened, replace(message, delivery_state=DeliveryState.WAITING, delivery_reason=None))
    opened.waiting.append(waiting)
    show_again(opened)
    return waiting


def _changed(opened: OpenThread, message: Message) -> Message:
    changed = replace(message, version=message.version + 1)
    opened.delivered.append(changed)
    return changed


@dataclass(frozen=True, slots=True)
class _Ids:
    id: MessageId
    thread_id: ThreadId


@dataclass(frozen=True, slots=True)
class _Row(MessageRow):
    agent_name: str | None
    attempts: int
    details: Mapping[str, object] | None
