"""What customer-service messages may contain, kind by kind, and how the phone shows it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from wechat_sandbox.endpoints.call import JsonObject, list_of, object_of, text_of
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.media.keeping import usable_media
from wechat_sandbox.media.showing import shown_media
from wechat_sandbox.model import Account, MediaKind

MAX_TEXT_BYTES = 2048
_MAX_URL_BYTES = 2048
_MENU_ITEMS = 10
_MENU_ITEM_BYTES = 128
"""No document tells how many items a menu message may have and how long; these are the stand-in's own bounds."""
_PICTURES: frozenset[MediaKind] = frozenset({"thumb", "image"})


@dataclass(frozen=True, slots=True)
class Content:
    """One message as the chat keeps it."""

    text: str
    data: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])


@dataclass(frozen=True, slots=True)
class _Reading:
    """The object of the message, and whose files and articles it may name at this instant."""

    account: Account
    given: JsonObject
    now_s: float

    def text(self, key: str) -> str:
        return text_of(self.given, key)


def read_content(account: Account, body: JsonObject, *, now_s: float) -> Content:
    """Return the content of a message. Raises ApiRefusal 40008 for a kind nobody knows, or what is wrong with it."""
    kind = text_of(body, "msgtype")
    read = _READERS.get(kind)
    if read is None:
        raise ApiRefusal(40008)
    return read(_Reading(account=account, given=object_of(body, kind), now_s=now_s))


def _text(reading: _Reading) -> Content:
    text = reading.text("content")
    if not text:
        raise ApiRefusal(44004)
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise ApiRefusal(45002)
    return Content(text=text)


def _image(reading: _Reading) -> Content:
    stored = usable_media(reading.account, reading.text("media_id"), kinds=frozenset({"image"}), now_s=reading.now_s)
    return Content(text="", data=shown_media(stored))


def _voice(reading: _Reading) -> Content:
    stored = usable_media(reading.account, reading.text("media_id"), kinds=frozenset({"voice"}), now_s=reading.now_s)
    return Content(text="", data=shown_media(stored))


def _video(reading: _Reading) -> Content:
    stored = usable_media(reading.account, reading.text("media_id"), kinds=frozenset({"video"}), now_s=reading.now_s)
    words: dict[str, JsonValue] = {"title": reading.text("title"), "description": reading.text("description")}
    return Content(text=reading.text("title"), data=shown_media(stored) | words | _thumb(reading))


def _music(reading: _Reading) -> Content:
    words: dict[str, JsonValue] = {key: reading.text(key) for key in ("title", "description", "musicurl", "hqmusicurl")}
    _check_url(reading.text("musicurl"), errcode=45005)
    return Content(text=reading.text("title"), data=words | _thumb(reading))


def _mini_program(reading: _Reading) -> Content:
    appid, path = reading.text("appid"), reading.text("pagepath")
    if appid not in reading.account.mini_programs:
        raise ApiRefusal(40166)
    if not path:
        raise ApiRefusal(40165)
    data: dict[str, JsonValue] = {"appid": appid, "pagepath": path}
    return Content(text=reading.text("title"), data=data | _thumb(reading))


def _thumb(reading: _Reading) -> dict[str, JsonValue]:
    stored = usable_media(reading.account, reading.text("thumb_media_id"), kinds=_PICTURES, now_s=reading.now_s)
    return {"thumb_media_id": stored.media_id, "thumb_blob": stored.blob}


def _news(reading: _Reading) -> Content:
    articles = list_of(reading.given, "articles")
    if not articles:
        raise ApiRefusal(44003)
    if len(articles) > 1:
        raise ApiRefusal(45008)
    article = articles[0]
    if not isinstance(article, dict):
        raise ApiRefusal(47001)
    _check_url(text_of(article, "url"), errcode=45005)
    _check_url(text_of(article, "picurl"), errcode=45006)
    return Content(text=text_of(article, "title"), data={"articles": articles})


def _check_url(url: str, *, errcode: int) -> None:
    if len(url.encode()) > _MAX_URL_BYTES:
        raise ApiRefusal(errcode)


def _published_article(reading: _Reading) -> Content:
    article = reading.account.articles.get(reading.text("article_id"))
    if article is None:
        raise ApiRefusal(40007)
    shown: JsonValue = {"title": article.title, "description": article.digest, "url": article.url, "picurl": ""}
    return Content(text=article.title, data={"articles": [shown]})


def _choices(reading: _Reading) -> Content:
    items = list_of(reading.given, "list")
    if not items:
        raise ApiRefusal(44004)
    if len(items) > _MENU_ITEMS:
        raise ApiRefusal(45098)
    for item in items:
        _check_choice(item)
    data: dict[str, JsonValue] = {"list": items, "tail_content": reading.text("tail_content")}
    return Content(text=reading.text("head_content"), data=data)


def _check_choice(item: JsonValue) -> None:
    if not isinstance(item, dict) or not text_of(item, "id") or not text_of(item, "content"):
        raise ApiRefusal(47001)
    if max(len(text_of(item, key).encode()) for key in ("id", "content")) > _MENU_ITEM_BYTES:
        raise ApiRefusal(45099)


def _withdrawn(_reading: _Reading) -> Content:
    raise ApiRefusal(40007)


def _card(_reading: _Reading) -> Content:
    raise ApiRefusal(48008)


_READERS: Mapping[str, Callable[[_Reading], Content]] = {
    "text": _text,
    "image": _image,
    "voice": _voice,
    "video": _video,
    "music": _music,
    "news": _news,
    "mpnews": _withdrawn,
    "mpnewsarticle": _published_article,
    "msgmenu": _choices,
    "wxcard": _card,
    "miniprogrampage": _mini_program,
}
