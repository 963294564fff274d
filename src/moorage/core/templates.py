"""Texts with placeholders that admins write and customers read.

A template is checked when it is saved, so that filling it in later cannot fail.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from moorage.core.errors import DomainError

PLACEHOLDERS = frozenset({"agent", "channel", "customer", "time"})
MOST_CHARACTERS = 600
"""Of one template. Even in Chinese and with long names filled in, it stays below what a channel carries at once."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(eq=False)
class TemplateInvalid(DomainError):
    """The text cannot be used: it is empty or too long, or names placeholders that do not exist."""

    code: ClassVar[str] = "core.template_invalid"
    kind: ClassVar[str] = "malformed"
    field: str
    reason: Literal["empty", "too_long", "unknown_placeholder"]
    unknown: tuple[str, ...]
    allowed: tuple[str, ...]


def check_template(template: str, *, field: str) -> None:
    """Return if `template` may be saved. Raises TemplateInvalid, which lists the placeholders that are allowed."""
    allowed = tuple(sorted(PLACEHOLDERS))
    if not template.strip():
        raise TemplateInvalid(field=field, reason="empty", unknown=(), allowed=allowed)
    if len(template) > MOST_CHARACTERS:
        raise TemplateInvalid(field=field, reason="too_long", unknown=(), allowed=allowed)
    unknown = tuple(sorted(placeholders_of(template) - PLACEHOLDERS))
    if unknown:
        raise TemplateInvalid(field=field, reason="unknown_placeholder", unknown=unknown, allowed=allowed)


def placeholders_of(template: str) -> frozenset[str]:
    """Return the names of the placeholders in `template`, whether they exist or not."""
    return frozenset(_PLACEHOLDER.findall(template))


def fill_template(template: str, *, values: Mapping[str, str]) -> str:
    """Return `template` with its placeholders replaced in one pass; what a value contains is never replaced again.

    Never raises: a placeholder without a value becomes nothing, because no customer should read our braces.
    """
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], ""), template)
