"""What a customer is told beside a link, in the channel's language. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from moorage.connectors.content import File, UploadRequest
from moorage.core.shortening import shortened

Locale = Literal["zh-CN", "en"]


def locale_of(settings: Mapping[str, object]) -> Locale:
    """Return the language in which customers of a channel with these settings are spoken to."""
    return "en" if settings.get("locale") == "en" else "zh-CN"


_FILE: Mapping[Locale, str] = {
    "zh-CN": "{name}（{size}）\n点击下载：{address}\n链接有效期至 {until}",
    "en": "{name} ({size})\nDownload: {address}\nThe link works until {until}.",
}
_REQUEST: Mapping[Locale, str] = {
    "zh-CN": "我们在这里收不到文件“{name}”，请点击链接上传：\n{address}\n链接有效期至 {until}",
    "en": "We cannot open the file “{name}” from here. Please upload it through this link:\n{address}\n"
    "The link works until {until}.",
}
_CHOICES: Mapping[Locale, str] = {
    "zh-CN": "\n\n请点击链接查看全部选项并选择：\n{address}",
    "en": "\n\nSee all options and choose here:\n{address}",
}
_UNITS = ("B", "KB", "MB", "GB")
_STEP = 1024


def words_of(content: File | UploadRequest, *, address: str, locale: Locale, time_zone: str) -> str:
    """Return the text that carries `address` to the customer."""
    if content.expires_at is None:
        raise ValueError("what goes out as a link says until when it works")
    until = until_words(content.expires_at, locale=locale, time_zone=time_zone)
    if isinstance(content, File):
        size = size_words(content.size_bytes or 0)
        return _FILE[locale].format(name=content.name, size=size, address=address, until=until)
    return _REQUEST[locale].format(name=content.file_name, address=address, until=until)


def beside_choices(question: str, *, address: str, locale: Locale, most_bytes: int) -> str:
    """Return a question with the address of the page that answers it, the question shortened where that must be."""
    below = _CHOICES[locale].format(address=address)
    return shortened(question, most_bytes=most_bytes - len(below.encode())) + below


def size_words(size_bytes: int) -> str:
    """Return a size as people read it: `812 B`, `2.4 MB`."""
    size, unit = float(size_bytes), 0
    while round(size, 1) >= _STEP and unit < len(_UNITS) - 1:
        size, unit = size / _STEP, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"


def until_words(at: datetime, *, locale: Locale, time_zone: str) -> str:
    """Return an instant as people write it, by the clock of a time zone."""
    local = at.astimezone(_zone(time_zone))
    if locale == "zh-CN":
        return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}, {local:%H:%M}"


_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
