"""What waits for the customer's next message, where an account can answer and send nothing else.

It goes out as the answer to that message: the texts that wait are joined as far as one answer carries them, and the
rest waits on. An account that gains the right to send has what waits sent like everything else.
"""

from collections.abc import Sequence
from dataclasses import replace

from moorage.connectors.content import Choices, Content, Text
from moorage.conversations.budgets import BudgetClosed
from moorage.conversations.changing import show_again
from moorage.conversations.charging import ChannelMute, CustomerUnfollowed, charge, check_reachable
from moorage.conversations.choice_words import ChoiceWords
from moorage.conversations.model import DeliveryState, Message
from moorage.conversations.open_thread import OpenThread
from moorage.conversations.speaking import give_to_sender

BETWEEN = "\n"


def joined(contents: Sequence[Content], *, most_bytes: int, words_of: ChoiceWords) -> tuple[str, int]:
    """Return as many of the first texts as `most_bytes` of UTF-8 hold, joined by line breaks, and how many those are.

    Choices become words. What is no text ends it, and so does a text that does not fit any more: nothing overtakes
    anything.
    """
    text, size = "", 0
    for count, content in enumerate(contents):
        words = _words(content, words_of)
        if words is None:
            return text, count
        between = BETWEEN if count else ""
        size += len(f"{between}{words}".encode())
        if size > most_bytes:
            return text, count
        text += between + words
    return text, len(contents)


def as_answered(content: Content, *, words_of: ChoiceWords) -> Content:
    """Return a content as it is shown when it was given in an answer: choices went out as words."""
    if not isinstance(content, Choices):
        return content
    return content.model_copy(update={"sent_as": words_of.forms(content)[0].form})


def _words(content: Content, words_of: ChoiceWords) -> str | None:
    match content:
        case Text(text=text):
            return text
        case Choices():
            return words_of.forms(content)[0].text
        case _:
            return None


def answer_with_waiting(opened: OpenThread, *, count: int, words_of: ChoiceWords) -> None:
    """Mark the first `count` messages that wait as given in the answer to the customer's own message."""
    for message in opened.waiting[:count]:
        content = as_answered(message.content, words_of=words_of)
        _tell(opened, replace(message, content=content, delivery_state=DeliveryState.ANSWERED))
    opened.waiting = opened.waiting[count:]
    show_again(opened)


def send_waiting(opened: OpenThread) -> None:
    """Give the sender what waits, oldest first, as far as the budgets allow; the rest waits on.

    Does nothing where the account can only answer, or nothing would arrive.
    """
    if opened.around.passive_only or not opened.waiting:
        return
    try:
        check_reachable(opened)
        while opened.waiting:
            message = opened.waiting[0]
            budget = charge(opened, by_rule=message.author.why)
            give_to_sender(opened, message=message, budget=budget)
            _tell(opened, replace(message, delivery_state=DeliveryState.QUEUED))
            opened.waiting = opened.waiting[1:]
    except (BudgetClosed, CustomerUnfollowed, ChannelMute):
        pass  # the customer's next message opens a budget, and comes here again
    show_again(opened)


def give_up_waiting(opened: OpenThread, *, reason: str) -> None:
    """Mark everything that waits as failed, with the reason."""
    for message in opened.waiting:
        _tell(opened, replace(message, delivery_state=DeliveryState.FAILED, delivery_reason=reason))
    opened.waiting = []
    show_again(opened)


def _tell(opened: OpenThread, changed: Message) -> None:
    """Keep a message's new delivery state: with the message where this transaction adds it, else as a change."""
    for place, added in enumerate(opened.messages):
        if added.id == changed.id:
            opened.messages[place] = changed
            return
    opened.delivered.append(replace(changed, version=changed.version + 1))
