"""Voices of strangers: made playable in any browser. The work is done in a process of its own."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import structlog

from moorage.core.errors import DomainError
from moorage.media.amr import AMR, FRAME_S, read_amr
from moorage.media.bounded import Ended, run_bounded
from moorage.media.voice_process import BYTES_A_SECOND

TIME_LIMIT_S = 30.0
AT_ONCE = 2
MOST_S = 600
"""Of a voice that is converted. WeChat's have at most 60 seconds."""
MOST_OUTPUT_BYTES = (MOST_S + 5) * BYTES_A_SECOND
PLAYABLE = frozenset({"audio/mpeg"})
"""What every browser plays as it is."""
_MOST_MISSING = 0.1
"""How much of a recording may be lost on the way until it is called damaged."""
_SLACK_S = 0.25
_DECODERS: Mapping[str, tuple[str, ...]] = {
    "audio/amr": ("libopencore_amrnb", "amrnb"),
    "audio/amr-wb": ("libopencore_amrwb", "amrwb"),
}
"""The one to use first, and what every ffmpeg has. Its own narrow-band decoder stumbles over the pauses that telephones
record as "nothing to hear" (discontinuous transmission)."""

VoiceFlaw = Literal["format", "damaged", "too_long", "converter"]

log = structlog.get_logger()


@dataclass(eq=False)
class VoiceUnplayable(DomainError):
    """No sound that a browser plays can be made of it. `reason`: it is of a `format` that nothing here reads, it is
    `damaged` or `too_long`, or the `converter` is missing or took too long."""

    code: ClassVar[str] = "media.voice_unplayable"
    kind: ClassVar[str] = "malformed"
    reason: VoiceFlaw


@dataclass(frozen=True, slots=True)
class PlayableVoice:
    """A voice as a browser plays it; `is_whole` says that its end is there."""

    content: bytes
    media_type: str
    duration_s: float
    is_whole: bool = True


class Voices:
    """Makes voices playable, a few at once."""

    def __init__(self, *, time_limit_s: float = TIME_LIMIT_S) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._time_limit_s = time_limit_s

    async def as_mp3(self, content: bytes, *, media_type: str) -> PlayableVoice:
        """Return an AMR recording as MP3, as far as it goes. Raises VoiceUnplayable."""
        if media_type not in AMR:
            raise VoiceUnplayable(reason="format")
        recording = read_amr(content, media_type=media_type, most_frames=round(MOST_S / FRAME_S))
        if recording.frames == 0:
            raise VoiceUnplayable(reason="damaged")
        if recording.duration_s > MOST_S:
            raise VoiceUnplayable(reason="too_long")
        async with self._turns:
            sound = await self._converted(content, media_type=media_type)
        lasts_s = len(sound) / BYTES_A_SECOND
        if lasts_s < recording.duration_s * (1 - _MOST_MISSING) - _SLACK_S:
            raise VoiceUnplayable(reason="damaged")
        return PlayableVoice(
            content=sound,
            media_type="audio/mpeg",
            duration_s=round(recording.duration_s if recording.is_whole else lasts_s, 2),
            is_whole=recording.is_whole,
        )

    async def _converted(self, content: bytes, *, media_type: str) -> bytes:
        preferred, usual = _DECODERS[media_type]
        ended = await self._run(content, decoder=preferred)
        if ended.returncode != 0 and b"Unknown decoder" in ended.words:
            ended = await self._run(content, decoder=usual)
        if ended.returncode == 0 and ended.output:
            return ended.output
        log.warning("voice_not_converted", returncode=ended.returncode, words=ended.told())
        raise VoiceUnplayable(reason="converter" if ended.is_ours else "damaged")

    async def _run(self, content: bytes, *, decoder: str) -> Ended:
        return await run_bounded(
            "moorage.media.voice_process",
            decoder,
            content=content,
            time_limit_s=self._time_limit_s,
            most_output_bytes=MOST_OUTPUT_BYTES,
        )
