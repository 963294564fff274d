"""Whether an agent's choices or card can go out on a channel, told at the field that is wrong."""

from collections.abc import Sequence

from moorage.connectors.content import Choice, Choices, News, is_web_address
from moorage.connectors.manifest import Manifest
from moorage.core.errors import Malformed
from moorage.core.ids import new_id


def question(text: str, items: Sequence[str], *, tail: str = "") -> Choices:
    """Return a question whose choices have ids that no other question's have: a tap must not answer a later one."""
    prompt_id = new_id()
    choices = tuple(Choice(id=f"{prompt_id.hex}-{place}", text=item) for place, item in enumerate(items, start=1))
    return Choices(text=text, items=choices, tail=tail, prompt_id=prompt_id)


def check_choices(choices: Choices, *, manifest: Manifest) -> None:
    """Return if the channel carries `choices`. Raises Malformed.

    All together may be too long for one text: then a link to their page stands in for a menu that is refused.
    """
    limits = manifest.choices
    if limits is None or len(choices.items) > limits.most_items:
        raise Malformed(field="content.items", reason="too_many")
    _check_words(choices.text, field="content.text", most_bytes=limits.most_words_bytes)
    _check_length(choices.tail, field="content.tail", most_bytes=limits.most_words_bytes)
    for place, item in enumerate(choices.items):
        _check_words(item.text, field=f"content.items.{place}", most_bytes=limits.most_item_bytes)
    if len({item.text.strip() for item in choices.items}) < len(choices.items):
        raise Malformed(field="content.items", reason="twice_the_same")


def check_news(news: News, *, manifest: Manifest) -> None:
    """Return if the channel carries the card, and its addresses lead to the web. Raises Malformed."""
    limits = manifest.news
    if limits is None:
        raise Malformed(field="content", reason="not_sendable")
    _check_words(news.title, field="content.title", most_bytes=limits.most_title_bytes)
    _check_length(news.description, field="content.description", most_bytes=limits.most_description_bytes)
    _check_address(news.url, field="content.url", most_bytes=limits.most_url_bytes)
    if news.picture_url is not None:
        _check_address(news.picture_url, field="content.picture_url", most_bytes=limits.most_url_bytes)


def _check_address(address: str, *, field: str, most_bytes: int) -> None:
    if not is_web_address(address):
        raise Malformed(field=field, reason="no_web_address")
    _check_length(address, field=field, most_bytes=most_bytes)


def _check_words(text: str, *, field: str, most_bytes: int) -> None:
    if not text.strip():
        raise Malformed(field=field, reason="empty")
    _check_length(text, field=field, most_bytes=most_bytes)


def _check_length(text: str, *, field: str, most_bytes: int) -> None:
    if "\x00" in text:
        raise Malformed(field=field, reason="unprintable")
    if len(text.encode()) > most_bytes:
        raise Malformed(field=field, reason="too_long")
