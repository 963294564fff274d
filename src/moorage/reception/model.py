"""The words that the reception engine speaks: what it knows, what happened, what is to be done, and why.

Everything here is a frozen value that turns into JSON and back. Nothing knows of tables, providers or HTTP.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, cast
from uuid import UUID

from pydantic import Discriminator, TypeAdapter

from moorage.conversations.model import QueueReason
from moorage.core.ids import AgentId, GroupId

# ---------------------------------------------------------------- policy: what the channel wants


class Mode(StrEnum):
    """Who serves the customers of a channel."""

    AGENT_ONLY = "agent_only"


class GreetingMode(StrEnum):
    """How often a customer is greeted when a person takes the conversation."""

    OFF = "off"
    EVERY_CONNECTION = "every_connection"
    ONCE_PER_CONVERSATION = "once_per_conversation"
    FIRST_EVER = "first_ever"


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for one thread, resolved from its channel's settings. `greeting` is a template (see `texts.py`)."""

    mode: Mode
    greeting_mode: GreetingMode
    greeting: str
    default_group_id: GroupId
    last_served_for: timedelta = timedelta(hours=72)
    """How long after a conversation the customer's next one goes to the same agent first. Zero: never."""
    mute: bool = False
    """Nothing can be sent by the channel at present: its account withdrew its authorization or was undocked."""
    agent_words: tuple[str, ...] = ()
    """A message that is one of them asks for a person."""
    menu_guidance: str = ""
    """The line under what an item of the menu answers, which tells how to ask for a person; empty: none."""
    ask_to_write: str = ""
    """What a customer is told who asked for a person without having written."""
    designated_for: timedelta = timedelta(hours=24)
    """How long the customer's next message goes first to whoever wrote after the session; zero: not at all."""


# ---------------------------------------------------------------- state: what is known of the customer's conversation


class Owner(StrEnum):
    """Who has to act next. `nobody` means that no conversation is open."""

    NOBODY = "nobody"
    BOT = "bot"
    QUEUE = "queue"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class State:
    """What the engine remembers of one thread. Kept with the thread's newest conversation, also after its end.

    A thread without any conversation has the default state. `version` grows only when old JSON must be read otherwise;
    a new field with a default needs no new version.
    """

    version: Literal[1] = 1
    owner: Owner = Owner.NOBODY
    agent_id: AgentId | None = None
    group_id: GroupId | None = None
    searching: bool = False
    """`FindAgent` was said and its answer has not come yet. Never so at the end of a transaction."""
    left: bool = False
    """The agent who had the conversation is gone, and nobody else has taken it yet: it goes to the queue's head."""
    greeted: bool = False
    """A person's greeting was said in this conversation."""
    ever_greeted: bool = False
    """A person's greeting was said in this thread, ever."""
    reachable: bool = True
    """False since the customer left; what we say would not arrive."""
    mute: bool = False
    """The agent who has the conversation was told that the channel cannot send."""
    customer_messages: int = 0
    agent_messages: int = 0
    waiting_since: datetime | None = None
    """The customer's first message that no person has answered yet."""
    prompt_id: UUID | None = None
    """The question that waits for its answer, or whose time has run out since."""

    @property
    def is_open(self) -> bool:
        """Return whether a conversation is open."""
        return self.owner is not Owner.NOBODY

    def to_json(self) -> dict[str, object]:
        """Return the state as plain JSON values."""
        return cast("dict[str, object]", _STATE.dump_python(self, mode="json"))

    @staticmethod
    def from_json(value: Mapping[str, object]) -> "State":
        """Return the state that `to_json` wrote. Raises pydantic's ValidationError for anything else."""
        return _STATE.validate_python(value)


# ---------------------------------------------------------------- events: what happened


@dataclass(frozen=True, slots=True)
class CustomerWrote:
    """The customer sent a message. `content` is its content type: `text`, `image`, …"""

    content: str
    agent_is_away: bool = False
    """The agent who has the conversation is gone and cannot answer."""
    asks_for_agent: bool = False
    """The message is one of the channel's words for asking for a person."""
    kind: Literal["customer_wrote"] = "customer_wrote"


@dataclass(frozen=True, slots=True)
class PromptAnswered:
    """The customer sent a message that answers the question, by a tap or by its number or words.

    `content` and `agent_is_away` as in CustomerWrote.
    """

    prompt_id: UUID
    choice_id: str
    content: str
    agent_is_away: bool = False
    kind: Literal["prompt_answered"] = "prompt_answered"


@dataclass(frozen=True, slots=True)
class Followed:
    """The customer follows the account. `reply` names which of the account's follow replies is for them; None: none."""

    reply: Literal["first", "returning", "scanned", "scene"] | None = None
    prompt_id: UUID | None = None
    """The last question with choices that the reply asks."""
    kind: Literal["followed"] = "followed"


@dataclass(frozen=True, slots=True)
class Unfollowed:
    """The customer left the account; nothing arrives any more."""

    kind: Literal["unfollowed"] = "unfollowed"


