"""Customer-service messages of words as WeChat's JSON. Pure.

Source: WeChat Official Account docs, "Customer service messages: send".
"""

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from moorage.connectors.content import Choices, Content, News, Text
from moorage.connectors.failures import RefusalReason, Refused

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f]")
"""Invisible characters that come along when text is pasted. In JSON they need the escapes that WeChat refuses."""

_NO_MENUS = frozenset({40008, 40200, 48001, 48008})
"""What WeChat answers to a `msgmenu` of an account that may send texts and no menus; 40200 and 48001 were met in the
field with accounts that are not certified. If the account may not send at all, the text will be told so too."""
_NO_CARDS = frozenset({40008, 40035, 48008})
"""What WeChat answers to a `news` that it does not take from the account, or not as it is."""
_REFUSED_KINDS: Mapping[str, frozenset[int]] = {"choices": _NO_MENUS, "news": _NO_CARDS}

Said = Mapping[str, object]
"""`msgtype` and the object of that name."""


def write_message(content: Content) -> Said:
    """Return what a message with `content` says, without whom it is for.

    A tap on a choice comes back as a text with the choice's id. Asking it of any other content is a defect.
    """
    match content:
        case Text(text=text):
            return {"msgtype": "text", "text": {"content": _clean(text)}}
        case Choices():
            return {"msgtype": "msgmenu", "msgmenu": _menu(content)}
        case News():
            return {"msgtype": "news", "news": {"articles": [_article(content)]}}
        case _:
            raise TypeError(f"no message of words: {content.type}")


@contextmanager
def kind_refusals(content: Content) -> Generator[None]:
    """Turn a refusal inside the block into one of the message's kind, where WeChat takes no such of the account.

    The caller can then say the same in another way.
    """
    try:
        yield
    except Refused as refusal:
        if refusal.external_code not in _REFUSED_KINDS.get(content.type, ()):
            raise
        raise Refused(
            external_code=refusal.external_code, detail=refusal.detail, reason=RefusalReason.KIND_NOT_SENDABLE
        ) from refusal


def _menu(choices: Choices) -> Said:
    items = [{"id": item.id, "content": _clean(item.text)} for item in choices.items]
    return {"head_content": _clean(choices.text), "list": items, "tail_content": _clean(choices.tail)}


def _article(news: News) -> Said:
    return {
        "title": _clean(news.title),
        "description": _clean(news.description),
        "url": _clean(news.url),
        "picurl": _clean(news.picture_url or ""),
    }


def _clean(text: str) -> str:
    return _CONTROLS.sub("", text)
