"""Accounts granted to platforms: granting, exchanging codes, renewing tokens, changing and revoking."""

from wechat_sandbox import identifiers, tokens
from wechat_sandbox.components.permissions import EXCLUSIVE, grantable_sets
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.model import (
    Account,
    Authorization,
    AuthorizationCode,
    Component,
    IssuedToken,
    PreAuthCode,
    Push,
)
from wechat_sandbox.world import Sandbox

CODE_LIFETIME_S = 600.0
_CODES_KEPT = 2000


class PreAuthCodeRefused(Exception):
    """The pre-auth code is unknown, used or old; its text says which."""


class SetsRefused(Exception):
    """A set is not among those that the platform asks for and the account can grant, or none is left."""


class AccountRefused(Exception):
    """The account cannot be granted to this platform."""


class NotAuthorized(Exception):
    """The account is not granted to the platform."""


def new_pre_auth_code(component: Component, *, now_s: float) -> PreAuthCode:
    """Return a new pre-auth code."""
    code = PreAuthCode(value=identifiers.new_pre_auth_code(), expires_at=now_s + component.pre_auth_expires_in)
    _forget_oldest(component.pre_auth_codes)
    component.pre_auth_codes[code.value] = code
    return code


def usable_pre_auth_code(component: Component, *, value: str, now_s: float) -> PreAuthCode:
    """Return the code if an authorization can still begin with it. Raises PreAuthCodeRefused."""
    code = component.pre_auth_codes.get(value)
    if code is None:
        raise PreAuthCodeRefused("invalid")
    if code.used:
        raise PreAuthCodeRefused("used")
    if now_s >= code.expires_at:
        raise PreAuthCodeRefused("expired")
    return code


def standing(component: Component, account_appid: str) -> Authorization | None:
    """Return the account's grant to the platform if it was not revoked."""
    found = component.authorizations.get(account_appid)
    return found if found is not None and found.revoked_at is None else None


def grant(
    sandbox: Sandbox,
    component: Component,
    account: Account,
    *,
    pre_auth_code: str,
    sets: list[int] | None,
) -> tuple[Authorization, AuthorizationCode, str]:
    """Grant the account with these sets, all it can if None; return grant, code and what to notify about it.

    The last is `authorized`, `updateauthorized` or, when the same sets were granted before, "". A standing grant
    gets a new refresh token, and its old tokens die. Raises PreAuthCodeRefused, SetsRefused or AccountRefused.
    """
    now_s = sandbox.clock.now_s()
    code = usable_pre_auth_code(component, value=pre_auth_code, now_s=now_s)
    if not component.published and account.appid not in component.test_accounts:
        raise AccountRefused("unpublished")
    granted = checked_sets(component, account, sets=sets)
    code.used = True
    before = component.authorizations.get(account.appid)
    authorization = Authorization(
        account_appid=account.appid,
        sets=granted,
        refresh_token=identifiers.new_refresh_token(),
        authorized_at=now_s,
        pre_auth_code=pre_auth_code,
        tokens=before.tokens if before else [],
    )
    tokens.end_tokens(authorization, source="authorizer", at=now_s)
    component.authorizations[account.appid] = authorization
    take_exclusive_sets(sandbox, holder=component, account=account)
    sandbox.keeper.changed()
    news = "authorized" if before is None or before.revoked_at is not None else "updateauthorized"
    same = before is not None and before.revoked_at is None and set(before.sets) == set(granted)
    return authorization, new_authorization_code(sandbox, component, account), "" if same else news


def grant_unasked(
    sandbox: Sandbox, component: Component, account: Account, *, pre_auth_code: str
) -> tuple[Authorization, AuthorizationCode]:
    """Grant a test account of the release check with all sets, published or not."""
    authorization = Authorization(
        account_appid=account.appid,
        sets=list(component.permission_sets),
        refresh_token=identifiers.new_refresh_token(),
        authorized_at=sandbox.clock.now_s(),
        pre_auth_code=pre_auth_code,
    )
    component.authorizations[account.appid] = authorization
    component.pre_auth_codes[pre_auth_code].used = True
    return authorization, new_authorization_code(sandbox, component, account)


