"""What a tap on the phone's menu bar does."""

import hashlib
from collections.abc import Sequence

from pydantic import BaseModel, Field, JsonValue

from wechat_sandbox import chats
from wechat_sandbox.endpoints.call import JsonObject, text_of
from wechat_sandbox.followers import NotFollowing, send
from wechat_sandbox.media.samples import sample
from wechat_sandbox.media.showing import shown_media
from wechat_sandbox.menus.matching import button_at, menu_for
from wechat_sandbox.model import Account, Follower, Push
from wechat_sandbox.world import Sandbox

_SHOWN_BY_WECHAT = frozenset({"media_id", "view_limited", "article_id", "article_view_limited"})


class NoSuchButton(Exception):
    """The menu that the follower sees has nothing to tap at that place."""


class TapForm(BaseModel, extra="forbid"):
    """A tap: where, and what the follower scans, sends or chooses then; what is left out is made up."""

    path: list[int] = Field(min_length=1, max_length=2)
    scan_type: str = "qrcode"
    scan_result: str = "https://shop.example.com/p/1001"
    media_ids: list[str] | None = None
    latitude: float = 31.230416
    longitude: float = 121.473701
    label: str = "上海市黄浦区人民大道200号"


def tap(sandbox: Sandbox, account: Account, follower: Follower, form: TapForm, *, base_url: str) -> list[Push]:
    """Do what the button says and return the pushes it causes, none where WeChat itself answers.

    Raises NotFollowing or NoSuchButton.
    """
    if not follower.subscribed:
        raise NotFollowing
    button = button_at(menu_for(account, follower), form.path)
    if button is None:
        raise NoSuchButton
    kind = text_of(button, "type")
    if kind in _SHOWN_BY_WECHAT:
        _show(sandbox, account, follower, button)
        return []
    pushes: list[Push] = []
    for description in _descriptions(account, button, form):
        pushes += send(sandbox, account, follower, description=description, base_url=base_url)
    return pushes


def _descriptions(account: Account, button: JsonObject, form: TapForm) -> Sequence[JsonObject]:
    kind, key = text_of(button, "type"), text_of(button, "key")
    menu_id = account.menu.menu_id if account.menu else 0
    match kind:
        case "click":
            return [_event("CLICK", key)]
        case "view" | "miniprogram":
            event, place = ("VIEW", "url") if kind == "view" else ("view_miniprogram", "pagepath")
            return [_event(event, text_of(button, place), MenuId=menu_id)]
        case "scancode_push" | "scancode_waitmsg":
            found: JsonValue = {"ScanType": form.scan_type, "ScanResult": form.scan_result}
            return [_event(kind, key, ScanCodeInfo=found)]
        case "pic_sysphoto" | "pic_photo_or_album" | "pic_weixin":
            return _pictures(kind, key, form)
        case "location_select":
            return _place(key, form)
        case _:
            return []


def _event(name: str, key: str, **fields: JsonValue) -> JsonObject:
    return {"type": "event", "event": name, "event_key": key, "fields": fields}


def _pictures(kind: str, key: str, form: TapForm) -> Sequence[JsonObject]:
    """Return the event that announces the pictures, then each as a message of its own."""
    messages: list[JsonObject] = [{"type": "image"}]
    if form.media_ids is not None:
        messages = [{"type": "image", "media_id": media_id} for media_id in form.media_ids[:9]]
    digest = hashlib.md5(sample("photo.jpg"), usedforsecurity=False).hexdigest()
    items: list[JsonValue] = [{"PicMd5Sum": digest} for _ in messages]
    announced: JsonValue = {"Count": len(messages), "PicList": {"item": items}}
    return [_event(kind, key, SendPicsInfo=announced), *messages]


def _place(key: str, form: TapForm) -> Sequence[JsonObject]:
    chosen: JsonValue = {
        "Location_X": str(form.latitude),
        "Location_Y": str(form.longitude),
        "Scale": "16",
        "Label": form.label,
        "Poiname": "",
    }
    message: JsonObject = {
        "type": "location",
        "latitude": form.latitude,
        "longitude": form.longitude,
        "label": form.label,
    }
    return [_event("location_select", key, SendLocationInfo=chosen), message]


def _show(sandbox: Sandbox, account: Account, follower: Follower, button: JsonObject) -> None:
    """Show the material or the article that WeChat itself sends for such a button."""
    stored = account.media.get(text_of(button, "media_id"))
    article = account.articles.get(text_of(button, "article_id"))
    kind, text, data = "news", "", dict[str, JsonValue]()
    if stored is not None:
        kind, data = stored.kind, shown_media(stored)
    elif article is not None:
        shown: list[JsonValue] = [
            {"title": article.title, "description": article.digest, "url": article.url, "picurl": ""}
        ]
        text, data["articles"] = article.title, shown
    else:
        return
    now_s = sandbox.clock.now_s()
    chats.write_entry(sandbox.state, follower, direction="out", kind=kind, text=text, at=now_s, via="menu", data=data)
    sandbox.keeper.changed()
