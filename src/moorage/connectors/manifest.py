"""What a kind of channel can do, as data that features and console read; nobody asks for the kind's name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


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
class MediaLimits:
    """What a file may be to be sent. `media_types` are those of its real content; none are named where any will do."""

    most_bytes: int
    media_types: frozenset[str]
    most_upload_bytes: int = 20 * 1024 * 1024
    """What we take to make such a file of. A telephone's largest pictures have about as many."""
    most_s: float | None = None
    """How long one may play."""


MOST_LINKED_BYTES = 50 * 1024 * 1024
LINKED_FILES = MediaLimits(most_bytes=MOST_LINKED_BYTES, media_types=frozenset(), most_upload_bytes=MOST_LINKED_BYTES)
"""Of files that go out as a link to a page of ours: what a phone loads in a moment, and a server sends many times."""
CARD_PICTURES = MediaLimits(most_bytes=512 * 1024, media_types=frozenset({"image/png", "image/jpeg"}))
"""Of a card's picture that lies with us: what every chat shows, and as much as a small picture needs."""


@dataclass(frozen=True, slots=True)
class ChoicesLimits:
    """How large a menu of choices may be that can be tapped. Bytes are those of UTF-8."""

    most_items: int
    most_item_bytes: int
    most_words_bytes: int
    """Of the question above the choices, and of what stands below them."""


@dataclass(frozen=True, slots=True)
class NewsLimits:
    """How large a card may be that leads to a page. Bytes are those of UTF-8."""

    most_title_bytes: int
    most_description_bytes: int
    most_url_bytes: int


@dataclass(frozen=True, slots=True)
class MenuLimits:
    """How large a menu may be. Bytes are those of UTF-8."""

    most_items: int
    most_sub_items: int
    most_name_bytes: int
    most_sub_name_bytes: int
    most_key_bytes: int
    most_url_bytes: int
    shown_name_characters: int
    """About how many wide characters of a name a phone draws before it cuts it off."""
    shown_sub_name_characters: int
    own_kinds: frozenset[str]
    """The provider's own names of kinds that can be published as they are, beside those of `menus.ButtonKind`."""
    platforms: tuple[str, ...]
    """The client platforms that a conditional menu can be for."""
    languages: tuple[str, ...]
    app_id_pattern: str
    """What the id of a mini program looks like."""
    seen_within_s: int
    """How long it takes at most until customers see what was published."""


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
    """The request of a push can carry an answer: the kind has the power `AnswersRequests`."""
    verifies_address: bool
    """The provider asks by GET whether the address is ours before it pushes there."""
    budget_presets: Mapping[str, Mapping[str, BudgetRule]]
    """Preset name -> trigger (`message`, `menu`, `scan`, `follow`) -> rule. Empty: the provider sets no limit."""
    default_preset: str | None
    dockable: bool = True
    """An admin can dock an account of this kind in the console."""
    optional_credential_fields: tuple[CredentialField, ...] = ()
    secrets_for_calls: frozenset[str] = frozenset()
    """Credentials that only calls to the provider need. They are not kept where pushes are verified."""
    sends_only_if_verified: bool = False
    """An account that the provider has not verified can answer its customers' requests, and send nothing else."""
    sendable_media: Mapping[str, MediaLimits] = field(default_factory=dict[str, MediaLimits])
    """For each kind of content in `sendable` that is a file: what it may be."""
    fetchable_media: Mapping[str, int] = field(default_factory=dict[str, int])
    """Kinds of files that customers send and the provider gives out, and how many bytes of one we take at most."""
    media_kept_for: timedelta = timedelta()
    """How long the provider keeps files, those of customers and those that we upload."""
    drops_repetitions: bool = False
    """A message that is handed over twice arrives once: the other side knows it by our id. So what may have arrived can
    be handed over again."""
    tells_of_followers: bool = False
    """The provider tells when a customer begins to follow the account."""
    choices: ChoicesLimits | None = None
    """Of choices that can be tapped, where `sendable` has them."""
    news: NewsLimits | None = None
    """Of cards, where `sendable` has them."""
    card_pictures: MediaLimits = CARD_PICTURES
    """What a card's picture is made to be when it is uploaded."""
    menu: MenuLimits | None = None
    """How large a menu of the account may be. None: the kind has no menus."""
    most_remark_characters: int = 30
    """Of a customer's remark name, so that the provider takes it too."""
    recognises_visitors: bool = False
    """The provider's pages tell who opens ours: the kind has the power `RecognisesVisitors`."""
