"""The calls of web authorization, direct and through a platform."""

from urllib.parse import quote

from wechat_sandbox.components.grants import standing
from wechat_sandbox.endpoints.call import OK, Call, Endpoint, JsonObject
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.model import Account, WebGrant
from wechat_sandbox.oauth import grants

_WEB_SERVICE = 4


def _access_token(call: Call) -> JsonObject:
    _check_grant_type(call, "authorization_code")
    return _exchanged(call, _with_secret(call), component_appid=None)


def _component_access_token(call: Call) -> JsonObject:
    _check_grant_type(call, "authorization_code")
    return _exchanged(call, _of_platform(call), component_appid=call.platform().appid)


def _exchanged(call: Call, account: Account, *, component_appid: str | None) -> JsonObject:
    code, grant = grants.exchange(
        account, call.query.get("code", ""), component_appid=component_appid, now_s=call.now_s
    )
    answer = _answer(account, grant)
    return answer | {"is_snapshotuser": 1} if code.snapshot else answer


def _refresh_token(call: Call) -> JsonObject:
    _check_grant_type(call, "refresh_token")
    account = _named(call)
    return _renewed(call, account, component_appid=None)


def _component_refresh_token(call: Call) -> JsonObject:
    _check_grant_type(call, "refresh_token")
    return _renewed(call, _of_platform(call), component_appid=call.platform().appid)


def _renewed(call: Call, account: Account, *, component_appid: str | None) -> JsonObject:
    refresh_token = call.query.get("refresh_token", "")
    grant = grants.renew(account, refresh_token, component_appid=component_appid, now_s=call.now_s)
    return _answer(account, grant)


def _answer(account: Account, grant: WebGrant) -> JsonObject:
    answer: JsonObject = {
        "access_token": grant.access_token,
        "expires_in": int(grants.TOKEN_LIFETIME_S),
        "refresh_token": grant.refresh_token,
        "openid": grant.openid,
        "scope": grant.scope,
    }
    unionid = account.followers[grant.openid].unionid
    return answer | {"unionid": unionid} if unionid else answer


def _check_grant_type(call: Call, wanted: str) -> None:
    if call.query.get("grant_type") != wanted:
        raise ApiRefusal(40002)


def _named(call: Call) -> Account:
    appid = call.query.get("appid", "")
    if not appid:
        raise ApiRefusal(41002)
    account = call.sandbox.state.accounts.get(appid)
    if account is None:
        raise ApiRefusal(40013)
    call.caller_appid = appid
    return account


def _with_secret(call: Call) -> Account:
    account, secret = _named(call), call.query.get("secret", "")
    if not secret:
        raise ApiRefusal(41004)
    if secret != account.secret:
        raise ApiRefusal(40125)
    return account


def _of_platform(call: Call) -> Account:
    component, account = call.platform(), _named(call)
    if call.query.get("component_appid") != component.appid:
        raise ApiRefusal(40013)
    authorization = standing(component, account.appid)
    if authorization is None:
        raise ApiRefusal(61003)
    if _WEB_SERVICE not in authorization.sets:
        raise ApiRefusal(61007)
    return account


def _grant_of(call: Call) -> tuple[Account, WebGrant]:
    value = call.query.get("access_token", "")
    if not value:
        raise ApiRefusal(41001)
    for account in call.sandbox.state.accounts.values():
        for grant in account.web_grants:
            if grant.access_token == value:
                if call.now_s >= grant.token_expires_at:
                    raise ApiRefusal(42001)
                call.caller_appid = account.appid
                return account, grant
    raise ApiRefusal(40001)


def _user(call: Call) -> JsonObject:
    account, grant = _grant_of(call)
    if call.query.get("openid") != grant.openid:
        raise ApiRefusal(40003)
    if grant.scope != "snsapi_userinfo":
        raise ApiRefusal(48001)
    follower = account.followers[grant.openid]
    user: JsonObject = {
        "openid": follower.openid,
        "nickname": follower.nickname,
        "sex": 0,
        "language": "",
        "city": "",
        "province": "",
        "country": "",
        "headimgurl": f"{call.base_url}/sandbox/portraits/{quote(follower.nickname, safe='')}.png",
        "privilege": [],
    }
    return user | {"unionid": follower.unionid} if follower.unionid else user


def _check(call: Call) -> JsonObject:
    _, grant = _grant_of(call)
    if call.query.get("openid") != grant.openid:
        raise ApiRefusal(40003)
    return OK


ENDPOINTS = (
    Endpoint(path="/sns/oauth2/access_token", method="ANY", answer=_access_token, auth="none"),
    Endpoint(path="/sns/oauth2/refresh_token", method="ANY", answer=_refresh_token, auth="none"),
    Endpoint(path="/sns/oauth2/component/access_token", method="ANY", answer=_component_access_token, auth="component"),
    Endpoint(
        path="/sns/oauth2/component/refresh_token", method="ANY", answer=_component_refresh_token, auth="component"
    ),
    Endpoint(path="/sns/userinfo", method="ANY", answer=_user, auth="none"),
    Endpoint(path="/sns/auth", method="ANY", answer=_check, auth="none"),
)
