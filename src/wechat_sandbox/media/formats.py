"""What a file is by its bytes: its name and its declared type are never believed."""

from collections.abc import Mapping
from typing import Literal

Format = Literal["jpeg", "png", "gif", "bmp", "amr", "amr_wb", "mp3", "wav", "wma", "mp4"]

MEDIA_TYPES: Mapping[Format, str] = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "amr": "audio/amr",
    "amr_wb": "audio/amr-wb",
    "mp3": "audio/mpeg",
    "wav": "audio/x-wav",
    "wma": "audio/x-ms-wma",
    "mp4": "video/mp4",
}
SUFFIXES: Mapping[Format, str] = {
    "jpeg": "jpg",
    "png": "png",
    "gif": "gif",
    "bmp": "bmp",
    "amr": "amr",
    "amr_wb": "amr",
    "mp3": "mp3",
    "wav": "wav",
    "wma": "wma",
    "mp4": "mp4",
}

_AMR = b"#!AMR\n"
_AMR_WB = b"#!AMR-WB\n"
# Bytes of a frame after its head byte, by frame type; -1 for types that are not allowed.
_AMR_FRAMES = (12, 13, 15, 17, 19, 20, 26, 31, 5, -1, -1, -1, -1, -1, -1, 0)
_AMR_WB_FRAMES = (17, 23, 32, 36, 40, 46, 50, 58, 60, 5, -1, -1, -1, -1, 0, 0)
_AMR_FRAME_S = 0.02
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_MPEG1_KBIT = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG2_KBIT = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MPEG1_HZ = (44100, 48000, 32000)
_UNTAGGED_FRAMES = 3
"""Frames in a row that make bytes an MP3 when no tag says so."""


def format_of(content: bytes) -> Format | None:
    """Return what the bytes are, None for anything that WeChat takes nowhere or that is cut off."""
    return _picture_format(content) or _sound_format(content) or ("mp4" if _is_mp4(content) else None)


def duration_s(content: bytes, *, sound: Format) -> float | None:
    """Return the seconds that a sound plays, None where the bytes do not tell."""
    match sound:
        case "amr":
            return _amr_s(content, magic=_AMR, frames=_AMR_FRAMES)
        case "amr_wb":
            return _amr_s(content, magic=_AMR_WB, frames=_AMR_WB_FRAMES)
        case "mp3":
            return _mp3_s(content)
        case "wav":
            return _wav_s(content)
        case _:
            return None


def silent_amr_wb(*, seconds: float) -> bytes:
    """Return a wide-band AMR that says nothing for so long: frames without data, which every decoder takes."""
    return _AMR_WB + b"\x7c" * round(seconds / _AMR_FRAME_S)


def _picture_format(content: bytes) -> Format | None:
    if content.startswith(b"\xff\xd8\xff") and content.rstrip(b"\0").endswith(b"\xff\xd9"):
        return "jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR" and b"IEND" in content[-24:]:
        return "png"
    if content[:6] in {b"GIF87a", b"GIF89a"} and len(content) > 13:
        return "gif"
    if content.startswith(b"BM") and int.from_bytes(content[2:6], "little") == len(content):
        return "bmp"
    return None


def _sound_format(content: bytes) -> Format | None:
    if content.startswith(_AMR_WB):
        return "amr_wb" if _amr_s(content, magic=_AMR_WB, frames=_AMR_WB_FRAMES) is not None else None
    if content.startswith(_AMR):
        return "amr" if _amr_s(content, magic=_AMR, frames=_AMR_FRAMES) is not None else None
    if content.startswith(b"RIFF") and content[8:12] == b"WAVE":
        return "wav"
    if content.startswith(_ASF):
        return "wma"
    return "mp3" if _mp3_s(content) is not None else None


def _is_mp4(content: bytes) -> bool:
    """Return whether whole boxes follow each other, the first saying MP4 and one holding the index."""
    if content[4:8] != b"ftyp" or content[8:12] == b"qt  ":
        return False
    place, kinds = 0, set[bytes]()
    while place + 8 <= len(content):
        size, kind = int.from_bytes(content[place : place + 4], "big"), content[place + 4 : place + 8]
        if size == 1:
            size = int.from_bytes(content[place + 8 : place + 16], "big")
        size = size or len(content) - place
        if size < 8 or place + size > len(content):
            return False
        kinds.add(kind)
        place += size
    return b"moov" in kinds


def _amr_s(content: bytes, *, magic: bytes, frames: tuple[int, ...]) -> float | None:
    place, count = len(magic), 0
    while place < len(content):
        size = frames[content[place] >> 3 & 0x0F]
        if size < 0 or place + 1 + size > len(content):
            return None
        place += 1 + size
        count += 1
    return count * _AMR_FRAME_S if count else None


def _wav_s(content: bytes) -> float | None:
    rate = int.from_bytes(content[28:32], "little")
    return (len(content) - 44) / rate if rate and len(content) > 44 else None


def _mp3_s(content: bytes) -> float | None:
    tagged = content.startswith(b"ID3")
    place, seconds, count = _after_tag(content) if tagged else 0, 0.0, 0
    while place + 4 <= len(content):
        frame = _mp3_frame(content[place : place + 4])
        if frame is None:
            break
        size, frame_s = frame
        place, seconds, count = place + size, seconds + frame_s, count + 1
    return seconds if count >= (1 if tagged else _UNTAGGED_FRAMES) else None


def _after_tag(content: bytes) -> int:
    size = 0
    for byte in content[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


def _mp3_frame(head: bytes) -> tuple[int, float] | None:
    """Return the bytes and seconds of a layer-III frame, None if the four bytes do not begin one."""
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    rate_index, hz_index = head[2] >> 4, head[2] >> 2 & 3
    if head[0] != 0xFF or head[1] >> 5 != 7 or version == 1 or layer != 1 or rate_index in {0, 15} or hz_index == 3:
        return None
    first = version == 3
    kbit = (_MPEG1_KBIT if first else _MPEG2_KBIT)[rate_index]
    hz = _MPEG1_HZ[hz_index] // (1 if first else 2 if version == 2 else 4)
    samples = 1152 if first else 576
    return samples // 8 * kbit * 1000 // hz + (head[2] >> 1 & 1), samples / hz
