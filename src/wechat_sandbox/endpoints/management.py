"""Quota reset and the addresses that pushes come from."""

from wechat_sandbox import quotas
from wechat_sandbox.endpoints.call import OK, Call, Endpoint, JsonObject, text_of
from wechat_sandbox.errors import ApiRefusal


def _callback_ip(call: Call) -> JsonObject:
    call.owner()
    return {"ip_list": ["127.0.0.1"]}


def _clear_quota(call: Call) -> JsonObject:
    account = call.owner()
    if text_of(call.body(), "appid") != account.appid:
        raise ApiRefusal(40013)
    month = quotas.beijing_month(now_s=call.now_s)
    if not quotas.count(account, name="clear_quota", period=month, limit=quotas.CLEARS_PER_MONTH):
        raise ApiRefusal(48006)
    quotas.clear_daily(account)
    return OK


ENDPOINTS = (
    Endpoint(path="/cgi-bin/getcallbackip", method="GET", answer=_callback_ip),
    Endpoint(path="/cgi-bin/clear_quota", method="POST", answer=_clear_quota),
)
