"""Pushes as typed values, and answers as bodies. Pure.

Source: WeChat Official Account docs, "Receiving messages", "Receiving events", "Passive replies".
"""

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from moorage.connectors.content import Content, File, Link, Location, Media, Text, Unsupported
from moorage.connectors.contract import (
    CustomerDataConcerned,
    CustomerMessage,
    DataWish,
    Followed,
    Inbound,
    OtherEvent,
    Unfollowed,
    What,
)
from moorage.connectors.failures import MalformedInput, UnsupportedInput
from moorage.connectors.wechat_oa.event_lines import ABOUT_THE_ACCOUNT, VERIFIED, line_of
from moorage.connectors.wechat_oa.fields import Fields, format_of, read_fields, text_of, write_fields
from moorage.connectors.wechat_oa.manifest import MOST_TEXT_BYTES
from moorage.connectors.wechat_oa.menu_events import read_menu_use

MOST_ID_CHARACTERS = 128
"""Of an openid, an account's id or a MsgId; WeChat's have 28, 15 and 20."""

_SECONDS = re.compile(r"[0-9]{1,11}")
_COMMON = frozenset({"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "Encrypt"})
_EVENT_COMMON = _COMMON | {"Event"}
_ABOUT_SOMEBODY_ELSE = frozenset({"user_info_modified", "user_authorization_revoke", "user_authorization_cancellation"})
"""Events that WeChat itself sends: `FromUserName` is its own id, the customer stands in `OpenID`."""
_MENU_EVENTS = frozenset({"click", "scancode_push", "scancode_waitmsg"})
_ANSWERABLE_EVENTS = _MENU_EVENTS | {"scan", "pic_sysphoto", "pic_photo_or_album", "pic_weixin", "location_select"}
"""Events after which an answer in the same exchange is shown to the customer."""


def read_push(body: bytes) -> Inbound:
    """Return what the verified plaintext `body` tells; `reply_context` is empty.

    Raises MalformedInput for what no genuine push looks like, UnsupportedInput for a platform's own notices.
    """
    fields = read_fields(body)
    if "InfoType" in fields:
        raise UnsupportedInput(reason="platform_notice")
    account, sender = _identifier(fields, "ToUserName"), _identifier(fields, "FromUserName")
    kind = _identifier(fields, "MsgType")
    happened_at = _happened_at(fields)
    message_id = None if kind == "event" else _message_id(fields)
    return Inbound(
        external_customer_id=_customer_of(fields, sender=sender),
        external_account_id=account,
        once_key=_once_key(fields, sender=sender, message_id=message_id),
        happened_at=happened_at,
        what=_read_event(fields) if kind == "event" else CustomerMessage(content=_read_content(fields, kind=kind)),
        external_message_id=message_id,
        body=body,
        reply_context={},
    )


def write_text_reply(*, inbound: Inbound, text: str, now: datetime) -> bytes | None:
    """Return the plaintext answer that says `text`, or None where WeChat would not show it or refuse it."""
    if not _answerable(inbound.what) or not text.strip() or len(text.encode("utf-8", "replace")) > MOST_TEXT_BYTES:
        return None
    reply = {
        "ToUserName": inbound.external_customer_id,
        "FromUserName": inbound.external_account_id,
        "CreateTime": int(now.timestamp()),
        "MsgType": "text",
        "Content": text,
    }
    return write_fields(reply, format=format_of(inbound.body))


def _answerable(what: What) -> bool:
    match what:
        case CustomerMessage() | Followed():
            return True
        case Unfollowed():
            return False
        case OtherEvent(name=name):
            return name.lower() in _ANSWERABLE_EVENTS


# ---------------------------------------------------------------- the common fields


def _identifier(fields: Fields, name: str) -> str:
    value = (text_of(fields, name) or "").strip()
    if not value:
        raise MalformedInput(reason="missing_field")
    if len(value) > MOST_ID_CHARACTERS:
        raise MalformedInput(reason="invalid_field")
    return value


def _happened_at(fields: Fields) -> datetime:
    seconds = _identifier(fields, "CreateTime")
    if not _SECONDS.fullmatch(seconds):
        raise MalformedInput(reason="invalid_field")
    return datetime.fromtimestamp(int(seconds), UTC)


def _message_id(fields: Fields) -> str | None:
    """Return the 64-bit id as the digits that came, or None: some kinds that are new to us may carry none."""
    return _identifier(fields, "MsgId") if fields.get("MsgId") else None


def _customer_of(fields: Fields, *, sender: str) -> str:
    event = (text_of(fields, "Event") or "").lower()
    return _identifier(fields, "OpenID") if event in _ABOUT_SOMEBODY_ELSE and fields.get("OpenID") else sender


def _once_key(fields: Fields, *, sender: str, message_id: str | None) -> str:
    """Return the key of one push: an id alone is not unique, and two events of a customer may share a second."""
    created = _identifier(fields, "CreateTime")
    if message_id is not None:
        return f"m:{sender}:{message_id}:{created}"
    whole = json.dumps(fields, sort_keys=True, ensure_ascii=True).encode()
    return f"e:{sender}:{created}:{hashlib.sha256(whole).hexdigest()}"


# ---------------------------------------------------------------- messages


def _read_content(fields: Fields, *, kind: str) -> Content:
    """Return the typed content, or Unsupported with every field where it is of no kind we know, or lacks something."""
    reader = _READERS.get(kind)
    content = reader(fields) if reader else None
    return content or Unsupported(kind=kind, fields=_rest(fields, without=_COMMON))


def _rest(fields: Fields, *, without: frozenset[str]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if name not in without}


def _read_text(fields: Fields) -> Content | None:
    text = text_of(fields, "Content")
    if text is None:
        return None
    others = _rest(fields, without=_COMMON | {"Content", "bizmsgmenuid"})
    return Text(text=text, choice_id=text_of(fields, "bizmsgmenuid") or None, others=others)


def _read_image(fields: Fields) -> Content | None:
    media_id = text_of(fields, "MediaId")
    if not media_id:
        return None
    others = _rest(fields, without=_COMMON | {"MediaId", "PicUrl"})
    return Media(
        type="image",
        state="fetching",
        external_media_id=media_id,
        external_url=text_of(fields, "PicUrl") or None,
        others=others,
    )


def _read_voice(fields: Fields) -> Content | None:
    media_id = text_of(fields, "MediaId")
    if not media_id:
        return None
    return Media(
        type="voice",
        state="fetching",
        external_media_id=media_id,
        format=text_of(fields, "Format") or None,
        recognized_text=(text_of(fields, "Recognition") or "").strip() or None,  # often there, but empty
        others=_rest(fields, without=_COMMON | {"MediaId", "Format", "Recognition"}),
    )


def _read_video(fields: Fields) -> Content | None:
    media_id = text_of(fields, "MediaId")
    if not media_id:
        return None
    return Media(
        type="video" if text_of(fields, "MsgType") == "video" else "short_video",
        state="fetching",
        external_media_id=media_id,
        external_thumb_id=text_of(fields, "ThumbMediaId") or None,
        others=_rest(fields, without=_COMMON | {"MediaId", "ThumbMediaId"}),
    )


def _read_location(fields: Fields) -> Content | None:
    latitude, longitude = _degrees(fields, "Location_X", most=90), _degrees(fields, "Location_Y", most=180)
    if latitude is None or longitude is None:
        return None
    scale = (text_of(fields, "Scale") or "").strip()
    return Location(
        latitude=latitude,
        longitude=longitude,
        scale=int(scale) if re.fullmatch(r"[0-9]{1,4}", scale) else None,
        label=text_of(fields, "Label") or "",
        others=_rest(fields, without=_COMMON | {"Location_X", "Location_Y", "Scale", "Label"}),
    )


def _degrees(fields: Fields, name: str, *, most: int) -> float | None:
    try:
        degrees = float(text_of(fields, name) or "")
    except ValueError:
        return None
    return degrees if math.isfinite(degrees) and abs(degrees) <= most else None


def _read_link(fields: Fields) -> Content | None:
    url = text_of(fields, "Url")
    if not url:
        return None
    return Link(
        title=text_of(fields, "Title") or "",
        description=text_of(fields, "Description") or "",
        url=url,
        others=_rest(fields, without=_COMMON | {"Title", "Description", "Url"}),
    )


def _read_file(fields: Fields) -> Content | None:
    """Return a file's name and size. No page of WeChat's documents the kind, and nothing can fetch the file."""
    name = text_of(fields, "Title")
    if not name:
        return None
    size = (text_of(fields, "FileTotalLen") or "").strip()
    return File(
        name=name,
        description=text_of(fields, "Description") or "",
        size_bytes=int(size) if re.fullmatch(r"[0-9]{1,15}", size) else None,
        external_file_id=text_of(fields, "FileKey") or None,
        md5=text_of(fields, "FileMd5") or None,
        others=_rest(fields, without=_COMMON | {"Title", "Description", "FileTotalLen", "FileKey", "FileMd5"}),
    )


_READERS: Mapping[str, Callable[[Fields], Content | None]] = {
    "text": _read_text,
    "image": _read_image,
    "voice": _read_voice,
    "video": _read_video,
    "shortvideo": _read_video,
    "location": _read_location,
    "link": _read_link,
    "file": _read_file,
}


# ---------------------------------------------------------------- events


def _read_event(fields: Fields) -> What:
    name = _identifier(fields, "Event")
    match name.lower():  # the documents warn that the case varies
        case "subscribe":
            return Followed(scene=_scene(text_of(fields, "EventKey") or ""))
        case "unsubscribe":
            return Unfollowed()
        case "user_info_modified" | "user_authorization_revoke" | "user_authorization_cancellation" as concerns:
            others = _rest(fields, without=_EVENT_COMMON)
            return CustomerDataConcerned(
                name=name, fields=others, line=line_of(name, others), wish=_wish(concerns, fields)
            )
        case "scan":
            others = _rest(fields, without=_EVENT_COMMON)
            return OtherEvent(name=name, fields=others, opens="scan", line=line_of(name, others))
        case lowered:
            opens = "menu" if lowered in _MENU_EVENTS else None
            others = _rest(fields, without=_EVENT_COMMON)
            return read_menu_use(name=name, fields=others, opens=opens) or OtherEvent(
                name=name,
                fields=others,
                opens=opens,
                line=line_of(name, others),
                about="account" if lowered in ABOUT_THE_ACCOUNT else "customer",
                verified=VERIFIED.get(lowered),
            )


_ELSEWHERE = frozenset({"201", "202", "203", "204", "206", "207"})
"""What a customer may withdraw that we never take from WeChat: addresses, invoices, cards, microphone, position, files
that they chose. 205 is name and picture; any other number may mean them as well."""


def _wish(event: str, fields: Fields) -> DataWish:
    match event:
        case "user_authorization_cancellation":
            return "erase"
        case "user_authorization_revoke":
            told = (text_of(fields, "RevokeInfo") or "").strip()
            return "refresh" if told in _ELSEWHERE else "forget_profile"
        case _:
            return "refresh"


def _scene(event_key: str) -> str | None:
    """Return the scanned code's scene. The prefix goes once: a scene may begin with the same word."""
    prefix = "qrscene_"
    return (event_key[len(prefix) :] or None) if event_key.startswith(prefix) else None
