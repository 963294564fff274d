"""Menus as WeChat writes them, to typed values and back. Pure.

Source: WeChat Official Account docs, "Custom menu: create", "query", "get_current_selfmenu_info", "Conditional menus".
"""

from collections.abc import Mapping
from typing import cast

from moorage.connectors.menus import (
    Button,
    ButtonKind,
    ConditionalMenu,
    LiveMenu,
    MatchRule,
    Platform,
    ProviderMenu,
)

MOST_BUTTONS = 20
"""Of one level that are read; WeChat allows three and five."""
MOST_CONDITIONAL = 200
MOST_TEXT_CHARACTERS = 4096

_KINDS: Mapping[str, ButtonKind] = {
    "click": ButtonKind.TAP,
    "view": ButtonKind.LINK,
    "miniprogram": ButtonKind.MINI_PROGRAM,
    "scancode_push": ButtonKind.SCAN,
    "scancode_waitmsg": ButtonKind.SCAN_AND_WAIT,
    "location_select": ButtonKind.LOCATION,
    "pic_sysphoto": ButtonKind.CAMERA,
    "pic_photo_or_album": ButtonKind.CAMERA_OR_ALBUM,
    "pic_weixin": ButtonKind.ALBUM,
}
_TYPES: Mapping[ButtonKind, str] = {kind: name for name, kind in _KINDS.items()}
_PLATFORMS: Mapping[str, Platform] = {"1": "ios", "2": "android", "3": "other"}
_PLATFORM_NUMBERS: Mapping[Platform, str] = {platform: number for number, platform in _PLATFORMS.items()}

Json = Mapping[str, object]


# ---------------------------------------------------------------- out


def write_menu(menu: ProviderMenu) -> dict[str, object]:
    """Return the body that creates `menu`."""
    return {"button": [_write_button(button) for button in menu.buttons]}


def write_rule(rule: MatchRule) -> dict[str, str]:
    """Return `rule` as WeChat's `matchrule`."""
    written = {
        "tag_id": rule.tag_id,
        "client_platform_type": None if rule.platform is None else _PLATFORM_NUMBERS[rule.platform],
        "language": rule.language,
    }
    return {name: value for name, value in written.items() if value is not None}


def _write_button(button: Button) -> dict[str, object]:
    if button.kind is None:
        return {"name": button.name, "sub_button": [_write_button(below) for below in button.buttons]}
    if button.kind is ButtonKind.OTHER:
        return {**button.fields, "type": button.external_kind, "name": button.name}
    written = {"key": button.key, "url": button.url, "appid": button.app_id, "pagepath": button.path}
    given = {name: value for name, value in written.items() if value is not None}
    return {"type": _TYPES[button.kind], "name": button.name, **given}


# ---------------------------------------------------------------- in


def read_live_menu(*, current: Json, created: Json | None) -> LiveMenu:
    """Return what is live from the answers of both calls that tell it; `created` None: no menu was made by an API.

    The first one knows menus made in WeChat's back office too, the second one conditional menus, and every field of
    the menus that were made by an API.
    """
    shown = _read_menu(_object(current, "selfmenu_info"))
    by_api = None if created is None else _read_menu(_object(created, "menu"))
    menu = by_api if shown is not None and by_api is not None and _alike(shown, by_api) else shown
    return LiveMenu(
        shown=current.get("is_menu_open") == 1,
        menu=menu,
        conditional=() if created is None else _read_conditional(created),
    )


def read_matched(answer: Json) -> ProviderMenu:
    """Return the menu that a try to match tells; one without buttons where nothing is shown."""
    return _read_menu(answer) or _read_menu(_object(answer, "menu")) or ProviderMenu(buttons=())


def _alike(one: ProviderMenu, other: ProviderMenu) -> bool:
    """Tell whether two answers describe one menu, of which one may leave fields out."""
    outlines = [
        [(button.name, button.kind, button.external_kind, len(button.buttons)) for button in menu.all_buttons()]
        for menu in (one, other)
    ]
    return outlines[0] == outlines[1]


def _read_menu(told: Json | None) -> ProviderMenu | None:
    buttons = () if told is None else tuple(_read_button(button) for button in _list(told.get("button")))
    return ProviderMenu(buttons=buttons) if buttons else None


def _read_button(told: Json) -> Button:
    name = _text(told, "name") or ""
    below = told.get("sub_button")
    listed = _list(cast("Json", below).get("list")) if isinstance(below, dict) else _list(below)
    if listed:
        return Button(name=name, buttons=tuple(_read_leaf(button) for button in listed))
    return _read_leaf(told)


def _read_leaf(told: Json) -> Button:
    name, kind_name = _text(told, "name") or "", _text(told, "type") or ""
    kind = _KINDS.get(kind_name)
    if kind is None:
        fields = {key: value for key, value in told.items() if key not in {"name", "type", "sub_button"}}
        return Button(name=name, kind=ButtonKind.OTHER, external_kind=kind_name, fields=fields)
    return Button(
        name=name,
        kind=kind,
        key=_text(told, "key"),
        url=_text(told, "url"),
        app_id=_text(told, "appid"),
        path=_text(told, "pagepath"),
    )


def _read_conditional(created: Json) -> tuple[ConditionalMenu, ...]:
    """Return the conditional menus, those first that win. WeChat leaves an account's out that has none."""
    found = [_read_one_conditional(told) for told in _list(created.get("conditionalmenu"), most=MOST_CONDITIONAL)]
    return tuple(one for one in found if one is not None)


def _read_one_conditional(told: Json) -> ConditionalMenu | None:
    menu, external_menu_id = _read_menu(told), _text(told, "menuid")
    if menu is None or external_menu_id is None:
        return None
    rule = _object(told, "matchrule") or {}
    return ConditionalMenu(
        external_menu_id=external_menu_id,
        menu=menu,
        rule=MatchRule(
            tag_id=_text(rule, "tag_id") or _text(rule, "group_id"),  # the answer may use the older name
            language=_text(rule, "language"),
            platform=_PLATFORMS.get(_text(rule, "client_platform_type") or ""),
        ),
    )


def _object(told: Json, name: str) -> Json | None:
    value = told.get(name)
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def _list(value: object, *, most: int = MOST_BUTTONS) -> list[Json]:
    if not isinstance(value, list):
        return []
    return [cast("Json", one) for one in cast("list[object]", value)[:most] if isinstance(one, dict)]


def _text(told: Json, name: str) -> str | None:
    """Return a text or a number as text; None for what is absent or empty. Numbers are ids: they never were floats."""
    value = told.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value[:MOST_TEXT_CHARACTERS] or None if isinstance(value, str) else None
