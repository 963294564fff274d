"""Which menu a follower sees, and which button of it they mean."""

from collections.abc import Sequence

from pydantic import JsonValue

from wechat_sandbox.endpoints.call import JsonObject, list_of
from wechat_sandbox.model import Account, Follower


def menu_for(account: Account, follower: Follower) -> list[JsonObject] | None:
    """Return the newest conditional menu that fits the follower, else the menu for everybody, None if there is none."""
    if account.menu is None:
        return None
    fitting = (menu.buttons for menu in reversed(account.conditional_menus) if _fits(menu.rule, follower))
    return next(fitting, account.menu.buttons)


def button_at(buttons: Sequence[JsonObject] | None, path: Sequence[int]) -> JsonObject | None:
    """Return the button at a place such as [0] or [2, 1], None if there is none or it only opens others."""
    button: JsonObject | None = None
    level: Sequence[JsonValue] = list[JsonValue](buttons or [])
    for index in path:
        found = level[index] if 0 <= index < len(level) else None
        if not isinstance(found, dict):
            return None
        button = found
        level = list_of(found, "sub_button")
    return None if level else button


def _fits(rule: dict[str, str], follower: Follower) -> bool:
    tag = rule.get("tag_id")
    return (
        (tag is None or int(tag) in follower.tags)
        and rule.get("client_platform_type", follower.platform) == follower.platform
        and rule.get("language", follower.language) == follower.language
    )
