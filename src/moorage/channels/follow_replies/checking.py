"""What keeps a follow reply from being saved, each fault at its field. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from moorage.channels.follow_replies.model import FollowReply, PictureReply, ReplyMessage, TextReply
from moorage.core.errors import DomainError
from moorage.core.templates import fill_template, placeholders_of

PLACEHOLDERS = frozenset({"customer", "channel", "time"})
NAME_BYTES = 80
"""A name that is filled in takes at most so much of a message: a longer one is cut off. So a text that fits when it is
saved fits for every follower."""
_ROOM: Mapping[str, str] = {"customer": "x" * NAME_BYTES, "channel": "x" * NAME_BYTES, "time": "00:00"}

Reason = Literal["empty", "too_long", "unknown_placeholder", "unprintable", "missing", "repeated", "kind_not_sendable"]


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

    most_text_bytes: int
    sendable: Collection[str]
    picture_ids: Collection[UUID]


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
    seen: set[str] = set()
    for number, one in enumerate(reply.scenes):
        path = f"scenes.{number}.scene"
        if not one.scene.strip() or not one.scene.isprintable():
            yield _fault(path, "unprintable" if one.scene.strip() else "empty")
        elif one.scene in seen:
            yield _fault(path, "repeated")
        seen.add(one.scene)


def _faults_of_message(path: str, message: ReplyMessage, ground: Ground) -> Iterator[FollowReplyFault]:
    if message.type not in ground.sendable:
        yield _fault(path, "kind_not_sendable")
    match message:
        case TextReply(text=text):
            yield from _faults_of_text(f"{path}.text", text, ground.most_text_bytes)
        case PictureReply(picture_id=picture_id):
            if picture_id not in ground.picture_ids:
                yield _fault(f"{path}.picture_id", "missing")


def _faults_of_text(path: str, text: str, most_bytes: int) -> Iterator[FollowReplyFault]:
    unknown = sorted(placeholders_of(text) - PLACEHOLDERS)
    if not text.strip():
        yield _fault(path, "empty")
    elif "\x00" in text:
        yield _fault(path, "unprintable")
    elif unknown:
        yield _fault(path, "unknown_placeholder", names=" ".join(f"{{{name}}}" for name in unknown))
    elif (size := longest_bytes(text)) > most_bytes:
        yield _fault(path, "too_long", bytes=size, most=most_bytes)


def _fault(path: str, reason: Reason, **values: str | int) -> FollowReplyFault:
    return FollowReplyFault(path=path, reason=reason, values=values)
