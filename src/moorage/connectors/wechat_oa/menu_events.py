"""What customers do with the menu, from the fields of WeChat's events. Pure.

Source: WeChat Official Account docs, "Custom menu: event pushes".
"""

import re
from collections.abc import Mapping
from typing import Literal, cast

from moorage.connectors.contract import MenuUse, MenuUsed
from moorage.connectors.wechat_oa.fields import Fields, text_of

MOST_SHOWN_CHARACTERS = 300

_USES: Mapping[str, MenuUse] = {
    "click": "tap",
    "view": "link",
    "view_miniprogram": "mini_program",
    "scancode_push": "scan",
    "scancode_waitmsg": "scan",
    "location_select": "location",
    "pic_sysphoto": "photos",
    "pic_photo_or_album": "photos",
    "pic_weixin": "photos",
}


def read_menu_use(*, name: str, fields: Fields, opens: Literal["menu", "scan"] | None) -> MenuUsed | None:
    """Return what the event `name` tells of the menu, or None for an event of another sort."""
    use = _USES.get(name.lower())
    if use is None:
        return None
    result = {part: value[:MOST_SHOWN_CHARACTERS] for part, value in _result(use, fields).items() if value}
    key = (text_of(fields, "EventKey") or "").strip()
    return MenuUsed(name=name, fields=dict(fields), opens=opens, use=use, key=key, result=result)


def _result(use: MenuUse, fields: Fields) -> dict[str, str]:
    if use == "scan":
        scanned = _inner(fields, "ScanCodeInfo")
        return {"scanned": _scanned(text_of(scanned, "ScanResult") or ""), "code": text_of(scanned, "ScanType") or ""}
    if use == "location":
        place = _inner(fields, "SendLocationInfo")
        return {"label": text_of(place, "Label") or "", "name": text_of(place, "Poiname") or ""}
    if use == "photos":
        count = (text_of(_inner(fields, "SendPicsInfo"), "Count") or "").strip()
        return {"count": count if re.fullmatch(r"[0-9]{1,3}", count) else ""}
    return {}


def _scanned(result: str) -> str:
    """Return what the code says; a barcode's result names its kind first, as in `EAN_13,6901234567892`."""
    return re.sub(r"^[A-Z]{2,8}_[0-9A-Z]{1,5},", "", result)


def _inner(fields: Fields, name: str) -> Fields:
    value = fields.get(name)
    return cast("Fields", value) if isinstance(value, Mapping) else {}
