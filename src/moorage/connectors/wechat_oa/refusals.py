"""WeChat's return codes as the failures that the rest of the product knows.

Source: WeChat Official Account docs, "Global return codes", and the pages of the calls themselves.
"""

import re
from collections.abc import Mapping
from datetime import timedelta

from moorage.connectors.contract import (
    AddressNotAllowed,
    ChannelReason,
    CredentialsInvalid,
    CredentialsReason,
    ProviderFailure,
    RefusalReason,
    Refused,
    TokenRefused,
    TryLater,
)

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
    40007: "media_gone",
    43004: RefusalReason.NOT_FOLLOWING,
    43019: RefusalReason.CUSTOMER_BLACKLISTED,
    44004: RefusalReason.EMPTY,
    45002: RefusalReason.TOO_LONG,
    45009: RefusalReason.DAILY_LIMIT,
    45015: RefusalReason.WINDOW_CLOSED,
    45047: RefusalReason.BUDGET_SPENT,
    45080: "no_recent_interaction",
    45081: "already_typing",
    45087: RefusalReason.SENDING_FORBIDDEN,
    45094: RefusalReason.SENDING_FORBIDDEN,
    48001: RefusalReason.API_NOT_ALLOWED,
    48002: RefusalReason.CUSTOMER_BLOCKS,
    48004: RefusalReason.SENDING_FORBIDDEN,
    48008: RefusalReason.KIND_NOT_SENDABLE,
    61007: RefusalReason.PERMISSION_MISSING,
}
_NOT_LISTED_ADDRESS = re.compile(r"invalid ip ([0-9A-Fa-f.:]{3,45})")

REASONS = frozenset(str(reason) for reason in (*_CREDENTIALS.values(), *_REFUSALS.values())) | {
    str(reason) for reason in (*RefusalReason, *CredentialsReason, *ChannelReason)
}
"""Every reason that a channel of this kind can show; each has its sentence in `strings/`."""


def failure_of_token_call(*, errcode: int, detail: str) -> ProviderFailure:
    """Return what a failed attempt to get a token means."""
    if errcode == 40001:
        return CredentialsInvalid(external_code=errcode, detail=detail, reason=CredentialsReason.INVALID_SECRET)
    return failure_of(errcode=errcode, detail=detail)


def failure_of(*, errcode: int, detail: str) -> ProviderFailure:
    """Return what WeChat's `errcode` means for the call that it answers."""
    if errcode == -1:
        return TryLater(external_code=errcode, detail=detail, retry_after=BUSY_FOR)
    if errcode == 45011:
        return TryLater(external_code=errcode, detail=detail, retry_after=MINUTE_LIMIT_FOR)
    if errcode in TOKEN_CODES:
        return TokenRefused(external_code=errcode, detail=detail, reason=CredentialsReason.TOKEN_REFUSED)
    if errcode == 40164:
        return _address_not_allowed(detail=detail)
    if reason := _CREDENTIALS.get(errcode):
        return CredentialsInvalid(external_code=errcode, detail=detail, reason=reason)
    return Refused(external_code=errcode, detail=detail, reason=_REFUSALS.get(errcode, RefusalReason.OTHER))


def _address_not_allowed(*, detail: str) -> AddressNotAllowed:
    """WeChat names the address it saw, which is the one that the admin must add to the list."""
    found = _NOT_LISTED_ADDRESS.search(detail)
    return AddressNotAllowed(
        external_code=40164,
        detail=detail,
        reason=CredentialsReason.ADDRESS_NOT_ALLOWED,
        address=found[1] if found else "",
    )
