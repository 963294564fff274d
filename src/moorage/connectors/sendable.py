"""Whether a kind of channel carries a message of words, by its manifest. Pure; connectors check files themselves."""

from moorage.connectors.content import Choices, Content, News, Text
from moorage.connectors.failures import RefusalReason, Refused
from moorage.connectors.manifest import ChoicesLimits, Manifest, NewsLimits


def check_sendable(content: Content, *, manifest: Manifest) -> None:
    """Return if the kind carries `content`. Raises Refused before anything is asked of the provider."""
    if content.type not in manifest.sendable:
        raise _refused(RefusalReason.KIND_NOT_SENDABLE, content.type)
    match content:
        case Text(text=text):
            _check_words(text, most_bytes=manifest.max_text_bytes)
        case Choices() if manifest.choices is not None:
            _check_choices(content, manifest.choices)
        case News() if manifest.news is not None:
            _check_news(content, manifest.news)
        case _:
            raise _refused(RefusalReason.KIND_NOT_SENDABLE, content.type)


def _check_choices(choices: Choices, limits: ChoicesLimits) -> None:
    if not choices.items:
        raise _refused(RefusalReason.EMPTY, "no choices")
    if len(choices.items) > limits.most_items:
        raise _refused(RefusalReason.TOO_LONG, f"{len(choices.items)} choices")
    for item in choices.items:
        _check_words(item.text, most_bytes=limits.most_item_bytes)
        _check_words(item.id, most_bytes=limits.most_item_bytes)
    _check_words(choices.text, most_bytes=limits.most_words_bytes)
    _check_length(choices.tail, most_bytes=limits.most_words_bytes)


def _check_news(news: News, limits: NewsLimits) -> None:
    _check_words(news.title, most_bytes=limits.most_title_bytes)
    _check_length(news.description, most_bytes=limits.most_description_bytes)
    _check_words(news.url, most_bytes=limits.most_url_bytes)
    _check_length(news.picture_url or "", most_bytes=limits.most_url_bytes)


def _check_words(text: str, *, most_bytes: int) -> None:
    if not text.strip():
        raise _refused(RefusalReason.EMPTY, "")
    _check_length(text, most_bytes=most_bytes)


def _check_length(text: str, *, most_bytes: int) -> None:
    size = len(text.encode("utf-8", "replace"))
    if size > most_bytes:
        raise _refused(RefusalReason.TOO_LONG, f"{size} bytes")


def _refused(reason: RefusalReason, detail: str) -> Refused:
    return Refused(external_code=None, detail=detail, reason=reason)
