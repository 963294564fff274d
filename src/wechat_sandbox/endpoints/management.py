"""Quota reset and the addresses that pushes come from."""

from wechat_sandbox import quotas
from wechat_sandbox.components.grants import standing
from wechat_sandbox.endpoints.call import OK, Call, Endpoint, JsonObject, text_of
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.model import Account, Component


def _callback_ip(call: Call) -> JsonObject:
    call.owner()
    return {"ip_list": ["127.0.0.1"]}


def _clear_quota(call: Call) -> JsonObject:
    owner = call.account or call.platform()
    if text_of(call.body(), "appid") != owner.appid:
        raise ApiRefusal(40013)
    return _cleared(owner, call=call)


def _cleared(owner: Account | Component, *, call: Call) -> JsonObject:
    month = quotas.beijing_month(now_s=call.now_s)
    if not quotas.count(owner, name="clear_quota", period=month, limit=quotas.CLEARS_PER_MONTH):
        raise ApiRefusal(48006)
    quotas.clear_daily(owner)
    return OK


def _clear_quota_with_secret(call: Call) -> JsonObject:
    body = call.body()
    component = call.sandbox.state.components.get(text_of(body, "component_appid"))
    appid = text_of(body, "appid")
    if component is None or not (appid == component.appid or standing(component, appid)):
        raise ApiRefusal(40013)
    call.caller_appid = component.appid
    if text_of(body, "appsecret") != component.secret:
        raise ApiRefusal(40125)
    owner = component if appid == component.appid else call.sandbox.state.accounts[appid]
    return _cleared(owner, call=call)


def _path_in(call: Call) -> str:
    """Return the path that is asked about. Raises ApiRefusal 76003 or, for one without a limit, 76022."""
    path = text_of(call.body(), "cgi_path")
    if not path.startswith("/"):
        raise ApiRefusal(76003)
    if quotas.daily_limit(call.owner(), path=path) is None:
        raise ApiRefusal(76022)
    return path


def _quota(call: Call) -> JsonObject:
    owner, path = call.owner(), _path_in(call)
    limit, used = quotas.daily_limit(owner, path=path) or 0, quotas.used_today(owner, path=path, now_s=call.now_s)
    answer: JsonObject = {
        "errcode": 0,
        "errmsg": "ok",
        "quota": {"daily_limit": limit, "used": used, "remain": limit - used},
    }
    per_minute = owner.minute_limits.get(path)
    if per_minute is not None:
        answer["rate_limit"] = {"call_count": per_minute, "refresh_second": 60}
    return answer


def _clear_path(call: Call) -> JsonObject:
    owner, path = call.owner(), _path_in(call)
    owner.counters.pop(path, None)
    return OK


def _clear_account(call: Call) -> JsonObject:
    body = call.body() if call.raw.strip() else {}
    appid = text_of(body, "appid") or call.query.get("appid", "")
    account = call.sandbox.state.accounts.get(appid)
    if account is None:
        raise ApiRefusal(40013)
    call.caller_appid = appid
    if (text_of(body, "appsecret") or call.query.get("appsecret", "")) != account.secret:
        raise ApiRefusal(40125)
    return _cleared(account, call=call)


ENDPOINTS = (
    Endpoint(path="/cgi-bin/get_api_domain_ip", method="GET", answer=_callback_ip),
    Endpoint(path="/cgi-bin/openapi/quota/get", method="POST", answer=_quota),
    Endpoint(path="/cgi-bin/openapi/quota/clear", method="POST", answer=_clear_path),
    Endpoint(path="/cgi-bin/clear_quota/v2", method="POST", answer=_clear_account, auth="none"),
    Endpoint(path="/cgi-bin/getcallbackip", method="GET", answer=_callback_ip),
    Endpoint(path="/cgi-bin/clear_quota", method="POST", answer=_clear_quota, auth="any"),
    Endpoint(path="/cgi-bin/component/clear_quota/v2", method="POST", answer=_clear_quota_with_secret, auth="none"),
)
