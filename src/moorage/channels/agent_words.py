"""The words by which a customer asks for a person: what an admin may set, and whether a message is one of them."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from moorage.channels.model import Locale, TransToAgent
from moorage.core.errors import Malformed

MOST_WORDS = 20
MOST_CHARACTERS = 20
"""Of one word: a customer types it."""
MOST_GUIDANCE_CHARACTERS = 100

_HAN = re.compile(r"[\u4e00-\u9fff]")


def folded(text: str) -> str:
    """Return `text` as it is compared: trimmed, without difference of case and of full and half width."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def asks_for_agent(text: str, *, words: Iterable[str]) -> bool:
    """Return whether a customer's whole message is one of the words."""
    said = folded(text)
    return bool(said) and any(said == folded(word) for word in words)


def word_for(locale: Locale, words: Sequence[str]) -> str | None:
    """Return the word to name in a sentence of a language: the first in its letters, else the first, or None."""
    chinese = locale == "zh-CN"
    return next((word for word in words if bool(_HAN.search(word)) is chinese), words[0] if words else None)


def checked(settings: TransToAgent) -> TransToAgent:
    """Return what is stored: words trimmed and without repetitions. Raises Malformed for what no customer could use."""
    words = tuple({folded(word): word.strip() for word in reversed(settings.words)}.values())[::-1]
    if any(not folded(word) for word in words):
        raise Malformed(field="settings.trans_to_agent.words", reason="empty")
    if any(len(word) > MOST_CHARACTERS for word in words):
        raise Malformed(field="settings.trans_to_agent.words", reason="too_long")
    if len(words) > MOST_WORDS:
        raise Malformed(field="settings.trans_to_agent.words", reason="too_many")
    text = (settings.guidance_text or "").strip() or None
    if text is not None and len(text) > MOST_GUIDANCE_CHARACTERS:
        raise Malformed(field="settings.trans_to_agent.guidance_text", reason="too_long")
    if settings.guidance and text is None and not words:
        raise Malformed(field="settings.trans_to_agent.guidance_text", reason="no_words")
    return settings.model_copy(update={"words": words, "guidance_text": text})
