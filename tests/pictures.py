"""Pictures for tests, drawn on the spot."""

import io
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


def an_animation(*, frames: int = 3, size: tuple[int, int] = (20, 20), comment: bytes = b"") -> bytes:
    """Return a GIF that moves."""
    drawn = [Image.new("RGB", size, (10 * n % 256, 0, 200)) for n in range(1, frames + 1)]
    out = io.BytesIO()
    drawn[0].save(out, "GIF", save_all=True, append_images=drawn[1:], duration=50, loop=0, comment=comment)
    return out.getvalue()


def opened(content: bytes) -> Image.Image:
    """Return the picture, decoded."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image
