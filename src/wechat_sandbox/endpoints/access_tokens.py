"""The two token endpoints."""

from wechat_sandbox import quotas, tokens
from wechat_sandbox.endpoints.call import Call, Endpoint, JsonObject, text_of
from wechat_sandbox.errors import ApiRefusal, not_in_whitelist
from wechat_sandbox.model import Account, IssuedToken


def _plain_token(call: Call) -> JsonObject:
    account = _authenticated(
        call,
        grant_type=call.query.get("grant_type", ""),
        appid=call.query.get("appid", ""),
        secret=call.query.get("secret", ""),
    )
    quotas.count_call(account, path="/cgi-bin/token", now_s=call.now_s)
    return _issued(tokens.issue_overlapping(account, source="plain", now_s=call.now_s), call=call)


def _stable_token(call: Call) -> JsonObject:
    body = call.body()
    account = _authenticated(
        call,
        grant_type=text_of(body, "grant_type"),
        appid=text_of(body, "appid"),
        secret=text_of(body, "secret"),
    )
    _check_stable_rates(account, call=call)
    if body.get("force_refresh") is not True:
        return _issued(tokens.issue_stable(account, now_s=call.now_s), call=call)
    _count_forced_refresh(account, call=call)
    return _issued(tokens.refresh_stable(account, now_s=call.now_s), call=call)


def _authenticated(call: Call, *, grant_type: str, appid: str, secret: str) -> Account:
    if grant_type != "client_credential":
        raise ApiRefusal(40002)
    if not appid:
        raise ApiRefusal(41002)
    if not secret:
        raise ApiRefusal(41004)
    if appid in call.sandbox.state.components:
        raise ApiRefusal(61024)
    account = call.sandbox.state.accounts.get(appid)
    if account is None:
        raise ApiRefusal(40013)
    call.caller_appid = appid
    if secret != account.secret:
        raise ApiRefusal(40125)
    if account.ip_whitelist is not None and call.client_ip not in account.ip_whitelist:
        raise ApiRefusal(40164, detail=not_in_whitelist(call.client_ip))
    return account


def _check_stable_rates(account: Account, *, call: Call) -> None:
    minute = int(call.now_s // 60)
    per_minute = quotas.STABLE_TOKENS_PER_MINUTE
    if not quotas.count(account, name="stable_token per minute", period=minute, limit=per_minute):
        raise ApiRefusal(45011)
    quotas.count_call(account, path="/cgi-bin/stable_token", now_s=call.now_s)


def _count_forced_refresh(account: Account, *, call: Call) -> None:
    last = account.forced_refresh_at
    if last is not None and call.now_s - last < tokens.FORCED_REFRESH_GAP_S:
        return  # Too close to the one before: it will change nothing, so it costs nothing.
    day = quotas.beijing_day(now_s=call.now_s)
    if not quotas.count(account, name="forced refresh", period=day, limit=quotas.FORCED_REFRESHES_PER_DAY):
        raise ApiRefusal(45009)


def _issued(token: IssuedToken, *, call: Call) -> JsonObject:
    return {"access_token": token.value, "expires_in": int(token.expires_at - call.now_s)}


ENDPOINTS = (
    Endpoint(path="/cgi-bin/token", method="ANY", answer=_plain_token, auth="none"),
    Endpoint(path="/cgi-bin/stable_token", method="POST", answer=_stable_token, auth="none"),
)
