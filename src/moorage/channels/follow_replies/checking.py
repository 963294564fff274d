"""What keeps a follow reply from being saved, each fault at its field. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from moorage.channels.follow_replies.model import (
    ChoicesReply,
    FollowReply,
    NewsReply,
    PictureReply,
    ReplyMessage,
    TextReply,
)
from moorage.connectors.content import is_web_address
from moorage.connectors.manifest import ChoicesLimits, Manifest, NewsLimits
from moorage.core.errors import DomainError
from moorage.core.templates import fill_template, placeholders_of

PLACEHOLDERS = frozenset({"customer", "channel", "time"})
NAME_BYTES = 80
"""A name that is filled in takes at most so much of a message: a longer one is cut off. So a text that fits when it is
saved fits for every follower."""
_ROOM: Mapping[str, str] = {"customer": "x" * NAME_BYTES, "channel": "x" * NAME_BYTES, "time": "00:00"}

FEWEST_ITEMS = 2
"""Of choices: with fewer there is nothing to choose."""

Reason = Literal[
    "empty",
    "too_long",
    "unknown_placeholder",
    "unprintable",
    "missing",
    "repeated",
    "kind_not_sendable",
    "too_few",
    "too_many",
    "twice_the_same",
    "second_question",
    "no_web_address",
]


class FollowReplyFault(BaseModel):
    """Something that must be changed. `path` names the field, as `scenes.0.messages.1.text`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    reason: Reason
    values: dict[str, str | int]


@dataclass(eq=False)
class FollowReplyInvalid(DomainError):
    """The follow reply cannot be used as it is; each fault stands at its field."""

    code: ClassVar[str] = "channels.follow_reply_invalid"
    kind: ClassVar[str] = "malformed"
    faults: list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Ground:
    """What a channel carries, and which pictures it has."""

    manifest: Manifest
    picture_ids: Collection[UUID]

    @property
    def most_text_bytes(self) -> int:
        """Return how long a text can be."""
        return self.manifest.max_text_bytes


def longest_bytes(text: str) -> int:
    """Return how many bytes of UTF-8 `text` has at most, whoever it is filled in for."""
    return len(fill_template(text, values=_ROOM).encode("utf-8", "replace"))


def as_counted(name: str) -> str:
    """Return as much of a name as was counted for it, in whole characters."""
    return name.encode("utf-8", "replace")[:NAME_BYTES].decode("utf-8", "ignore")


def faults_of(reply: FollowReply, *, ground: Ground) -> list[FollowReplyFault]:
    """Return what keeps `reply` from being saved. One that is switched off may be unfinished, not wrong."""
    return list(_faults(reply, ground))


def _faults(reply: FollowReply, ground: Ground) -> Iterator[FollowReplyFault]:
    for path, messages in reply.everything():
        if not messages and (reply.enabled or path != "first"):
            yield _fault(path, "missing")
        for number, message in enumerate(messages):
            yield from _faults_of_message(f"{path}.{number}", message, ground)
        questions = [number for number, message in enumerate(messages) if isinstance(message, ChoicesReply)]
        for number in questions[1:]:
            yield _fault(f"{path}.{number}", "second_question")
    seen: set[str] = set()
    for number, one in enumerate(reply.scenes):
        path = f"scenes.{number}.scene"
        if not one.scene.strip() or not one.scene.isprintable():
            yield _fault(path, "unprintable" if one.scene.strip() else "empty")
        elif one.scene in seen:
            yield _fault(path, "repeated")
        seen.add(one.scene)


def _faults_of_message(path: str, message: ReplyMessage, ground: Ground) -> Iterator[FollowReplyFault]:
    if message.type not in ground.manifest.sendable:
        yield _fault(path, "kind_not_sendable")
        return
    match message:
        case TextReply(text=text):
            yield from _faults_of_text(f"{path}.text", text, ground.most_text_bytes)
        case PictureReply(picture_id=picture_id):
            if picture_id not in ground.picture_ids:
                yield _fault(f"{path}.picture_id", "missing")
        case ChoicesReply() if ground.manifest.choices is not None:
            yield from _faults_of_choices(path, message, ground.manifest.choices)
        case NewsReply() if ground.manifest.news is not None:
            yield from _faults_of_news(path, message, ground.manifest.news)
            if message.picture_id is not None and message.picture_id not in ground.picture_ids:
                yield _fault(f"{path}.picture_id", "missing")
        case ChoicesReply() | NewsReply():
            yield _fault(path, "kind_not_sendable")


def _faults_of_text(path: str, text: str, most_bytes: int) -> Iterator[FollowReplyFault]:
    unknown = sorted(placeholders_of(text) - PLACEHOLDERS)
    if not text.strip():
        yield _fault(path, "empty")
    elif unknown:
        yield _fault(path, "unknown_placeholder", names=" ".join(f"{{{name}}}" for name in unknown))
    else:
        yield from _faults_of_length(path, text, size=longest_bytes(text), most_bytes=most_bytes)


def _faults_of_choices(path: str, question: ChoicesReply, limits: ChoicesLimits) -> Iterator[FollowReplyFault]:
    yield from _faults_of_text(f"{path}.text", question.text, limits.most_words_bytes)
    yield from _faults_of_words(f"{path}.tail", question.tail, limits.most_words_bytes)
    if len(question.items) < FEWEST_ITEMS:
        yield _fault(f"{path}.items", "too_few", least=FEWEST_ITEMS)
    elif len(question.items) > limits.most_items:
        yield _fault(f"{path}.items", "too_many", most=limits.most_items)
    seen: set[str] = set()
    for number, item in enumerate(question.items):
        yield from _faults_of_needed(f"{path}.items.{number}", item, limits.most_item_bytes)
        if item.strip() and item.strip() in seen:
            yield _fault(f"{path}.items.{number}", "twice_the_same")
        seen.add(item.strip())


def _faults_of_news(path: str, news: NewsReply, limits: NewsLimits) -> Iterator[FollowReplyFault]:
    yield from _faults_of_needed(f"{path}.title", news.title, limits.most_title_bytes)
    yield from _faults_of_words(f"{path}.description", news.description, limits.most_description_bytes)
    yield from _faults_of_address(f"{path}.url", news.url, limits.most_url_bytes)
    if news.picture_url and news.picture_id is None:
        yield from _faults_of_address(f"{path}.picture_url", news.picture_url, limits.most_url_bytes)


def _faults_of_address(path: str, address: str, most_bytes: int) -> Iterator[FollowReplyFault]:
    if not address.strip():
        yield _fault(path, "empty")
    elif not is_web_address(address):
        yield _fault(path, "no_web_address")
    else:
        yield from _faults_of_words(path, address, most_bytes)


def _faults_of_needed(path: str, words: str, most_bytes: int) -> Iterator[FollowReplyFault]:
    if not words.strip():
        yield _fault(path, "empty")
    else:
        yield from _faults_of_words(path, words, most_bytes)


def _faults_of_words(path: str, words: str, most_bytes: int) -> Iterator[FollowReplyFault]:
    yield from _faults_of_length(path, words, size=len(words.encode("utf-8", "replace")), most_bytes=most_bytes)


def _faults_of_length(path: str, text: str, *, size: int, most_bytes: int) -> Iterator[FollowReplyFault]:
    if "\x00" in text:
        yield _fault(path, "unprintable")
    elif size > most_bytes:
        yield _fault(path, "too_long", bytes=size, most=most_bytes)


def _fault(path: str, reason: Reason, **values: str | int) -> FollowReplyFault:
    return FollowReplyFault(path=path, reason=reason, values=values)
