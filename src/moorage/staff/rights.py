"""Who may do what. The API, the socket and search all ask here, and nothing else decides."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol

from moorage.core.errors import DomainError
from moorage.core.ids import AgentId, GroupId
from moorage.staff.model import MANAGING, SUPERVISING, Actor


class Act(StrEnum):
    """Something a person may be allowed to do. The values are stable: the console shows and hides by them."""

    CHANNELS_READ = "channels.read"
    CHANNELS_MANAGE = "channels.manage"
    CONVERSATION_READ = "conversation.read"
    CONVERSATION_WRITE = "conversation.write"
    CONVERSATION_WRITE_AFTER = "conversation.write_after"
    """Write to the customer although the conversation has ended."""
    CONVERSATION_TAKE = "conversation.take"
    CONVERSATION_END = "conversation.end"
    CONVERSATIONS_READ_ALL = "conversations.read_all"
    STAFF_MANAGE = "staff.manage"
    WORKSPACE_MANAGE = "workspace.manage"
    AUDIT_READ = "audit.read"


class Owned(Protocol):
    """What a right over a conversation depends on. A closed conversation keeps the owner it had last."""

    @property
    def owner_kind(self) -> str: ...
    @property
    def owner_agent_id(self) -> AgentId | None: ...
    @property
    def group_id(self) -> GroupId | None: ...


@dataclass(eq=False)
class Forbidden(DomainError):
    """The person is known, and may not do this."""

    code: ClassVar[str] = "staff.forbidden"
    kind: ClassVar[str] = "forbidden"
    act: str


def may(actor: Actor, act: Act, conversation: Owned | None = None) -> bool:
    """Tell whether `actor` may do `act`, to `conversation` where the act is about one.

    Without a conversation the answer to such an act is whether there can be any that it is allowed for.
    """
    match act:
        case Act.CHANNELS_READ:
            return True
        case Act.CHANNELS_MANAGE | Act.STAFF_MANAGE | Act.WORKSPACE_MANAGE | Act.AUDIT_READ:
            return actor.role in MANAGING
        case Act.CONVERSATIONS_READ_ALL:
            return actor.role in SUPERVISING
        case (
            Act.CONVERSATION_READ
            | Act.CONVERSATION_WRITE
            | Act.CONVERSATION_WRITE_AFTER
            | Act.CONVERSATION_TAKE
            | Act.CONVERSATION_END
        ):
            return conversation is None or _may_with(actor, act, conversation)


def require(actor: Actor, act: Act, conversation: Owned | None = None) -> None:
    """Return if `actor` may do `act`. Raises Forbidden otherwise."""
    if not may(actor, act, conversation):
        raise Forbidden(act=act.value)


def rights_of(actor: Actor) -> list[str]:
    """Return the acts open to `actor` in general, for a console that hides what cannot be done."""
    return [act.value for act in Act if may(actor, act)]


def audience_tokens(actor: Actor) -> frozenset[str]:
    """Return the tokens of the event log's audiences that `actor` belongs to."""
    tokens = {"all", f"agent:{actor.agent_id}"}
    tokens.update(f"group:{group_id}" for group_id in actor.group_ids)
    if actor.role in SUPERVISING:
        tokens.add("role:supervisor")
    return frozenset(tokens)


def _may_with(actor: Actor, act: Act, conversation: Owned) -> bool:
    own = conversation.owner_kind == "agent" and conversation.owner_agent_id == actor.agent_id
    if act is Act.CONVERSATION_WRITE:
        # A supervisor takes a conversation over first: two people never answer one customer unknowingly.
        return own
    if act is Act.CONVERSATION_WRITE_AFTER:
        return own or (conversation.owner_kind == "nobody" and actor.role in SUPERVISING)
    if own or actor.role in SUPERVISING:
        return True
    return act is not Act.CONVERSATION_END and _waits_for(actor, conversation)


def _waits_for(actor: Actor, conversation: Owned) -> bool:
    return conversation.owner_kind == "queue" and (
        conversation.group_id is None or conversation.group_id in actor.group_ids
    )
