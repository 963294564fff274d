"""Temporary files: uploading, fetching, and pictures for the bodies of articles."""

from typing import TypeGuard

from wechat_sandbox.endpoints.call import Binary, Call, Endpoint, JsonObject, UploadedFile
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.media import keeping
from wechat_sandbox.media.limits import ARTICLE_PICTURE, TEMPORARY, check_file
from wechat_sandbox.media.samples import sample
from wechat_sandbox.model import MediaKind, StoredMedia

SETS = frozenset({1, 6, 11})
"""Whoever may send messages, and whoever may keep material, may handle files."""


def uploaded(call: Call) -> UploadedFile:
    """Return the file of the field `media`. Raises ApiRefusal 41005."""
    file = call.form.files.get("media")
    if file is None:
        raise ApiRefusal(41005)
    return file


def kind_in(call: Call) -> MediaKind:
    """Return the kind that the query names. Raises ApiRefusal 40004."""
    kind = call.query.get("type", "")
    if not _is_kind(kind):
        raise ApiRefusal(40004)
    return kind


def content_of(call: Call, stored: StoredMedia) -> bytes:
    """Return the bytes of a file. Raises ApiRefusal 46001 if they are gone."""
    content = call.sandbox.blobs.get(stored.blob)
    if content is None:
        raise ApiRefusal(46001)
    return content


def as_file(call: Call, stored: StoredMedia) -> Binary:
    """Return the file as an answer."""
    return Binary(
        content=content_of(call, stored),
        media_type=stored.media_type,
        file_name=f"{stored.media_id}.{stored.suffix}",
    )


def _is_kind(text: str) -> TypeGuard[MediaKind]:
    return text in TEMPORARY


def _upload(call: Call) -> JsonObject:
    kind, account = kind_in(call), call.owner()
    content = uploaded(call).content
    found = check_file(content, limit=TEMPORARY[kind])
    stored = keeping.keep_temporary(
        account, call.sandbox.blobs, content=content, kind=kind, found=found, now_s=call.now_s
    )
    name = "thumb_media_id" if kind == "thumb" else "media_id"
    return {"type": kind, name: stored.media_id, "created_at": int(call.now_s)}


def _named(call: Call) -> StoredMedia:
    media_id = call.query.get("media_id", "")
    if not media_id:
        raise ApiRefusal(41006)
    stored = keeping.find_media(call.owner().media, media_id, now_s=call.now_s)
    if stored is None or stored.expires_at is None:
        raise ApiRefusal(40007)
    return stored


def _get(call: Call) -> JsonObject | Binary:
    stored = _named(call)
    if stored.kind == "video":
        content_of(call, stored)
        return {"video_url": f"{call.base_url}/sandbox/videos/{call.owner().appid}/{stored.media_id}.mp4"}
    return as_file(call, stored)


def _get_high_quality(call: Call) -> Binary:
    """Answer with the 16 kHz Speex of a voice; the stand-in converts nothing, so it is always the sample."""
    stored = _named(call)
    if stored.kind != "voice":
        raise ApiRefusal(40007)
    return Binary(sample("voice.speex"), media_type="voice/speex", file_name=f"{stored.media_id}.speex")


def _upload_article_picture(call: Call) -> JsonObject:
    content = uploaded(call).content
    check_file(content, limit=ARTICLE_PICTURE)
    blob = call.sandbox.blobs.put(content)
    return {"url": f"{call.base_url}/mmbiz_jpg/{blob}/0"}


ENDPOINTS = (
    Endpoint(path="/cgi-bin/media/upload", method="POST", answer=_upload, sets=SETS),
    Endpoint(path="/cgi-bin/media/get", method="GET", answer=_get, sets=SETS),
    Endpoint(path="/cgi-bin/media/get/jssdk", method="GET", answer=_get_high_quality, sets=SETS),
    Endpoint(path="/cgi-bin/media/uploadimg", method="POST", answer=_upload_article_picture, sets=SETS),
)
