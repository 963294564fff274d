"""Sounds from what a browser records to what phones send, and from that to what a browser plays."""

import subprocess

from imageio_ffmpeg import get_ffmpeg_exe

LONGEST_S = 60
"""Of a voice, as WeChat's."""
MOST_RECORDING_BYTES = 10 * 1024 * 1024
_WITHIN_S = 30.0
_TO_AMR = ("-ac", "1", "-ar", "8000", "-c:a", "libopencore_amrnb", "-b:a", "12.2k", "-f", "amr")
_TO_MP3 = ("-ac", "1", "-ar", "16000", "-c:a", "libmp3lame", "-b:a", "32k", "-f", "mp3")


class NotConvertible(Exception):
    """The bytes are no sound that can be read here."""


def as_voice(recording: bytes) -> bytes:
    """Return a recording as the 8 kHz AMR that phones send, a minute at most. Raises NotConvertible."""
    if len(recording) > MOST_RECORDING_BYTES:
        raise NotConvertible("the recording is larger than 10 MB")
    return _converted(recording, *_TO_AMR, "-t", str(LONGEST_S))


def as_mp3(voice: bytes) -> bytes:
    """Return an AMR as an MP3, which every browser plays. Raises NotConvertible."""
    return _converted(voice, *_TO_MP3)


def _converted(content: bytes, *arguments: str) -> bytes:
    before = ("-hide_banner", "-loglevel", "error", "-protocol_whitelist", "pipe")
    command = (get_ffmpeg_exe(), *before, "-i", "pipe:0", "-vn", *arguments, "pipe:1")
    try:
        # No word of the command is anybody's but ours, and it reads nothing but its input.
        done = subprocess.run(command, input=content, capture_output=True, timeout=_WITHIN_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise NotConvertible("converting took too long") from error
    if done.returncode or not done.stdout:
        raise NotConvertible("the bytes are no sound that can be read here")
    return done.stdout
