"""What can happen to a conversation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, cast
from uuid import UUID

from pydantic import Discriminator, TypeAdapter

from moorage.core.ids import AgentId, GroupId


@dataclass(frozen=True, slots=True)
class CustomerWrote:
    """The customer sent a message. `content` is its content type: `text`, `image`, …"""

    content: str
    agent_is_away: bool = False
    """The agent who has the conversation is gone and cannot answer."""
    asks_for_agent: bool = False
    """The message is one of the channel's words for asking for a person."""
    unrecognized: bool = False
    """The message is a voice, and nobody has written down what it says."""
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


_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def event_to_json(event: Event) -> dict[str, object]:
    """Return `event` as plain JSON values, for the `decisions` table."""
    return cast("dict[str, object]", _EVENT.dump_python(event, mode="json"))


def event_from_json(value: Mapping[str, object]) -> Event:
    """Return the event that `event_to_json` wrote, to replay a decision."""
    return _EVENT.validate_python(value)
