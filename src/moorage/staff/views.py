"""What the API and the event log say about staff."""

from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from moorage.core.ids import AgentId, SessionId
from moorage.infra.database import Fact
from moorage.staff.model import Agent, Locale, Role, Status


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AgentView(_View):
    """A colleague, as everybody in the workspace may see them."""

    id: UUID
    name: str
    role: Role
    status: Status
    connected: bool
    away: bool
    """Not offline by choice, and yet not there for some minutes: their customers are given to others."""
    open_conversations: int
    most_conversations: int
    version: int

    @classmethod
    def of(cls, agent: Agent) -> Self:
        """Return the view of `agent`."""
        return cls(
            id=agent.id,
            name=agent.name,
            role=agent.role,
            status=agent.status,
            connected=agent.connected,
            away=agent.away and agent.status != "offline",
            open_conversations=agent.open_conversations,
            most_conversations=agent.most_conversations,
            version=agent.version,
        )


class AgentsView(_View):
    """Everybody who answers in a workspace."""

    items: list[AgentView]


class PersonView(_View):
    """The person who signed in."""

    id: UUID
    email: str
    name: str


class WorkspaceView(_View):
    """The company they work for."""

    id: UUID
    name: str
    locale: Locale
    time_zone: str


class WorkspaceSettingsView(_View):
    """What holds for the whole company. Give `version` back with a change."""

    agent_away_minutes: int
    version: int


class SessionView(_View):
    """Everything the console needs to know about who is using it. Unsafe requests carry `csrf_token` as a header."""

    person: PersonView
    workspace: WorkspaceView
    agent: AgentView
    group_ids: list[UUID]
    """The skill groups whose customers they serve."""
    rights: list[str]
    csrf_token: str
    operator: bool


def agent_changed(agent: Agent) -> Fact:
    """Return the fact that tells browsers how `agent` is now."""
    return Fact(
        topic="agent.changed",
        object_id=agent.id,
        version=agent.version,
        audience=("all",),
        payload=AgentView.of(agent).model_dump(mode="json"),
    )


def session_ended(*, session_id: SessionId, agent_id: AgentId) -> Fact:
    """Return the fact on which every process closes the sockets of a session."""
    return Fact(
        topic="session.ended",
        object_id=session_id,
        version=1,
        audience=(f"agent:{agent_id}",),
        payload={"session_id": str(session_id)},
    )
