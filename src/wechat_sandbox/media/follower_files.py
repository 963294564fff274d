"""Files that followers send: uploaded by a test or by the phone page, or else samples."""

from collections.abc import Mapping

from pydantic import JsonValue

from wechat_sandbox.media.formats import Format, format_of
from wechat_sandbox.media.keeping import keep_temporary, keep_unread
from wechat_sandbox.media.samples import SampleName, sample
from wechat_sandbox.model import Account, MediaKind, StoredMedia
from wechat_sandbox.world import Sandbox

Description = dict[str, JsonValue]

_KINDS: Mapping[Format, MediaKind] = {
    "jpeg": "image",
    "png": "image",
    "gif": "image",
    "amr": "voice",
    "amr_wb": "voice",
    "mp3": "voice",
    "mp4": "video",
}
_VOICES: Mapping[JsonValue, SampleName] = {"amr": "voice.amr", "mp3": "voice.mp3", "speex": "voice.speex"}


class FileNotSendable(Exception):
    """The phone can send no file of this kind."""


def take_file(sandbox: Sandbox, account: Account, *, content: bytes, kind: str | None) -> StoredMedia:
    """Keep a file that somebody is about to send; `kind` is only needed where its bytes do not tell.

    A `voice` that is no sound known here is taken for Speex. Any other kind takes the bytes as they are: what phones
    upload is not always what it says. Raises FileNotSendable.
    """
    now_s = sandbox.clock.now_s()
    sandbox.keeper.changed()
    found = format_of(content)
    usual = _KINDS.get(found) if found else None
    if found is not None and usual is not None and kind in {None, usual}:
        return keep_temporary(account, sandbox.blobs, content=content, kind=usual, found=found, now_s=now_s)
    match kind:
        case "voice":
            media_type, suffix = "voice/speex", "speex"
        case "image" | "video" | "thumb":
            media_type, suffix = ("video/mp4", "mp4") if kind == "video" else ("image/jpeg", "jpg")
        case _:
            raise FileNotSendable("give a picture (JPEG, PNG, GIF), a sound (AMR, MP3), an MP4, or its type")
    return keep_unread(
        account, sandbox.blobs, content=content, kind=kind, media_type=media_type, suffix=suffix, now_s=now_s
    )


def with_files(sandbox: Sandbox, account: Account, given: Mapping[str, JsonValue], *, base_url: str) -> Description:
    """Return the description of a message with the media ids and addresses that it leaves out.

    A media id that nobody uploaded stays as it is, so that a test can send what cannot be fetched.
    """
    match given.get("type"):
        case "image":
            return _with_picture(sandbox, account, given, base_url=base_url)
        case "voice":
            return _with_voice(sandbox, account, given)
        case "video" | "shortvideo":
            return _with_video(sandbox, account, given)
        case _:
            return dict(given)


def _with_picture(sandbox: Sandbox, account: Account, given: Mapping[str, JsonValue], *, base_url: str) -> Description:
    stored = _named(account, given, key="media_id") or _sampled(sandbox, account, "photo.jpg", given, key="media_id")
    if stored is None:
        return dict(given)
    return {"media_id": stored.media_id, "pic_url": f"{base_url}/mmbiz_jpg/{stored.blob}/0"} | dict(given)


def _with_voice(sandbox: Sandbox, account: Account, given: Mapping[str, JsonValue]) -> Description:
    name = _VOICES.get(given.get("format"), "voice.amr")
    stored = _named(account, given, key="media_id") or _sampled(sandbox, account, name, given, key="media_id")
    if stored is None:
        return dict(given)
    wide = _sampled(sandbox, account, "voice16k.amr", given, key="media_id_16k")
    ids: Description = {"media_id": stored.media_id, "format": stored.suffix}
    return ids | ({} if wide is None else {"media_id_16k": wide.media_id}) | dict(given)


def _with_video(sandbox: Sandbox, account: Account, given: Mapping[str, JsonValue]) -> Description:
    ids: Description = {}
    if "media_id" not in given:
        ids["media_id"] = take_file(sandbox, account, content=sample("video.mp4"), kind="video").media_id
    if "thumb_media_id" not in given:
        ids["thumb_media_id"] = take_file(sandbox, account, content=sample("thumb.jpg"), kind="thumb").media_id
    return ids | dict(given)


def _named(account: Account, given: Mapping[str, JsonValue], *, key: str) -> StoredMedia | None:
    media_id = given.get(key)
    return account.media.get(media_id) if isinstance(media_id, str) else None


def _sampled(
    sandbox: Sandbox, account: Account, name: SampleName, given: Mapping[str, JsonValue], *, key: str
) -> StoredMedia | None:
    """Return a sample kept for the account, None if the description has the key already."""
    if key in given:
        return None
    kind = "voice" if name.startswith("voice") else None
    return take_file(sandbox, account, content=sample(name), kind=kind)
