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


ENDPOINTS = (
    Endpoint(path="/cgi-bin/getcallbackip", method="GET", answer=_callback_ip),
    Endpoint(path="/cgi-bin/clear_quota", method="POST", answer=_clear_quota, auth="any"),
    Endpoint(path="/cgi-bin/component/clear_quota/v2", method="POST", answer=_clear_quota_with_secret, auth="none"),
)
