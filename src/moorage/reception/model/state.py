"""What the reception engine remembers of a customer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, cast
from uuid import UUID

from pydantic import TypeAdapter

from moorage.core.ids import AgentId, GroupId


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
    unrecognized: bool = False
    """While `searching`: the customer's voice was not understood, and is to be answered so unless a person is found."""
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


_STATE = TypeAdapter(State)
