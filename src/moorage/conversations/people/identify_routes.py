"""The addresses that customers' browsers go through to be recognised. Each answers with where to go next.

They stand outside the API: companies put them into their pages and menus, and the provider leads back to them.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Annotated, Final
from urllib.parse import quote

import segno
import structlog
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.requests import HTTPConnection

from moorage.conversations.people.identifying import IdentifyFailed, Identifying
from moorage.conversations.people.visits import ROOT, STATE_LASTS, Begun, Place, VisitFailed
from moorage.core.errors import Missing
from moorage.customers.bindings import IdentityLinkUsed
from moorage.customers.identity_links import IdentityLinkRefused
from moorage.infra.limits import TooOften, UseLimit, count_use
from moorage.staff.guard import remote_address_of

COOKIE: Final = "moorage_visit"
FAILED_PAGE: Final = "/c/identify-failed"
ELSEWHERE_PAGE: Final = "/c/open-in-wechat"
VISITING: Final = UseLimit(name="identify", most=240, window=timedelta(minutes=1))
"""From one place. Many customers of one carrier share an address."""
MOST_CODE_CHARACTERS: Final = 1500

router = APIRouter(prefix=ROOT, include_in_schema=False)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class IdentifyDoor:
    """What these routes need of the process; kept as `app.state.identify_door`."""

    identifying: Identifying

    @property
    def is_https(self) -> bool:
        """Return whether browsers come over TLS, so that the cookie must never travel otherwise."""
        return self.identifying.visits.public_url.startswith("https://")


def identify_door(connection: HTTPConnection) -> IdentifyDoor:
    """Return the door that the application put in its state."""
    door: object = connection.app.state.identify_door
    if not isinstance(door, IdentifyDoor):
        raise TypeError("app.state.identify_door must be an IdentifyDoor")
    return door


TheIdentifying = Annotated[IdentifyDoor, Depends(identify_door)]
FAILURES = (VisitFailed, IdentityLinkRefused, IdentityLinkUsed, IdentifyFailed, TooOften)


@router.get("/code")
async def read_code(address: Annotated[str, Query(max_length=MOST_CODE_CHARACTERS)], door: TheIdentifying) -> Response:
    """Draw the code that opens one of these addresses on a phone."""
    path = _decoded(address)
    if path is None:
        raise Missing(what="code")
    drawn = BytesIO()
    whole = door.identifying.visits.public_url.rstrip("/") + path
    segno.make(whole, error="l", micro=False).save(drawn, kind="svg", scale=4, border=4, dark="#000", light="#fff")
    return Response(drawn.getvalue(), media_type="image/svg+xml")


@router.get("/{key}")
async def open_link(key: str, request: Request, door: TheIdentifying) -> Response:
    """Lead who opens a company's link to the provider, or tell them to open it where that works."""
    return await _opened(key, request, door, anyway=False)


@router.get("/{key}/here")
async def open_link_here(key: str, request: Request, door: TheIdentifying) -> Response:
    """The same for who says that they are in the right place, whatever their browser calls itself."""
    return await _opened(key, request, door, anyway=True)


@router.get("/{key}/return")
async def come_back(key: str, request: Request, door: TheIdentifying) -> Response:
    """Take in who comes back from the provider."""
    try:
        await _count(request, door)
        visit = await door.identifying.visits.complete(
            Place.of(key), query=dict(request.query_params), browser_token=request.cookies.get(COOKIE, "")
        )
        target = await door.identifying.finish(visit)
    except FAILURES as failure:
        return _failed(failure)
    answer = _to(target)
    answer.delete_cookie(COOKIE, path=ROOT)
    return answer


async def _opened(key: str, request: Request, door: TheIdentifying, *, anyway: bool) -> Response:
    query = request.url.query
    try:
        await _count(request, door)
        place = Place.of(key)
        power = door.identifying.visits.power(await door.identifying.visits.channel(place))
        if not anyway and not power.in_own_browser(request.headers.get("User-Agent", "")):
            path = f"{ROOT}/{key}" + (f"?{query}" if query else "")
            return _to(f"{ELSEWHERE_PAGE}/{_encoded(path)}")
        begun = await door.identifying.begin(place, query=query)
    except FAILURES as failure:
        return _failed(failure)
    return _sent(begun, door)


async def _count(request: Request, door: IdentifyDoor) -> None:
    async with door.identifying.visits.database.in_platform() as tx:
        await count_use(tx, limit=VISITING, by=remote_address_of(request))


def _sent(begun: Begun, door: IdentifyDoor) -> Response:
    answer = _to(begun.url)
    answer.set_cookie(
        COOKIE,
        begun.browser_token,
        max_age=int(STATE_LASTS.total_seconds()),
        path=ROOT,
        secure=door.is_https,
        httponly=True,
        samesite="lax",
    )
    return answer


def _failed(failure: VisitFailed | IdentityLinkRefused | IdentityLinkUsed | IdentifyFailed | TooOften) -> Response:
    match failure:
        case IdentityLinkRefused(reason=reason):
            word = f"link_{reason}"
        case IdentityLinkUsed():
            word = "link_used"
        case TooOften():
            word = "too_often"
        case VisitFailed(reason=reason) | IdentifyFailed(reason=reason):
            word = reason
    log.warning("visit_refused", code=failure.code, reason=word)
    return _to(f"{FAILED_PAGE}/{word}")


def _to(address: str) -> RedirectResponse:
    return RedirectResponse(
        address, status_code=302, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    )


def _encoded(path: str) -> str:
    return quote(base64.urlsafe_b64encode(path.encode("utf-8", "replace")).decode().rstrip("="), safe="")


def _decoded(text: str) -> str | None:
    """Return the path that was encoded, if it is one of ours."""
    try:
        path = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    return path if path.startswith(f"{ROOT}/") and path.isprintable() else None
