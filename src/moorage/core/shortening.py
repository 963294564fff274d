"""Making a text fit, in whole characters as a reader sees them. Pure."""

import re
import unicodedata
from collections.abc import Iterator

ELLIPSIS = "…"
_FACE = re.compile(r"\[[^\[\]\s]{1,12}\]")
"""A short word in brackets, as providers write a face: a half of it would be shown as letters."""
_JOINER = "\u200d"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_TAGS = range(0xE0020, 0xE0080)
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)


def shortened(text: str, *, most_bytes: int) -> str:
    """Return `text` if `most_bytes` of UTF-8 hold it, else as much of its beginning as they do, and an ellipsis.

    Empty where not even that fits.
    """
    if len(text.encode()) <= most_bytes:
        return text
    room = most_bytes - len(ELLIPSIS.encode())
    if room < 0:
        return ""
    end = 0
    for piece in _pieces(text):
        room -= len(piece.encode())
        if room < 0:
            break
        end += len(piece)
    return text[:end].rstrip() + ELLIPSIS


def _pieces(text: str) -> Iterator[str]:
    """Yield the parts of `text` that are only whole: a character with what changes it, a flag, a face."""
    start = 0
    while start < len(text):
        face = _FACE.match(text, start)
        end = face.end() if face else start + 1
        while end < len(text) and _belongs(text, start, end):
            end += 1
        yield text[start:end]
        start = end


def _belongs(text: str, start: int, at: int) -> bool:
    """Return whether the character `at` is one with those from `start` to it."""
    character = text[at]
    if character == _JOINER or text[at - 1] == _JOINER or unicodedata.category(character) in {"Mn", "Me", "Mc"}:
        return True
    if ord(character) in _SKIN_TONES or ord(character) in _TAGS:
        return True
    return at == start + 1 and ord(text[start]) in _FLAG_LETTERS and ord(character) in _FLAG_LETTERS
