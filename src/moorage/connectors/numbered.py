"""Choices as a text whose numbers the customer types, for accounts and answers that cannot carry a menu. Pure."""

from collections.abc import Mapping

from moorage.connectors.content import Choices

HINTS: Mapping[str, str] = {"zh-CN": "回复数字即可选择", "en": "Reply with a number to choose."}
"""The last line of choices that cannot be tapped, by the channel's language."""


def numbered(choices: Choices, *, hint: str) -> str:
    """Return the question, its numbered choices, what stands below them, and `hint` as the last line."""
    items = [f"{number}. {item.text}" for number, item in enumerate(choices.items, start=1)]
    below = [choices.tail] if choices.tail.strip() else []
    return "\n".join([choices.text, *items, *below, hint])
