"""What keeps a menu from being published, each fault at its item. Pure; the limits are the kind's."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID

from moorage.channels.menus.model import (
    OFFERED,
    Action,
    Imported,
    Item,
    Menu,
    OpenLink,
    OpenMiniProgram,
    SendText,
    SubItem,
    TransferToAgent,
)
from moorage.connectors.manifest import Manifest, MenuLimits
from moorage.connectors.menus import Button, ButtonKind, MatchRule, MenuField, MenuLevel

Level = MenuLevel
FaultField = Literal["items", "name", "action", "text", "url", "app_id", "path", "group_id", "key", "rule"]
FaultReason = Literal[
    "empty",
    "too_many",
    "too_long",
    "control_characters",
    "no_action",
    "both",
    "not_http",
    "mismatch",
    "unknown",
    "not_available",
    "back_office_only",
]

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to change before the menu can be published. `item_id` None: it is about the menu as a whole."""

    item_id: str | None
    at: FaultField
    reason: FaultReason
    values: Mapping[str, int] = field(default_factory=dict[str, int])
    """The numbers of the sentence: `count`, `bytes` and `most`."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a menu is held against."""

    limits: MenuLimits
    most_text_bytes: int
    group_ids: frozenset[UUID]
    """The skill groups that there are."""


def ground_of(manifest: Manifest, *, group_ids: Sequence[UUID]) -> Ground | None:
    """Return what the menus of a kind are held against, or None for a kind without menus."""
    if manifest.menu is None:
        return None
    return Ground(limits=manifest.menu, most_text_bytes=manifest.max_text_bytes, group_ids=frozenset(group_ids))


def faults_of(menu: Menu, *, ground: Ground) -> tuple[Fault, ...]:
    """Return everything that keeps `menu` from being published, in the order of its items."""
    return tuple(_faults_of_menu(menu, ground))


def faults_of_rule(rule: MatchRule, *, limits: MenuLimits) -> tuple[Fault, ...]:
    """Return what is wrong with whom a conditional menu is for."""
    if rule.is_empty:
        return (Fault(None, "rule", "empty"),)
    known = (rule.platform is None or rule.platform in limits.platforms) and (
        rule.language is None or rule.language in limits.languages
    )
    tag_fits = rule.tag_id is None or re.fullmatch(r"[0-9]{1,10}", rule.tag_id) is not None
    return () if known and tag_fits else (Fault(None, "rule", "mismatch"),)


def utf8_length(text: str) -> int:
    """Return the bytes of `text` as providers count them."""
    return len(text.encode("utf-8", "surrogatepass"))


def _faults_of_menu(menu: Menu, ground: Ground) -> Iterator[Fault]:
    limits = ground.limits
    if not menu.items:
        yield Fault(None, "items", "empty")
    if len(menu.items) > limits.most_items:
        yield Fault(None, "items", "too_many", {"count": len(menu.items), "most": limits.most_items})
    for item in menu.items:
        yield from _faults_of_item(item, ground)


def _faults_of_item(item: Item, ground: Ground) -> Iterator[Fault]:
    yield from _faults_of_name(item, most=ground.limits.most_name_bytes)
    if not item.items:
        yield from _faults_of_action(item, ground)
        return
    if item.action is not None:
        yield Fault(item.id, "action", "both")
    if len(item.items) > ground.limits.most_sub_items:
        counted = {"count": len(item.items), "most": ground.limits.most_sub_items}
        yield Fault(item.id, "items", "too_many", counted)
    for below in item.items:
        yield from _faults_of_name(below, most=ground.limits.most_sub_name_bytes)
        yield from _faults_of_action(below, ground)


def _faults_of_name(item: SubItem, *, most: int) -> Iterator[Fault]:
    name = item.name.strip()
    if not name:
        yield Fault(item.id, "name", "empty")
    elif _CONTROLS.search(name):
        yield Fault(item.id, "name", "control_characters")
    if utf8_length(name) > most:
        yield Fault(item.id, "name", "too_long", {"bytes": utf8_length(name), "most": most})


