"""Links by which a company says who somebody is: one canonical form, signed with a secret of the channel. Pure.

The form, its examples and a test vector stand in `docs/reference/identity-links.md`; decision 0011 says why it is so.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final, Literal
from urllib.parse import quote

from moorage.core.errors import DomainError

USER, EXPIRES, CUSTOMER, SIGNATURE = "user", "expires", "customer", "signature"
RESERVED: Final = frozenset({USER, EXPIRES, CUSTOMER, SIGNATURE})
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
MOST_USER_CHARACTERS = 128
MOST_VALUE_CHARACTERS = 200
MOST_CUSTOMER_CHARACTERS = 1000
MOST_PARAMETERS = 40
LONGEST_LIFE = timedelta(days=7)
"""A link that is good for longer is refused: whoever finds it could say that they are somebody else."""
_EXPIRES = re.compile(r"[0-9]{1,11}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")

LinkFault = Literal["invalid", "incomplete", "expired", "lasts_too_long"]


@dataclass(eq=False)
class IdentityLinkRefused(DomainError):
    """A company's link does not say who somebody is: changed, made with another secret, incomplete, or too old."""

    code: ClassVar[str] = "customers.identity_link_refused"
    kind: ClassVar[str] = "malformed"
    reason: LinkFault


@dataclass(frozen=True, slots=True)
class IdentityLink:
    """What a genuine link says. `digest` tells it from every other one."""

    user_id: str
    attributes: Mapping[str, str]
    expires_at: datetime
    customer_token: str | None
    digest: bytes


def canonical(parameters: Mapping[str, str]) -> str:
    """Return what is signed: `name=value` in the order of the names, joined by `&`, percent-encoded as RFC 3986 says.

    Everything but letters, digits and `-._~` is encoded, in UTF-8 and with capital digits. `signature` is left out.
    """
    named = sorted((name, value) for name, value in parameters.items() if name != SIGNATURE)
    return "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in named)


def sign(parameters: Mapping[str, str], *, secret: str) -> str:
    """Return the signature of a link: HMAC-SHA256 over its canonical form, in 64 lowercase hexadecimal digits."""
    return hmac.new(secret.encode(), canonical(parameters).encode(), hashlib.sha256).hexdigest()


def read_link(
    query: Sequence[tuple[str, str]], *, secrets: Sequence[str], allowed: AbstractSet[str], now: datetime
) -> IdentityLink:
    """Return what a link's parameters say, the signature checked first. Raises IdentityLinkRefused.

    `secrets` are those that count now. Attributes that the channel does not allow are left out.
    """
    parameters = dict(query)
    if len(parameters) != len(query) or len(query) > MOST_PARAMETERS:
        raise IdentityLinkRefused(reason="invalid")
    _check_signature(parameters, secrets=secrets)
    expires_at = _expires_at(parameters)
    user_id = parameters.get(USER, "").strip()
    if not user_id or len(user_id) > MOST_USER_CHARACTERS or not user_id.isprintable():
        raise IdentityLinkRefused(reason="incomplete")
    if now >= expires_at:
        raise IdentityLinkRefused(reason="expired")
    if expires_at > now + LONGEST_LIFE:
        raise IdentityLinkRefused(reason="lasts_too_long")
    return IdentityLink(
        user_id=user_id,
        attributes=_attributes(parameters, allowed=allowed),
        expires_at=expires_at,
        customer_token=parameters.get(CUSTOMER) or None,
        digest=hashlib.sha256(canonical(parameters).encode()).digest(),
    )


def _check_signature(parameters: Mapping[str, str], *, secrets: Sequence[str]) -> None:
    given = parameters.get(SIGNATURE, "")
    try:
        signatures = [sign(parameters, secret=secret) for secret in secrets]
    except UnicodeEncodeError as error:
        raise IdentityLinkRefused(reason="invalid") from error
    matches = [hmac.compare_digest(given.encode("utf-8", "replace"), one.encode()) for one in signatures]
    if not _SIGNATURE.fullmatch(given) or not any(matches):
        raise IdentityLinkRefused(reason="invalid")


def _expires_at(parameters: Mapping[str, str]) -> datetime:
    seconds = parameters.get(EXPIRES, "")
    if not _EXPIRES.fullmatch(seconds):
        raise IdentityLinkRefused(reason="incomplete")
    return datetime.fromtimestamp(int(seconds), UTC)


def _attributes(parameters: Mapping[str, str], *, allowed: AbstractSet[str]) -> Mapping[str, str]:
    kept: dict[str, str] = {}
    for name in sorted(parameters.keys() & allowed - RESERVED):
        readable = "".join(one if one.isprintable() else " " for one in parameters[name])
        if value := readable.strip()[:MOST_VALUE_CHARACTERS]:
            kept[name] = value
    return kept


def _encoded(text: str) -> str:
    return quote(text, safe="", encoding="utf-8", errors="strict")
