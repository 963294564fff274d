"""The custom menu: for everybody, for some, and what is shown now, whoever made it."""

from pydantic import JsonValue

from wechat_sandbox import quotas
from wechat_sandbox.endpoints.call import OK, Call, Endpoint, JsonObject, list_of, text_of
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.menus.matching import menu_for
from wechat_sandbox.menus.validation import checked_buttons, checked_rule
from wechat_sandbox.model import Account, ConditionalMenu, PublishedMenu

_SETS = frozenset({15})
_MOST_CONDITIONAL = 100
"""No document tells the number; this is the stand-in's own bound."""
_CONDITIONAL_CHANGES_PER_DAY = 2000


def _able(call: Call) -> Account:
    account = call.owner()
    if account.type == "subscription" and not account.verified:
        raise ApiRefusal(48001)
    return account


def _create(call: Call) -> JsonObject:
    account = _able(call)
    buttons = checked_buttons(account, call.body())
    account.menu = PublishedMenu(buttons=buttons, menu_id=_next_id(account), by_api=True)
    return OK


def _next_id(account: Account) -> int:
    account.last_menu_id += 1
    return account.last_menu_id


def _get(call: Call) -> JsonObject:
    account = _able(call)
    menu = account.menu
    if menu is None or not menu.by_api:
        raise ApiRefusal(46003)
    default: JsonObject = {"button": _filled(menu.buttons)}
    if not account.conditional_menus:
        return {"menu": default}
    some: list[JsonValue] = [
        {"button": _filled(one.buttons), "matchrule": {**one.rule}, "menuid": one.menu_id}
        for one in reversed(account.conditional_menus)
    ]
    return {"menu": default | {"menuid": menu.menu_id}, "conditionalmenu": some}


def _filled(buttons: list[JsonObject]) -> list[JsonValue]:
    """Return the buttons as WeChat gives them back: every one with a list of sub-buttons, empty or not."""
    filled: list[JsonValue] = []
    for button in buttons:
        below: list[JsonValue] = [
            {**sub, "sub_button": []} for sub in list_of(button, "sub_button") if isinstance(sub, dict)
        ]
        filled.append({**button, "sub_button": below})
    return filled


def _delete(call: Call) -> JsonObject:
    account = _able(call)
    account.menu = None
    account.conditional_menus.clear()
    return OK


def _current(call: Call) -> JsonObject:
    menu = call.owner().menu
    if menu is None:
        return {"is_menu_open": 0, "selfmenu_info": {"button": []}}
    return {"is_menu_open": 1, "selfmenu_info": {"button": [_as_shown(button) for button in menu.buttons]}}


def _as_shown(button: JsonObject) -> JsonValue:
    below = list_of(button, "sub_button")
    shown = {key: value for key, value in button.items() if key != "sub_button"}
    return {"name": text_of(button, "name"), "sub_button": {"list": below}} if below else shown


def _add_conditional(call: Call) -> JsonObject:
    account, body = _able(call), call.body()
    if account.menu is None:
        raise ApiRefusal(65303)
    if not list_of(body, "button"):
        raise ApiRefusal(65307)
    rule, buttons = checked_rule(account, body), checked_buttons(account, body)
    if len(account.conditional_menus) >= _MOST_CONDITIONAL:
        raise ApiRefusal(65305)
    _count_change(call)
    menu = ConditionalMenu(buttons=buttons, rule=rule, menu_id=_next_id(account))
    account.conditional_menus.append(menu)
    return {"menuid": menu.menu_id}


def _delete_conditional(call: Call) -> JsonObject:
    account, menu_id = _able(call), str(call.body().get("menuid", ""))
    left = [one for one in account.conditional_menus if str(one.menu_id) != menu_id]
    if len(left) == len(account.conditional_menus):
        raise ApiRefusal(65301)
    _count_change(call)
    account.conditional_menus = left
    return OK


def _count_change(call: Call) -> None:
    day = quotas.beijing_day(now_s=call.now_s)
    if not quotas.count(call.owner(), name="conditional menus", period=day, limit=_CONDITIONAL_CHANGES_PER_DAY):
        raise ApiRefusal(45009)


def _try_match(call: Call) -> JsonObject:
    account, user_id = _able(call), text_of(call.body(), "user_id")
    known = account.followers.values()
    follower = next((one for one in known if user_id in {one.openid, one.nickname}), None)
    if follower is None or not follower.subscribed:
        raise ApiRefusal(65302)
    buttons = menu_for(account, follower)
    if buttons is None:
        raise ApiRefusal(46003)
    return {"button": _filled(buttons)}


ENDPOINTS = (
    Endpoint(path="/cgi-bin/menu/create", method="POST", answer=_create, sets=_SETS),
    Endpoint(path="/cgi-bin/menu/get", method="GET", answer=_get, sets=_SETS),
    Endpoint(path="/cgi-bin/menu/delete", method="GET", answer=_delete, sets=_SETS),
    Endpoint(path="/cgi-bin/get_current_selfmenu_info", method="GET", answer=_current, sets=_SETS),
    Endpoint(path="/cgi-bin/menu/addconditional", method="POST", answer=_add_conditional, sets=_SETS),
    Endpoint(path="/cgi-bin/menu/delconditional", method="POST", answer=_delete_conditional, sets=_SETS),
    Endpoint(path="/cgi-bin/menu/trymatch", method="POST", answer=_try_match, sets=_SETS),
)
