"""WeChat's return codes as the failures that the rest of the product knows.

Source: WeChat Official Account docs, "Global return codes", and the pages of the calls themselves.
"""

import re
from collections.abc import Mapping
from datetime import timedelta

from moorage.connectors.authorization import DockingReason, PlatformReason
from moorage.connectors.examining import HealthReason
from moorage.connectors.failures import (
    AddressNotAllowed,
    ChannelReason,
    CredentialsInvalid,
    CredentialsReason,
    PermissionMissing,
    ProviderFailure,
    RefusalReason,
    Refused,
    TokenRefused,
    TryLater,
)
from moorage.connectors.wechat_oa.permissions import PLATFORM_MANIFEST, missing_reason

BUSY_FOR = timedelta(seconds=2)
"""How long to leave WeChat alone after -1, "system busy"."""
MINUTE_LIMIT_FOR = timedelta(seconds=20)
"""After 45011: a new minute has begun after three such waits at the latest."""

TOKEN_CODES = frozenset({40001, 40014, 42001})
"""The token was superseded, is unknown, or too old. Asked for a token, 40001 means the secret instead."""

_CREDENTIALS: Mapping[int, str] = {
    40013: "invalid_appid",
    40125: CredentialsReason.INVALID_SECRET,
    40243: "secret_frozen",
    41002: "invalid_appid",
    41004: CredentialsReason.INVALID_SECRET,
    42007: CredentialsReason.AUTHORIZATION_GONE,
    50004: "account_frozen",
    50007: "account_frozen",
    61003: CredentialsReason.AUTHORIZATION_GONE,
    61023: CredentialsReason.AUTHORIZATION_GONE,
    61024: "belongs_to_platform",
    89501: "address_awaits_confirmation",
    89503: "address_awaits_confirmation",
    89506: "address_refused_by_admin",
    89507: "address_refused_by_admin",
}
_REFUSALS: Mapping[int, str] = {
    40003: RefusalReason.UNKNOWN_CUSTOMER,
    40004: RefusalReason.FORMAT_REFUSED,
    40005: RefusalReason.FORMAT_REFUSED,
    40006: RefusalReason.TOO_LARGE,
    40007: RefusalReason.MEDIA_GONE,
    40009: RefusalReason.TOO_LARGE,
    40010: RefusalReason.TOO_LARGE,
    40011: RefusalReason.TOO_LARGE,
    40012: RefusalReason.TOO_LARGE,
    40039: RefusalReason.TOO_LONG,
    40048: RefusalReason.LINK_REFUSED,
    40066: RefusalReason.LINK_REFUSED,
    40113: RefusalReason.FORMAT_REFUSED,
    40121: RefusalReason.MEDIA_GONE,
    40137: RefusalReason.FORMAT_REFUSED,
    41005: RefusalReason.EMPTY,
    43004: RefusalReason.NOT_FOLLOWING,
    43019: RefusalReason.CUSTOMER_BLACKLISTED,
    44001: RefusalReason.EMPTY,
    44003: RefusalReason.EMPTY,
    44004: RefusalReason.EMPTY,
    45001: RefusalReason.TOO_LARGE,
    45002: RefusalReason.TOO_LONG,
    45003: RefusalReason.TOO_LONG,
    45004: RefusalReason.TOO_LONG,
    45005: RefusalReason.TOO_LONG,
    45006: RefusalReason.TOO_LONG,
    45008: RefusalReason.TOO_LONG,
    45009: RefusalReason.DAILY_LIMIT,
    45015: RefusalReason.WINDOW_CLOSED,
    45047: RefusalReason.BUDGET_SPENT,
    45080: "no_recent_interaction",
    45081: "already_typing",
    48006: HealthReason.QUOTA_RESETS_USED,
    45087: RefusalReason.SENDING_FORBIDDEN,
    45094: RefusalReason.SENDING_FORBIDDEN,
    45098: RefusalReason.TOO_LONG,
    45099: RefusalReason.TOO_LONG,
    46001: RefusalReason.MEDIA_GONE,
    48001: RefusalReason.API_NOT_ALLOWED,
    48002: RefusalReason.CUSTOMER_BLOCKS,
    48004: RefusalReason.SENDING_FORBIDDEN,
    48008: RefusalReason.KIND_NOT_SENDABLE,
    61007: RefusalReason.PERMISSION_MISSING,
}
_NOT_LISTED_ADDRESS = re.compile(r"ip:? ?([0-9A-Fa-f.:]{3,45})", re.IGNORECASE)

