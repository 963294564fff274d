"""The API of staff: signing in and out, one's own status, colleagues."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from moorage.infra.database import Tx
from moorage.staff.guard import (
    COOKIE,
    NotSignedIn,
    SignedInActor,
    StaffDoor,
    TheDatabase,
    TheDoor,
    TheSession,
    remote_address_of,
    require_right,
    same_origin,
)
from moorage.staff.model import LONGEST_EMAIL, Actor, Status
from moorage.staff.passwords import LONGEST
from moorage.staff.presence import set_status
from moorage.staff.queries import list_agents, read_agent
from moorage.staff.rights import Act, rights_of
from moorage.staff.sessions import ABSOLUTE, LiveSession, find_session
from moorage.staff.sign_in import sign_in
from moorage.staff.views import (
    AgentsView,
    AgentView,
    PersonView,
    SessionView,
    WorkspaceSettingsView,
    WorkspaceView,
)
from moorage.staff.workspace_settings import change_workspace_settings, read_workspace_settings

router = APIRouter(tags=["staff"])


class Credentials(BaseModel):
    """What a person signs in with."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(min_length=1, max_length=LONGEST_EMAIL)
    password: str = Field(min_length=1, max_length=LONGEST)


class StatusChoice(BaseModel):
    """The status an agent chooses for themselves."""

    model_config = ConfigDict(extra="forbid")

    status: Status


class WorkspaceChange(BaseModel):
    """New settings of the workspace, made from those at `version`."""

    model_config = ConfigDict(extra="forbid")

    agent_away_minutes: int = Field(ge=1, le=60)
    version: int


WorkspaceManager = Annotated[Actor, Depends(require_right(Act.WORKSPACE_MANAGE))]


@router.post("/session", dependencies=[Depends(same_origin)])
async def begin_session(credentials: Credentials, request: Request, response: Response, door: TheDoor) -> SessionView:
    """Sign in: answers with the session and sets its cookie."""
    new = await sign_in(
        door.database,
        door.passwords,
        email=credentials.email,
        password=credentials.password,
        remote_address=remote_address_of(request),
        user_agent=request.headers.get("User-Agent", ""),
    )
    live = await find_session(door.database, token=new.token)
    if live is None:  # signed out, or no member any more, within these milliseconds
        raise NotSignedIn
    _set_cookie(response, door, new.token)
    return await _session_view(door, live)


@router.get("/session")
async def read_session(live: TheSession, door: TheDoor) -> SessionView:
    """Tell who is signed in, and with which rights."""
    return await _session_view(door, live)


@router.put("/me/status")
async def choose_status(choice: StatusChoice, actor: SignedInActor, database: TheDatabase) -> AgentView:
    """Choose one's own status; only who is online is given customers."""

    async def choose(tx: Tx) -> AgentView:
        return AgentView.of(await set_status(tx, agent_id=actor.agent_id, status=choice.status))

    return await database.run(actor.workspace_id, choose)


@router.get("/agents")
async def read_agents(actor: SignedInActor, database: TheDatabase) -> AgentsView:
    """List the colleagues of one's workspace, with their status and load."""
    async with database.in_workspace(actor.workspace_id) as tx:
        agents = await list_agents(tx)
    return AgentsView(items=[AgentView.of(agent) for agent in agents])


@router.get("/workspace/settings")
async def show_workspace_settings(actor: WorkspaceManager, database: TheDatabase) -> WorkspaceSettingsView:
    """Show what holds for the whole company."""
    async with database.in_workspace(actor.workspace_id) as tx:
        settings = await read_workspace_settings(tx)
    return WorkspaceSettingsView(agent_away_minutes=settings.agent_away_minutes, version=settings.version)


@router.put("/workspace/settings")
async def save_workspace_settings(
    change: WorkspaceChange, request: Request, actor: WorkspaceManager, database: TheDatabase
) -> WorkspaceSettingsView:
    """Change what holds for the whole company."""

    async def save(tx: Tx) -> WorkspaceSettingsView:
        settings = await change_workspace_settings(
            tx,
            agent_away_minutes=change.agent_away_minutes,
            version=change.version,
            by=actor.person_id,
            remote_address=remote_address_of(request),
        )
        return WorkspaceSettingsView(agent_away_minutes=settings.agent_away_minutes, version=settings.version)

    return await database.run(actor.workspace_id, save)


def _set_cookie(response: Response, door: StaffDoor, token: str) -> None:
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(ABSOLUTE.total_seconds()),
        path="/",
        secure=door.cookie_is_secure,
        httponly=True,
        samesite="lax",
    )


async def _session_view(door: StaffDoor, live: LiveSession) -> SessionView:
    async with door.database.in_workspace(live.workspace.id) as tx:
        agent = await read_agent(tx, agent_id=live.actor.agent_id)
    return SessionView(
        person=PersonView(id=live.person.id, email=live.person.email, name=live.person.name),
        workspace=WorkspaceView(
            id=live.workspace.id,
            name=live.workspace.name,
            locale=live.workspace.locale,
            time_zone=live.workspace.time_zone,
        ),
        agent=AgentView.of(agent),
        group_ids=sorted(live.actor.group_ids),
        rights=rights_of(live.actor),
        csrf_token=live.csrf_token,
        operator=live.operator,
    )
