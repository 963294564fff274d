"""What a kind can tell of people: the profile of a customer, and who has opened a page of ours.

Optional powers, joined to a connector as its `people` and `visitors`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from moorage.connectors.contract import Endpoint

# ---------------------------------------------------------------- customers


@dataclass(frozen=True, slots=True)
class CustomerProfile:
    """What the provider tells of a customer; None and empty: it does not."""

    follows: bool
    union_id: str | None = None
    """The same for one person on all accounts of one company at the provider."""
    name: str | None = None
    avatar_url: str | None = None
    language: str | None = None
    followed_at: datetime | None = None
    came_by: str | None = None
    """A stable word for how they found the account."""
    scene: str | None = None
    """Of the code that they scanned."""
    tags: tuple[str, ...] = ()
    remark: str | None = None
    """What the account calls them at the provider."""


class KnowsCustomers(Protocol):
    """Profiles and remark names. Every method may raise a provider failure."""

    async def read_profile(self, endpoint: Endpoint, *, external_customer_id: str, deadline: float) -> CustomerProfile:
        """Return what the provider tells of a customer now."""
        ...

    async def write_remark(
        self, endpoint: Endpoint, *, external_customer_id: str, remark: str, deadline: float
    ) -> None:
        """Have the account call a customer `remark` at the provider too; empty: nothing."""
        ...

    async def fetch_picture(self, *, url: str, deadline: float) -> bytes:
        """Return the picture that a profile has named."""
        ...


# ---------------------------------------------------------------- visitors of pages


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who has opened a page, as the provider says. `is_virtual`: a stand-in, behind whom there may be anybody."""

    external_customer_id: str
    union_id: str | None = None
    name: str | None = None
    avatar_url: str | None = None
    is_virtual: bool = False


class RecognisesVisitors(Protocol):
    """The provider's pages tell who opens ours. `platform` is ours where the account is docked by authorization."""

    def in_own_browser(self, user_agent: str) -> bool:
        """Tell whether a page was opened where the provider can tell by whom."""
        ...

    def visiting_url(
        self, *, external_id: str, platform_id: str | None, return_url: str, state: str, asks_profile: bool
    ) -> str:
        """Return the provider's page that leads back to `return_url` with a code. `state` has letters and digits.

        With `asks_profile` the visitor is asked whether we may know their name and picture.
        """
        ...

    def returned_code(self, query: Mapping[str, str], *, external_id: str, platform_id: str | None) -> str | None:
        """Return the code that the provider's page led back with, None where the visitor refused. Raises Refused."""
        ...

    async def read_visitor(
        self, account: Endpoint, *, platform: Endpoint | None, code: str, deadline: float
    ) -> Visitor:
        """Return who a code stands for; it works once, for this account alone. Raises a provider failure."""
        ...


@dataclass(frozen=True, slots=True)
class WebToken:
    """What a code is exchanged for: who it is, and a token that opens their profile if they agreed."""

    visitor: Visitor
    token: str = field(repr=False)
    opens_profile: bool = False
