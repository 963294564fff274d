"""What the reception says to customers, in the words of the channel's admin or in ours."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from moorage.core.templates import fill_template

Locale = Literal["zh-CN", "en"]

GREETINGS: Mapping[Locale, str] = {
    "zh-CN": "您好，我是{agent}，请问有什么可以帮您？",
    "en": "Hello, this is {agent}. How can I help you?",
}
"""What an agent is introduced with where the admin wrote nothing else."""

ASK_TO_WRITE: Mapping[Locale, str] = {
    "zh-CN": "已收到您的转人工请求，请直接发送您的问题。",
    "en": "You asked for an agent. Please write your question here.",
}
"""What a customer is told who asked for a person by a tap: the provider lets us say more once they write."""


GUIDANCE: Mapping[Locale, str] = {
    "zh-CN": "回复“{word}”转人工客服",
    "en": "Reply “{word}” for an agent",
}
"""How to ask for a person, where the admin wrote nothing else."""


VOICE_UNRECOGNIZED: Mapping[Locale, str] = {
    "zh-CN": "没能识别您的语音，请用文字发送。",
    "en": "Your voice message was not recognized. Please type instead.",
}
"""What a customer is told whose voice came without its text, where the admin wrote nothing else."""


def with_guidance(text: str, guidance: str, *, most_bytes: int) -> str:
    """Return `text` with the line `guidance` below it; without, where there is none or both do not fit."""
    both = f"{text}\n\n{guidance}"
    return both if guidance and len(both.encode("utf-8", "replace")) <= most_bytes else text


def render(template: str, *, agent: str, customer: str, channel: str, now: datetime, time_zone: str) -> str:
    """Return `template` with its placeholders filled in; `{time}` is hours and minutes in `time_zone`. Never raises."""
    time = now.astimezone(_zone(time_zone)).strftime("%H:%M")
    return fill_template(template, values={"agent": agent, "customer": customer, "channel": channel, "time": time})


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC  # the host may lack the zone's file; a text with UTC in it beats no text
