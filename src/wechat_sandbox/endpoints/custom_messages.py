"""Customer-service messages and the typing state."""

from dataclasses import dataclass, field

from pydantic import JsonValue

from wechat_sandbox import followers
from wechat_sandbox.endpoints.call import OK, Call, Endpoint, JsonObject, list_of, object_of, text_of
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.model import Account, Follower
from wechat_sandbox.windows import CountUsedUp, WindowClosed, bucket_to_spend

MAX_TEXT_BYTES = 2048
TYPING_S = 15.0
INTERACTION_S = 30.0
_MEDIA_KINDS = frozenset({"image", "voice", "video", "music", "mpnews", "mpnewsarticle", "miniprogrampage"})
_SETS = frozenset({1, 6})
_MENU_ITEMS = 10
"""No document tells how many items a menu message may have; this is the stand-in's own bound."""


@dataclass(frozen=True, slots=True)
class _Content:
    text: str
    data: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])


def _send(call: Call) -> JsonObject:
    account = _able(call.owner())
    body = call.body()
    follower = _addressee(account, body)
    kind = text_of(body, "msgtype")
    content = _content(kind, object_of(body, kind))
    if object_of(body, "customservice"):
        raise ApiRefusal(65400)
    _check_reachable(follower)
    data = content.data
    if object_of(body, "aimsgcontext").get("is_ai_msg") == 1:
        data = data | {"is_ai_msg": True}
    try:
        followers.receive(call.sandbox, follower, kind=kind, text=content.text, data=data)
    except WindowClosed as closed:
        raise ApiRefusal(45015) from closed
    except CountUsedUp as used_up:
        raise ApiRefusal(45047) from used_up
    return OK


def _typing(call: Call) -> JsonObject:
    account = _able(call.owner())
    body = call.body()
    follower = _addressee(account, body)
    command = text_of(body, "command")
    if command not in {"Typing", "CancelTyping"}:
        raise ApiRefusal(45072)
    _check_reachable(follower)
    if command == "CancelTyping":
        follower.typing_until = None
    else:
        _start_typing(follower, now_s=call.now_s)
    return OK


def _start_typing(follower: Follower, *, now_s: float) -> None:
    try:
        bucket_to_spend(buckets=follower.buckets, now_s=now_s)
    except WindowClosed as closed:
        raise ApiRefusal(45015) from closed
    except CountUsedUp as used_up:
        raise ApiRefusal(45047) from used_up
    if follower.interacted_at is None or now_s - follower.interacted_at > INTERACTION_S:
        raise ApiRefusal(45080)
    if followers.is_typing(follower, now_s=now_s):
        raise ApiRefusal(45081)
    follower.typing_until = now_s + TYPING_S


def _able(account: Account) -> Account:
    if not account.verified:
        raise ApiRefusal(48001)
    return account


def _addressee(account: Account, body: JsonObject) -> Follower:
    follower = account.followers.get(text_of(body, "touser"))
    if follower is None:
        raise ApiRefusal(40003)
    return follower


def _check_reachable(follower: Follower) -> None:
    if follower.blacklisted:
        raise ApiRefusal(43019)
    if not follower.subscribed:
        raise ApiRefusal(43004 if follower.subscribed_at is None else 45015)
    if follower.blocked:
        raise ApiRefusal(48002)


def _content(kind: str, content: JsonObject) -> _Content:
    if kind == "text":
        return _text(content)
    if kind == "news":
        return _news(content)
    if kind == "msgmenu":
        return _menu(content)
    if kind == "wxcard":
        raise ApiRefusal(48008)
    raise ApiRefusal(40007 if kind in _MEDIA_KINDS else 40008)


def _text(content: JsonObject) -> _Content:
    text = text_of(content, "content")
    if not text:
        raise ApiRefusal(44004)
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise ApiRefusal(45002)
    return _Content(text=text)


def _news(content: JsonObject) -> _Content:
    articles = list_of(content, "articles")
    if not articles:
        raise ApiRefusal(44003)
    if len(articles) > 1:
        raise ApiRefusal(45008)
    article = articles[0]
    if not isinstance(article, dict):
        raise ApiRefusal(47001)
    return _Content(text=text_of(article, "title"), data={"articles": articles})


def _menu(content: JsonObject) -> _Content:
    items = list_of(content, "list")
    if not items:
        raise ApiRefusal(44004)
    if len(items) > _MENU_ITEMS:
        raise ApiRefusal(45098, detail="msgmenu list size out of limit")
    data: dict[str, JsonValue] = {"list": items, "tail_content": text_of(content, "tail_content")}
    return _Content(text=text_of(content, "head_content"), data=data)


ENDPOINTS = (
    Endpoint(path="/cgi-bin/message/custom/send", method="POST", answer=_send, sets=_SETS),
    Endpoint(path="/cgi-bin/message/custom/typing", method="POST", answer=_typing, sets=_SETS),
)
