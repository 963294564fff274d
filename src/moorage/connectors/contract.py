"""What every kind of channel offers: it turns bytes into typed values and back, and decides nothing.

The values here are shared by all kinds. Reception, conversations and console know only these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from moorage.core.errors import DomainError

# ---------------------------------------------------------------- content: one versioned JSON value for every kind


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    others: dict[str, object] = Field(default_factory=dict[str, object])
    """What the provider told beside the named fields, by its own names. Kept so that nothing is lost."""


class Text(_Content):
    """Words, in the provider's own notation for emoji."""

    type: Literal["text"] = "text"
    text: str
    choice_id: str | None = None
    """The id of the tapped choice, where the words come from a menu of choices."""


class Media(_Content):
    """A picture, a voice or a video. `external_media_id` names it at the provider; `blob_id` once it is ours."""

    type: Literal["image", "voice", "video", "short_video"]
    external_media_id: str
    external_url: str | None = None
    external_thumb_id: str | None = None
    format: str | None = None
    recognized_text: str | None = None
    blob_id: str | None = None


class Location(_Content):
    """A place, in degrees, with the customer's own label for it."""

    type: Literal["location"] = "location"
    latitude: float
    longitude: float
    scale: int | None = None
    label: str = ""


class Link(_Content):
    """A page that somebody shared."""

    type: Literal["link"] = "link"
    title: str
    description: str = ""
    url: str


class File(_Content):
    """A file that the provider tells of; `size_bytes` is None where it does not say."""

    type: Literal["file"] = "file"
    name: str
    description: str = ""
    size_bytes: int | None = None
    external_file_id: str | None = None
    md5: str | None = None


class Notice(_Content):
    """A line about the conversation itself, written in the reader's language from `key` and `values`."""

    type: Literal["notice"] = "notice"
    key: str
    values: dict[str, str] = Field(default_factory=dict[str, str])


class Unsupported(_Content):
    """Something the customer sent that we cannot show yet. Nothing of it is lost: `fields` keeps what came."""

    type: Literal["unsupported"] = "unsupported"
    kind: str
    fields: dict[str, object] = Field(default_factory=dict[str, object])


Content = Annotated[Text | Media | Location | Link | File | Notice | Unsupported, Field(discriminator="type")]
CONTENT: TypeAdapter[Content] = TypeAdapter(Content)

# ---------------------------------------------------------------- what comes in


@dataclass(frozen=True, slots=True)
class RawRequest:
    """One HTTP request of the provider, as it came. `body` is already limited in size."""

    method: Literal["GET", "POST"]
    query: Mapping[str, str]
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class CustomerMessage:
    """The customer wrote, spoke or sent something."""

    content: Content


@dataclass(frozen=True, slots=True)
class Followed:
    """The customer follows the account now. `scene` is the scanned code's, without the provider's prefix."""

    scene: str | None = None


@dataclass(frozen=True, slots=True)
class Unfollowed:
    """The customer left; nothing can be sent any more."""


@dataclass(frozen=True, slots=True)
class OtherEvent:
    """An event that has no effect of its own yet. It leaves a line in the thread and is kept whole."""

    name: str
    fields: Mapping[str, object] = field(default_factory=dict[str, object])
    opens: Literal["menu", "scan"] | None = None
    """The sending budget that the provider opens for it, if any."""


What = CustomerMessage | Followed | Unfollowed | OtherEvent


@dataclass(frozen=True, slots=True)
class UncoveredBody:
    """A push whose signature covers only `timestamp` and `nonce`, not its body.

    Whoever saw one such request could send any body with them, so the pair must never come again with another `digest`.
    """

    timestamp: str
    nonce: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Inbound:
    """One thing that happened at the provider, verified and parsed."""

    external_customer_id: str
    external_account_id: str
    once_key: str
    """The same for each redelivery of one push, different for any two others of the channel."""
    happened_at: datetime
    """The provider's time, in whole seconds for some; also names the partition that holds the push."""
    what: What
    external_message_id: str | None
    body: bytes
    """The verified plaintext, kept to replay from."""
    reply_context: Mapping[str, str]
    """What `seal_reply` needs of this request; it differs from redelivery to redelivery."""
    uncovered: UncoveredBody | None = None
    """Set where the kind's signature does not protect the body: `channels.replays` must accept it first."""


@dataclass(frozen=True, slots=True)
class AddressVerified:
    """The provider asked whether the address is ours; answer `body` literally."""

    body: bytes


