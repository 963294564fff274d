"""Names of files, as far as they can be trusted to stand on somebody's disk or in a header. Pure."""

import re
from urllib.parse import quote

from moorage.media.sniffing import EXTENSIONS

MOST_NAME_CHARACTERS = 80
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff<>:\"/\\|?*%;]+")
"""What shells, file systems and headers stumble over, and what makes a name read other than it is."""


def safe_name(name: str, *, media_type: str, fallback: str) -> str:
    """Return `name` without folders and surprises, with the ending that fits `media_type`."""
    last = re.split(r"[/\\]", name)[-1]
    stem = last.rpartition(".")[0] or last
    stem = _UNSAFE.sub(" ", stem).strip(" .")[:MOST_NAME_CHARACTERS].strip(" .") or fallback
    return f"{stem}.{EXTENSIONS.get(media_type, 'bin')}"


_ENDING = re.compile(r"[A-Za-z0-9]{1,12}")


def saved_name(name: str, *, fallback: str) -> str:
    """Return `name` without folders and surprises, with its own ending: of a file that is only ever saved."""
    last = re.split(r"[/\\]", name)[-1]
    stem, _, ending = last.rpartition(".")
    if not stem or not _ENDING.fullmatch(ending):
        stem, ending = last, ""
    stem = _UNSAFE.sub(" ", stem).strip(" .")[:MOST_NAME_CHARACTERS].strip(" .") or fallback
    return f"{stem}.{ending}" if ending else stem


def disposition(name: str, *, attachment: bool) -> str:
    """Return the value of `Content-Disposition` for a safe name."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    how = "attachment" if attachment else "inline"
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
