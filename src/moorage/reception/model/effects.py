"""What the reception engine can have done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, cast
from uuid import UUID

from pydantic import Discriminator, TypeAdapter

from moorage.conversations.model import QueueReason
from moorage.core.ids import AgentId, GroupId


class EndReason(StrEnum):
    """Why a conversation ended."""

    AGENT_ENDED = "agent_ended"
    SUPERVISOR_ENDED = "supervisor_ended"
    UNFOLLOWED = "unfollowed"
    CHANNEL_DEAUTHORIZED = "channel_deauthorized"
    CHANNEL_UNDOCKED = "channel_undocked"


class Refusal(StrEnum):
    """Why what an agent asked for cannot be done."""

    CLOSED = "closed"
    NOT_YOURS = "not_yours"
    NEWER_CONVERSATION = "newer_conversation"


@dataclass(frozen=True, slots=True)
class OpenConversation:
    """Open a conversation. Its first owner follows as `EnterQueue` or `Assign` in the same round."""

    group_id: GroupId
    kind: Literal["open_conversation"] = "open_conversation"


@dataclass(frozen=True, slots=True)
class FindAgent:
    """Try to take a seat of an agent of the group and feed back `AgentFound` or `NobodyFree`, in this transaction."""

    group_id: GroupId
    first: bool = False
    """Only who stands at the head of the queue, because their agent left them, goes before this customer."""
    kind: Literal["find_agent"] = "find_agent"


@dataclass(frozen=True, slots=True)
class EnterQueue:
    """Make the group's queue the owner."""

    group_id: GroupId
    why: QueueReason
    kind: Literal["enter_queue"] = "enter_queue"


@dataclass(frozen=True, slots=True)
class Assign:
    """Make the agent the owner. Their seat is taken already."""

    agent_id: AgentId
    why: Literal["routed", "taken"]
    kind: Literal["assign"] = "assign"


@dataclass(frozen=True, slots=True)
class ReleaseSeat:
    """Give back the seat that the agent holds for this conversation, or took for it in vain."""

    agent_id: AgentId
    kind: Literal["release_seat"] = "release_seat"


@dataclass(frozen=True, slots=True)
class Say:
    """Send the customer the rendered `template`, on behalf of the agent."""

    template: str
    why: Literal["greeting"]
    agent_id: AgentId
    kind: Literal["say"] = "say"


@dataclass(frozen=True, slots=True)
class Answer:
    """Send the customer `text`, which no person says, with the line `guidance` below it if both fit."""

    text: str
    why: Literal["menu", "asked_for_agent", "voice_unrecognized"]
    guidance: str = ""
    kind: Literal["answer"] = "answer"


@dataclass(frozen=True, slots=True)
class SayPrepared:
    """Send the customer what was prepared for what they did, which no person says. It belongs to the thread alone."""

    why: Literal["follow_reply"]
    kind: Literal["say_prepared"] = "say_prepared"


@dataclass(frozen=True, slots=True)
class StartPrompt:
    """Let the question that is to be said wait for its answer, in place of any other."""

    prompt_id: UUID
    kind: Literal["start_prompt"] = "start_prompt"


@dataclass(frozen=True, slots=True)
class SettlePrompt:
    """Mark the question as answered by what the customer wrote."""

    prompt_id: UUID
    choice_id: str
    kind: Literal["settle_prompt"] = "settle_prompt"


@dataclass(frozen=True, slots=True)
class Designate:
    """Let the customer's next message go to the agent first, if it comes before `until`."""

    agent_id: AgentId
    until: datetime
    kind: Literal["designate"] = "designate"


@dataclass(frozen=True, slots=True)
class Note:
    """Leave a line in the thread that only staff see; in the open conversation, if there is one."""

    key: Literal[
        "followed",
        "unfollowed",
        "event_seen",
        "menu_used",
        "asked_for_agent",
        "channel_muted",
        "channel_restored",
        "agent_left",
    ]
    values: Mapping[str, str] = field(default_factory=dict[str, str])
    kind: Literal["note"] = "note"


@dataclass(frozen=True, slots=True)
class Close:
    """End the conversation."""

    reason: EndReason
    kind: Literal["close"] = "close"


@dataclass(frozen=True, slots=True)
class Refuse:
    """Do nothing of what the agent asked for, roll back, and tell them why. Always the only effect."""

    reason: Refusal
    kind: Literal["refuse"] = "refuse"


Effect = Annotated[
    OpenConversation
    | FindAgent
    | EnterQueue
    | Assign
    | ReleaseSeat
    | Say
    | Answer
    | SayPrepared
    | StartPrompt
    | SettlePrompt
    | Designate
    | Note
    | Close
    | Refuse,
    Discriminator("kind"),
]


_EFFECTS: TypeAdapter[tuple[Effect, ...]] = TypeAdapter(tuple[Effect, ...])


def effects_to_json(effects: tuple[Effect, ...]) -> list[dict[str, object]]:
    """Return `effects` as plain JSON values, for the `decisions` table."""
    return cast("list[dict[str, object]]", _EFFECTS.dump_python(effects, mode="json"))
