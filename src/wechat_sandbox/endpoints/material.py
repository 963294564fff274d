"""Permanent material."""

import json

from pydantic import JsonValue

from wechat_sandbox.endpoints.call import OK, Binary, Call, Endpoint, JsonObject, text_of
from wechat_sandbox.endpoints.media import as_file, kind_in, uploaded
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.media.keeping import keep_permanent
from wechat_sandbox.media.limits import PERMANENT, check_file
from wechat_sandbox.model import Account, StoredMedia

_SETS = frozenset({11})
_MOST_AT_ONCE = 20
_MOST_IMAGES = 100_000
_MOST_OTHERS = 1_000
_COUNTED = ("voice", "video", "image", "news")


def _add(call: Call) -> JsonObject:
    kind, account, file = kind_in(call), call.owner(), uploaded(call)
    found = check_file(file.content, limit=PERMANENT[kind])
    title, introduction = _description(call) if kind == "video" else ("", "")
    if len(_material(account, kind)) >= (_MOST_IMAGES if kind == "image" else _MOST_OTHERS):
        raise ApiRefusal(45009)
    stored = keep_permanent(
        account,
        call.sandbox.blobs,
        content=file.content,
        kind=kind,
        found=found,
        name=title or file.name,
        now_s=call.now_s,
    )
    stored.title, stored.introduction = title, introduction
    answer: JsonObject = {"media_id": stored.media_id}
    if kind == "image":
        answer["url"] = _url(call, stored)
    return answer


def _description(call: Call) -> tuple[str, str]:
    """Return the title and introduction of a video. Raises ApiRefusal 47001."""
    try:
        given: JsonValue = json.loads(call.form.texts.get("description", ""))
    except ValueError as error:
        raise ApiRefusal(47001) from error
    if not isinstance(given, dict) or not text_of(given, "title"):
        raise ApiRefusal(47001)
    return text_of(given, "title"), text_of(given, "introduction")


def _url(call: Call, stored: StoredMedia) -> str:
    return f"{call.base_url}/mmbiz_jpg/{stored.blob}/0"


def _material(account: Account, kind: str) -> list[StoredMedia]:
    return [one for one in account.media.values() if one.expires_at is None and one.kind == kind]


def _named(call: Call) -> StoredMedia:
    media_id = text_of(call.body(), "media_id")
    if not media_id:
        raise ApiRefusal(41006)
    stored = call.owner().media.get(media_id)
    if stored is None or stored.expires_at is not None:
        raise ApiRefusal(40007)
    return stored


def _get(call: Call) -> JsonObject | Binary:
    stored = _named(call)
    if stored.kind != "video":
        return as_file(call, stored)
    address = f"{call.base_url}/sandbox/videos/{call.owner().appid}/{stored.media_id}.mp4"
    return {"title": stored.title, "description": stored.introduction, "down_url": address}


def _delete(call: Call) -> JsonObject:
    account, stored = call.owner(), _named(call)
    menus = [*([account.menu.buttons] if account.menu else []), *(one.buttons for one in account.conditional_menus)]
    if stored.media_id in json.dumps(menus):
        raise ApiRefusal(48005)
    del account.media[stored.media_id]
    return OK


def _count(call: Call) -> JsonObject:
    account = call.owner()
    return {f"{kind}_count": len(_material(account, kind)) for kind in _COUNTED}


def _list(call: Call) -> JsonObject:
    account, body = call.owner(), call.body()
    kind, offset, count = text_of(body, "type"), body.get("offset"), body.get("count")
    if kind not in _COUNTED:
        raise ApiRefusal(40004)
    if not isinstance(offset, int) or not isinstance(count, int) or offset < 0 or not 1 <= count <= _MOST_AT_ONCE:
        raise ApiRefusal(40097)
    known = sorted(_material(account, kind), key=lambda one: one.created_at, reverse=True)
    items: list[JsonValue] = [_item(call, one) for one in known[offset : offset + count]]
    return {"total_count": len(known), "item_count": len(items), "item": items}


def _item(call: Call, stored: StoredMedia) -> JsonObject:
    item: JsonObject = {
        "media_id": stored.media_id,
        "name": stored.name,
        "update_time": int(stored.created_at),
    }
    return item | ({"url": _url(call, stored)} if stored.kind == "image" else {})


ENDPOINTS = (
    Endpoint(path="/cgi-bin/material/add_material", method="POST", answer=_add, sets=_SETS),
    Endpoint(path="/cgi-bin/material/get_material", method="POST", answer=_get, sets=_SETS),
    Endpoint(path="/cgi-bin/material/del_material", method="POST", answer=_delete, sets=_SETS),
    Endpoint(path="/cgi-bin/material/get_materialcount", method="GET", answer=_count, sets=_SETS),
    Endpoint(path="/cgi-bin/material/batchget_material", method="POST", answer=_list, sets=_SETS),
)
