"""What a chat keeps of a file, so that the phone can show it even after its media id is old."""

from pydantic import JsonValue

from wechat_sandbox.model import StoredMedia


def shown_media(stored: StoredMedia) -> dict[str, JsonValue]:
    """Return the file's id, the blob that holds its bytes, and what a player needs to know."""
    shown: dict[str, JsonValue] = {
        "media_id": stored.media_id,
        "blob": stored.blob,
        "media_type": stored.media_type,
        "size_bytes": stored.size_bytes,
    }
    return shown if stored.duration_s is None else shown | {"duration_s": round(stored.duration_s, 2)}
