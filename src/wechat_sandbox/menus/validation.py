"""Judging the buttons and the conditions of a menu as strictly as WeChat does."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from wechat_sandbox.endpoints.call import JsonObject, list_of, text_of
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.model import Account

MOST_BUTTONS = 3
MOST_SUB_BUTTONS = 5
MOST_KEY_BYTES = 128
MOST_URL_BYTES = 1024
CONDITIONS = frozenset({"tag_id", "client_platform_type", "language"})
PLATFORMS = frozenset({"1", "2", "3"})
_KEY_TYPES = frozenset(
    {
        "click",
        "scancode_push",
        "scancode_waitmsg",
        "pic_sysphoto",
        "pic_photo_or_album",
        "pic_weixin",
        "location_select",
    }
)
_MEDIA_TYPES = frozenset({"media_id", "view_limited"})
_ARTICLE_TYPES = frozenset({"article_id", "article_view_limited"})
_APPID = re.compile(r"wx[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class _Level:
    """The limit of a name and the codes of one of the two levels of buttons."""

    most_name_bytes: int
    type: int
    name: int
    key: int
    url: int
    domain: int


_TOP = _Level(most_name_bytes=16, type=40017, name=40018, key=40019, url=40020, domain=40054)
_SUB = _Level(most_name_bytes=60, type=40024, name=40025, key=40026, url=40027, domain=40055)


def checked_buttons(account: Account, body: JsonObject) -> list[JsonObject]:
    """Return the buttons of a menu that may be published. Raises ApiRefusal with the code of the first fault."""
    if "button" not in body:
        raise ApiRefusal(41007)
    buttons = _objects(list_of(body, "button"), errcode=40017)
    if not 1 <= len(buttons) <= MOST_BUTTONS:
        raise ApiRefusal(40016)
    for button in buttons:
        _check_top(account, button)
    return buttons


def checked_rule(account: Account, body: JsonObject) -> dict[str, str]:
    """Return the conditions of a menu for some. Raises ApiRefusal 65304, 40035 or 45159.

    Conditions by sex and region were withdrawn and count for nothing.
    """
    given = body.get("matchrule")
    rule = _conditions(given if isinstance(given, dict) else {})
    if not rule:
        raise ApiRefusal(65304)
    if rule.get("client_platform_type", "1") not in PLATFORMS:
        raise ApiRefusal(40035)
    if "tag_id" in rule and rule["tag_id"] not in {str(tag) for tag in account.tags}:
        raise ApiRefusal(45159)
    return rule


def _conditions(given: Mapping[str, JsonValue]) -> dict[str, str]:
    values = {key: given.get(key) for key in CONDITIONS}
    return {key: str(value) for key, value in values.items() if isinstance(value, str | int) and str(value)}


def _objects(values: list[JsonValue], *, errcode: int) -> list[JsonObject]:
    objects = [value for value in values if isinstance(value, dict)]
    if len(objects) != len(values):
        raise ApiRefusal(errcode)
    return objects


def _check_top(account: Account, button: JsonObject) -> None:
    _check_name(button, level=_TOP)
    below = button.get("sub_button")
    if not below:
        if "type" not in button and isinstance(below, list):
            raise ApiRefusal(40023)
        _check_action(account, button, level=_TOP)
        return
    if not isinstance(below, list) or len(below) > MOST_SUB_BUTTONS:
        raise ApiRefusal(40023)
    for sub in _objects(below, errcode=40024):
        if sub.get("sub_button"):
            raise ApiRefusal(40022)
        _check_name(sub, level=_SUB)
        _check_action(account, sub, level=_SUB)


def _check_name(button: JsonObject, *, level: _Level) -> None:
    if not 1 <= len(text_of(button, "name").encode()) <= level.most_name_bytes:
        raise ApiRefusal(level.name)


def _check_action(account: Account, button: JsonObject, *, level: _Level) -> None:
    kind = text_of(button, "type")
    if kind in _KEY_TYPES:
        _check_size(text_of(button, "key"), most=MOST_KEY_BYTES, errcode=level.key)
    elif kind == "view":
        _check_url(button, level=level)
    elif kind == "miniprogram":
        _check_url(button, level=level)
        _check_mini_program(account, button)
    elif kind in _MEDIA_TYPES:
        _check_material(account, text_of(button, "media_id"))
    elif kind in _ARTICLE_TYPES:
        if text_of(button, "article_id") not in account.articles:
            raise ApiRefusal(40007)
    else:
        raise ApiRefusal(level.type)


def _check_size(text: str, *, most: int, errcode: int) -> None:
    if not 1 <= len(text.encode()) <= most:
        raise ApiRefusal(errcode)


def _check_url(button: JsonObject, *, level: _Level) -> None:
    url = text_of(button, "url")
    _check_size(url, most=MOST_URL_BYTES, errcode=level.url)
    if not re.match(r"https?://[^/\s]", url):
        raise ApiRefusal(level.domain)


def _check_mini_program(account: Account, button: JsonObject) -> None:
    appid = text_of(button, "appid")
    if not _APPID.fullmatch(appid):
        raise ApiRefusal(40166)
    if not text_of(button, "pagepath"):
        raise ApiRefusal(40165)
    if appid not in account.mini_programs:
        raise ApiRefusal(45064)


def _check_material(account: Account, media_id: str) -> None:
    if not media_id:
        raise ApiRefusal(40118)
    stored = account.media.get(media_id)
    if stored is None or stored.expires_at is not None:
        raise ApiRefusal(40007)
    if stored.kind == "thumb":
        raise ApiRefusal(40121)
