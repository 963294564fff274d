"""The API of signing out, which concerns the customers that somebody has."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, status

from moorage.infra.database import Tx
from moorage.reception.leaving import Leaving, agent_signs_out
from moorage.staff.guard import COOKIE, TheDoor, TheSession, remote_address_of

router = APIRouter(tags=["staff"])


@router.delete("/session", status_code=status.HTTP_204_NO_CONTENT)
async def end_session(
    live: TheSession,
    request: Request,
    response: Response,
    door: TheDoor,
    conversations: Annotated[Leaving | None, Query()] = None,
) -> None:
    """Sign out: the session ends, the agent is gone, its sockets are closed.

    With open conversations `conversations` must say what becomes of them: `queue` gives all to others, `keep` only
    those whose customer waits, or writes before the agent is back.
    """

    async def leave(tx: Tx) -> None:
        await agent_signs_out(tx, live=live, remote_address=remote_address_of(request), leaving=conversations)

    await door.database.run(live.actor.workspace_id, leave)
    response.delete_cookie(COOKIE, path="/", secure=door.cookie_is_secure, httponly=True, samesite="lax")