def checked_sets(component: Component, account: Account, *, sets: list[int] | None) -> list[int]:
    """Return the sets to grant, in the platform's order. Raises SetsRefused."""
    grantable = grantable_sets(component, account)
    chosen = grantable if sets is None else [set_id for set_id in grantable if set_id in sets]
    if not chosen or (sets is not None and len(chosen) != len(set(sets))):
        raise SetsRefused
    return chosen


def take_exclusive_sets(sandbox: Sandbox, *, holder: Component, account: Account) -> None:
    """Take the account's exclusive sets that `holder` has now away from every other platform, which is told."""
    taken = EXCLUSIVE & set(holder.authorizations[account.appid].sets)
    for other in sandbox.state.components.values():
        authorization = standing(other, account.appid)
        if other is holder or authorization is None or not taken & set(authorization.sets):
            continue
        authorization.sets = [set_id for set_id in authorization.sets if set_id not in taken]
        _tell_change(sandbox, other, authorization)


def change_sets(sandbox: Sandbox, component: Component, account: Account, *, sets: list[int]) -> Push | None:
    """Replace the granted sets; return the notification, None when nothing changed.

    Raises SetsRefused or NotAuthorized.
    """
    authorization = standing(component, account.appid)
    if authorization is None:
        raise NotAuthorized
    chosen = checked_sets(component, account, sets=sets)
    if set(chosen) == set(authorization.sets):
        return None
    authorization.sets = chosen
    take_exclusive_sets(sandbox, holder=component, account=account)
    return _tell_change(sandbox, component, authorization)


def revoke(sandbox: Sandbox, component: Component, account: Account) -> Push:
    """Take the grant back; codes that were not exchanged die with it. Raises NotAuthorized."""
    authorization = standing(component, account.appid)
    if authorization is None:
        raise NotAuthorized
    authorization.revoked_at = sandbox.clock.now_s()
    codes = component.authorization_codes
    for value in [code.value for code in codes.values() if code.account_appid == account.appid]:
        del codes[value]
    sandbox.keeper.changed()
    return sandbox.notifications.unauthorized(component, account_appid=account.appid)


def new_authorization_code(sandbox: Sandbox, component: Component, account: Account) -> AuthorizationCode:
    """Return a new code that the platform can exchange once."""
    code = AuthorizationCode(
        value=identifiers.new_authorization_code(),
        account_appid=account.appid,
        expires_at=sandbox.clock.now_s() + CODE_LIFETIME_S,
    )
    _forget_oldest(component.authorization_codes)
    component.authorization_codes[code.value] = code
    return code


def exchange(component: Component, *, code: str, now_s: float) -> tuple[Authorization, IssuedToken]:
    """Return the grant behind a code and a new token for it. Raises ApiRefusal 61009, 61010 or 61003."""
    found = component.authorization_codes.get(code)
    if found is None or found.used:
        raise ApiRefusal(61009)
    if now_s >= found.expires_at:
        raise ApiRefusal(61010)
    authorization = standing(component, found.account_appid)
    if authorization is None:
        raise ApiRefusal(61003)
    found.used = True
    authorization.exchanged = True
    return authorization, tokens.issue_overlapping(authorization, source="authorizer", now_s=now_s)


def renew(component: Component, *, account_appid: str, refresh_token: str, now_s: float) -> IssuedToken:
    """Return a new token of a grant; the one before lives five more minutes. Raises ApiRefusal 61003 or 61023."""
    authorization = standing(component, account_appid)
    if authorization is None:
        raise ApiRefusal(61003)
    if refresh_token != authorization.refresh_token:
        raise ApiRefusal(61023)
    return tokens.issue_overlapping(authorization, source="authorizer", now_s=now_s)


def _tell_change(sandbox: Sandbox, component: Component, authorization: Authorization) -> Push:
    account = sandbox.state.accounts[authorization.account_appid]
    code = new_authorization_code(sandbox, component, account)
    sandbox.keeper.changed()
    return sandbox.notifications.update_authorized(component, authorization, code=code)


def _forget_oldest(codes: dict[str, PreAuthCode] | dict[str, AuthorizationCode]) -> None:
    while len(codes) >= _CODES_KEPT:
        del codes[next(iter(codes))]
