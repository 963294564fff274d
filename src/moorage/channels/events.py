"""What happens to channels that higher rooms may react to."""

from dataclasses import dataclass

from moorage.channels.model import ChannelState
from moorage.core.ids import ChannelId
from moorage.infra.database import DomainEvent


@dataclass(frozen=True, slots=True)
class ChannelDocked(DomainEvent):
    """An account was docked."""

    channel_id: ChannelId


@dataclass(frozen=True, slots=True)
class ChannelStateChanged(DomainEvent):
    """A channel works differently now: it failed, recovered, lost a right or its authorization."""

    channel_id: ChannelId
    state: ChannelState
    reason: str | None
