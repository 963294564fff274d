"""A docked channel: what it is, how it stands, and what its admins have set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from moorage.core.errors import Malformed
from moorage.core.ids import ChannelId, WorkspaceId

AccountType = Literal["service", "subscription"]
ChannelState = Literal["authorizing", "active", "restricted", "failing", "deauthorized", "undocked"]
Locale = Literal["zh-CN", "en"]
DockedBy = Literal["credentials", "authorization"]
GreetingMode = Literal["off", "every_connection", "once_per_conversation", "first_ever"]

AnswerKind = Literal["direct", "understanding", "guided", "unknown", "menu", "follow"]
"""Kinds of automatic answers: four of a bot, what an item of the menu says, and the texts that followers get."""

SettingsField = Literal[
    "greeting",
    "locale",
    "budget_preset",
    "kept_for_people",
    "after_session_hours",
    "last_served_hours",
    "merge_replies",
    "links_last_days",
    "trans_to_agent",
    "voice_reply",
]
SettingsPart = SettingsField | Literal["follow_reply"]
"""What can be copied from one channel to others: fields of its settings, and what is kept beside them."""


MOST_NAME_CHARACTERS = 80
MOST_KEPT = 20
"""No preset gives more at once."""


class Greeting(BaseModel):
    """What an agent is introduced with, and how often. `text` None: our own words in the channel's language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: GreetingMode = "once_per_conversation"
    text: str | None = None


MOST_MERGED_WITHIN_S = 10


class MergeReplies(BaseModel):
    """Whether an agent's short lines are held for a moment and sent as one message, and for how long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: bool = False
    within_s: int = Field(default=3, ge=1, le=MOST_MERGED_WITHIN_S)


class TransToAgent(BaseModel):
    """By which words a customer asks for a person, and the line under automatic answers that tells so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: tuple[str, ...] = ("trans-to-agent", "agent", "r", "转人工", "人工")
    """A message that is one of them, whatever its case and width, asks for a person. In the admin's order."""
    guidance: bool = True
    guidance_text: str | None = None
    """None: our own words in the channel's language, with the first of `words` that is in it."""
    guidance_under: tuple[AnswerKind, ...] = ("direct", "understanding", "guided", "unknown")


LINKS_LAST_DAYS = 7
MOST_LINKS_LAST_DAYS = 30
"""Whoever finds an old phone should not find what it once got."""


class VoiceReply(BaseModel):
    """What customers are told whose voice came without its text, and whether while they wait for a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: bool = False
    """Off: a person will listen to it. Nothing is said where a person has the conversation."""
    text: str | None = None
    """None: our own words in the channel's language."""


class ChannelSettings(BaseModel):
    """What admins set for one channel. Stored as it is; a field that is missing there has its default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    locale: Locale = "zh-CN"
    greeting: Greeting = Field(default_factory=Greeting)
    budget_preset: str | None = None
    """The name of one of the kind's budget presets. None: the kind's default, or no limit where it has none."""
    after_session_hours: int = Field(default=24, ge=0, le=168)
    """How long the customer's next message goes first to the agent who wrote after the session. 0: not at all."""
    last_served_hours: int = Field(default=72, ge=0, le=720)
    """How long a new conversation goes first to the agent who served the customer last. 0: not at all."""
    kept_for_people: int | None = Field(default=None, ge=0, le=MOST_KEPT)
    """How many messages of a customer's budget automatic ones must leave. None: as many as suit the preset."""
    merge_replies: MergeReplies = Field(default_factory=MergeReplies)
    links_last_days: int = Field(default=LINKS_LAST_DAYS, ge=1, le=MOST_LINKS_LAST_DAYS)
    """How long a customer can open the link to a file, and one to hand a file in."""
    trans_to_agent: TransToAgent = Field(default_factory=TransToAgent)
    voice_reply: VoiceReply = Field(default_factory=VoiceReply)


@dataclass(frozen=True, slots=True)
class Channel:
    """One docked account. `account_type` and `verified` are None where nobody has told us."""

    id: ChannelId
    kind: str
    external_id: str
    name: str
    account_type: AccountType | None
    verified: bool | None
    state: ChannelState
    state_reason: str | None
    settings: ChannelSettings
    policy: Mapping[str, object]
    version: int
    docked_at: datetime
    server_verified_at: datetime | None
    """When the provider last asked whether the callback address is ours, and was answered."""
    last_message_at: datetime | None
    docked_by: DockedBy
    external_account_id: str | None
    """The provider's second id of the account, by which its pushes name it."""
    account_name: str | None
    """The account's own name, as the provider tells it."""
    principal_name: str | None
    """The company or person behind the account, as the provider tells it."""
    avatar_blob_id: UUID | None
    limits: Sequence[str]
    """What keeps the account from being fully active, as reason words; empty where nothing does or is known."""
    authorized_at: datetime | None
    profile_read_at: datetime | None
    undocked_at: datetime | None
    health: Literal["ok", "warning", "failing"] | None
    """The worst of the channel's checks when it was last looked at; None before that."""
    health_check: str | None
    health_reason: str | None

    @property
    def state_reasons(self) -> tuple[str, ...]:
        """Return every reason for the state: the one that brought it about first, then what else limits the account."""
        first = () if self.state_reason is None else (self.state_reason,)
        others = self.limits if self.state == "restricted" else ()
        return (*first, *(reason for reason in others if reason not in first))


@dataclass(frozen=True, slots=True)
class Address:
    """Where an account's pushes arrive, known before any workspace is. `verification` is sealed."""

    workspace_id: WorkspaceId
    channel_id: ChannelId
    kind: str
    external_id: str
    verification: bytes
    verified_at: datetime | None


def checked_name(name: str) -> str:
    """Return the name of a channel, trimmed. Raises Malformed for one that is empty, too long or not to be shown."""
    trimmed = name.strip()
    if not trimmed or len(trimmed) > MOST_NAME_CHARACTERS or not trimmed.isprintable():
        raise Malformed(field="name", reason="empty" if not trimmed else "mismatch")
    return trimmed
