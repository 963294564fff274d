"""Sounds that agents send: of whatever format, made an MP3 that every phone plays and whose length is sure."""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import structlog

from moorage.core.errors import DomainError
from moorage.media.bounded import run_bounded
from moorage.media.sniffing import container_of
from moorage.media.voice_process import BYTES_A_SECOND

TIME_LIMIT_S = 30.0
MOST_CPU_S = 30
AT_ONCE = 2
MOST_MEASURED_S = 600
"""Of a recording: beyond, it is only said that it is longer than that."""
SLACK_S = 0.5
"""A recording that was stopped at the limit is a little longer than it. So much is cut off instead of refused."""
SHORTEST_S = 0.2
_FRAME_BYTES = 144
"""An MP3 of constant rate can be cut behind any of its frames, which last 24 ms here."""

SoundFlaw = Literal["empty", "not_a_sound", "damaged", "too_long", "too_large", "converter"]

log = structlog.get_logger()


@dataclass(eq=False)
class SoundUnusable(DomainError):
    """No voice can be made of it. `seconds` is how long it is, where that is the reason."""

    code: ClassVar[str] = "media.sound_unusable"
    kind: ClassVar[str] = "malformed"
    reason: SoundFlaw
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """A voice as it can be sent and played anywhere."""

    content: bytes
    media_type: str
    duration_s: float


class Recordings:
    """Makes voices to be sent, a few at once."""

    def __init__(self, *, time_limit_s: float = TIME_LIMIT_S) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._time_limit_s = time_limit_s

    async def prepare(self, content: bytes, *, most_bytes: int, most_s: float) -> Recording:
        """Return the sound of `content` as MP3 of at most `most_s`, by what really plays. Raises SoundUnusable."""
        if not content:
            raise SoundUnusable(reason="empty")
        container = container_of(content)
        if container is None:
            raise SoundUnusable(reason="not_a_sound")
        async with self._turns:
            sound = await self._converted(content, container=container)
        lasts_s = len(sound) / BYTES_A_SECOND
        if lasts_s < SHORTEST_S:
            raise SoundUnusable(reason="empty")
        if lasts_s > most_s + SLACK_S:
            raise SoundUnusable(reason="too_long", seconds=round(lasts_s, 1))
        if lasts_s > most_s:
            sound = sound[: int(most_s * BYTES_A_SECOND) // _FRAME_BYTES * _FRAME_BYTES]
        if len(sound) > most_bytes:
            raise SoundUnusable(reason="too_large")
        return Recording(content=sound, media_type="audio/mpeg", duration_s=round(len(sound) / BYTES_A_SECOND, 2))

    async def _converted(self, content: bytes, *, container: str) -> bytes:
        with tempfile.TemporaryDirectory(prefix="moorage-sound-") as folder:
            path = Path(folder) / "sound"
            await asyncio.to_thread(path.write_bytes, content)  # some formats have their index at the end
            ended = await run_bounded(
                "moorage.media.ffmpeg_process",
                str(MOST_CPU_S),
                "0",
                *_arguments(path, container=container),
                time_limit_s=self._time_limit_s,
                most_output_bytes=(MOST_MEASURED_S + 5) * BYTES_A_SECOND,
            )
        if ended.returncode == 0 and ended.output:
            return ended.output
        log.warning("sound_not_converted", returncode=ended.returncode, words=ended.told())
        if b"matches no streams" in ended.words:
            raise SoundUnusable(reason="not_a_sound")
        raise SoundUnusable(reason="converter" if ended.is_ours else "damaged")


def _arguments(path: Path, *, container: str) -> list[str]:
    read = ["-v", "error", "-protocol_whitelist", "file,pipe", "-threads", "1", "-f", container, "-i", str(path)]
    some = ["-map", "0:a:0", "-t", str(MOST_MEASURED_S)]
    write = ["-ac", "1", "-ar", "24000", "-c:a", "libmp3lame", "-b:a", str(BYTES_A_SECOND * 8)]
    bare = ["-map_metadata", "-1", "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3", "pipe:1"]
    return [*read, *some, *write, *bare]
