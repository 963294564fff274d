"""What agents decide about messages that did not arrive for sure: send again, or leave. The engine is asked who may."""

from moorage.connectors.content import Choices, Media, News
from moorage.connectors.registry import Connectors
from moorage.conversations.model import Message
from moorage.conversations.open_thread import OpenThread, lock_known_thread, open_thread
from moorage.conversations.queries import may_read_thread
from moorage.conversations.resending import leave_unconfirmed, read_said, send_again, thread_of_message
from moorage.conversations.writing import save
from moorage.core.errors import Missing
from moorage.core.ids import MessageId
from moorage.infra.database import Tx
from moorage.reception.applying import NotYours, begin_turn, keep_decisions, react
from moorage.reception.model import AgentResends
from moorage.reception.operations import check_content
from moorage.staff.model import Actor
from moorage.staff.rights import Act, may


async def agent_resends(
    tx: Tx, *, actor: Actor, message_id: MessageId, connectors: Connectors
) -> tuple[OpenThread, Message]:
    """Send a message again for whoever may speak to the customer now, and return it with its thread.

    Raises Missing, NothingToResend, KindNotSendable, KindNotSendableNow, NotYours, ConversationClosed, or why nothing
    can be sent: BudgetClosed, CustomerUnfollowed, ChannelMute, TooManyWaiting.
    """
    opened, message = await _locked(tx, actor=actor, message_id=message_id, connectors=connectors)
    _check_sendable(opened, message, connectors)
    turn = begin_turn(tx, opened=opened)
    await react(turn, AgentResends(actor.agent_id, had_last=_had_last(actor, opened)))
    again = send_again(opened, message=message)
    await keep_decisions(turn)
    await save(tx, opened=opened)
    return opened, again


async def agent_leaves_message(
    tx: Tx, *, actor: Actor, message_id: MessageId, connectors: Connectors
) -> tuple[OpenThread, Message]:
    """Settle that an unconfirmed message stays as it is, for whoever may speak to the customer now.

    Raises Missing, NothingToResend or NotYours.
    """
    opened, message = await _locked(tx, actor=actor, message_id=message_id, connectors=connectors)
    own = opened.conversation is not None and may(actor, Act.CONVERSATION_WRITE, opened.conversation)
    if not (own or _had_last(actor, opened)):
        raise NotYours
    left = leave_unconfirmed(opened, message=message)
    await save(tx, opened=opened)
    return opened, left


async def _locked(tx: Tx, *, actor: Actor, message_id: MessageId, connectors: Connectors) -> tuple[OpenThread, Message]:
    """Lock a message's thread and return both. Raises Missing also where the actor may not know of it."""
    thread_id = await thread_of_message(tx, message_id=message_id)
    locked = await lock_known_thread(tx, thread_id=thread_id)
    if not await may_read_thread(tx, actor=actor, thread_id=thread_id):
        raise Missing(what="message")
    opened = await open_thread(tx, locked=locked, connectors=connectors)
    return opened, await read_said(tx, opened=opened, message_id=message_id)


def _check_sendable(opened: OpenThread, message: Message, connectors: Connectors) -> None:
    """Return if the channel carries the message now: an account may have lost what it could send the first time."""
    if isinstance(message.content, Media | Choices | News):
        around = opened.around
        manifest = connectors[around.channel_kind].manifest
        check_content(message.content, manifest=manifest, passive_only=around.passive_only)


def _had_last(actor: Actor, opened: OpenThread) -> bool:
    """Return whether the newest conversation has ended and the actor may still write after it."""
    newest = opened.newest
    return newest is not None and newest.state == "closed" and may(actor, Act.CONVERSATION_WRITE_AFTER, newest)
