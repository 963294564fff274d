"""What a kind offers whose accounts may authorize a platform of ours, instead of handing over their own secret.

Our platform has credentials of its own at the provider. The provider sends it tickets and notices; with the ticket it
gets a token, with the token it lets accounts authorize it and acts for them. An optional power, joined to a connector
as its `platform`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Literal, Protocol

from moorage.connectors.contract import AddressVerified, Endpoint, Inbound, IssuedToken, Outbound, RawRequest
from moorage.connectors.manifest import CredentialField


class PlatformReason(StrEnum):
    """Why our platform cannot do something, or an account is less than fully ours; each word has its sentence."""

    NOT_CONFIGURED = "not_configured"
    TICKET_MISSING = "ticket_missing"
    TICKET_OLD = "ticket_old"
    CODE_INVALID = "code_invalid"
    CODE_EXPIRED = "code_expired"
    NOT_CERTIFIED = "not_certified"


class DockingReason(StrEnum):
    """Why an attempt to dock an account came to nothing, where it was not the provider that refused."""

    ALREADY_DOCKED = "already_docked"
    OTHER_ACCOUNT = "other_account"
    ATTEMPT_EXPIRED = "attempt_expired"
    ATTEMPT_FOREIGN = "attempt_foreign"
    ATTEMPT_UNKNOWN = "attempt_unknown"


# ---------------------------------------------------------------- data that the console reads too


@dataclass(frozen=True, slots=True)
class PermissionSet:
    """One set of rights that an account may grant. Its texts stand in `strings/` under `permission.<name>.`."""

    id: int
    name: str
    required: bool

    @property
    def missing_reason(self) -> str:
        """Return the word for an account that has not granted it."""
        return f"set_missing_{self.name}"


@dataclass(frozen=True, slots=True)
class PlatformManifest:
    """What a kind's platform needs and offers."""

    credential_fields: tuple[CredentialField, ...]
    platform_field: str
    """The credential that names the platform at the provider."""
    event_path: str
    """Where its notices arrive below the public address."""
    message_path: str
    """Where the pushes of all accounts arrive, with `{external_id}` in it."""
    account_placeholder: str
    """What the provider wants written for the account in that address."""
    permission_sets: tuple[PermissionSet, ...]
    preconditions: tuple[str, ...]
    """What must be at hand before an account is docked; texts stand under `precondition.<word>`."""
    ticket_lasts: timedelta


# ---------------------------------------------------------------- what the provider tells the platform


@dataclass(frozen=True, slots=True)
class TicketIssued:
    """The provider sent the ticket that platform tokens are got with."""

    ticket: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccountAuthorized:
    """An account has authorized the platform, or changed what it grants; `attempt_code` names the attempt."""

    external_id: str
    code: str = field(repr=False)
    attempt_code: str = field(repr=False)
    change: bool
    """An account that had authorized us before grants other sets now."""


@dataclass(frozen=True, slots=True)
class AuthorizationWithdrawn:
    """An account has taken its authorization back."""

    external_id: str


@dataclass(frozen=True, slots=True)
class OtherNotice:
    """A notice that we have no use for."""

    name: str


NoticeWhat = TicketIssued | AccountAuthorized | AuthorizationWithdrawn | OtherNotice


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that the provider told the platform, verified and parsed. `happened_at` is the provider's time."""

    happened_at: datetime
    what: NoticeWhat


# ---------------------------------------------------------------- what an account gives us


@dataclass(frozen=True, slots=True)
class Grant:
    """What an account's authorization gives us. `refresh_token` is None where the provider keeps it to itself."""

    external_id: str
    refresh_token: str | None = field(repr=False)
    token: IssuedToken | None = field(repr=False)
    permission_sets: frozenset[int]


