"""What a follower can send, turned into the fields of a push."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from wechat_sandbox import identifiers
from wechat_sandbox.model import Trigger
from wechat_sandbox.windows import trigger_of_event

Fields = dict[str, JsonValue]

_SILENT_EVENTS = frozenset(
    {"unsubscribe", "VIEW", "view_miniprogram", "TEMPLATESENDJOBFINISH", "MASSSENDJOBFINISH", "PUBLISHJOBFINISH"}
)
"""Events whose reply, or want of one, never shows in the chat."""


class PayloadRefused(Exception):
    """The description of a message cannot become a push."""


@dataclass(frozen=True, slots=True)
class Payload:
    """One message or event: its XML fields, and what it means to the stand-in itself."""

    kind: str
    text: str
    fields: Fields
    trigger: Trigger | None
    is_event: bool
    visible: bool


@dataclass(frozen=True, slots=True)
class _Element:
    """A field of the description and the XML element it fills; without a value nothing is written."""

    key: str
    name: str
    default: Callable[[], JsonValue] = lambda: None


def _media(kind: str) -> Callable[[], JsonValue]:
    return lambda: identifiers.new_media_id(kind=kind)


def _picture_url() -> JsonValue:
    return f"http://mmbiz.qpic.cn/mmbiz_jpg/{identifiers.new_secret()}/0"


_MESSAGES: Mapping[str, tuple[_Element, ...]] = {
    "text": (_Element("content", "Content"), _Element("bizmsgmenuid", "bizmsgmenuid")),
    "image": (_Element("pic_url", "PicUrl", _picture_url), _Element("media_id", "MediaId", _media("image"))),
    "voice": (
        _Element("media_id", "MediaId", _media("voice")),
        _Element("format", "Format", lambda: "amr"),
        _Element("media_id_16k", "MediaId16K", _media("voice16k")),
        _Element("recognition", "Recognition"),
    ),
    "video": (
        _Element("media_id", "MediaId", _media("video")),
        _Element("thumb_media_id", "ThumbMediaId", _media("thumb")),
    ),
    "shortvideo": (
        _Element("media_id", "MediaId", _media("video")),
        _Element("thumb_media_id", "ThumbMediaId", _media("thumb")),
    ),
    "location": (
        _Element("latitude", "Location_X", lambda: 31.230416),
        _Element("longitude", "Location_Y", lambda: 121.473701),
        _Element("scale", "Scale", lambda: 16),
        _Element("label", "Label", lambda: "上海市黄浦区人民大道200号"),
    ),
    "link": (
        _Element("title", "Title", lambda: ""),
        _Element("description", "Description", lambda: ""),
        _Element("url", "Url", lambda: "https://shop.example.com/"),
    ),
    "file": (
        _Element("title", "Title", lambda: "文件.pdf"),
        _Element("description", "Description", lambda: ""),
        _Element("file_key", "FileKey", _media("file")),
        _Element("file_md5", "FileMd5", identifiers.new_secret),
        _Element("file_total_len", "FileTotalLen", lambda: 48213),
    ),
}
"""Files are not in the official documents, but client libraries have seen them."""

_EVENTS: Mapping[str, tuple[_Element, ...]] = {
    "SCAN": (_Element("event_key", "EventKey"), _Element("ticket", "Ticket", _media("ticket"))),
    "LOCATION": (
        _Element("latitude", "Latitude", lambda: 31.230416),
        _Element("longitude", "Longitude", lambda: 121.473701),
        _Element("precision", "Precision", lambda: 65.0),
    ),
    "VIEW": (_Element("event_key", "EventKey"), _Element("menu_id", "MenuId", lambda: 439342188)),
}
_ANY_EVENT = (_Element("event_key", "EventKey", lambda: ""),)
_LABELS = ("Content", "Label", "Title", "Recognition", "EventKey")


def payload_from(description: Mapping[str, JsonValue]) -> Payload:
    """Return the payload that a description such as `{"type": "text", "content": "…"}` asks for.

    `fields` adds XML elements as they are, so that any kind can be sent. Raises PayloadRefused.
    """
    kind = description.get("type")
    if not isinstance(kind, str) or not kind:
        raise PayloadRefused("type is missing")
    if kind == "event":
        return _event(description)
    fields = _filled(description, _MESSAGES.get(kind, ()))
    if kind == "text" and not fields.get("Content"):
        raise PayloadRefused("content is missing")
    fields |= _extra(description)
    return Payload(kind=kind, text=_label(fields), fields=fields, trigger="message", is_event=False, visible=True)


def subscription(*, scene: str | None, ticket: str | None = None) -> Payload:
    """Return the event of a person who starts to follow, having scanned a scene's code if one is given."""
    fields: Fields = {"Event": "subscribe", "EventKey": f"qrscene_{scene}" if scene else ""}
    if scene or ticket:
        fields["Ticket"] = ticket or identifiers.new_media_id(kind="ticket")
    trigger: Trigger = "scan" if scene or ticket else "subscribe"
    return Payload(kind="subscribe", text="", fields=fields, trigger=trigger, is_event=True, visible=True)


def unsubscription() -> Payload:
    """Return the event of a person who stops following."""
    fields: Fields = {"Event": "unsubscribe", "EventKey": ""}
    return Payload(kind="unsubscribe", text="", fields=fields, trigger=None, is_event=True, visible=False)


def _event(description: Mapping[str, JsonValue]) -> Payload:
    event = description.get("event")
    if not isinstance(event, str) or not event:
        raise PayloadRefused("event is missing")
    if event.lower() in {"subscribe", "unsubscribe"}:
        raise PayloadRefused("use follow and unfollow")
    fields: Fields = {"Event": event} | _filled(description, _EVENTS.get(event, _ANY_EVENT)) | _extra(description)
    return Payload(
        kind=event,
        text=_label(fields),
        fields=fields,
        trigger=trigger_of_event(event=event),
        is_event=True,
        visible=event not in _SILENT_EVENTS,
    )


def _filled(description: Mapping[str, JsonValue], elements: tuple[_Element, ...]) -> Fields:
    values = {element.name: description.get(element.key, element.default()) for element in elements}
    return {name: value for name, value in values.items() if value is not None}


def _extra(description: Mapping[str, JsonValue]) -> Fields:
    extra = description.get("fields", {})
    if not isinstance(extra, dict):
        raise PayloadRefused("fields is not an object")
    return extra


def _label(fields: Fields) -> str:
    texts = (fields.get(name) for name in _LABELS)
    return next((text for text in texts if isinstance(text, str) and text), "")
