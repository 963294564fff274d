"""What browsers are shown of a locked thread as a transaction leaves it: the views, and the facts that carry them."""

from moorage.conversations.audiences import audience_of, audience_of_thread
from moorage.conversations.charging import budget_standing
from moorage.conversations.model import Conversation, Message
from moorage.conversations.open_thread import OpenThread
from moorage.conversations.views import (
    ConversationView,
    MessageView,
    conversation_changed,
    conversation_view,
    message_added,
    message_changed,
    message_view,
)
from moorage.core.ids import AgentId
from moorage.infra.database import Tx


def record_facts(tx: Tx, opened: OpenThread) -> None:
    """Record what browsers are told: the conversations and messages that were added or changed."""
    readers = audience_of_thread(newest=opened.newest, served_by=opened.served_by)
    for conversation in opened.touched.values():
        audience = audience_of(conversation) | opened.audiences[conversation.id]
        readers |= audience
        tx.record(conversation_changed(opened_view(opened, conversation), audience=frozenset(audience)))
    for message, tell in [
        *((message, message_added) for message in opened.messages),
        *((message, message_changed) for message in opened.delivered),
    ]:
        tx.record(tell(said_view(opened, message), audience=frozenset(readers)))


def opened_view(opened: OpenThread, conversation: Conversation) -> ConversationView:
    """Return the view of a conversation of the thread."""
    return conversation_view(
        conversation,
        thread_id=opened.thread.id,
        around=opened.around,
        agent_name=_name_of_agent(opened, conversation.owner_agent_id),
        follow_state=opened.thread.follow_state,
        budget=budget_standing(opened),
        is_newest=opened.newest is not None and opened.newest.id == conversation.id,
    )


def said_view(opened: OpenThread, message: Message) -> MessageView:
    """Return the view of a message that this transaction has added or changed."""
    tried = opened.tried.get(message.id)
    return message_view(
        message,
        thread_id=opened.thread.id,
        author_name=_author_name(opened, message),
        attempts=0 if tried is None else tried.attempts,
        details=None if tried is None else tried.details,
    )


def _author_name(opened: OpenThread, message: Message) -> str | None:
    """Return the name under which `message` stands: the customer's, an agent's, or None for the system."""
    if message.author.kind == "customer":
        return opened.around.customer_name
    return _name_of_agent(opened, message.author.agent_id)


def _name_of_agent(opened: OpenThread, agent_id: AgentId | None) -> str | None:
    return None if agent_id is None else opened.agent_names.get(agent_id)
