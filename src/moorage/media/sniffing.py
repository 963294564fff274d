"""What a file really is, by its content: nobody's word is taken for it, neither a name's nor a header's."""

from collections.abc import Mapping
from typing import Literal, cast

import filetype  # pyright: ignore[reportMissingTypeStubs]

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})
VOICES = frozenset({"audio/amr", "audio/amr-wb", "audio/silk", "audio/mpeg", "audio/ogg", "audio/speex"})
VIDEOS = frozenset({"video/mp4", "video/quicktime", "video/3gpp"})

EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/bmp": "bmp",
    "audio/amr": "amr",
    "audio/amr-wb": "awb",
    "audio/silk": "silk",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/speex": "spx",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/3gpp": "3gp",
}
"""Every type that is shown, with the ending a saved file gets. None of them can carry a script."""

DOCUMENTS = frozenset(
    {
        "application/pdf",
        "application/zip",
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    }
)
"""Files that are only ever saved, and whose type helps a phone to find the program for them."""
ANY_FILE = "application/octet-stream"

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"#!AMR\n", "audio/amr"),
    (b"#!AMR-WB\n", "audio/amr-wb"),
    (b"#!SILK_V3", "audio/silk"),
    (b"\x02#!SILK_V3", "audio/silk"),
)
_SAME = {"audio/x-wav": "audio/wav", "video/x-m4v": "video/mp4"}


def media_type_of(content: bytes) -> str | None:
    """Return the media type of one of EXTENSIONS, or None for everything else: SVG, HTML and JSON among it."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[:4] == b"OggS" and b"Speex   " in content[:128]:
        return "audio/speex"
    for beginning, media_type in _BEGINNINGS:
        if content.startswith(beginning):
            return media_type
    guessed = _guessed(content)
    named = _SAME.get(guessed or "", guessed)
    return named if named in EXTENSIONS else None


def file_type_of(content: bytes) -> str:
    """Return the media type of a file that is handed on to be saved: one that is shown, a document's, or ANY_FILE."""
    guessed = _guessed(content)
    return media_type_of(content) or (guessed if guessed in DOCUMENTS else ANY_FILE)


Container = Literal["wav", "ogg", "matroska", "mov", "mp3", "amr", "aac", "flac"]
"""Kinds of files that hold sound or moving pictures, by the name of what reads them."""
_CONTAINERS: Mapping[str, Container] = {
    "audio/x-wav": "wav",
    "audio/ogg": "ogg",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "audio/mpeg": "mp3",
    "audio/aac": "aac",
    "audio/x-flac": "flac",
}


def container_of(content: bytes) -> Container | None:
    """Return what reads `content` as sound or moving pictures; None where it is neither."""
    if content.startswith((b"#!AMR\n", b"#!AMR-WB\n")):
        return "amr"
    if content[4:8] == b"ftyp":
        return "mov"
    return _CONTAINERS.get(_guessed(content) or "")


def is_headless_speex(content: bytes) -> bool:
    """Return whether `content` may be Speex without a container, as WeChat gives it out.

    Such bytes cannot be told from others, so this only says that they are no file of a known type and no text that
    something could run: pages, scripts and JSON begin with letters, a bracket or a mark. It is given out to be saved.
    """
    is_text = all(byte in _TEXT for byte in content[:64])
    return bool(content) and media_type_of(content) is None and _guessed(content) is None and not is_text


_TEXT = frozenset(b"\t\n\r\x0c\xef\xbb\xbf") | frozenset(range(0x20, 0x7F))


def _guessed(content: bytes) -> str | None:
    return cast("str | None", filetype.guess_mime(content[:8192]))  # pyright: ignore[reportUnknownMemberType]
