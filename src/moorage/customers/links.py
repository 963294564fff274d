"""The door to what customers open by a signed link: whose link it is, and not too often from one place.

The page's address is `/c/<purpose>/<token>`. The page sends the token in a header, so that no log ever holds it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Depends, Header, Request
from starlette.requests import HTTPConnection

from moorage.infra.database import Database
from moorage.infra.limits import UseLimit, count_use
from moorage.infra.links import SignedLink, SignedLinks

LINK_HEADER: Final = "X-Link-Token"
READING: Final = UseLimit(name="customer page", most=240, window=timedelta(minutes=1))
"""What a page may ask in all from one place. Many customers of one carrier share an address."""


@dataclass(frozen=True, slots=True)
class PagesDoor:
    """What customers' pages need of the process; kept as `app.state.pages_door`."""

    database: Database
    links: SignedLinks
    public_url: str

    def address_of(self, link: SignedLink) -> str:
        """Return the address to give to the customer."""
        return page_address(self.links, public_url=self.public_url, link=link)


def page_address(links: SignedLinks, *, public_url: str, link: SignedLink) -> str:
    """Return the address of the page that `link` opens."""
    return f"{public_url.rstrip('/')}/c/{link.purpose}/{links.token(link)}"


def pages_door(connection: HTTPConnection) -> PagesDoor:
    """Return the door that the application put in its state."""
    door: object = connection.app.state.pages_door
    if not isinstance(door, PagesDoor):
        raise TypeError("app.state.pages_door must be a PagesDoor")
    return door


ThePages = Annotated[PagesDoor, Depends(pages_door)]


def link_for(purpose: str, *, limit: UseLimit = READING) -> Callable[..., Awaitable[SignedLink]]:
    """Return a dependency that yields the link of a request. It raises LinkInvalid, LinkExpired or TooOften."""

    async def read(
        request: Request, door: ThePages, token: Annotated[str, Header(alias=LINK_HEADER)] = ""
    ) -> SignedLink:
        place = request.client.host if request.client else "unknown"
        async with door.database.in_platform() as tx:
            await count_use(tx, limit=limit, by=place)
        return door.links.read(token, purpose=purpose, now=door.database.clock.now())

    return read
