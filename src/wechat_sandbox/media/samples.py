"""Small files of every kind, so that nobody needs one of their own to try things."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from wechat_sandbox.media.formats import silent_amr_wb

SampleName = Literal["photo.jpg", "thumb.jpg", "voice.amr", "voice.mp3", "video.mp4", "voice.speex", "voice16k.amr"]

_FOLDER = Path(__file__).parents[1] / "samples"
# Speex travels without a container and nothing ordinary plays it, so any run of bytes without a head will do.
_SPEEX = bytes(range(0x10, 0x60)) * 40


@lru_cache
def sample(name: SampleName) -> bytes:
    """Return the bytes of a sample."""
    if name == "voice.speex":
        return _SPEEX
    if name == "voice16k.amr":
        return silent_amr_wb(seconds=3)
    return (_FOLDER / name).read_bytes()
