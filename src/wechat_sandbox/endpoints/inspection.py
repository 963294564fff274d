"""What an account may find out about its own calls, and whether WeChat reaches its server."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

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
    """Return how the account's server is reached. Raises ApiRefusal 40201 (no server), 40202, 40203, or 61007.

    A platform may not ask for an account: what it is granted does not hold this call.
    """
    if call.component is not None:
        raise ApiRefusal(61007)
    body, account = call.body(), call.owner()
    action, operator = text_of(body, "action"), text_of(body, "check_operator")
    if action not in _ACTIONS:
        raise ApiRefusal(40202)
    if operator not in _OPERATORS:
        raise ApiRefusal(40203)
    host = urlsplit(account.server.url).hostname
    if not host:
        raise ApiRefusal(40201)
    addresses = _addresses_of(host)
    answer: JsonObject = {}
    if action in {"dns", "all"}:
        answer["dns"] = [{"ip": address, "real_operator": operator} for address in addresses]
    if action in {"ping", "all"}:
        answer["ping"] = [
            {"ip": address, "from_operator": operator, "package_loss": "0%", "time": "0.100ms"} for address in addresses
        ]
    return answer


def _addresses_of(host: str) -> list[str]:
    """Return where a name leads: to this machine, but for names below `.invalid`, which nobody has."""
    if host.endswith(".invalid"):
        return []
    try:
        return [str(ip_address(host))]
    except ValueError:
        return ["127.0.0.1"]


ENDPOINTS = (
    Endpoint(path="/cgi-bin/openapi/rid/get", method="POST", answer=_refused_call, auth="any"),
    Endpoint(path="/cgi-bin/callback/check", method="POST", answer=_network_test),
)
