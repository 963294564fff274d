"""How long an AMR recording is, and whether it ends where a frame does. Pure; decodes nothing.

Source: RFC 4867, sections 4.3 and 5: after a magic number come frames of 20 ms, each with a byte that tells its size.
"""

from collections.abc import Mapping
from dataclasses import dataclass

FRAME_S = 0.02
_BAD = -1
_HEADS: Mapping[str, bytes] = {"audio/amr": b"#!AMR\n", "audio/amr-wb": b"#!AMR-WB\n"}
_SIZES: Mapping[str, tuple[int, ...]] = {
    "audio/amr": (12, 13, 15, 17, 19, 20, 26, 31, 5, _BAD, _BAD, _BAD, _BAD, _BAD, _BAD, 0),
    "audio/amr-wb": (17, 23, 32, 36, 40, 46, 50, 58, 60, 5, _BAD, _BAD, _BAD, _BAD, 0, 0),
}
"""Bytes behind a frame's first one, by its type."""
AMR = frozenset(_HEADS)


@dataclass(frozen=True, slots=True)
class Recording:
    """What the frames say. `is_whole`: the last of them is complete, and nothing but frames was met."""

    frames: int
    is_whole: bool

    @property
    def duration_s(self) -> float:
        return self.frames * FRAME_S


def read_amr(content: bytes, *, media_type: str, most_frames: int) -> Recording:
    """Return what `content` of one of the types `AMR` holds; stops counting behind `most_frames`."""
    sizes, place, frames = _SIZES[media_type], len(_HEADS[media_type]), 0
    while place < len(content) and frames <= most_frames:
        size = sizes[content[place] >> 3 & 0x0F]
        place += 1 + size
        if size == _BAD or place > len(content):
            return Recording(frames=frames, is_whole=False)
        frames += 1
    return Recording(frames=frames, is_whole=True)
