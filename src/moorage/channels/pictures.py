"""What kind of picture some bytes are, by their beginning: nobody's word is taken for it."""

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def picture_type(content: bytes) -> str | None:
    """Return the media type of a PNG, JPEG, GIF or WebP picture, or None for anything else."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((media_type for beginning, media_type in _BEGINNINGS if content.startswith(beginning)), None)