@dataclass(frozen=True, slots=True)
class EventSeen:
    """The provider told something else about the customer: a click, a scan, …"""

    name: str
    kind: Literal["event_seen"] = "event_seen"


@dataclass(frozen=True, slots=True)
class MenuUsed:
    """The customer used an item of the account's menu. `item` is its name, or what else is known of it."""

    item: str
    use: str
    """`tap`, `link`, `scan`, …: what came of it stands in the line that it leaves."""
    does: Literal["nothing", "message", "agent"] = "nothing"
    text: str = ""
    """What a `message` item answers."""
    group_id: GroupId | None = None
    """The group that an `agent` item leads to; None: as the rules say."""
    kind: Literal["menu_used"] = "menu_used"


@dataclass(frozen=True, slots=True)
class AgentFound:
    """A seat of this agent was taken for the conversation, as `FindAgent` asked or because one became free."""

    agent_id: AgentId
    kind: Literal["agent_found"] = "agent_found"


@dataclass(frozen=True, slots=True)
class NobodyFree:
    """`FindAgent` found no seat."""

    kind: Literal["nobody_free"] = "nobody_free"


@dataclass(frozen=True, slots=True)
class AgentReplied:
    """The agent wants to say something to the customer. `prompt_id`: it is a question with choices."""

    agent_id: AgentId
    prompt_id: UUID | None = None
    kind: Literal["agent_replied"] = "agent_replied"


@dataclass(frozen=True, slots=True)
class AgentWritesAfter:
    """The agent wants to say something although the conversation has ended.

    `had_last`: it was theirs, or nobody's and they supervise.
    """

    agent_id: AgentId
    had_last: bool
    kind: Literal["agent_writes_after"] = "agent_writes_after"


@dataclass(frozen=True, slots=True)
class AgentResends:
    """The agent wants to send something again that did not arrive for sure. `had_last` as in AgentWritesAfter."""

    agent_id: AgentId
    had_last: bool
    kind: Literal["agent_resends"] = "agent_resends"


@dataclass(frozen=True, slots=True)
class AgentTook:
    """The agent takes the conversation, from the queue or from whoever has it. A seat of theirs was taken for it."""

    agent_id: AgentId
    kind: Literal["agent_took"] = "agent_took"


@dataclass(frozen=True, slots=True)
class AgentEnded:
    """The agent ends the conversation: their own, or as a supervisor any."""

    agent_id: AgentId
    kind: Literal["agent_ended"] = "agent_ended"


@dataclass(frozen=True, slots=True)
class AgentLeft:
    """The agent cannot go on with the conversation: their connection was lost for too long, or they signed out."""

    agent_id: AgentId
    kind: Literal["agent_left"] = "agent_left"


@dataclass(frozen=True, slots=True)
class ChannelMuted:
    """The channel's account withdrew its authorization, or was undocked."""

    how: Literal["deauthorized", "undocked"]
    kind: Literal["channel_muted"] = "channel_muted"


@dataclass(frozen=True, slots=True)
class ChannelRestored:
    """The channel's account is docked again."""

    kind: Literal["channel_restored"] = "channel_restored"


Event = Annotated[
    CustomerWrote
    | PromptAnswered
    | Followed
    | Unfollowed
    | EventSeen
    | MenuUsed
    | AgentFound
    | NobodyFree
    | AgentReplied
    | AgentWritesAfter
    | AgentResends
    | AgentTook
    | AgentEnded
    | AgentLeft
    | ChannelMuted
    | ChannelRestored,
    Discriminator("kind"),
]

# ---------------------------------------------------------------- effects: what is to be done, in this order


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
    why: Literal["menu", "asked_for_agent"]
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


@dataclass(frozen=True, slots=True)
class Decision:
    """What the engine decided: the new state, what to do in this order, and by which rule and for what reason."""

    state: State
    effects: tuple[Effect, ...]
    rule: str
    """A stable dotted name, for replay and for counting."""
    reason: str
    """One English sentence for whoever asks why this happened."""


_STATE = TypeAdapter(State)
_EVENT: TypeAdapter[Event] = TypeAdapter(Event)
_EFFECTS: TypeAdapter[tuple[Effect, ...]] = TypeAdapter(tuple[Effect, ...])


def event_to_json(event: Event) -> dict[str, object]:
    """Return `event` as plain JSON values, for the `decisions` table."""
    return cast("dict[str, object]", _EVENT.dump_python(event, mode="json"))


def event_from_json(value: Mapping[str, object]) -> Event:
    """Return the event that `event_to_json` wrote, to replay a decision."""
    return _EVENT.validate_python(value)


def effects_to_json(effects: tuple[Effect, ...]) -> list[dict[str, object]]:
    """Return `effects` as plain JSON values, for the `decisions` table."""
    return cast("list[dict[str, object]]", _EFFECTS.dump_python(effects, mode="json"))
