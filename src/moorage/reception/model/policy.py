"""What the channel wants of the reception engine."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from moorage.core.ids import GroupId


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
    follow_guidance: str = ""
    """The same line under the last text that a follower gets."""
    voice_reply: str = ""
    """What a customer is told whose voice came without its text, while no person has them; empty: nothing."""
    ask_to_write: str = ""
    """What a customer is told who asked for a person without having written."""
    designated_for: timedelta = timedelta(hours=24)
    """How long the customer's next message goes first to whoever wrote after the session; zero: not at all."""
