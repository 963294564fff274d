"""Judging what a server answered to a push, as strictly as WeChat does."""

from collections.abc import Callable
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from pydantic import JsonValue

from wechat_sandbox.crypto import Seal, SealBroken
from wechat_sandbox.media.showing import shown_media
from wechat_sandbox.model import Mode, StoredMedia
from wechat_sandbox.wire import NotXml, child_text, parse

MAX_TEXT_BYTES = 2048
MOST_ARTICLES = 8
"""Of a reply to an event; a reply to a message has one."""
_PICTURES = frozenset({"thumb", "image"})


def _no_media(_media_id: str) -> StoredMedia | None:
    return None


@dataclass(frozen=True, slots=True)
class Asked:
    """The push that is answered: who sent it to whom, which files a reply may name, how many articles it may have."""

    openid: str
    username: str
    most_articles: int = MOST_ARTICLES
    find_media: Callable[[str], StoredMedia | None] = _no_media


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """`success` or nothing: the server has the push and says no more."""

    empty: bool


@dataclass(frozen=True, slots=True)
class PassiveReply:
    """A valid reply; `kind` transfer_customer_service shows nothing in the chat."""

    kind: str
    text: str
    data: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])


@dataclass(frozen=True, slots=True)
class Malformed:
    """An answer that WeChat refuses; the follower sees the failure notice."""

    reason: str


Verdict = Acknowledged | PassiveReply | Malformed


_MOST_REPLY_BYTES = 64 * 1024
"""A text of 2048 bytes or eight articles, sealed, are far below."""


class _Refused(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def judge_answer(body: bytes, *, mode: Mode, seal: Seal, asked: Asked) -> Verdict:
    """Return what the body of a 200 answer means for the push."""
    if body in (b"", b"success"):
        return Acknowledged(empty=not body)
    if len(body) > _MOST_REPLY_BYTES:
        return Malformed(reason="too_large")
    try:
        root = _reply_root(body, mode=mode, seal=seal)
        _check_envelope(root, asked=asked)
        return _read_reply(root, asked=asked)
    except _Refused as refused:
        return Malformed(reason=refused.reason)


def judge_notification_answer(body: bytes) -> Verdict:
    """Return what the body of a 200 answer means for a platform's notification: only `success` will do."""
    return Acknowledged(empty=False) if body == b"success" else Malformed(reason="not_success")


def _reply_root(body: bytes, *, mode: Mode, seal: Seal) -> Element:
    root = _parsed(body)
    encrypted = root.find("Encrypt") is not None
    if encrypted and mode != "plaintext":
        return _parsed(_opened(root, seal=seal))
    if not encrypted and mode == "secure":
        raise _Refused("reply_not_encrypted")
    return root


def _parsed(document: bytes) -> Element:
    try:
        root = parse(document)
    except NotXml as error:
        raise _Refused("not_xml") from error
    if root.tag != "xml":
        raise _Refused("root_is_not_xml")
    return root


def _opened(root: Element, *, seal: Seal) -> bytes:
    encrypt, signature = child_text(root, "Encrypt"), child_text(root, "MsgSignature")
    timestamp, nonce = child_text(root, "TimeStamp"), child_text(root, "Nonce")
    if not (encrypt and signature and timestamp and nonce):
        raise _Refused("incomplete_envelope")
    try:
        return seal.open(encrypt=encrypt, timestamp=timestamp, nonce=nonce, signature=signature)
    except SealBroken as broken:
        raise _Refused(broken.code) from broken


def _check_envelope(root: Element, *, asked: Asked) -> None:
    if child_text(root, "ToUserName") != asked.openid:
        raise _Refused("to_user_name_is_not_the_sender")
    if child_text(root, "FromUserName") != asked.username:
        raise _Refused("from_user_name_is_not_the_account")
    if not (child_text(root, "CreateTime") or "").isdecimal():
        raise _Refused("create_time_is_not_a_number")


def _read_reply(root: Element, *, asked: Asked) -> PassiveReply:
    match child_text(root, "MsgType"):
        case "text":
            return _text_reply(child_text(root, "Content") or "")
        case "image" | "voice" as kind:
            stored = _media(root, f"{kind.title()}/MediaId", kinds=frozenset({kind}), asked=asked)
            return PassiveReply(kind=kind, text="", data=shown_media(stored))
        case "video":
            return _video_reply(root, asked=asked)
        case "music":
            return _music_reply(root, asked=asked)
        case "news":
            return _news_reply(root, most=asked.most_articles)
        case "transfer_customer_service":
            return PassiveReply(kind="transfer_customer_service", text="")
        case _:
            raise _Refused("unknown_msg_type")


def _media(root: Element, path: str, *, kinds: frozenset[str], asked: Asked) -> StoredMedia:
    stored = asked.find_media(child_text(root, path) or "")
    if stored is None:
        raise _Refused("unknown_media_id")
    if stored.kind not in kinds:
        raise _Refused("wrong_media_type")
    return stored


def _video_reply(root: Element, *, asked: Asked) -> PassiveReply:
    stored = _media(root, "Video/MediaId", kinds=frozenset({"video"}), asked=asked)
    title = child_text(root, "Video/Title") or ""
    words: dict[str, JsonValue] = {"title": title, "description": child_text(root, "Video/Description") or ""}
    return PassiveReply(kind="video", text=title, data=shown_media(stored) | words)


def _music_reply(root: Element, *, asked: Asked) -> PassiveReply:
    thumb = _media(root, "Music/ThumbMediaId", kinds=_PICTURES, asked=asked)
    title = child_text(root, "Music/Title") or ""
    data: dict[str, JsonValue] = {
        "title": title,
        "description": child_text(root, "Music/Description") or "",
        "musicurl": child_text(root, "Music/MusicUrl") or "",
        "hqmusicurl": child_text(root, "Music/HQMusicUrl") or "",
        "thumb_media_id": thumb.media_id,
        "thumb_blob": thumb.blob,
    }
    return PassiveReply(kind="music", text=title, data=data)


def _text_reply(content: str) -> PassiveReply:
    if not content:
        raise _Refused("empty_content")
    if len(content.encode()) > MAX_TEXT_BYTES:
        raise _Refused("content_too_long")
    return PassiveReply(kind="text", text=content)


def _news_reply(root: Element, *, most: int) -> PassiveReply:
    items = root.findall("Articles/item")
    if not items or child_text(root, "ArticleCount") is None:
        raise _Refused("no_articles")
    articles: list[JsonValue] = [
        {
            "title": child_text(item, "Title") or "",
            "description": child_text(item, "Description") or "",
            "url": child_text(item, "Url") or "",
            "picurl": child_text(item, "PicUrl") or "",
        }
        for item in items[:most]
    ]
    return PassiveReply(kind="news", text=child_text(items[0], "Title") or "", data={"articles": articles})
