"""A docked channel: what it is, how it stands, and what its admins have set."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from moorage.core.ids import ChannelId, WorkspaceId

AccountType = Literal["service", "subscription"]
ChannelState = Literal["authorizing", "active", "restricted", "failing", "deauthorized", "undocked"]
Locale = Literal["zh-CN", "en"]
GreetingMode = Literal["off", "every_connection", "once_per_conversation", "first_ever"]


class Greeting(BaseModel):
    """What an agent is introduced with, and how often. `text` None: our own words in the channel's language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: GreetingMode = "once_per_conversation"
    text: str | None = None


class ChannelSettings(BaseModel):
    """What admins set for one channel. Stored as it is; a field that is missing there has its default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    locale: Locale = "zh-CN"
    greeting: Greeting = Field(default_factory=Greeting)
    budget_preset: str | None = None
    """The name of one of the kind's budget presets. None: the kind's default, or no limit where it has none."""


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


@dataclass(frozen=True, slots=True)
class Address:
    """Where an account's pushes arrive, known before any workspace is. `verification` is sealed."""

    workspace_id: WorkspaceId
    channel_id: ChannelId
    kind: str
    external_id: str
    verification: bytes
    verified_at: datetime | None
