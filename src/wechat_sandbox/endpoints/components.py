"""The third-party platform's own calls: tokens, codes and what it may know of its accounts."""

from pydantic import JsonValue

from wechat_sandbox import tokens
from wechat_sandbox.callers import check_address
from wechat_sandbox.components import grants
from wechat_sandbox.components.permissions import func_info
from wechat_sandbox.components.tickets import check_ticket
from wechat_sandbox.endpoints.call import OK, Call, Endpoint, JsonObject, text_of
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.model import Account, Authorization, Component

_ROOT = "/cgi-bin/component"
_LIST_LIMIT = 500


def _component_token(call: Call) -> JsonObject:
    body = call.body()
    component = _authenticated(call, body, secret_name="component_appsecret")  # noqa: S106 (the name of a field)
    check_ticket(component, value=text_of(body, "component_verify_ticket"), now_s=call.now_s)
    token = tokens.issue_overlapping(component, source="component", now_s=call.now_s)
    return {"component_access_token": token.value, "expires_in": tokens.LIFETIME_S}


def _start_push_ticket(call: Call) -> JsonObject:
    component = _authenticated(call, call.body(), secret_name="component_secret")  # noqa: S106 (the name of a field)
    if component.ticket_state == "stopped":
        component.ticket_state, component.next_ticket_at = "on", 0.0
        return OK
    return {"errcode": 0, "errmsg": "in a normal state"}


def _authenticated(call: Call, body: JsonObject, *, secret_name: str) -> Component:
    appid, secret = text_of(body, "component_appid"), text_of(body, secret_name)
    if not appid:
        raise ApiRefusal(41018)
    component = call.sandbox.state.components.get(appid)
    if component is None:
        raise ApiRefusal(40013)
    call.caller_appid = appid
    if not secret:
        raise ApiRefusal(41004)
    if secret != component.secret:
        raise ApiRefusal(40125)
    check_address(component, client_ip=call.client_ip)
    return component


def _create_pre_auth_code(call: Call) -> JsonObject:
    component = call.platform()
    _named_body(call)
    code = grants.new_pre_auth_code(component, now_s=call.now_s)
    return {"pre_auth_code": code.value, "expires_in": component.pre_auth_expires_in}


def _query_auth(call: Call) -> JsonObject:
    component = call.platform()
    code = text_of(_named_body(call), "authorization_code")
    authorization, token = grants.exchange(component, code=code, now_s=call.now_s)
    info: JsonObject = {"authorizer_appid": authorization.account_appid}
    if call.sandbox.state.accounts[authorization.account_appid].api_enabled:
        info["authorizer_access_token"] = token.value
        info["expires_in"] = tokens.LIFETIME_S
        info["authorizer_refresh_token"] = authorization.refresh_token
    info["func_info"] = func_info(authorization.sets)
    return {"authorization_info": info}


def _authorizer_token(call: Call) -> JsonObject:
    body = _named_body(call)
    refresh_token = text_of(body, "authorizer_refresh_token")
    appid = text_of(body, "authorizer_appid")
    token = grants.renew(call.platform(), account_appid=appid, refresh_token=refresh_token, now_s=call.now_s)
    return {
        "authorizer_access_token": token.value,
        "expires_in": tokens.LIFETIME_S,
        "authorizer_refresh_token": refresh_token,
    }


def _authorizer_info(call: Call) -> JsonObject:
    authorization = _authorization_in(call, _named_body(call))
    account = call.sandbox.state.accounts[authorization.account_appid]
    return {
        "authorizer_info": _profile(account, base_url=call.base_url),
        "authorization_info": {
            "authorizer_appid": account.appid,
            "authorizer_refresh_token": authorization.refresh_token,
            "func_info": func_info(authorization.sets),
        },
    }


def _profile(account: Account, *, base_url: str) -> JsonObject:
    return {
        "nick_name": account.name,
        "head_img": f"{base_url}/sandbox/avatars/{account.appid}.png",
        "service_type_info": {"id": 2 if account.type == "service" else 0},
        "verify_type_info": {"id": 0 if account.verified else -1},
        "user_name": account.username,
        "alias": account.alias,
        "qrcode_url": f"{base_url}/sandbox/qrcodes/{account.appid}.png",
        "business_info": {"open_store": 0, "open_scan": 0, "open_pay": 0, "open_card": 0, "open_shake": 0},
        "idc": 1,
        "principal_name": account.principal_name,
        "signature": account.signature,
        "account_status": account.account_status,
        "register_type": 0,
        "basic_config": {"is_phone_configured": True, "is_email_configured": True},
    }