@dataclass(frozen=True, slots=True)
class RenewedGrant:
    """A new token for an account. `refresh_token` is None where nothing came: then the old one goes on."""

    token: IssuedToken = field(repr=False)
    refresh_token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccountProfile:
    """An account as the provider describes it, and what it grants now."""

    external_id: str
    name: str
    external_account_id: str | None
    account_type: Literal["service", "subscription"] | None
    verified: bool | None
    principal_name: str | None
    avatar_url: str | None
    refresh_token: str | None = field(repr=False)
    permission_sets: frozenset[int] | None
    """None where the provider does not tell."""


@dataclass(frozen=True, slots=True)
class ListedAccount:
    """An account on the provider's own list of those that have authorized us."""

    external_id: str
    authorized_at: datetime | None


@dataclass(frozen=True, slots=True)
class StartedAuthorization:
    """The code of one attempt to be authorized, good for one authorization within `lasts`."""

    attempt_code: str = field(repr=False)
    lasts: timedelta


# ---------------------------------------------------------------- the provider's own test of a platform


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """How a push of the provider's test is answered: by `reply`, or by nothing and then `send` with a fresh token."""

    reply: bytes | None
    code: str | None = field(default=None, repr=False)
    send: Outbound | None = field(default=None, repr=False)


class AuthorizesByPlatform(Protocol):
    """The power itself. `platform` endpoints carry the platform's id and credentials, and the source of its token."""

    manifest: ClassVar[PlatformManifest]
    configured: Mapping[str, str] | None
    """The platform's credentials that this process was started with; None: the stored ones count."""

    def read_notice(
        self, *, credentials: Mapping[str, str], request: RawRequest, now: datetime
    ) -> Notice | AddressVerified:
        """Verify, decrypt and parse a notice, with no I/O. Raises MalformedInput."""
        ...

    def push_credentials(self, *, credentials: Mapping[str, str], external_account_id: str | None) -> Mapping[str, str]:
        """Return what a push of an account docked by authorization is verified and answered with."""
        ...

    def verify_address(
        self, *, credentials: Mapping[str, str], request: RawRequest, now: datetime
    ) -> AddressVerified | None:
        """Return the answer where the provider asks whether an address is ours; None for a push. Raises
        MalformedInput."""
        ...

    async def issue_platform_token(
        self, *, credentials: Mapping[str, str], ticket: str, deadline: float
    ) -> IssuedToken:
        """Return a token of the platform. Raises a provider failure."""
        ...

    async def begin_authorization(self, platform: Endpoint, *, deadline: float) -> StartedAuthorization:
        """Begin one attempt to be authorized. Raises a provider failure."""
        ...

    def authorization_url(
        self, *, platform_id: str, attempt_code: str, return_url: str, external_id: str | None
    ) -> str:
        """Return the provider's page where an account's administrator authorizes us; only `external_id` if given."""
        ...

    def phone_authorization_url(
        self, *, platform_id: str, attempt_code: str, return_url: str, external_id: str | None
    ) -> str:
        """Return the same for the administrator's own phone, where there is nothing to scan."""
        ...

    async def list_accounts(self, platform: Endpoint, *, deadline: float) -> Sequence[ListedAccount]:
        """Return every account that the provider lists as authorized. Raises a provider failure."""
        ...

    async def exchange_code(self, platform: Endpoint, *, code: str, deadline: float) -> Grant:
        """Return what an authorization code is worth; it works once. Raises a provider failure."""
        ...

    async def renew_authorization(
        self, platform: Endpoint, *, external_id: str, refresh_token: str, deadline: float
    ) -> RenewedGrant:
        """Return a new token for an account. Raises a provider failure."""
        ...

    async def account_profile(self, platform: Endpoint, *, external_id: str, deadline: float) -> AccountProfile:
        """Return how the provider describes an account. Raises a provider failure."""
        ...

    async def fetch_picture(self, *, url: str, deadline: float) -> bytes:
        """Return a picture that the provider's answer named. Raises a provider failure."""
        ...

    def is_probe(self, *, external_id: str) -> bool:
        """Tell whether an account belongs to the provider's own test, and is nobody's to dock."""
        ...

    def answer_probe(self, inbound: Inbound, *, now: datetime) -> ProbeAnswer:
        """Return how a push of the provider's test is to be answered."""
        ...
