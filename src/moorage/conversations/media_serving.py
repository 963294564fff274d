"""How a file goes out over HTTP: which part of it, and with what a browser is told about it. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from moorage.infra.blobs import Blob
from moorage.media.names import disposition
from moorage.media.sniffing import DOCUMENTS, EXTENSIONS

_ONE_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
_SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})
"""What a browser may show on a page of its own. It was decoded when it came, and can run nothing."""


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes from `start` up to but not `end`."""

    start: int
    end: int


def part_of(asked: str | None, *, size: int) -> Part | None:
    """Return the part that a `Range` header asks for, or None for the whole. Raises ValueError where there is none.

    Several ranges at once, or another unit, get the whole, as the standard allows.
    """
    found = _ONE_RANGE.fullmatch((asked or "").replace(" ", ""))
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        last = min(int(found[2]), size)
        if last == 0:
            raise ValueError("nothing is asked for")
        return Part(size - last, size)
    start, end = int(found[1]), min(int(found[2]) + 1 if found[2] else size, size)
    if found[2] and int(found[2]) < int(found[1]):
        return None
    if start >= size:
        raise ValueError("past the end")
    return Part(start, end)


def etag_of(blob: Blob) -> str:
    """Return what names the content of `blob`, which never changes."""
    return f'"{blob.sha256.hex()[:32]}"'


def headers_of(blob: Blob, *, name: str, download: bool) -> Mapping[str, str]:
    """Return what every answer with `blob` says: its real type and no other, and that nothing in it may run."""
    known = blob.media_type in EXTENSIONS or blob.media_type in DOCUMENTS
    return {
        "Content-Type": blob.media_type if known else "application/octet-stream",
        "Content-Disposition": disposition(name, attachment=download or blob.media_type not in _SHOWN),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, max-age=31536000, immutable",
        "Accept-Ranges": "bytes",
        "ETag": etag_of(blob),
    }
