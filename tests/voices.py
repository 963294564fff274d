"""Voices for tests: AMR as telephones record it, made by hand or by the program that converts it."""

import subprocess

from imageio_ffmpeg import get_ffmpeg_exe

FRAMES_A_SECOND = 50
HEADS = {"audio/amr": b"#!AMR\n", "audio/amr-wb": b"#!AMR-WB\n"}


def a_voice(*, seconds: float = 2) -> bytes:
    """Return a narrow-band recording of a tone."""
    return _made("-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}", "-ar", "8000", "-f", "amr", "pipe:1")


def an_mp3(*, seconds: float = 1) -> bytes:
    """Return a tone as MP3."""
    return _made("-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}", "-f", "mp3", "pipe:1")


def a_silence(media_type: str = "audio/amr", *, seconds: float = 2) -> bytes:
    """Return a recording in which the telephone heard nothing, so that each frame is a single byte."""
    return HEADS[media_type] + b"\x7c" * round(seconds * FRAMES_A_SECOND)


def _made(*arguments: str) -> bytes:
    command = [get_ffmpeg_exe(), "-v", "error", "-nostdin", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60).stdout
