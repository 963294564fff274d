"""Marking what a customer wrote as read."""

from dataclasses import replace

from moorage.connectors.registry import Connectors
from moorage.conversations.changing import touch
from moorage.conversations.open_thread import OpenThread, lock_known_thread, open_thread
from moorage.conversations.queries import count_unread, thread_of
from moorage.conversations.writing import save
from moorage.core.errors import Missing
from moorage.core.ids import ConversationId
from moorage.infra.database import Tx
from moorage.staff.model import Actor
from moorage.staff.rights import Act, may


async def mark_read(tx: Tx, *, actor: Actor, conversation_id: ConversationId, seq: int, connectors: Connectors) -> None:
    """Count the customer's messages after `seq` as the unread ones, if the actor is who has to answer them.

    Whoever else reads changes nothing. Raises Missing where the actor may not know of the conversation.
    """
    thread_id = await thread_of(tx, conversation_id=conversation_id)
    locked = await lock_known_thread(tx, thread_id=thread_id)
    opened = await open_thread(tx, locked=locked, connectors=connectors)
    newest = opened.newest
    if newest is None or newest.id != conversation_id:
        return
    if not may(actor, Act.CONVERSATION_READ, newest):
        raise Missing(what="conversation")
    if may(actor, Act.CONVERSATION_WRITE, newest):
        unread = await count_unread(tx, conversation_id=conversation_id, after=seq)
        # Somebody else may have read further already, in another window.
        _read_up_to(opened, unread=min(unread, newest.unread))
        await save(tx, opened=opened)


def _read_up_to(opened: OpenThread, *, unread: int) -> None:
    """Set how many of the customer's messages in the newest conversation nobody has read yet."""
    if opened.newest is not None and opened.newest.unread != unread:
        touch(opened, replace(opened.newest, unread=unread))
