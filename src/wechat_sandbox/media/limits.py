"""How large a file of each kind may be, and which formats it may have."""

from collections.abc import Mapping
from dataclasses import dataclass

from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.media.formats import Format, duration_s, format_of
from wechat_sandbox.model import MediaKind

MOST_BYTES = 20 * 1024 * 1024
"""Beyond this a file is refused whatever its kind."""
FEWEST_BYTES = 5
MOST_VOICE_S = 60.0
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limit:
    """What one kind of file may be; `errcode` says that it is too large."""

    most_bytes: int
    formats: frozenset[Format]
    errcode: int


TEMPORARY: Mapping[MediaKind, Limit] = {
    "image": Limit(10 * _MIB, frozenset({"png", "jpeg", "gif"}), 40009),
    "voice": Limit(2 * _MIB, frozenset({"amr", "amr_wb", "mp3"}), 40010),
    "video": Limit(10 * _MIB, frozenset({"mp4"}), 40011),
    "thumb": Limit(64 * 1024, frozenset({"jpeg"}), 40012),
}
PERMANENT: Mapping[MediaKind, Limit] = {
    "image": Limit(10 * _MIB, frozenset({"bmp", "png", "jpeg", "gif"}), 40009),
    "voice": Limit(2 * _MIB, frozenset({"mp3", "wma", "wav", "amr", "amr_wb"}), 40010),
    "video": TEMPORARY["video"],
    "thumb": TEMPORARY["thumb"],
}
ARTICLE_PICTURE = Limit(_MIB - 1, frozenset({"jpeg", "png"}), 40009)


def check_file(content: bytes, *, limit: Limit) -> Format:
    """Return the format of a file that may be uploaded.

    Raises ApiRefusal 44001 (empty), 45001, 40006 or the limit's own code (size), 40005 (format) or 45007 (a sound
    that plays for more than a minute).
    """
    if not content:
        raise ApiRefusal(44001)
    if len(content) > MOST_BYTES:
        raise ApiRefusal(45001)
    if len(content) < FEWEST_BYTES:
        raise ApiRefusal(40006)
    if len(content) > limit.most_bytes:
        raise ApiRefusal(limit.errcode)
    found = format_of(content)
    if found is None or found not in limit.formats:
        raise ApiRefusal(40005)
    if (duration_s(content, sound=found) or 0) > MOST_VOICE_S:
        raise ApiRefusal(45007)
    return found
