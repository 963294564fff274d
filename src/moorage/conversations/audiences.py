"""Who is told of a conversation and of what is said in its thread: the event log's tokens."""

from collections.abc import Iterable

from moorage.conversations.model import Conversation
from moorage.core.ids import AgentId


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
