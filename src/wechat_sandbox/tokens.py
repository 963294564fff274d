"""Access tokens: how they are issued, superseded and judged."""

from typing import Protocol

from wechat_sandbox import identifiers
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.model import Account, IssuedToken, TokenSource

LIFETIME_S = 7200
OVERLAP_S = 300
"""How long a superseded token lives on, and how near its end a stable one is replaced."""
FORCED_REFRESH_GAP_S = 30
_REMEMBERED = 50
"""Dead tokens kept per account, so that they are called superseded or expired and not unknown."""


class TokenHolder(Protocol):
    """An account, a platform or an authorization."""

    tokens: list[IssuedToken]


def issue_overlapping(holder: TokenHolder, *, source: TokenSource, now_s: float) -> IssuedToken:
    """Return a new token; the previous ones of the same source live five more minutes at most."""
    end_tokens(holder, source=source, at=now_s + OVERLAP_S)
    return _remember_new(holder, source=source, now_s=now_s)


def end_tokens(holder: TokenHolder, *, source: TokenSource, at: float) -> None:
    """Let the tokens of a source die at this instant, unless they die before."""
    for token in holder.tokens:
        if token.source == source:
            token.valid_until = min(token.valid_until, at)


def issue_stable(account: Account, *, now_s: float) -> IssuedToken:
    """Return the stable token, a new one when the present one is in its last five minutes."""
    current = _current_stable(account, now_s=now_s)
    if current is not None and current.expires_at - now_s >= OVERLAP_S:
        return current
    return _remember_new(account, source="stable", now_s=now_s)


def refresh_stable(account: Account, *, now_s: float) -> IssuedToken:
    """Return a new stable token and end the previous at once.

    A refresh within 30 s of the one before changes nothing and returns the present token.
    """
    if account.forced_refresh_at is not None and now_s - account.forced_refresh_at < FORCED_REFRESH_GAP_S:
        return issue_stable(account, now_s=now_s)
    account.forced_refresh_at = now_s
    end_tokens(account, source="stable", at=now_s)
    return _remember_new(account, source="stable", now_s=now_s)


def check_token(token: IssuedToken, *, now_s: float) -> None:
    """Return if the token is good now. Raises ApiRefusal 42001 (old age) or 40001 (superseded)."""
    if now_s >= token.expires_at:
        raise ApiRefusal(42001)
    if now_s >= token.valid_until:
        raise ApiRefusal(40001)


def _current_stable(account: Account, *, now_s: float) -> IssuedToken | None:
    living = [token for token in account.tokens if token.source == "stable" and now_s < token.valid_until]
    return max(living, key=lambda token: token.expires_at, default=None)


def _remember_new(holder: TokenHolder, *, source: TokenSource, now_s: float) -> IssuedToken:
    token = IssuedToken(
        value=identifiers.new_access_token(),
        source=source,
        expires_at=now_s + LIFETIME_S,
        valid_until=now_s + LIFETIME_S,
    )
    dead = [old for old in holder.tokens if now_s >= old.valid_until]
    living = [old for old in holder.tokens if now_s < old.valid_until]
    holder.tokens = [*dead[-_REMEMBERED:], *living, token]
    return token
