"""Keyset paging: a page names where the next one starts, so that rows added meanwhile move nothing."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from moorage.core.errors import Malformed

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list, newest first unless said otherwise, and the cursor of the next page (None: the last)."""

    items: Sequence[Item]
    next_cursor: str | None


def encode_cursor(*parts: str) -> str:
    """Return an opaque URL-safe cursor that carries the sort key of a page's last row."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *, parts: int) -> tuple[str, ...]:
    """Return the sort key inside `cursor`. Raises Malformed unless it holds exactly `parts` strings."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values: object = json.loads(base64.urlsafe_b64decode(padded.encode("ascii", "strict")))
    except (binascii.Error, ValueError) as error:
        raise Malformed(field="cursor", reason="not a cursor of ours") from error
    if not isinstance(values, list):
        raise Malformed(field="cursor", reason="not a cursor of ours")
    texts = tuple(str(value) for value in values)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] -- JSON at the edge
    if len(texts) != parts:
        raise Malformed(field="cursor", reason="not a cursor of this list")
    return texts
