"""What is done to pictures of strangers, by Pillow. Runs in a process of its own with little memory and time.

Nothing of a picture is decoded before its head has told how large it will be.
"""

import io
import struct
import warnings
from collections.abc import Collection
from dataclasses import dataclass

from PIL import Image, ImageFile, ImageOps

from moorage.media.gif import without_metadata

MOST_PIXELS = 50_000_000
"""Of one picture: a telephone's largest has about as many."""
MOST_ANIMATED_PIXELS = 250_000_000
"""Of all frames of an animation together."""
LONGEST_SIDE = 4096
"""Of a picture that is encoded anew; nobody sees more on a phone."""
BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error)
"""What decoders raise over a picture that is cut off or wrong inside."""
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
_MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp", "BMP": "image/bmp"}
_QUALITIES = (90, 80, 70)
_SMALLER = 0.75
_LEAST_SIDE = 64


class Unusable(Exception):
    """The picture cannot be used. `reason` is a stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Seen:
    """What a picture is. `content` is None where it stays as it came."""

    media_type: str
    width: int
    height: int
    content: bytes | None = None


def look_at(content: bytes) -> Seen:
    """Return what the picture `content` is, after decoding all of it. Raises Unusable."""
    with _opened(content) as image:
        _decode(image)
        width, height = ImageOps.exif_transpose(image).size
        return Seen(media_type=_MEDIA_TYPES[image.format or ""], width=width, height=height)


def prepare(content: bytes, *, most_bytes: int, media_types: Collection[str]) -> Seen:
    """Return the picture as it can be sent: upright, without metadata, of an allowed type and size. Raises Unusable."""
    with _opened(content) as image:
        if _is_animated(image) and image.format == "GIF" and "image/gif" in media_types:
            return _animation(image, content, most_bytes=most_bytes)
        image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a large JPEG is decoded smaller at once
        _decode(image, frames=1)
        was_png = image.format in ("PNG", "GIF")
        upright = ImageOps.exif_transpose(image)
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    if "image/png" in media_types and (was_png or upright.has_transparency_data):
        encoded = _png(upright)
        if len(encoded) <= most_bytes:
            return Seen("image/png", *upright.size, content=encoded)
    return _smallest_jpeg(upright, most_bytes=most_bytes)


def _opened(content: bytes) -> ImageFile.ImageFile:
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        image = Image.open(io.BytesIO(content), formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise Unusable("too_many_pixels") from error
    except BROKEN as error:  # it begins like a picture and does not go on so
        raise Unusable("damaged") from error
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise Unusable("too_many_pixels")
    if width * height == 0:
        raise Unusable("damaged")
    return image


def _is_animated(image: ImageFile.ImageFile) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))  # looks for a second frame
    except BROKEN as error:
        raise Unusable("damaged") from error


def _decode(image: ImageFile.ImageFile, *, frames: int | None = None) -> None:
    """Decode the first `frames` frames, or all of them, in bounds. Raises Unusable."""
    try:
        count = int(getattr(image, "n_frames", 1)) if frames is None else frames
        if image.size[0] * image.size[1] * count > MOST_ANIMATED_PIXELS:
            raise Unusable("too_many_pixels")
        for frame in range(count):
            if frame:
                image.seek(frame)
            image.load()
        if count > 1:
            image.seek(0)
    except Image.DecompressionBombError as error:
        raise Unusable("too_many_pixels") from error
    except BROKEN as error:
        raise Unusable("damaged") from error


def _animation(image: ImageFile.ImageFile, content: bytes, *, most_bytes: int) -> Seen:
    try:
        kept = without_metadata(content)
    except ValueError as error:
        raise Unusable("damaged") from error
    if len(kept) > most_bytes:
        raise Unusable("animated_too_large")
    _decode(image)
    return Seen("image/gif", *image.size, content=kept)


def _png(image: Image.Image) -> bytes:
    plain = image if image.mode in ("1", "L", "LA", "P", "RGB", "RGBA") else image.convert("RGBA")
    return _saved(plain, "PNG")


def _smallest_jpeg(image: Image.Image, *, most_bytes: int) -> Seen:
    """Return the picture as JPEG with as little loss as fits."""
    flat = _on_white(image)
    while True:
        for quality in _QUALITIES:
            encoded = _saved(flat, "JPEG", quality=quality, optimize=True)
            if len(encoded) <= most_bytes:
                return Seen("image/jpeg", *flat.size, content=encoded)
        if min(flat.size) < _LEAST_SIDE:
            raise Unusable("too_large")
        width, height = flat.size
        flat = flat.copy()
        flat.thumbnail((round(width * _SMALLER), round(height * _SMALLER)))


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    see_through = image.convert("RGBA")
    white = Image.new("RGBA", see_through.size, "white")
    return Image.alpha_composite(white, see_through).convert("RGB")


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return the encoded picture. Nothing is carried over from where it came but the pixels and their colours."""
    profile: object = image.info.get("icc_profile") if image.mode == "RGB" else None
    bare = image.copy()
    transparency: object = image.info.get("transparency")
    bare.info = {} if transparency is None else {"transparency": transparency}
    out = io.BytesIO()
    if isinstance(profile, bytes):
        options["icc_profile"] = profile
    bare.save(out, kind, **options)
    return out.getvalue()
