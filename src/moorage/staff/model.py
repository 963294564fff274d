"""The people who answer: who signs in, what they are in a workspace, and who is asking right now."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from moorage.core.ids import AgentId, GroupId, PersonId, WorkspaceId

Role = Literal["owner", "admin", "supervisor", "agent"]
Status = Literal["online", "busy", "break", "offline"]
Locale = Literal["zh-CN", "en"]

MANAGING: Final[frozenset[Role]] = frozenset({"owner", "admin"})
"""Roles that change how a workspace works: channels, staff, settings."""

SUPERVISING: Final[frozenset[Role]] = frozenset({"owner", "admin", "supervisor"})
"""Roles that see every conversation of their workspace."""

LONGEST_EMAIL: Final = 254
"""Characters of an address that mail can reach (RFC 5321, section 4.5.3.1.3)."""

_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in, once per installation."""

    id: PersonId
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Workspace:
    """One company."""

    id: WorkspaceId
    name: str
    locale: Locale
    time_zone: str


@dataclass(frozen=True, slots=True)
class Group:
    """A skill group: agents who serve the same need."""

    id: GroupId
    name: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class Agent:
    """A person's membership in a workspace, and whether they can serve now.

    `connected` says that a workbench of theirs was heard from within the grace time, at the instant of reading; `away`
    that none was for as long as the workspace allows, so that their customers are given to others.
    """

    id: AgentId
    person_id: PersonId
    name: str
    role: Role
    status: Status
    connected: bool
    away: bool
    open_conversations: int
    most_conversations: int
    version: int

    @property
    def available(self) -> bool:
        """Tell whether this agent may be given one more conversation."""
        return self.status == "online" and self.connected and self.open_conversations < self.most_conversations


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for something: an agent of one workspace, with what their rights depend on."""

    person_id: PersonId
    agent_id: AgentId
    workspace_id: WorkspaceId
    role: Role
    group_ids: frozenset[GroupId]
    name: str


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in which an agent had one status, or a workbench connected; half-open, None for "still"."""

    kind: Literal["status", "connection"]
    value: str
    started_at: datetime
    ended_at: datetime | None


def normalise_email(email: str) -> str | None:
    """Return the one spelling under which an address is stored and looked up, or None if it is no address."""
    address = email.strip().lower()
    if len(address) > LONGEST_EMAIL or not address.isprintable() or _EMAIL.fullmatch(address) is None:
        return None
    return address