_ADDRESS_CODES = frozenset({40164, 61004})
"""This server's address is not on the list: the account's own, or for 61004 that of the platform."""
_PLATFORM_TOKEN_CODES = TOKEN_CODES | {42006, 61014}
"""The platform's own token is too old or unknown."""
_PLATFORM_CREDENTIALS: Mapping[int, str] = {
    40013: "platform_appid_invalid",
    40030: CredentialsReason.AUTHORIZATION_GONE,
    40091: "ticket_refused",
    40094: "platform_secret_invalid",
    40125: "platform_secret_invalid",
    41003: CredentialsReason.AUTHORIZATION_GONE,
    41004: "platform_secret_invalid",
    42002: CredentialsReason.AUTHORIZATION_GONE,
    42007: CredentialsReason.AUTHORIZATION_GONE,
    61000: "platform_appid_invalid",
    61001: "platform_appid_invalid",
    61003: CredentialsReason.AUTHORIZATION_GONE,
    61005: "ticket_refused",
    61006: "ticket_refused",
    61011: "platform_appid_invalid",
    61023: CredentialsReason.AUTHORIZATION_GONE,
    61028: "platform_unpublished",
    61029: "platform_unpublished",
}
_PLATFORM_REFUSALS: Mapping[int, str] = {
    40029: PlatformReason.CODE_INVALID,
    40163: PlatformReason.CODE_INVALID,
    42003: PlatformReason.CODE_EXPIRED,
    45009: "platform_daily_limit",
    61007: RefusalReason.PERMISSION_MISSING,
    61009: PlatformReason.CODE_INVALID,
    61010: PlatformReason.CODE_EXPIRED,
}
PLATFORM_ADDRESS_NOT_ALLOWED = "platform_address_not_allowed"

REASONS = frozenset(str(reason) for reason in (*_CREDENTIALS.values(), *_REFUSALS.values())) | {
    str(reason)
    for reason in (
        *(*RefusalReason, *CredentialsReason, *ChannelReason, *PlatformReason, *DockingReason, *HealthReason),
        *(*_PLATFORM_CREDENTIALS.values(), *_PLATFORM_REFUSALS.values(), PLATFORM_ADDRESS_NOT_ALLOWED),
        *(permission.missing_reason for permission in PLATFORM_MANIFEST.permission_sets if permission.required),
    )
}
"""Every reason that a channel of this kind can show; each has its sentence in `strings/`."""


def failure_of_token_call(*, errcode: int, detail: str) -> ProviderFailure:
    """Return what a failed attempt to get a token means."""
    if errcode == 40001:
        return CredentialsInvalid(external_code=errcode, detail=detail, reason=CredentialsReason.INVALID_SECRET)
    return failure_of(errcode=errcode, detail=detail)


def failure_of(*, errcode: int, detail: str, needs: int | None = None) -> ProviderFailure:
    """Return what WeChat's `errcode` means for the call that it answers.

    `needs` is the permission set that lets a platform make that call; WeChat's refusal does not name it.
    """
    if errcode == -1:
        return TryLater(external_code=errcode, detail=detail, retry_after=BUSY_FOR)
    if errcode == 45011:
        return TryLater(external_code=errcode, detail=detail, retry_after=MINUTE_LIMIT_FOR)
    if errcode in TOKEN_CODES:
        return TokenRefused(external_code=errcode, detail=detail, reason=CredentialsReason.TOKEN_REFUSED)
    if errcode in _ADDRESS_CODES:
        reason = CredentialsReason.ADDRESS_NOT_ALLOWED if errcode == 40164 else PLATFORM_ADDRESS_NOT_ALLOWED
        return _address_not_allowed(errcode=errcode, detail=detail, reason=reason)
    if reason := _CREDENTIALS.get(errcode):
        return CredentialsInvalid(external_code=errcode, detail=detail, reason=reason)
    return _refusal(errcode=errcode, detail=detail, needs=needs)


def _refusal(*, errcode: int, detail: str, needs: int | None) -> Refused:
    reason = _REFUSALS.get(errcode, RefusalReason.OTHER)
    if reason != RefusalReason.PERMISSION_MISSING or needs is None:
        return Refused(external_code=errcode, detail=detail, reason=reason)
    return PermissionMissing(external_code=errcode, detail=detail, reason=reason, missing_reason=missing_reason(needs))


def failure_of_platform_call(*, errcode: int, detail: str) -> ProviderFailure:
    """Return what WeChat's `errcode` means for a call of the platform itself."""
    if errcode in _PLATFORM_TOKEN_CODES:
        return TokenRefused(external_code=errcode, detail=detail, reason=CredentialsReason.TOKEN_REFUSED)
    if errcode in _ADDRESS_CODES:
        return _address_not_allowed(errcode=errcode, detail=detail, reason=PLATFORM_ADDRESS_NOT_ALLOWED)
    if reason := _PLATFORM_CREDENTIALS.get(errcode):
        return CredentialsInvalid(external_code=errcode, detail=detail, reason=reason)
    if reason := _PLATFORM_REFUSALS.get(errcode):
        return Refused(external_code=errcode, detail=detail, reason=reason)
    return failure_of(errcode=errcode, detail=detail)


def _address_not_allowed(*, errcode: int, detail: str, reason: str) -> AddressNotAllowed:
    """WeChat names the address it saw, which is the one that the admin must add to the list."""
    found = _NOT_LISTED_ADDRESS.search(detail)
    return AddressNotAllowed(external_code=errcode, detail=detail, reason=reason, address=found[1] if found else "")
