"""The permission sets of official accounts, and what each lets a platform do and hear."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from wechat_sandbox.model import Account, Component


@dataclass(frozen=True, slots=True)
class PermissionSet:
    """One set; an exclusive one is held by one platform at a time."""

    set_id: int
    name_zh: str
    name_en: str
    exclusive: bool = False


_SETS = (
    PermissionSet(1, "消息管理", "Message management"),
    PermissionSet(2, "用户管理", "User management"),
    PermissionSet(3, "账号服务", "Account service"),
    PermissionSet(4, "网页服务", "Web service", exclusive=True),
    PermissionSet(6, "微信多客服", "Multi-agent customer service"),
    PermissionSet(7, "群发与通知", "Mass messaging and notification"),
    PermissionSet(8, "微信卡券", "Cards"),
    PermissionSet(9, "微信扫一扫", "Scan"),
    PermissionSet(11, "素材管理", "Material management"),
    PermissionSet(13, "微信门店", "Stores"),
    PermissionSet(15, "菜单管理", "Custom menu"),
    PermissionSet(22, "城市服务", "City service"),
    PermissionSet(23, "广告管理", "Advertising"),
    PermissionSet(24, "开放平台账号管理", "Open Platform account binding", exclusive=True),
    PermissionSet(27, "快速注册小程序", "Quick mini-program registration"),
    PermissionSet(33, "小程序关联管理", "Mini-program linking"),
    PermissionSet(34, "商品库", "Product library", exclusive=True),
    PermissionSet(54, "服务号对话管理", "Service-account dialogue", exclusive=True),
    PermissionSet(89, "服务号订阅通知", "Subscription notices"),
)
USUAL_SETS = (1, 2, 3, 4, 7, 11, 15)
EXCLUSIVE = frozenset(one.set_id for one in _SETS if one.exclusive)
_BY_ID = {one.set_id: one for one in _SETS}

_EVENT_SETS: Mapping[str, frozenset[int]] = {
    "subscribe": frozenset({1, 2}),
    "unsubscribe": frozenset({1, 2}),
    "LOCATION": frozenset({2}),
    "SCAN": frozenset({3}),
    "MASSSENDJOBFINISH": frozenset({7}),
    "TEMPLATESENDJOBFINISH": frozenset({7}),
    "PUBLISHJOBFINISH": frozenset({7, 11}),
}
_MENU_EVENTS = frozenset({"CLICK", "VIEW", "view_miniprogram", "location_select"})
_EVENT_PREFIXES: Mapping[str, frozenset[int]] = {
    "scancode_": frozenset({15}),
    "pic_": frozenset({15}),
    "card_": frozenset({8}),
    "user_get_card": frozenset({8}),
    "kf_": frozenset({6}),
}
_MESSAGES = frozenset({1})


def known_set(set_id: int) -> PermissionSet:
    """Return the set of this id; one that the list does not have is named by its number."""
    return _BY_ID.get(set_id) or PermissionSet(set_id, f"权限集 {set_id}", f"Set {set_id}")


def sets_that_hear(fields: Mapping[str, JsonValue]) -> frozenset[int]:
    """Return the sets of which a platform must hold one to get the push with these fields.

    Where the documents name none, an event follows the messages.
    """
    event = fields.get("Event")
    if not isinstance(event, str):
        return _MESSAGES
    if event in _MENU_EVENTS:
        return frozenset({15})
    by_prefix = (sets for prefix, sets in _EVENT_PREFIXES.items() if event.startswith(prefix))
    return _EVENT_SETS.get(event) or next(by_prefix, _MESSAGES)


def grantable_sets(component: Component, account: Account) -> list[int]:
    """Return the sets that the platform asks for and the account can grant, in the platform's order."""
    if account.permission_sets is None:
        return list(component.permission_sets)
    return [set_id for set_id in component.permission_sets if set_id in account.permission_sets]


def func_info(sets: Iterable[int]) -> list[JsonValue]:
    """Return the sets in the form of WeChat's answers."""
    return [{"funcscope_category": {"id": set_id}} for set_id in sets]