def _faults_of_action(item: SubItem, ground: Ground) -> Iterator[Fault]:
    action = item.action
    if action is None:
        yield Fault(item.id, "action", "no_action")
    elif isinstance(action, Imported):
        yield from _faults_of_imported(item.id, action.button, ground.limits)
    elif action.type not in OFFERED:
        yield Fault(item.id, "action", "not_available")
    else:
        yield from _faults_within(item.id, action, ground)


def _faults_within(item_id: str, action: Action, ground: Ground) -> Iterator[Fault]:
    most = ground.limits.most_url_bytes
    match action:
        case SendText(text=text):
            yield from _faults_of_text(item_id, "text", text, most=ground.most_text_bytes)
        case OpenLink(url=url):
            yield from _faults_of_url(item_id, url, most=most)
        case OpenMiniProgram(app_id=app_id, path=path, url=url):
            if not re.fullmatch(ground.limits.app_id_pattern, app_id.strip()):
                yield Fault(item_id, "app_id", "mismatch" if app_id.strip() else "empty")
            yield from _faults_of_text(item_id, "path", path, most=most)
            yield from _faults_of_url(item_id, url, most=most)
        case TransferToAgent(group_id=group_id) if group_id is not None and group_id not in ground.group_ids:
            yield Fault(item_id, "group_id", "unknown")
        case _:
            return


def _faults_of_text(item_id: str, at: FaultField, text: str, *, most: int) -> Iterator[Fault]:
    if not text.strip():
        yield Fault(item_id, at, "empty")
    elif utf8_length(text.strip()) > most:
        yield Fault(item_id, at, "too_long", {"bytes": utf8_length(text.strip()), "most": most})


def _faults_of_url(item_id: str, url: str, *, most: int) -> Iterator[Fault]:
    url = url.strip()
    yield from _faults_of_text(item_id, "url", url, most=most)
    if url and not _is_web_address(url):
        yield Fault(item_id, "url", "not_http")


def _is_web_address(url: str) -> bool:
    """Tell whether a browser could go there: http or https, a host, no blanks or invisible characters."""
    if _CONTROLS.search(url) or any(character.isspace() for character in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False


def _faults_of_imported(item_id: str, button: Button, limits: MenuLimits) -> Iterator[Fault]:
    """Return what is wrong with what another platform made: what its back office alone can make is not publishable."""
    if button.kind is ButtonKind.OTHER and button.external_kind not in limits.own_kinds:
        yield Fault(item_id, "action", "back_office_only")
        return
    key = button.key or ""
    if button.kind is not ButtonKind.OTHER and not key:
        yield Fault(item_id, "key", "empty")
    elif utf8_length(key) > limits.most_key_bytes:
        yield Fault(item_id, "key", "too_long", {"bytes": utf8_length(key), "most": limits.most_key_bytes})


# ---------------------------------------------------------------- whom a refusal of the provider is about


def suspects(menu: Menu, *, at: MenuField | None, level: MenuLevel | None) -> tuple[str, ...]:
    """Return the items that a refusal may be about, as far as the provider's answer tells.

    A name is the longest one of the level; for the others every item of the level that has the field.
    """
    if at is None or at == "rule":
        return ()
    of_level = [(item, its) for item, its in menu.all_items() if level is None or level == its]
    if at == "name":
        longest = max((utf8_length(item.name) for item, _ in of_level), default=0)
        return tuple(item.id for item, _ in of_level if utf8_length(item.name) == longest)
    if at == "items":
        return _crowded(menu) if level == "sub" else ()
    return tuple(item.id for item, _ in of_level if _has(item, at))


def _crowded(menu: Menu) -> tuple[str, ...]:
    most = max((len(item.items) for item in menu.items), default=0)
    return tuple(item.id for item in menu.items if item.items and len(item.items) == most)


def _has(item: SubItem, at: MenuField) -> bool:
    action = item.action
    match at:
        case "url":
            return isinstance(action, OpenLink | OpenMiniProgram)
        case "app_id" | "path":
            return isinstance(action, OpenMiniProgram)
        case "media":
            return isinstance(action, Imported)
        case "key":
            return isinstance(action, Imported) and action.button.key is not None
        case _:
            return action is not None
