"""Between the admins' menu and the provider's: what is published of ours, and what an imported one means. Pure."""

from collections.abc import Callable, Iterable, Mapping

from moorage.channels.menus.model import (
    MOST_STORED_NAME,
    Action,
    Imported,
    Item,
    Menu,
    OpenLink,
    OpenMiniProgram,
    Scan,
    SendLocation,
    SendPhotos,
    SendText,
    SubItem,
    key_of,
    read_key,
)
from moorage.connectors.menus import Button, ButtonKind, ProviderMenu

_PHOTOS: Mapping[str, ButtonKind] = {
    "camera": ButtonKind.CAMERA,
    "camera_or_album": ButtonKind.CAMERA_OR_ALBUM,
    "album": ButtonKind.ALBUM,
}

Known = Mapping[tuple[int, str], SubItem]
"""Our items by version and id."""


def compiled(menu: Menu, *, number: int) -> ProviderMenu:
    """Return what is published of a `menu` without faults, as version `number`."""
    return ProviderMenu(buttons=tuple(_button(item, number) for item in menu.items))


def _button(item: Item, number: int) -> Button:
    if not item.items:
        return _leaf(item, number)
    return Button(name=item.name.strip(), buttons=tuple(_leaf(below, number) for below in item.items))


def _leaf(item: SubItem, number: int) -> Button:
    name, action = item.name.strip(), item.action
    match action:
        case OpenLink(url=url):
            return Button(name=name, kind=ButtonKind.LINK, url=url.strip())
        case OpenMiniProgram(app_id=app_id, path=path, url=url):
            return Button(
                name=name, kind=ButtonKind.MINI_PROGRAM, app_id=app_id.strip(), path=path.strip(), url=url.strip()
            )
        case Imported(button=button):
            return button.model_copy(update={"name": name})
        case _:
            return Button(name=name, kind=_keyed_kind(action), key=key_of(number=number, item_id=item.id))


def _keyed_kind(action: Action | None) -> ButtonKind:
    match action:
        case Scan(waits=waits):
            return ButtonKind.SCAN_AND_WAIT if waits else ButtonKind.SCAN
        case SendLocation():
            return ButtonKind.LOCATION
        case SendPhotos(source=source):
            return _PHOTOS[source]
        case _:
            return ButtonKind.TAP


def comparable(menu: Menu) -> ProviderMenu:
    """Return `menu` with what each item does in place of its key, to be held against another one."""
    return ProviderMenu(
        buttons=tuple(
            Button(name=item.name.strip(), buttons=tuple(_meaning(below) for below in item.items))
            if item.items
            else _meaning(item)
            for item in menu.items
        )
    )


def _meaning(item: SubItem) -> Button:
    action = item.action
    does: dict[str, object] = {} if action is None else action.model_dump(mode="json")
    return Button(
        name=item.name.strip(),
        kind=ButtonKind.OTHER,
        external_kind="none" if action is None else action.type,
        fields=does,
    )


def own_keys(menu: ProviderMenu) -> set[tuple[int, str]]:
    """Return version and item of every key of ours in a provider's menu."""
    keys = (read_key(button.key) for button in menu.all_buttons() if button.key is not None)
    return {key for key in keys if key is not None}


def understood(menu: ProviderMenu, *, known: Known, fresh_id: Callable[[], str]) -> Menu:
    """Return a provider's menu as ours. Items that are our own are what they were, others what can be told of them.

    What only another platform knows the meaning of is kept as it is.
    """
    ids = _Ids(fresh_id)
    return Menu(items=tuple(_item(button, known, ids) for button in menu.buttons))


class _Ids:
    """Gives each item an id once; ours keep theirs unless it was taken."""

    def __init__(self, fresh_id: Callable[[], str]) -> None:
        self._fresh_id = fresh_id
        self._taken: set[str] = set()

    def take(self, wanted: str | None) -> str:
        while wanted is None or wanted in self._taken:
            wanted = self._fresh_id()
        self._taken.add(wanted)
        return wanted


def _item(button: Button, known: Known, ids: _Ids) -> Item:
    if button.kind is None and button.buttons:
        name = button.name[:MOST_STORED_NAME]
        return Item(id=ids.take(None), name=name, items=tuple(_sub_item(below, known, ids) for below in button.buttons))
    return Item(**_sub_item(button, known, ids).model_dump())


def _sub_item(button: Button, known: Known, ids: _Ids) -> SubItem:
    key = None if button.key is None else read_key(button.key)
    ours = None if key is None else known.get(key)
    item_id = ids.take(None if ours is None else ours.id)
    action = _action(button) if ours is None else ours.action
    return SubItem(id=item_id, name=button.name[:MOST_STORED_NAME], action=action)


def _action(button: Button) -> Action | None:
    match button.kind:
        case None:
            return None
        case ButtonKind.LINK:
            return OpenLink(url=button.url or "")
        case ButtonKind.MINI_PROGRAM:
            return OpenMiniProgram(app_id=button.app_id or "", path=button.path or "", url=button.url or "")
        case ButtonKind.OTHER if button.external_kind == "text" and isinstance(button.fields.get("value"), str):
            return SendText(text=str(button.fields["value"]))  # the back office's own text reply
        case _:
            return Imported(button=button.model_copy(update={"name": "", "buttons": ()}))


def items_by_key(menus: Iterable[tuple[int, Menu]]) -> dict[tuple[int, str], SubItem]:
    """Return the items of several versions by version and id."""
    return {(number, item.id): item for number, menu in menus for item, _ in menu.all_items()}
