"""Files under media ids: keeping them, and finding those that are still good."""

from collections.abc import Mapping

from wechat_sandbox import identifiers
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.media.blobs import BlobStore
from wechat_sandbox.media.formats import MEDIA_TYPES, SUFFIXES, Format, duration_s
from wechat_sandbox.model import Account, MediaKind, StoredMedia

LIFETIME_S = 3 * 86400.0
"""How long a temporary file lives, whoever sent it."""
_FORGOTTEN_AFTER_S = 30 * 86400.0
_TIDIED_EVERY = 1000


def keep_temporary(
    account: Account, blobs: BlobStore, *, content: bytes, kind: MediaKind, found: Format, now_s: float
) -> StoredMedia:
    """Keep a file for three days and return what is known of it."""
    stored = _stored(blobs, content=content, kind=kind, media_type=MEDIA_TYPES[found], suffix=SUFFIXES[found])
    stored.duration_s = duration_s(content, sound=found)
    return _remember(account, stored, now_s=now_s, expires_at=now_s + LIFETIME_S)


def keep_unread(
    account: Account, blobs: BlobStore, *, content: bytes, kind: MediaKind, media_type: str, suffix: str, now_s: float
) -> StoredMedia:
    """Keep what a phone sent for three days, whatever its bytes are; `media_type` is told to who fetches it."""
    stored = _stored(blobs, content=content, kind=kind, media_type=media_type, suffix=suffix)
    return _remember(account, stored, now_s=now_s, expires_at=now_s + LIFETIME_S)


def keep_permanent(
    account: Account, blobs: BlobStore, *, content: bytes, kind: MediaKind, found: Format, name: str, now_s: float
) -> StoredMedia:
    """Keep a file until it is deleted and return what is known of it."""
    stored = _stored(blobs, content=content, kind=kind, media_type=MEDIA_TYPES[found], suffix=SUFFIXES[found])
    stored.name = name
    stored.duration_s = duration_s(content, sound=found)
    return _remember(account, stored, now_s=now_s, expires_at=None)


def find_media(known: Mapping[str, StoredMedia], media_id: str, *, now_s: float) -> StoredMedia | None:
    """Return the file of this id, None if there is none or its three days are over."""
    stored = known.get(media_id)
    if stored is None or (stored.expires_at is not None and now_s >= stored.expires_at):
        return None
    return stored


def usable_media(account: Account, media_id: str, *, kinds: frozenset[MediaKind], now_s: float) -> StoredMedia:
    """Return the file that a message names. Raises ApiRefusal 41006 (none), 40007 (unknown, old), 40121 (kind)."""
    if not media_id:
        raise ApiRefusal(41006)
    stored = find_media(account.media, media_id, now_s=now_s)
    if stored is None:
        raise ApiRefusal(40007)
    if stored.kind not in kinds:
        raise ApiRefusal(40121)
    return stored


def _stored(blobs: BlobStore, *, content: bytes, kind: MediaKind, media_type: str, suffix: str) -> StoredMedia:
    return StoredMedia(
        media_id=identifiers.new_media_id(kind=kind),
        kind=kind,
        blob=blobs.put(content),
        media_type=media_type,
        suffix=suffix,
        size_bytes=len(content),
    )


def _remember(account: Account, stored: StoredMedia, *, now_s: float, expires_at: float | None) -> StoredMedia:
    stored.created_at, stored.expires_at = now_s, expires_at
    account.media[stored.media_id] = stored
    if len(account.media) % _TIDIED_EVERY == 0:
        _forget_old(account, now_s=now_s)
    return stored


def _forget_old(account: Account, *, now_s: float) -> None:
    for media_id, stored in list(account.media.items()):
        if stored.expires_at is not None and now_s - stored.expires_at > _FORGOTTEN_AFTER_S:
            del account.media[media_id]
