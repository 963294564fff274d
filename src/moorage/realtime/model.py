"""What the sockets speak: the cursor, the facts as lines of JSON, and the frames around them."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Discriminator, TypeAdapter

from moorage.infra.events import LoggedFact, Position
from moorage.infra.pool import dump_json

_CURSOR = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):([0-9]{1,18})", re.ASCII)
_NO_EPOCH = UUID(int=0)

ResyncReason = Literal["unknown_epoch", "unknown_position", "too_old", "too_much", "rights_changed"]


class CloseCode(IntEnum):
    """Why we close a socket. The client tells by the code whether to come again."""

    COME_AGAIN = 1012
    NOT_UNDERSTOOD = 1008
    SIGNED_OUT = 4401
    FOREIGN_ORIGIN = 4403
    TOO_SLOW = 4408


def parse_cursor(text: str) -> Position:
    """Return the position that a cursor `<epoch>:<seq>` names.

    What is no cursor of ours names an epoch that nobody has, so that its bearer is told to read everything again.
    """
    match = _CURSOR.fullmatch(text)
    return Position(epoch=UUID(match[1]), seq=int(match[2])) if match else Position(epoch=_NO_EPOCH, seq=0)


def cursor_of(position: Position) -> str:
    """Return the cursor of somebody who has read everything up to `position`."""
    return f"{position.epoch}:{position.seq}"


@dataclass(frozen=True, slots=True)
class Line:
    """One fact as it goes over the wire: its JSON is made once and shared by all sockets."""

    seq: int
    audience: frozenset[str]
    json: str

    def visible_to(self, tokens: frozenset[str]) -> bool:
        """Return whether somebody with these audience tokens may see the fact."""
        return not self.audience.isdisjoint(tokens)


def line_of(fact: LoggedFact) -> Line:
    """Return `fact` as a line."""
    said = {
        "seq": fact.seq,
        "topic": fact.topic,
        "object_id": fact.object_id,
        "version": fact.object_version,
        "payload": fact.payload,
    }
    return Line(seq=fact.seq, audience=frozenset(fact.audience), json=dump_json(said))


def hello(position: Position) -> str:
    """Return the first frame: facts follow from here."""
    return json.dumps({"type": "hello", "cursor": cursor_of(position)})


def resync(position: Position, *, reason: ResyncReason) -> str:
    """Return the frame that says: read everything again, facts follow from here."""
    return json.dumps({"type": "resync", "cursor": cursor_of(position), "reason": reason})


def facts(lines: Sequence[Line], position: Position) -> str:
    """Return the frame with these facts. `position` may be further than the last of them: the rest was not for you."""
    said = ",".join(line.json for line in lines)
    return f'{{"type":"facts","facts":[{said}],"cursor":"{cursor_of(position)}"}}'


PONG = '{"type":"pong"}'


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Ping(_Said):
    """The client is there."""

    type: Literal["ping"]


class Presence(_Said):
    """Whether the client has the workbench open: only then its agent is given customers."""

    type: Literal["presence"]
    workbench: bool


SAID: TypeAdapter[Ping | Presence] = TypeAdapter(Annotated[Ping | Presence, Discriminator("type")])
"""One frame of a client."""
