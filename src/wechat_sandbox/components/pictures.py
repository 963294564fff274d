"""Small pictures drawn here: an account's avatar and its QR code."""

import colorsys
import io
import struct
import zlib
from functools import lru_cache

import segno
from PIL import Image

_SIDE = 132
_HUES = (152, 206, 28, 262, 340, 184, 88, 230)
_CIRCLES = ((0.36, 0.42, 0.2), (0.64, 0.62, 0.16), (0.68, 0.3, 0.09))
"""Three discs in parts of the side: centre from the left, centre from the top, radius."""
_Pixel = tuple[int, int, int]


@lru_cache(maxsize=256)
def avatar_png(name: str) -> bytes:
    """Return the avatar of a name, a PNG of 132 by 132 pixels in the colour the pages show it with."""
    hue = _HUES[sum(map(ord, name)) % len(_HUES)]
    turn = sum(map(ord, name)) % 4
    rows = [bytes(value for x in range(_SIDE) for value in _pixel(x, y, hue=hue, turn=turn)) for y in range(_SIDE)]
    return _png(rows)


def qr_png(text: str) -> bytes:
    """Return a QR code as a PNG."""
    stream = io.BytesIO()
    segno.make(text, error="m", micro=False).save(stream, kind="png", scale=8, border=3)
    return stream.getvalue()


def qr_jpeg(text: str) -> bytes:
    """Return a QR code as a JPEG, the format of WeChat's own."""
    stream = io.BytesIO()
    with Image.open(io.BytesIO(qr_png(text))) as drawn:
        drawn.convert("RGB").save(stream, "JPEG", quality=90)
    return stream.getvalue()


def _pixel(x: int, y: int, *, hue: int, turn: int) -> _Pixel:
    u, v = x / _SIDE, y / _SIDE
    slope = (u + v) / 2
    red, green, blue = colorsys.hls_to_rgb((hue + 18 * slope) / 360, 0.54 - 0.14 * slope, 0.55)
    cover = max(_cover(u, v, circle=circle, turn=turn) for circle in _CIRCLES)
    return (_mixed(red, cover), _mixed(green, cover), _mixed(blue, cover))


def _cover(u: float, v: float, *, circle: tuple[float, float, float], turn: int) -> float:
    cx, cy, radius = circle
    for _ in range(turn):
        cx, cy = 1 - cy, cx
    distance = ((u - cx) ** 2 + (v - cy) ** 2) ** 0.5
    # The edge is one and a half pixels soft.
    return min(1.0, max(0.0, (radius - distance) * _SIDE / 1.5 + 0.5))


def _mixed(channel: float, cover: float) -> int:
    return round(255 * (channel + (1 - channel) * 0.92 * cover))


def _png(rows: list[bytes]) -> bytes:
    width = len(rows[0]) // 3
    header = struct.pack(">IIBBBBB", width, len(rows), 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\x00" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
