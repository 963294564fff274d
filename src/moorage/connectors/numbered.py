"""Choices as a text whose numbers the customer types, for accounts and answers that cannot carry a menu. Pure."""

from moorage.connectors.content import Choices


def numbered(choices: Choices, *, hint: str) -> str:
    """Return the question, its numbered choices, what stands below them, and `hint` as the last line."""
    items = [f"{number}. {item.text}" for number, item in enumerate(choices.items, start=1)]
    below = [choices.tail] if choices.tail.strip() else []
    return "\n".join([choices.text, *items, *below, hint])
