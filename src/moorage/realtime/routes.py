"""The socket's address."""

from fastapi import APIRouter, WebSocket

from moorage.core.errors import DomainError
from moorage.realtime.hub import Hub
from moorage.realtime.model import CloseCode, parse_cursor
from moorage.realtime.socket import AgentSocket
from moorage.staff.guard import ForeignOrigin, NotSignedIn, database_of, signed_in_socket
from moorage.staff.sessions import LiveSession

router = APIRouter(tags=["realtime"])

LONGEST_CURSOR = 100


@router.websocket("/socket")
async def open_socket(websocket: WebSocket, cursor: str = "") -> None:
    """Send the facts that the signed-in agent may see, from `cursor` on, for as long as the session lives."""
    live = await _admit(websocket)
    if live is None:
        return
    hub = hub_of(websocket)
    position = parse_cursor(cursor[:LONGEST_CURSOR]) if cursor else None
    async with hub.joined(actor=live.actor, session_id=live.session_id, cursor=position) as joined:
        await AgentSocket(websocket=websocket, hub=hub, database=database_of(websocket), joined=joined).serve()


def hub_of(websocket: WebSocket) -> Hub:
    """Return the hub that the application put in its state."""
    hub: object = websocket.app.state.hub
    if not isinstance(hub, Hub):
        raise TypeError("app.state.hub must be a Hub")
    return hub


async def _admit(websocket: WebSocket) -> LiveSession | None:
    """Return the session, or close with a code that says why not; a browser sees codes only after the handshake."""
    try:
        live = await signed_in_socket(websocket)
    except (ForeignOrigin, NotSignedIn) as error:
        await _turn_away(websocket, error)
        return None
    await websocket.accept()
    return live


async def _turn_away(websocket: WebSocket, error: DomainError) -> None:
    await websocket.accept()
    foreign = isinstance(error, ForeignOrigin)
    await websocket.close(CloseCode.FOREIGN_ORIGIN if foreign else CloseCode.SIGNED_OUT)
