"""Web authorization: codes that live five minutes, and the tokens they are exchanged for."""

import secrets

from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.model import Account, WebCode, WebGrant

CODE_LIFETIME_S = 300.0
TOKEN_LIFETIME_S = 7200.0
REFRESH_LIFETIME_S = 30 * 86400.0


def new_code(
    account: Account, *, openid: str, scope: str, component_appid: str | None, snapshot: bool, now_s: float
) -> WebCode:
    """Return a code that says who opened the page; it is exchanged once."""
    code = WebCode(
        value=secrets.token_urlsafe(24),
        openid=openid,
        scope=scope,
        component_appid=component_appid,
        snapshot=snapshot,
        expires_at=now_s + CODE_LIFETIME_S,
    )
    account.web_codes[code.value] = code
    return code


def exchange(account: Account, value: str, *, component_appid: str | None, now_s: float) -> tuple[WebCode, WebGrant]:
    """Return the code and the tokens for it. Raises ApiRefusal 41008, 40029, 40163 or 42003."""
    if not value:
        raise ApiRefusal(41008)
    code = account.web_codes.get(value)
    if code is None or code.component_appid != component_appid:
        raise ApiRefusal(40029)
    if code.used:
        raise ApiRefusal(40163)
    if now_s >= code.expires_at:
        raise ApiRefusal(42003)
    code.used = True
    grant = WebGrant(
        access_token=secrets.token_urlsafe(64),
        refresh_token=secrets.token_urlsafe(64),
        openid=code.openid,
        scope=code.scope,
        component_appid=component_appid,
        token_expires_at=now_s + TOKEN_LIFETIME_S,
        refresh_expires_at=now_s + REFRESH_LIFETIME_S,
    )
    account.web_grants.append(grant)
    return code, grant


def renew(account: Account, refresh_token: str, *, component_appid: str | None, now_s: float) -> WebGrant:
    """Return the grant with a fresh token. Raises ApiRefusal 41003, 40030 or 42002."""
    if not refresh_token:
        raise ApiRefusal(41003)
    for grant in account.web_grants:
        if grant.refresh_token == refresh_token and grant.component_appid == component_appid:
            if now_s >= grant.refresh_expires_at:
                raise ApiRefusal(42002)
            grant.access_token = secrets.token_urlsafe(64)
            grant.token_expires_at = now_s + TOKEN_LIFETIME_S
            return grant
    raise ApiRefusal(40030)
