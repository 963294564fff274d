"""Quota reset and the addresses that pushes come from."""

from wechat_sandbox import quotas
from wechat_sandbox.endpoints.call import OK, Call, Endpoint, JsonObject, text_of
from wechat_sandbox.errors import ApiRefusal


def _callback_ip(call: Call) -> JsonObject:
    call.owner()
    return {"ip_list": ["127.0.0.1"]}


def _clear_quota(call: Call) -> JsonObject:
    owner = call.account or call.platform()
    if text_of(call.body(), "appid") != owner.appid:
        raise ApiRefusal(40013)
    month = quotas.beijing_month(now_s=call.now_s)
    if not quotas.count(owner, name="clear_quota", period=month, limit=quotas.CLEARS_PER_MONTH):
        raise ApiRefusal(48006)
    quotas.clear_daily(owner)
    return OK


ENDPOINTS = (
    Endpoint(path="/cgi-bin/getcallbackip", method="GET", answer=_callback_ip),
    Endpoint(path="/cgi-bin/clear_quota", method="POST", answer=_clear_quota, auth="any"),
)
