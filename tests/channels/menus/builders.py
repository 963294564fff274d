"""Builders of menus: they set only what a test is about."""

from collections.abc import Sequence
from itertools import count

from moorage.channels.menus.checking import Ground
from moorage.channels.menus.model import Action, Item, Menu, OpenLink, SendText, SubItem
from moorage.connectors.wechat_oa.manifest import MENU_LIMITS, MOST_TEXT_BYTES

GROUND = Ground(limits=MENU_LIMITS, most_text_bytes=MOST_TEXT_BYTES, group_ids=frozenset())
LINK = OpenLink(url="https://x.example/")
_numbers = count(1000)


def an_id() -> str:
    return f"i{next(_numbers)}"


def a_sub_item(name: str = "子项", *, action: Action | None = LINK, item_id: str | None = None) -> SubItem:
    return SubItem(id=item_id or an_id(), name=name, action=action)


def an_item(name: str = "菜单", *, action: Action | None = LINK, item_id: str | None = None) -> Item:
    return Item(id=item_id or an_id(), name=name, action=action)


def a_parent(*items: SubItem, name: str = "更多", item_id: str | None = None) -> Item:
    return Item(id=item_id or an_id(), name=name, items=items)


def a_menu(*items: Item) -> Menu:
    return Menu(items=items or (an_item("说你好", action=SendText(text="你好")),))


def names(items: Sequence[SubItem]) -> list[str]:
    return [item.name for item in items]
