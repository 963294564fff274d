"""Typed identifiers. Every id is a UUIDv7, so that ids sort by the time they were made."""

from typing import NewType
from uuid import UUID

from uuid_utils.compat import uuid7

WorkspaceId = NewType("WorkspaceId", UUID)
PersonId = NewType("PersonId", UUID)
SessionId = NewType("SessionId", UUID)
AgentId = NewType("AgentId", UUID)
GroupId = NewType("GroupId", UUID)
ChannelId = NewType("ChannelId", UUID)
CustomerId = NewType("CustomerId", UUID)
ThreadId = NewType("ThreadId", UUID)
ConversationId = NewType("ConversationId", UUID)
MessageId = NewType("MessageId", UUID)
DeliveryId = NewType("DeliveryId", UUID)
PushId = NewType("PushId", UUID)


def new_id() -> UUID:
    """Return a fresh UUIDv7; wrap it in the type of what it names."""
    return uuid7()
