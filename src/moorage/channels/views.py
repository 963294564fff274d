"""What the API and the event log say about channels."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from moorage.channels.model import AccountType, Channel, ChannelSettings, ChannelState, DockedBy, SettingsPart
from moorage.connectors.authorization import PermissionSet, PlatformManifest
from moorage.connectors.manifest import CredentialField, Manifest
from moorage.infra.database import Fact

Words = Mapping[str, Mapping[str, str]]
"""Locale -> key -> text, as `connectors/strings.py` reads them."""


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ChoicesLimitsView(_View):
    """How large a menu of choices may be, in bytes of UTF-8."""

    most_items: int
    most_item_bytes: int
    most_words_bytes: int


class NewsLimitsView(_View):
    """How large a news card may be, in bytes of UTF-8."""

    most_title_bytes: int
    most_description_bytes: int
    most_url_bytes: int


class CapabilitiesView(_View):
    """What can be done on a channel of the kind."""

    max_text_bytes: int
    sendable: list[str]
    passive_reply: bool
    menu: bool
    """The account can show a menu that is published from here."""
    follow_reply: bool
    """The account learns who follows it, and can say something to them."""
    recognises_visitors: bool
    """The provider tells who opens a page, so that the company can say whom it knows."""
    sends_only_if_verified: bool
    """An account that its provider has not verified can only answer."""
    choices: ChoicesLimitsView | None
    """Null where `sendable` has none."""
    news: NewsLimitsView | None

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        """Return the view of a kind's capabilities."""
        return cls(
            max_text_bytes=manifest.max_text_bytes,
            sendable=sorted(manifest.sendable),
            passive_reply=manifest.passive_reply,
            menu=manifest.menu is not None,
            follow_reply=manifest.tells_of_followers,
            recognises_visitors=manifest.recognises_visitors,
            sends_only_if_verified=manifest.sends_only_if_verified,
            choices=None if manifest.choices is None else ChoicesLimitsView(**asdict(manifest.choices)),
            news=None if manifest.news is None else NewsLimitsView(**asdict(manifest.news)),
        )


class ChannelHealthView(_View):
    """The worst that is known of a channel, from its last look: which check, and why."""

    state: Literal["ok", "warning", "failing"]
    check: str | None
    reason: str | None


class ChannelView(_View):
    """One docked channel. Credentials are never part of it."""

    id: UUID
    kind: str
    external_id: str
    name: str
    account_type: AccountType | None
    verified: bool | None
    state: ChannelState
    state_reason: str | None
    callback_url: str
    docked_at: datetime
    last_message_at: datetime | None
    server_verified_at: datetime | None
    settings: ChannelSettings
    capabilities: CapabilitiesView
    docked_by: DockedBy
    state_reasons: list[str]
    """Every reason for the state, the one that brought it about first."""
    external_account_id: str | None
    account_name: str | None
    principal_name: str | None
    avatar_url: str | None
    authorized_at: datetime | None
    undocked_at: datetime | None
    health: ChannelHealthView | None
    """None before the first look."""
    version: int


class ChannelsView(_View):
    """A page of the channels of a workspace, in the order they were docked."""

    items: list[ChannelView]
    next_cursor: str | None
    counts: dict[ChannelState, int] | None
    """How many of the channels that the query finds are in each state; with the first page only."""


class ChannelChangedView(_View):
    """What everybody in the workspace is told when a channel changes. The rest is read anew by who needs it."""

    id: UUID
    kind: str
    name: str
    state: ChannelState
    state_reason: str | None
    state_reasons: list[str]
    avatar_url: str | None
    verified: bool | None
    server_verified_at: datetime | None
    version: int


def avatar_url(channel: Channel) -> str | None:
    """Return where the account's picture is served, another address for each picture; None without one."""
    if channel.avatar_blob_id is None:
        return None
    return f"/api/channels/{channel.id}/avatar?v={channel.avatar_blob_id}"


def channel_changed(channel: Channel) -> Fact:
    """Return the fact that `channel` is new or has changed."""
    view = ChannelChangedView(
        id=channel.id,
        kind=channel.kind,
        name=channel.name,
        state=channel.state,
        state_reason=channel.state_reason,
        state_reasons=list(channel.state_reasons),
        avatar_url=avatar_url(channel),
        verified=channel.verified,
        server_verified_at=channel.server_verified_at,
        version=channel.version,
    )
    return Fact(
        topic="channel.changed",
        object_id=channel.id,
        version=channel.version,
        audience=("all",),
        payload=view.model_dump(mode="json"),
    )


