"""What is known of a person who writes, on one channel. Frozen values; nothing here knows a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from moorage.core.ids import ChannelId, CustomerId
from moorage.infra.database import DomainEvent

RemarkState = Literal["none", "pending", "saved", "refused", "kept_here"]
"""Of a remark name at the provider: on its way there, there, refused, or for us alone because the kind has none."""


class KnownProfile(BaseModel):
    """What the provider told of a customer, as it is stored. Names and pictures have columns of their own."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    language: str | None = None
    followed_at: datetime | None = None
    came_by: str | None = None
    scene: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """A customer with their identity on one channel."""

    id: CustomerId
    channel_id: ChannelId
    external_customer_id: str
    name: str
    """By which staff knows them if nobody has set a remark name."""
    own_name: str | None
    remark_name: str | None
    remark_set_at: datetime | None
    remark_state: RemarkState
    remark_reason: str | None
    union_id: str | None
    avatar_url: str | None
    avatar_blob_id: UUID | None
    profile: KnownProfile
    profile_read_at: datetime | None
    company_user_id: str | None
    company_attributes: Mapping[str, str]
    company_bound_at: datetime | None
    erased_at: datetime | None
    version: int

    @property
    def shown_name(self) -> str:
        """Return the name that staff sees everywhere."""
        return self.remark_name or self.name


def avatar_address(*, customer_id: CustomerId, blob_id: UUID | None) -> str | None:
    """Return where a browser finds a customer's picture; it changes with the picture. None: there is none."""
    return None if blob_id is None else f"/api/customers/{customer_id}/avatar?v={blob_id.hex[-8:]}"


@dataclass(frozen=True, slots=True)
class ProfileDue(DomainEvent):
    """A customer was met whose profile is not known, or was read a day ago."""

    customer_id: CustomerId


@dataclass(frozen=True, slots=True)
class RemarkChanged(DomainEvent):
    """A remark name was set, which the provider is to be told too."""

    customer_id: CustomerId


@dataclass(frozen=True, slots=True)
class CustomerDataWished(DomainEvent):
    """A customer asked, by the provider, that what we keep of them be read anew, or forgotten."""

    customer_id: CustomerId
    wish: Literal["refresh", "forget_profile", "erase"]