# ---------------------------------------------------------------- what goes out


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message to hand over to one customer."""

    external_customer_id: str
    content: Content


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider took the message. `external_message_id` where it tells one."""

    external_message_id: str | None = None


@dataclass(frozen=True, slots=True)
class WireReply:
    """The HTTP answer to a push."""

    body: bytes
    content_type: str


# ---------------------------------------------------------------- failures


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


# ---------------------------------------------------------------- the kinds


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One field of the docking form. Labels and help stand in the kind's `strings/` under `field.<name>`."""

    name: str
    pattern: str
    secret: bool
    example: str
    default: str | None = None
    """What stands for it where it is left out. None: it must be given."""


@dataclass(frozen=True, slots=True)
class BudgetRule:
    """How many messages the provider lets us send after what the customer did, and for how long."""

    most: int
    lasts: timedelta
    ends_early: timedelta
    """How long before the provider's end we count it as ended."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a kind of channel can do. Data, which the console reads too; nobody asks for the kind's name."""

    kind: str
    credential_fields: tuple[CredentialField, ...]
    account_field: str
    """The credential that names the account at the provider (`external_id` of the channel)."""
    push_path: str
    """Where pushes arrive below the public address, with `{external_id}` in it."""
    max_text_bytes: int
    sendable: frozenset[str]
    passive_reply: bool
    budget_presets: Mapping[str, Mapping[str, BudgetRule]]
    """Preset name -> trigger (`message`, `menu`, `scan`, `follow`) -> rule. Empty: the provider sets no limit."""
    default_preset: str | None
    optional_credential_fields: tuple[CredentialField, ...] = ()
    secrets_for_calls: frozenset[str] = frozenset()
    """Credentials that only calls to the provider need. They are not kept where pushes are verified."""
    sends_only_if_verified: bool = False
    """An account that the provider has not verified can answer its customers' requests, and send nothing else."""


class TokenSource(Protocol):
    """Where a connector gets a usable token from, without knowing any table."""

    async def token(self, *, deadline: float) -> str:
        """Return a token that should work. `deadline` is in loop seconds. Raises a provider failure."""
        ...

    async def after_refusal(self, *, failed: str, deadline: float) -> str:
        """Return another token than `failed`, which the provider has just refused; renews at most once."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A docked channel as its connector sees it: whose it is, and the opened credentials."""

    external_account_id: str
    credentials: Mapping[str, str]
    tokens: TokenSource


class Connector(Protocol):
    """One kind of channel."""

    manifest: ClassVar[Manifest]

    def receive(
        self, *, credentials: Mapping[str, str], request: RawRequest, now: datetime
    ) -> Inbound | AddressVerified:
        """Verify, decrypt and parse, with no I/O. Raises MalformedInput or UnsupportedInput."""
        ...

    def replay(self, *, body: bytes) -> Inbound:
        """Parse a stored plaintext body again, as `receive` did, without what belonged to the request.

        `reply_context` is empty and `uncovered` None. Raises MalformedInput or UnsupportedInput.
        """
        ...

    def acknowledge(self) -> WireReply:
        """Return the answer that says: taken, nothing to show."""
        ...

    def passive_reply(self, *, inbound: Inbound, content: Content, now: datetime) -> bytes | None:
        """Return the plaintext of `content` as the answer to `inbound`, or None where it cannot be said so."""
        ...

    def seal_reply(
        self, *, credentials: Mapping[str, str], reply: bytes, context: Mapping[str, str], now: datetime
    ) -> WireReply:
        """Return `reply` as the HTTP answer to the request that `context` came from."""
        ...

    async def send(self, endpoint: Endpoint, message: Outbound, *, deadline: float) -> Sent:
        """Hand over one message before `deadline` (loop seconds). Raises a provider failure."""
        ...


# ---------------------------------------------------------------- optional powers, each a small protocol of its own


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token as the provider issued it."""

    token: str
    lasts: timedelta


class IssuesTokens(Protocol):
    """The kind works with tokens that the provider issues against the channel's credentials."""

    async def issue_token(self, *, credentials: Mapping[str, str], force: bool, deadline: float) -> IssuedToken:
        """Ask the provider for a token; `force` makes it throw the current one away. Raises a provider failure."""
        ...


class ShowsTyping(Protocol):
    """The kind can show the customer that somebody is writing."""

    async def show_typing(self, endpoint: Endpoint, *, external_customer_id: str, deadline: float) -> None:
        """Show it for the provider's usual time. Raises a provider failure."""
        ...
