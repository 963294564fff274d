"""Whether what a customer wrote answers the open question (product §3.8). Nothing here reads or writes."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta

from moorage.channels.agent_words import asks_for_agent
from moorage.connectors.content import Choice, Chosen, Content, Media, Text
from moorage.conversations.open_thread import OpenThread
from moorage.conversations.prompts import Prompt
from moorage.reception.model import CustomerWrote, Event, PromptAnswered

ASKED_WITHIN = timedelta(seconds=30)
"""How long before a question, by the provider's clock, its answer may have been written: clocks differ. What came much
earlier and was only taken in late was about something else."""

_DIGITS = re.compile(r"[0-9]{1,3}")
_FRAMED = re.compile(r"[(\[【「]?(?P<number>[^()\[\]【】「」.。、,:]+)[)\]】」.。、,:]?")
_JOINERS = str.maketrans("", "", "\ufe0f\u20e3")
"""What makes a digit a keycap emoji."""
_CHINESE = {character: value for value, character in enumerate("一二三四五六七八九", start=1)}
_LONGEST_NUMBER = 12


def heard_as(
    opened: OpenThread, *, content: Content, at: datetime, agent_words: Iterable[str]
) -> tuple[Event, Content]:
    """Return the event that a customer's message is, and the message as it is kept: with what it chooses, if anything.

    A question that itself waits for the customer to write has not been seen yet: nothing answers it.
    """
    away, prompt = opened.around.agent_is_away, opened.prompt
    if prompt is not None and isinstance(content, Text) and not any(m.id == prompt.message_id for m in opened.waiting):
        chosen = answer_to(prompt, content=content, at=at)
        if chosen is not None:
            event = PromptAnswered(prompt.id, chosen.choice_id, content.type, agent_is_away=away)
            return event, content.model_copy(update={"chosen": chosen})
    asks = asks_for_agent(_said(content), words=agent_words)
    unrecognized = content.type == "voice" and not _said(content).strip()
    return CustomerWrote(content.type, agent_is_away=away, asks_for_agent=asks, unrecognized=unrecognized), content


def _said(content: Content) -> str:
    """Return the words of a message, as far as somebody has written them down; empty where nobody has."""
    match content:
        case Text(text=text):
            return text
        case Media(recognized_text=str(text)):
            return text.rstrip("。.!！ ")
        case _:
            return ""


def answer_to(prompt: Prompt, *, content: Content, at: datetime) -> Chosen | None:
    """Return what `content`, written at `at`, chooses; None where it is a message like any other.

    A tap counts only if the choice is this question's: one on an older question is no answer to it.
    """
    if not isinstance(content, Text) or not _is_waiting(prompt, at=at):
        return None
    for number, choice in enumerate(prompt.choices, start=1):
        if content.choice_id is not None and choice.id == content.choice_id:
            return _chosen(prompt, choice, number)
    return None if content.choice_id is not None else _typed(prompt, content.text)


def number_in(text: str) -> int | None:
    """Return the number that `text` is and nothing else: digits of any width, Chinese numerals up to 99, `1.`, `(1)`.

    None for every other text.
    """
    words = unicodedata.normalize("NFKC", text).translate(_JOINERS).strip()
    framed = _FRAMED.fullmatch(words) if len(words) <= _LONGEST_NUMBER else None
    if framed is None:
        return None
    number = framed["number"].strip()
    return int(number) if _DIGITS.fullmatch(number) else _chinese_number(number)


def _is_waiting(prompt: Prompt, *, at: datetime) -> bool:
    if prompt.state != "open" or at < prompt.opened_at - ASKED_WITHIN:
        return False
    return prompt.expires_at is None or at < prompt.expires_at


def _typed(prompt: Prompt, text: str) -> Chosen | None:
    """Return the choice whose words these are; else the one whose number they are."""
    words = _plain(text)
    for number, choice in enumerate(prompt.choices, start=1):
        if _plain(choice.text) == words:
            return _chosen(prompt, choice, number)
    number = number_in(text)
    if number is None or not 1 <= number <= len(prompt.choices):
        return None
    return _chosen(prompt, prompt.choices[number - 1], number)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _chosen(prompt: Prompt, choice: Choice, number: int) -> Chosen:
    return Chosen(prompt_id=prompt.id, choice_id=choice.id, number=number, text=choice.text)


def _chinese_number(text: str) -> int | None:
    """Return the value of 一 to 九十九."""
    tens, ten, ones = text.partition("十")
    if not ten:
        return _CHINESE.get(text)
    values = [1 if not tens else _CHINESE.get(tens), 0 if not ones else _CHINESE.get(ones)]
    return None if values[0] is None or values[1] is None else 10 * values[0] + values[1]
