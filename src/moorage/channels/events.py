"""What happens to channels that higher rooms may react to."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from moorage.channels.model import ChannelState
from moorage.core.ids import ChannelId
from moorage.infra.database import DomainEvent


@dataclass(frozen=True, slots=True)
class ChannelDocked(DomainEvent):
    """An account was docked."""

    channel_id: ChannelId


@dataclass(frozen=True, slots=True)
class AuthorizationPushed(DomainEvent):
    """The provider told that an account was authorized for an attempt, and gave the code."""

    attempt_id: UUID


@dataclass(frozen=True, slots=True)
class AccountAuthorizedUs(DomainEvent):
    """What an account grants is new or has changed: its profile and rights are to be read."""

    channel_id: ChannelId


@dataclass(frozen=True, slots=True)
class AccountUndocked(DomainEvent):
    """An account was undocked: what was open then ends, also if the account is docked again a moment later."""

    channel_id: ChannelId
    at: datetime


@dataclass(frozen=True, slots=True)
class ChannelVerificationChanged(DomainEvent):
    """The account has been verified by its provider, or is so no longer: what it may send has changed."""

    channel_id: ChannelId


@dataclass(frozen=True, slots=True)
class BudgetPresetChanged(DomainEvent):
    """Other limits count for the channel's customers from now on, because the provider showed so or an admin did."""

    channel_id: ChannelId


@dataclass(frozen=True, slots=True)
class ChannelStateChanged(DomainEvent):
    """A channel works differently now: it failed, recovered, lost a right or its authorization."""

    channel_id: ChannelId
    state: ChannelState
    reason: str | None
