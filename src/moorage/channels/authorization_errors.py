"""How an attempt to dock by authorization can come to nothing."""

from dataclasses import dataclass
from typing import ClassVar

from moorage.channels.leases import failure_reason
from moorage.connectors.authorization import PlatformReason
from moorage.connectors.failures import ProviderFailure, Refused
from moorage.core.errors import DomainError


@dataclass(eq=False)
class AttemptUnknown(DomainError):
    """Nobody began this attempt here."""

    code: ClassVar[str] = "channels.attempt_unknown"
    kind: ClassVar[str] = "missing"


@dataclass(eq=False)
class AttemptForeign(DomainError):
    """Somebody else began this attempt, or the same person in another workspace."""

    code: ClassVar[str] = "channels.attempt_foreign"
    kind: ClassVar[str] = "forbidden"


@dataclass(eq=False)
class AttemptExpired(DomainError):
    """The attempt was begun too long ago to be finished."""

    code: ClassVar[str] = "channels.attempt_expired"


@dataclass(eq=False)
class CodeRefused(DomainError):
    """The provider does not accept the authorization code: it was used before, is too old, or is none."""

    code: ClassVar[str] = "channels.code_refused"
    reason: str


@dataclass(eq=False)
class OtherAccount(DomainError):
    """Another account was authorized than the one that was to be."""

    code: ClassVar[str] = "channels.other_account"
    kind: ClassVar[str] = "conflict"
    wanted: str
    authorized: str


@dataclass(eq=False)
class AuthorizationFailed(DomainError):
    """The provider could not be asked, or refuses our platform; `reason` is a word of the kind's."""

    code: ClassVar[str] = "channels.authorization_failed"
    kind: ClassVar[str] = "refused"
    reason: str
    external_code: int | None
    address: str = ""
    """Where the provider does not know this server's address: the one to allow."""


@dataclass(eq=False)
class PlatformFixed(DomainError):
    """The platform's credentials come from the environment, where the operator changes them."""

    code: ClassVar[str] = "channels.platform_from_environment"
    kind: ClassVar[str] = "conflict"


@dataclass(eq=False)
class StillExchanging(DomainError):
    """Another process is still asking the provider; ask how the attempt stands in a moment."""

    code: ClassVar[str] = "channels.still_exchanging"
    kind: ClassVar[str] = "unavailable"
    retry_after_s: int


def refuses_code(failure: ProviderFailure) -> bool:
    """Tell whether the provider refuses the code itself, so that asking with the same again is of no use."""
    return isinstance(failure, Refused) and failure.reason in {PlatformReason.CODE_INVALID, PlatformReason.CODE_EXPIRED}


def authorization_error(failure: ProviderFailure) -> CodeRefused | AuthorizationFailed:
    """Return what a provider's failure means for the person who waits."""
    if refuses_code(failure):
        return CodeRefused(reason=failure_reason(failure))
    address = str(failure.details().get("address", ""))
    return AuthorizationFailed(reason=failure_reason(failure), external_code=failure.external_code, address=address)
