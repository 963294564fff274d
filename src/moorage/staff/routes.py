"""The API of staff: signing in and out, one's own status, colleagues."""

from fastapi import APIRouter, Depends, Request, Response, status
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
    same_origin,
)
from moorage.staff.model import LONGEST_EMAIL, Status
from moorage.staff.passwords import LONGEST
from moorage.staff.presence import set_status
from moorage.staff.queries import list_agents, read_agent
from moorage.staff.rights import rights_of
from moorage.staff.sessions import ABSOLUTE, LiveSession, find_session
from moorage.staff.sign_in import sign_in, sign_out
from moorage.staff.views import AgentsView, AgentView, PersonView, SessionView, WorkspaceView

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


@router.delete("/session", status_code=status.HTTP_204_NO_CONTENT)
async def end_session(live: TheSession, request: Request, response: Response, door: TheDoor) -> None:
    """Sign out: the session ends, the agent goes offline, its sockets are closed."""
    await sign_out(door.database, live=live, remote_address=remote_address_of(request))
    response.delete_cookie(COOKIE, path="/", secure=door.cookie_is_secure, httponly=True, samesite="lax")


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
        rights=rights_of(live.actor),
        csrf_token=live.csrf_token,
        operator=live.operator,
    )
