"""Pictures for tests, drawn on the spot."""

import io
import struct
import zlib
from random import Random

from PIL import Image

RIGHT_SIDE_UP = 0x0112
GPS = 0x8825
MAKE = 0x010F


def a_picture(kind: str = "JPEG", *, size: tuple[int, int] = (40, 30), mode: str = "RGB") -> bytes:
    """Return a small picture of one colour."""
    out = io.BytesIO()
    Image.new(mode, size, 120 if mode == "L" else (20, 110, 90, 128)[: len(mode)]).save(out, kind)
    return out.getvalue()


def a_noisy_picture(kind: str = "JPEG", *, size: tuple[int, int], mode: str = "RGB", **options: object) -> bytes:
    """Return a picture that hardly compresses."""
    bands = len(mode)
    noise = Random(7).randbytes(size[0] * size[1] * bands)
    out = io.BytesIO()
    Image.frombytes(mode, size, noise).save(out, kind, **options)
    return out.getvalue()


def a_photo(*, size: tuple[int, int] = (60, 40), turned: int = 6) -> bytes:
    """Return a JPEG as a telephone makes it: lying on its side, with its maker and its place in it."""
    exif = Image.Exif()
    exif[RIGHT_SIDE_UP] = turned
    exif[MAKE] = "Harbour Phone"
    exif[GPS] = {1: "N", 2: (31.0, 14.0, 0.0)}
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, "JPEG", exif=exif)
    return out.getvalue()


def an_animation(
    *, frames: int = 3, size: tuple[int, int] = (20, 20), comment: bytes = b"", noisy: bool = False
) -> bytes:
    """Return a GIF that moves; a noisy one hardly compresses."""
    if noisy:
        noise = Random(7)
        drawn = [Image.frombytes("L", size, noise.randbytes(size[0] * size[1])) for _ in range(frames)]
    else:
        drawn = [Image.new("RGB", size, (10 * n % 256, 0, 200)) for n in range(1, frames + 1)]
    out = io.BytesIO()
    drawn[0].save(out, "GIF", save_all=True, append_images=drawn[1:], duration=50, loop=0, comment=comment)
    return out.getvalue()


def opened(content: bytes) -> Image.Image:
    """Return the picture, decoded."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def a_bomb(*, side: int = 60_000) -> bytes:
    """Return a PNG of some hundred bytes that claims, and would unpack to, billions of pixels."""
    row = zlib.compress(b"\0" * 100_000, 9)
    parts = [(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)), (b"IDAT", row), (b"IEND", b"")]
    chunks = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