def _authorizer_list(call: Call) -> JsonObject:
    body = _named_body(call)
    offset, count = body.get("offset"), body.get("count")
    if not isinstance(offset, int) or not isinstance(count, int) or offset < 0 or count < 1:
        raise ApiRefusal(40097)
    if count > _LIST_LIMIT:
        raise ApiRefusal(40170)
    # A grant whose code was never exchanged is not in the list.
    known = [one for one in call.platform().authorizations.values() if one.exchanged and one.revoked_at is None]
    rows: list[JsonValue] = [
        {
            "authorizer_appid": one.account_appid,
            "refresh_token": one.refresh_token,
            "auth_time": int(one.authorized_at),
        }
        for one in known[offset : offset + count]
    ]
    return {"total_count": len(known), "list": rows}


def _named_body(call: Call) -> JsonObject:
    """Return the body, which must name the platform whose token it is."""
    body = call.body()
    appid = text_of(body, "component_appid")
    if not appid:
        raise ApiRefusal(41018)
    if appid != call.platform().appid:
        raise ApiRefusal(40013)
    return body


def _authorization_in(call: Call, body: JsonObject) -> Authorization:
    authorization = grants.standing(call.platform(), text_of(body, "authorizer_appid"))
    if authorization is None:
        raise ApiRefusal(61003)
    return authorization


_OPTION_VALUES = {
    "location_report": ("0", "1", "2"),
    "voice_recognize": ("0", "1"),
    "customer_service": ("0", "1"),
}


def _get_option(call: Call) -> JsonObject:
    body = call.body()
    account, named = _option_owner(call, body)
    name = _option_name(body)
    return named | {"option_name": name, "option_value": account.options[name]}


def _set_option(call: Call) -> JsonObject:
    body = call.body()
    account, _ = _option_owner(call, body)
    name, value = _option_name(body), text_of(body, "option_value")
    if value not in _OPTION_VALUES[name]:
        raise ApiRefusal(61013)
    account.options[name] = value
    return OK


def _option_owner(call: Call, body: JsonObject) -> tuple[Account, JsonObject]:
    """Return the account that is meant, and how the answer names it.

    The older calls name it beside the platform's token; the current ones name none, so the token must be the account's.
    """
    if call.account is not None:
        return call.account, {}
    if "authorizer_appid" not in body:
        raise ApiRefusal(61015)
    account = call.sandbox.state.accounts[_authorization_in(call, _named_body(call)).account_appid]
    return account, {"authorizer_appid": account.appid}


def _option_name(body: JsonObject) -> str:
    name = text_of(body, "option_name")
    if name not in _OPTION_VALUES:
        raise ApiRefusal(61012)
    return name


ENDPOINTS = (
    Endpoint(path=f"{_ROOT}/api_component_token", method="POST", answer=_component_token, auth="none"),
    Endpoint(path=f"{_ROOT}/api_start_push_ticket", method="POST", answer=_start_push_ticket, auth="none"),
    Endpoint(path=f"{_ROOT}/api_create_preauthcode", method="POST", answer=_create_pre_auth_code, auth="component"),
    Endpoint(path=f"{_ROOT}/api_query_auth", method="POST", answer=_query_auth, auth="component"),
    Endpoint(path=f"{_ROOT}/api_authorizer_token", method="POST", answer=_authorizer_token, auth="component"),
    Endpoint(path=f"{_ROOT}/api_get_authorizer_info", method="POST", answer=_authorizer_info, auth="component"),
    Endpoint(path=f"{_ROOT}/api_get_authorizer_list", method="POST", answer=_authorizer_list, auth="component"),
    Endpoint(path=f"{_ROOT}/get_authorizer_option", method="POST", answer=_get_option, auth="any"),
    Endpoint(path=f"{_ROOT}/set_authorizer_option", method="POST", answer=_set_option, auth="any"),
    Endpoint(path=f"{_ROOT}/api_get_authorizer_option", method="POST", answer=_get_option, auth="component"),
    Endpoint(path=f"{_ROOT}/api_set_authorizer_option", method="POST", answer=_set_option, auth="component"),
)
