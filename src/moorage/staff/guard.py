"""The door to every route and socket: who is asking, and did they mean to.

A request that changes something must carry the session's token in a header, which a foreign page cannot read, and must
not come from a foreign page. A browser that sends no Origin is none: it made no cross-site request.
"""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final
from urllib.parse import urlsplit

from fastapi import Depends, Request, WebSocket
from starlette.requests import HTTPConnection

from moorage.core.errors import DomainError
from moorage.infra.database import Database
from moorage.staff.model import Actor
from moorage.staff.passwords import Passwords
from moorage.staff.rights import Act, require
from moorage.staff.sessions import LiveSession, find_session

COOKIE: Final = "moorage_session"
CSRF_HEADER: Final = "X-CSRF-Token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class StaffDoor:
    """What the guard needs of the process it stands in; the application keeps it as `app.state.staff_door`."""

    database: Database
    passwords: Passwords
    public_url: str

    @property
    def cookie_is_secure(self) -> bool:
        """Tell whether browsers reach us by HTTPS, so that the cookie must never travel otherwise."""
        return urlsplit(self.public_url).scheme == "https"


@dataclass(eq=False)
class NotSignedIn(DomainError):
    """There is no session in force: never signed in, signed out, or expired."""

    code: ClassVar[str] = "staff.not_signed_in"
    kind: ClassVar[str] = "unauthenticated"


@dataclass(eq=False)
class ForeignOrigin(DomainError):
    """A page of another site made this request."""

    code: ClassVar[str] = "staff.foreign_origin"
    kind: ClassVar[str] = "forbidden"


@dataclass(eq=False)
class WrongCsrfToken(DomainError):
    """The request that wants to change something does not carry its session's token."""

    code: ClassVar[str] = "staff.wrong_csrf_token"
    kind: ClassVar[str] = "forbidden"


def staff_door(connection: HTTPConnection) -> StaffDoor:
    """Return the door that the application put in its state."""
    door: object = connection.app.state.staff_door
    if not isinstance(door, StaffDoor):
        raise TypeError("app.state.staff_door must be a StaffDoor")
    return door


def database_of(connection: HTTPConnection) -> Database:
    """Return the application's database, for the routes of any room."""
    return staff_door(connection).database


def remote_address_of(connection: HTTPConnection) -> str:
    """Return where a request comes from; behind a trusted proxy the server has put the client's own address there."""
    return connection.client.host if connection.client else "unknown"


async def live_session(request: Request) -> LiveSession:
    """Return the session of a request. Raises NotSignedIn, and for unsafe methods ForeignOrigin or WrongCsrfToken."""
    unsafe = request.method not in SAFE_METHODS
    if unsafe:
        same_origin(request)
    live = await _session_of(request)
    if unsafe and not _same_text(request.headers.get(CSRF_HEADER, ""), live.csrf_token):
        raise WrongCsrfToken
    return live


async def signed_in(live: Annotated[LiveSession, Depends(live_session)]) -> Actor:
    """Return who makes a request, with what their rights depend on."""
    return live.actor


async def signed_in_socket(websocket: WebSocket) -> LiveSession:
    """Return the session of a socket that is being opened. Raises ForeignOrigin or NotSignedIn."""
    same_origin(websocket)
    return await _session_of(websocket)


def require_right(act: Act) -> Callable[[Actor], Awaitable[Actor]]:
    """Return a dependency that yields the actor if they may do `act`, and raises Forbidden otherwise."""

    async def allowed(actor: SignedInActor) -> Actor:
        require(actor, act)
        return actor

    return allowed


def same_origin(connection: HTTPConnection) -> None:
    """Return unless a browser says that a page of another site is asking. Raises ForeignOrigin."""
    origin = connection.headers.get("Origin")
    if origin is None:
        return
    if not is_own_origin(origin, host=connection.headers.get("Host", ""), public_url=staff_door(connection).public_url):
        raise ForeignOrigin


def is_own_origin(origin: str, *, host: str, public_url: str) -> bool:
    """Tell whether `origin` is the public address, or the very host that the request was sent to.

    The second admits an installation reached under another name, by a tunnel for instance. It gives nothing away: a
    foreign page cannot choose the Host of a request that carries our cookie.
    """
    try:
        asking, public = urlsplit(origin.lower()), urlsplit(public_url.lower())
    except ValueError:
        return False
    if asking.scheme not in {"http", "https"} or not asking.netloc:
        return False
    return (asking.scheme, asking.netloc) == (public.scheme, public.netloc) or asking.netloc == host.lower()


async def _session_of(connection: HTTPConnection) -> LiveSession:
    token = connection.cookies.get(COOKIE)
    live = await find_session(database_of(connection), token=token) if token else None
    if live is None:
        raise NotSignedIn
    return live


def _same_text(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode())


SignedInActor = Annotated[Actor, Depends(signed_in)]
TheSession = Annotated[LiveSession, Depends(live_session)]
TheDatabase = Annotated[Database, Depends(database_of)]
TheDoor = Annotated[StaffDoor, Depends(staff_door)]
