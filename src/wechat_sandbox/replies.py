"""Judging what a server answered to a push, as strictly as WeChat does."""

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from pydantic import JsonValue

from wechat_sandbox.crypto import Seal, SealBroken
from wechat_sandbox.model import Mode
from wechat_sandbox.wire import NotXml, child_text, parse

MAX_TEXT_BYTES = 2048
_MEDIA_KINDS = frozenset({"image", "voice", "video", "music"})


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


class _Refused(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def judge_answer(body: bytes, *, mode: Mode, seal: Seal, openid: str, username: str) -> Verdict:
    """Return what the body of a 200 answer means for the push of this follower."""
    if body in (b"", b"success"):
        return Acknowledged(empty=not body)
    try:
        root = _reply_root(body, mode=mode, seal=seal)
        _check_envelope(root, openid=openid, username=username)
        return _read_reply(root)
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


def _check_envelope(root: Element, *, openid: str, username: str) -> None:
    if child_text(root, "ToUserName") != openid:
        raise _Refused("to_user_name_is_not_the_sender")
    if child_text(root, "FromUserName") != username:
        raise _Refused("from_user_name_is_not_the_account")
    if not (child_text(root, "CreateTime") or "").isdecimal():
        raise _Refused("create_time_is_not_a_number")


def _read_reply(root: Element) -> PassiveReply:
    kind = child_text(root, "MsgType")
    if kind == "text":
        return _text_reply(child_text(root, "Content") or "")
    if kind == "news":
        return _news_reply(root)
    if kind == "transfer_customer_service":
        return PassiveReply(kind=kind, text="")
    if kind in _MEDIA_KINDS:
        raise _Refused("unknown_media_id")
    raise _Refused("unknown_msg_type")


def _text_reply(content: str) -> PassiveReply:
    if not content:
        raise _Refused("empty_content")
    if len(content.encode()) > MAX_TEXT_BYTES:
        raise _Refused("content_too_long")
    return PassiveReply(kind="text", text=content)


def _news_reply(root: Element) -> PassiveReply:
    items = root.findall("Articles/item")
    if not items or child_text(root, "ArticleCount") is None:
        raise _Refused("no_articles")
    articles: list[JsonValue] = [
        {
            "title": child_text(item, "Title") or "",
            "description": child_text(item, "Description") or "",
            "url": child_text(item, "Url") or "",
        }
        for item in items
    ]
    return PassiveReply(kind="news", text=child_text(items[0], "Title") or "", data={"articles": articles})
