"""What an account may find out about its own calls, and whether WeChat reaches its server."""

import re
from urllib.parse import urlsplit

from pydantic import JsonValue

from wechat_sandbox.calls import CallRecord
from wechat_sandbox.endpoints.call import Call, Endpoint, JsonObject, text_of
from wechat_sandbox.errors import ApiRefusal

_RID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}")
_TOKEN = re.compile(r"((?:component_)?access_token=)[^&]+")
_HIDDEN = r"\1***"
_ACTIONS = frozenset({"dns", "ping", "all"})
_OPERATORS = frozenset({"CHINANET", "UNICOM", "CAP", "DEFAULT"})


def _refused_call(call: Call) -> JsonObject:
    """Return the details of a refused call. Raises ApiRefusal 76002 (no rid), 76001 (unknown, or another's)."""
    rid = text_of(call.body(), "rid")
    if _RID.fullmatch(rid) is None:
        raise ApiRefusal(76002)
    record = call.sandbox.calls.refused_with(rid)
    asking = call.account or call.platform()
    if record is None or asking.appid not in {record.appid, record.component}:
        raise ApiRefusal(76001)
    return {"errcode": 0, "errmsg": "ok", "request": _details(record)}


def _details(record: CallRecord) -> JsonObject:
    return {
        "invoke_time": int(record.at),
        "cost_in_ms": round(record.latency_ms),
        "request_url": _TOKEN.sub(_HIDDEN, record.query),
        "request_body": record.request,
        "response_body": record.answer,
        "client_ip": record.client_ip,
    }


def _network_test(call: Call) -> JsonObject:
    """Return how the account's server is reached. Raises ApiRefusal 40201 (no server), 40202, 40203."""
    body, account = call.body(), call.owner()
    action, operator = text_of(body, "action"), text_of(body, "check_operator") or "DEFAULT"
    if action not in _ACTIONS:
        raise ApiRefusal(40202)
    if operator not in _OPERATORS:
        raise ApiRefusal(40203)
    host = urlsplit(account.server.url).hostname
    if not host:
        raise ApiRefusal(40201)
    answer: JsonObject = {}
    if action in {"dns", "all"}:
        resolved: list[JsonValue] = [{"ip": host, "real_operator": operator}]
        answer["dns"] = resolved
    if action in {"ping", "all"}:
        reached: list[JsonValue] = [
            {"ip": host, "from_operator": operator, "package_loss": "0%", "time": "0.100ms"},
        ]
        answer["ping"] = reached
    return answer


ENDPOINTS = (
    Endpoint(path="/cgi-bin/openapi/rid/get", method="POST", answer=_refused_call, auth="any"),
    Endpoint(path="/cgi-bin/callback/check", method="POST", answer=_network_test),
)