class TextView(_View):
    """One text in both languages of the console."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)

    zh_cn: str = Field(alias="zh-CN")
    en: str

    @classmethod
    def of(cls, words: Words, key: str) -> Self:
        """Return the text of `key`."""
        return cls.model_validate({locale: texts[key] for locale, texts in words.items()})


class CredentialFieldView(_View):
    """One field of the docking form. `mismatch` says what is wrong with a value that `pattern` does not match."""

    name: str
    pattern: str
    secret: bool
    example: str
    default: str | None
    label: TextView
    help: TextView
    mismatch: TextView

    @classmethod
    def of(cls, field: CredentialField, words: Words, *, under: str = "field") -> Self:
        """Return the view of `field`, whose texts stand `under` that key."""
        return cls(
            name=field.name,
            pattern=field.pattern,
            secret=field.secret,
            example=field.example,
            default=field.default,
            label=TextView.of(words, f"{under}.{field.name}.label"),
            help=TextView.of(words, f"{under}.{field.name}.help"),
            mismatch=TextView.of(words, f"{under}.{field.name}.mismatch"),
        )


class BudgetRuleView(_View):
    """How many messages may be sent after one act of the customer, and for how long."""

    most: int
    lasts_s: int


class PermissionSetView(_View):
    """One set of rights that an account may grant: what we use it for, what granting it changes elsewhere."""

    id: int
    name_key: str
    required: bool
    name: TextView
    use: TextView
    effect: TextView
    without: TextView

    @classmethod
    def of(cls, permission: PermissionSet, words: Words) -> Self:
        """Return the view of `permission`."""
        key = f"permission.{permission.name}"
        return cls(
            id=permission.id,
            name_key=permission.name,
            required=permission.required,
            **{part: TextView.of(words, f"{key}.{part}") for part in ("name", "use", "effect", "without")},
        )


class PreconditionView(_View):
    """What must be at hand before an account is docked."""

    key: str
    text: TextView


class AuthorizationView(_View):
    """Whether accounts of the kind can be docked by authorizing our platform now, and what that takes."""

    available: bool
    reason: Literal["not_configured", "no_ticket"] | None
    permission_sets: list[PermissionSetView]
    preconditions: list[PreconditionView]

    @classmethod
    def of(
        cls, manifest: PlatformManifest, words: Words, reason: Literal["not_configured", "no_ticket"] | None
    ) -> Self:
        """Return the view of a kind's platform; `reason` says why it cannot be used now."""
        return cls(
            available=reason is None,
            reason=reason,
            permission_sets=[PermissionSetView.of(permission, words) for permission in manifest.permission_sets],
            preconditions=[
                PreconditionView(key=key, text=TextView.of(words, f"precondition.{key}"))
                for key in manifest.preconditions
            ],
        )


class ChannelKindView(_View):
    """One kind of channel that can be docked."""

    kind: str
    name: TextView
    credential_fields: list[CredentialFieldView]
    optional_credential_fields: list[CredentialFieldView]
    capabilities: CapabilitiesView
    budget_presets: dict[str, dict[str, BudgetRuleView]]
    default_preset: str | None
    reasons: dict[str, TextView]
    """What each reason of the kind (of a failed delivery, a failing channel, a check, an attempt to dock) means."""
    dockable: bool
    """It can be added here. One that cannot is listed for the words and abilities of its channels."""
    authorization: AuthorizationView | None
    """None for a kind that is docked by credentials only."""

    @classmethod
    def of(cls, manifest: Manifest, words: Words, authorization: AuthorizationView | None = None) -> Self:
        """Return the view of a kind."""
        reasons = sorted(key.removeprefix("reason.") for key in words["en"] if key.startswith("reason."))
        return cls(
            kind=manifest.kind,
            name=TextView.of(words, "kind"),
            credential_fields=[CredentialFieldView.of(field, words) for field in manifest.credential_fields],
            optional_credential_fields=[
                CredentialFieldView.of(field, words) for field in manifest.optional_credential_fields
            ],
            capabilities=CapabilitiesView.of(manifest),
            budget_presets={
                name: {
                    trigger: BudgetRuleView(most=rule.most, lasts_s=int(rule.lasts.total_seconds()))
                    for trigger, rule in rules.items()
                }
                for name, rules in manifest.budget_presets.items()
            },
            default_preset=manifest.default_preset,
            reasons={reason: TextView.of(words, f"reason.{reason}") for reason in reasons},
            dockable=manifest.dockable,
            authorization=authorization,
        )


class ChannelKindsView(_View):
    """The kinds of channels there are."""

    items: list[ChannelKindView]


class CallbackAddressView(_View):
    """The address to enter at the provider."""

    callback_url: str


class CopiedView(_View):
    """A channel to which settings were copied, and the parts that were not so already."""

    channel_id: UUID
    name: str
    parts: list[SettingsPart]
    version: int


class SettingsCopiedView(_View):
    """The channels that copying has changed."""

    changed: list[CopiedView]
