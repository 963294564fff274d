"""The card that leads a customer to a file: name, size, until when it can be had, a picture of its kind. Pure.

The pictures are files of the console, below `cards/`.
"""

from collections.abc import Mapping
from typing import Literal, get_args

from moorage.connectors.content import File, News
from moorage.connectors.manifest import NewsLimits
from moorage.conversations.link_words import Locale, size_words, until_words
from moorage.core.shortening import shortened

Picture = Literal["archive", "document", "film", "other", "pdf", "picture", "slides", "sound", "table"]
PICTURES: tuple[Picture, ...] = get_args(Picture)

_DESCRIPTION: Mapping[Locale, str] = {
    "zh-CN": "{size}，有效期至 {until}",
    "en": "{size}, works until {until}",
}
_BY_TYPE: Mapping[str, Picture] = {
    "application/pdf": "pdf",
    "application/zip": "archive",
    "application/msword": "document",
    "application/vnd.ms-excel": "table",
    "application/vnd.ms-powerpoint": "slides",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "table",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "slides",
}
_BY_FAMILY: Mapping[str, Picture] = {"image": "picture", "audio": "sound", "video": "film"}
_BY_ENDING: Mapping[str, Picture] = {
    **dict.fromkeys(("7z", "gz", "rar", "tar", "zip"), "archive"),
    **dict.fromkeys(("doc", "docx", "md", "odt", "rtf", "txt", "wps"), "document"),
    **dict.fromkeys(("csv", "et", "ods", "tsv", "xls", "xlsx"), "table"),
    **dict.fromkeys(("dps", "key", "odp", "ppt", "pptx"), "slides"),
}
"""For what is told from other files by its name alone, or by nothing within its first bytes."""


def card_of(
    file: File, *, address: str, pictures_url: str, locale: Locale, time_zone: str, limits: NewsLimits
) -> News | None:
    """Return the card that carries `address`; None where it does not fit on one.

    `pictures_url` is where this installation's pages begin, without a slash at its end.
    """
    if file.expires_at is None:
        raise ValueError("what goes out as a link says until when it works")
    picture_url = f"{pictures_url}/cards/{picture_of(file)}.png"
    if max(len(address.encode()), len(picture_url.encode())) > limits.most_url_bytes:
        return None
    until = until_words(file.expires_at, locale=locale, time_zone=time_zone)
    return News(
        title=name_within(file.name, most_bytes=limits.most_title_bytes),
        description=_DESCRIPTION[locale].format(size=size_words(file.size_bytes or 0), until=until),
        url=address,
        picture_url=picture_url,
    )


def picture_of(file: File) -> Picture:
    """Return which picture suits a file: by its real type where that says enough, else by its name's ending."""
    media_type = file.media_type or ""
    ending = file.name.rpartition(".")[2].lower()
    known = _BY_FAMILY.get(media_type.partition("/")[0]) or _BY_ENDING.get(ending) or _BY_TYPE.get(media_type)
    return known or "other"


def name_within(name: str, *, most_bytes: int) -> str:
    """Return a file's name in at most `most_bytes` of UTF-8, cut before its ending."""
    if len(name.encode()) <= most_bytes:
        return name
    stem, dot, ending = name.rpartition(".")
    kept = dot + ending if stem else ""
    return shortened(stem or name, most_bytes=most_bytes - len(kept.encode())) + kept
