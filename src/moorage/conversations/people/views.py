"""What the API says of a customer."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from moorage.customers.model import RemarkState


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CustomerChannelView(_View):
    """The channel that a customer comes by."""

    id: UUID
    name: str
    kind: str


class RemarkView(_View):
    """What staff calls the customer, and whether the provider knows. `reason` has a sentence of the kind's."""

    name: str | None
    state: RemarkState
    reason: str | None
    most_characters: int


class CompanyIdentityView(_View):
    """Whom the company says that the customer is."""

    user_id: str
    attributes: Mapping[str, str]
    bound_at: datetime


class LinkedConversationView(_View):
    """The last conversation of a linked customer."""

    id: UUID
    last_message_at: datetime


class LinkedCustomerView(_View):
    """The same person on another channel, as the provider's union id tells. They are never made one."""

    id: UUID
    name: str
    channel: CustomerChannelView
    last_conversation: LinkedConversationView | None
    """Null where there is none, or none that the reader may open."""


class CustomerView(_View):
    """One customer. What the provider does not tell is null."""

    id: UUID
    channel: CustomerChannelView
    name: str
    """By which staff knows them everywhere."""
    known_name: str
    """Without a remark name."""
    own_name: str | None
    avatar_url: str | None
    remark: RemarkView
    language: str | None
    followed_at: datetime | None
    came_by: str | None
    scene: str | None
    tags: list[str]
    profile_read_at: datetime | None
    profile_reason: str | None
    """Why the provider tells no more; null: it does, or was not asked yet."""
    company: CompanyIdentityView | None
    linked: list[LinkedCustomerView]
    erased_at: datetime | None
    version: int
