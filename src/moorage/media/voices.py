"""Voices of strangers: made playable in any browser. The work is done in a process of its own."""

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import structlog

from moorage.core.errors import DomainError
from moorage.media.amr import AMR, FRAME_S, read_amr
from moorage.media.voice_process import BYTES_A_SECOND

TIME_LIMIT_S = 30.0
AT_ONCE = 2
MOST_S = 600
"""Of a voice that is converted. WeChat's have at most 60 seconds."""
MOST_OUTPUT_BYTES = (MOST_S + 5) * BYTES_A_SECOND
MOST_WORDS_BYTES = 4096
"""Of what the program says about a recording; what it says beyond is thrown away."""
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
_PASSED_ON: Final = ("PATH", "IMAGEIO_FFMPEG_EXE")

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
        if ended.returncode == 0 and ended.sound:
            return ended.sound
        log.warning("voice_not_converted", returncode=ended.returncode, words=ended.words.decode("utf-8", "replace"))
        # What is none of ffmpeg's own ends is our program's: no ffmpeg, or one that a limit has ended.
        raise VoiceUnplayable(reason="converter" if ended.is_ours else "damaged")

    async def _run(self, content: bytes, *, decoder: str) -> "_Ended":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-m",
            "moorage.media.voice_process",
            decoder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        )
        try:
            async with asyncio.timeout(self._time_limit_s):
                sound, words, _ = await asyncio.gather(
                    _read(process.stdout, most_bytes=MOST_OUTPUT_BYTES),
                    _read(process.stderr, most_bytes=MOST_WORDS_BYTES),
                    _write(process.stdin, content),
                )
                return _Ended(returncode=await process.wait(), sound=sound, words=words)
        except TimeoutError:
            return _Ended(returncode=-1, sound=b"", words=b"took too long")
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()


@dataclass(frozen=True, slots=True)
class _Ended:
    """How the program ended, and what it gave."""

    returncode: int
    sound: bytes
    words: bytes

    @property
    def is_ours(self) -> bool:
        return self.returncode < 0 or b"Traceback" in self.words


async def _read(stream: asyncio.StreamReader | None, *, most_bytes: int) -> bytes:
    """Return the beginning of what the program says, reading on to its end so that it never waits for us."""
    read = bytearray()
    while stream is not None and (piece := await stream.read(65536)):
        read += piece[: most_bytes - len(read)]
    return bytes(read)


async def _write(stream: asyncio.StreamWriter | None, content: bytes) -> None:
    if stream is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):  # it has seen enough; its end says why
        stream.write(content)
        await stream.drain()
        stream.close()
        await stream.wait_closed()
