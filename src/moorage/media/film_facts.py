"""What ffmpeg says about a film, read from its words. Pure: any words give facts, or none."""

import re
from dataclasses import dataclass

_DURATION = re.compile(r"Duration: (\d{1,4}):(\d\d):(\d\d(?:\.\d{1,3})?)")
_PICTURES = re.compile(r"Stream #0:\d+.*?: Video: (\w+)(.*)")
_SOUND = re.compile(r"Stream #0:\d+.*?: Audio: (\w+)")
_PIXELS = re.compile(r"[, ](yuvj?4\d\dp\w*|nv12|rgb\w+|gbr\w+|gray\w*)")


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """`codec` is None where there are no moving pictures, `duration_s` where the file does not say."""

    codec: str | None
    pixels: str | None
    sound: str | None
    duration_s: float | None

    @property
    def plays_everywhere(self) -> bool:
        """Return whether any phone decodes it: H.264 with ordinary colours, and AAC or no sound."""
        return self.codec == "h264" and self.pixels in ("yuv420p", "yuvj420p") and self.sound in (None, "aac")


def read_facts(words: str) -> FilmFacts:
    """Return what `words` tell; a cover that a song carries is no moving picture."""
    codec = pixels = sound = None
    for line in words.splitlines():
        if codec is None and "attached pic" not in line and (found := _PICTURES.search(line)):
            codec, rest = found[1], found[2]
            shown = _PIXELS.search(rest)
            pixels = None if shown is None else shown[1]
        elif sound is None and (heard := _SOUND.search(line)):
            sound = heard[1]
    return FilmFacts(codec=codec, pixels=pixels, sound=sound, duration_s=_duration(words))


def _duration(words: str) -> float | None:
    found = _DURATION.search(words)
    return None if found is None else int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
