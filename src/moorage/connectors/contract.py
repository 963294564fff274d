"""What every kind of channel offers: it turns bytes into typed values and back, and decides nothing.

The values here are shared by all kinds, as are content, failures and manifest beside this file. Reception,
conversations and console know only these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Literal, Protocol
from uuid import UUID

from moorage.connectors.content import Content, Media
from moorage.connectors.manifest import Manifest

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
    line: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the line that it leaves says: `how`, a stable word, and the values of its sentence. Empty: only its name."""
    about: Literal["customer", "account"] = "customer"
    """`account`: it tells nothing of a customer, and whoever it is pushed in the name of need not be one."""
    verified: bool | None = None
    """What it says about whether the account is verified; None: nothing."""


MenuUse = Literal["tap", "link", "mini_program", "scan", "location", "photos"]


@dataclass(frozen=True, slots=True)
class MenuUsed(OtherEvent):
    """The customer used an item of the account's menu."""

    use: MenuUse = "tap"
    key: str = ""
    """What the item is named by: its key, for a link the page's address, for a mini program the page's path."""
    result: Mapping[str, str] = field(default_factory=dict[str, str])
    """What came of it: `scanned` and `code` of a scan, `label` and `name` of a place, `count` of photos."""


DataWish = Literal["refresh", "forget_profile", "erase"]
"""What is to become of what we keep of a customer: read it anew, forget name and picture, or erase everything."""


@dataclass(frozen=True, slots=True)
class CustomerDataConcerned(OtherEvent):
    """The customer changed, withdrew or cancelled what we may know of them."""

    wish: DataWish = "refresh"


What = CustomerMessage | Followed | Unfollowed | OtherEvent
"""`MenuUsed` and `CustomerDataConcerned` are `OtherEvent`s that say more."""


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
    mode: str | None = None
    """How the request was protected, where the kind has several ways: one of those its credential `mode` names."""


@dataclass(frozen=True, slots=True)
class AddressVerified:
    """The provider asked whether the address is ours; answer `body` literally."""

    body: bytes


# ---------------------------------------------------------------- what goes out


@dataclass(frozen=True, slots=True)
class MediaFile:
    """The bytes of a file, with the type of its real content and a name that fits it."""

    content: bytes
    media_type: str
    name: str


class MediaSource(Protocol):
    """Where a connector gets a file to send from, without knowing any table or store."""

    async def file(self) -> MediaFile:
        """Return the file itself."""
        ...

    async def external_id(self) -> str | None:
        """Return what the provider called it when it was uploaded there, while that holds; else None."""
        ...

    async def keep_external_id(self, external_media_id: str) -> None:
        """Remember what the provider calls it, so that a repetition need not upload it again."""
        ...


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message to hand over to one customer. `media` is there where the content is a file."""

    external_customer_id: str
    content: Content
    media: MediaSource | None = None
    poster: MediaSource | None = None
    """Of a video: the picture that stands for it."""
    message_id: UUID | None = None
    """Ours, the same at every try. None where the message is in no thread."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider took the message. `external_message_id` where it tells one."""

    external_message_id: str | None = None


@dataclass(frozen=True, slots=True)
class WireReply:
    """The HTTP answer to a push."""

    body: bytes
    content_type: str


# ---------------------------------------------------------------- the kinds


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

        `reply_context` is empty, `uncovered` and `mode` are None. Raises MalformedInput or UnsupportedInput.
        """
        ...

    def acknowledge(self) -> WireReply:
        """Return the answer that says: taken, nothing to show."""
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


class AnswersRequests(Protocol):
    """The request of a push can carry an answer to the customer."""

    def passive_reply(self, *, inbound: Inbound, content: Content, now: datetime) -> bytes | None:
        """Return the plaintext of `content` as the answer to `inbound`, or None where it cannot be said so."""
        ...

    def seal_reply(
        self, *, credentials: Mapping[str, str], reply: bytes, context: Mapping[str, str], now: datetime
    ) -> WireReply:
        """Return `reply` as the HTTP answer to the request that `context` came from."""
        ...


class IssuesTokens(Protocol):
    """The kind works with tokens that the provider issues against the channel's credentials."""

    async def issue_token(self, *, credentials: Mapping[str, str], force: bool, deadline: float) -> IssuedToken:
        """Ask the provider for a token; `force` makes it throw the current one away. Raises a provider failure."""
        ...


class FetchesMedia(Protocol):
    """The kind can get the files that customers sent."""

    async def fetch_media(self, endpoint: Endpoint, media: Media, *, most_bytes: int, deadline: float) -> bytes:
        """Return the bytes of a file as the provider gives them; what they really are is for the caller to find out.

        Raises a provider failure. Refused with `media_gone` means that it is not there any more, with `too_large` that
        it has more than `most_bytes`.
        """
        ...


class ShowsTyping(Protocol):
    """The kind can show the customer that somebody is writing."""

    async def show_typing(self, endpoint: Endpoint, *, external_customer_id: str, deadline: float) -> None:
        """Show it for the provider's usual time. Raises a provider failure."""
        ...

    async def hide_typing(self, endpoint: Endpoint, *, external_customer_id: str, deadline: float) -> None:
        """Show it no longer. Raises a provider failure."""
        ...
