"""How a provider's request or answer can fail, in words that every kind of channel shares."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar

from moorage.core.errors import DomainError


@dataclass(eq=False)
class MalformedInput(DomainError):
    """The request is not a genuine, well-formed one of the provider: refuse it, count it, touch nothing else."""

    code: ClassVar[str] = "connectors.malformed_input"
    kind: ClassVar[str] = "malformed"
    reason: str
    """A stable word: `invalid_signature`, `foreign_account`, `body_too_large`, `invalid_xml`, …"""


@dataclass(eq=False)
class UnsupportedInput(DomainError):
    """The request is genuine but of a sort we do not deal with: acknowledge and count it."""

    code: ClassVar[str] = "connectors.unsupported_input"
    reason: str


class RefusalReason(StrEnum):
    """The reasons of a refusal that features act on, the same words for every kind. A kind may have more of its own."""

    WINDOW_CLOSED = "window_closed"
    """The customer did nothing lately that would let us send, or no longer follows."""
    BUDGET_SPENT = "budget_spent"
    """The provider has counted more messages than it allows."""
    NOT_FOLLOWING = "not_following"
    UNKNOWN_CUSTOMER = "unknown_customer"
    CUSTOMER_BLOCKS = "customer_blocks"
    CUSTOMER_BLACKLISTED = "customer_blacklisted"
    DAILY_LIMIT = "daily_limit"
    """The account has used up its calls until the provider's midnight: no other message goes out either."""
    API_NOT_ALLOWED = "api_not_allowed"
    """The account lacks the right: the channel is restricted."""
    PERMISSION_MISSING = "permission_missing"
    """The account has not granted us the right: the channel is restricted."""
    SENDING_FORBIDDEN = "sending_forbidden"
    """The provider has taken the right to send away from the account: the channel is restricted."""
    TOO_LONG = "too_long"
    EMPTY = "empty"
    KIND_NOT_SENDABLE = "kind_not_sendable"
    MEDIA_GONE = "media_gone"
    """The provider does not have the file any more."""
    TOO_LARGE = "too_large"
    FORMAT_REFUSED = "format_refused"
    """The provider does not take files of this format."""
    LINK_REFUSED = "link_refused"
    """The provider shows no card that leads to this address."""
    OTHER = "other"


class CredentialsReason(StrEnum):
    """The reasons why credentials do not hold that features act on. A kind may have more of its own."""

    INVALID_SECRET = "invalid_secret"  # noqa: S105 -- a reason, not a secret
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    AUTHORIZATION_GONE = "authorization_gone"
    """The account withdrew its authorization: the channel is deauthorized."""
    TOKEN_REFUSED = "token_refused"  # noqa: S105 -- a reason, not a secret


class ChannelReason(StrEnum):
    """The reasons that we ourselves give for how a channel stands; each kind says them in its own words."""

    PROVIDER_UNREACHABLE = "provider_unreachable"
    """The provider cannot be asked, or something else answers in its place."""
    NOT_ASKED_YET = "not_asked_yet"
    """The provider has not asked whether our address is ours: it does not know it, or cannot reach it."""
    UNDOCKED = "undocked"
    """The account was undocked before a message could be sent."""


@dataclass(eq=False)
class ProviderFailure(DomainError):
    """The provider did not do what we asked. `external_code` and `detail` are for the details view only."""

    external_code: int | None
    detail: str


@dataclass(eq=False)
class TryLater(ProviderFailure):
    """Surely not done; asking again may help, not before `retry_after`."""

    code: ClassVar[str] = "connectors.try_later"
    retry_after: timedelta


@dataclass(eq=False)
class Refused(ProviderFailure):
    """Surely not done, and asking again would not help. `reason` is a stable word that the console translates."""

    code: ClassVar[str] = "connectors.refused"
    reason: str


@dataclass(eq=False)
class PermissionMissing(Refused):
    """The account has not granted us the right. `missing_reason` is the word by which the channel names that right."""

    missing_reason: str


@dataclass(eq=False)
class CredentialsInvalid(ProviderFailure):
    """The account's credentials or authorization do not hold; an admin must act. `reason` as in Refused."""

    code: ClassVar[str] = "connectors.credentials_invalid"
    reason: str


@dataclass(eq=False)
class AddressNotAllowed(CredentialsInvalid):
    """The provider takes calls from listed addresses only; `address` is the one an admin must add."""

    address: str


@dataclass(eq=False)
class TokenRefused(CredentialsInvalid):
    """The provider does not accept the token it was asked with. Another one may do."""


@dataclass(eq=False)
class Unreachable(ProviderFailure):
    """The provider could not be asked. `written` tells whether the request may have arrived: then nobody knows."""

    code: ClassVar[str] = "connectors.unreachable"
    written: bool
