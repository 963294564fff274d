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


def a_recording(how: str = "webm", *, seconds: float = 1) -> bytes:
    """Return a tone as browsers record it (`webm`, `mp4`), or as people keep it (`wav`, `m4a`, `ogg`)."""
    coded = {
        "webm": ("-c:a", "libopus", "-f", "webm"),
        "mp4": ("-c:a", "aac", "-movflags", "frag_keyframe+empty_moov", "-f", "mp4"),
        "wav": ("-f", "wav"),
        "ogg": ("-c:a", "libopus", "-f", "ogg"),
    }[how]
    return _made("-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}", *coded, "pipe:1")


def a_film(how: str = "mp4", *, seconds: float = 1, size: str = "160x120", sound: bool = True) -> bytes:
    """Return a moving picture: `mp4` as phones record it, `odd` with colours few of them decode, `webm`, `large`."""
    coded = {
        "mp4": ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", *_FRAGMENTS),
        "odd": ("-c:v", "libx264", "-pix_fmt", "yuv444p", "-c:a", "aac", *_FRAGMENTS),
        "webm": ("-c:v", "libvpx", "-c:a", "libopus", "-f", "webm"),
        "large": ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "-pix_fmt", "yuv420p", *_FRAGMENTS),
    }[how]
    source = "nullsrc" if how == "large" else "testsrc2"
    noisy = ("-vf", "geq=random(1)*255:128:128") if how == "large" else ()
    heard = ("-f", "lavfi", "-i", f"sine=duration={seconds}") if sound else ()
    return _made(
        "-f", "lavfi", "-i", f"{source}=size={size}:rate=15:duration={seconds}", *heard, *noisy, *coded, "pipe:1"
    )


_FRAGMENTS = ("-movflags", "frag_keyframe+empty_moov", "-f", "mp4")


def a_silence(media_type: str = "audio/amr", *, seconds: float = 2) -> bytes:
    """Return a recording in which the telephone heard nothing, so that each frame is a single byte."""
    return HEADS[media_type] + b"\x7c" * round(seconds * FRAMES_A_SECOND)


def _made(*arguments: str) -> bytes:
    command = [get_ffmpeg_exe(), "-v", "error", "-nostdin", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60).stdout
