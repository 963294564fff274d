"""How long the link works that a message goes out by. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from moorage.channels.model import LINKS_LAST_DAYS
from moorage.connectors.content import Content, File, UploadRequest


def links_last(settings: Mapping[str, object]) -> timedelta:
    """Return how long a channel's admins let links to files work."""
    days = settings.get("links_last_days")
    return timedelta(days=days if isinstance(days, int) else LINKS_LAST_DAYS)


def with_fresh_link(content: Content, *, now: datetime, lasts: timedelta) -> Content:
    """Return `content` with a link that works from `now` on, where it goes out by a link; all else as it is."""
    match content:
        case File(blob_id=str()):
            return content.model_copy(update={"expires_at": now + lasts, "sent_as": None})
        case UploadRequest():
            return content.model_copy(update={"expires_at": now + lasts})
        case _:
            return content
