"""The API of staff, as a browser meets it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, WebSocket
from starlette.types import Message

from moorage.core.ids import WorkspaceId
from moorage.entry.problems import add_problem_handlers
from moorage.infra.database import Database
from moorage.reception.leaving_routes import router as leaving_router
from moorage.staff.guard import (
    COOKIE,
    CSRF_HEADER,
    ForeignOrigin,
    NotSignedIn,
    StaffDoor,
    is_own_origin,
    require_right,
    signed_in_socket,
)
from moorage.staff.limits import MOST_PER_EMAIL
from moorage.staff.passwords import Passwords
from moorage.staff.rights import Act
from moorage.staff.routes import router
from tests.staff.people import Colleague, a_colleague, an_address, signs_in

PUBLIC_URL = "https://desk.example.org"


@pytest.fixture
def app(database: Database, passwords: Passwords) -> FastAPI:
    app = FastAPI()
    app.include_router(router, prefix="/api")
    app.include_router(leaving_router, prefix="/api")
    add_problem_handlers(app)

    @app.get("/api/audit-log", dependencies=[Depends(require_right(Act.AUDIT_READ))])
    async def read_audit_log() -> list[str]:
        return []

    app.state.staff_door = StaffDoor(database=database, passwords=passwords, public_url=PUBLIC_URL)
    return app


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, client=(an_address(), 50_000))
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL, headers={"Origin": PUBLIC_URL}) as client:
        yield client


async def sign_in(browser: httpx.AsyncClient, colleague: Colleague) -> dict[str, Any]:
    answer = await browser.post("/api/session", json={"email": colleague.email, "password": colleague.password})
    assert answer.status_code == 200, answer.text
    browser.headers[CSRF_HEADER] = answer.json()["csrf_token"]
    return answer.json()


async def test_signing_in_tells_who_one_is_and_sets_a_cookie_scripts_cannot_read(
    browser: httpx.AsyncClient, anna: Colleague
) -> None:
    answer = await browser.post("/api/session", json={"email": anna.email, "password": anna.password})
    session = answer.json()
    assert session["person"] == {"id": str(anna.person_id), "email": anna.email, "name": "Anna"}
    assert session["workspace"] == {
        "id": str(anna.company),
        "name": "Harbour Tea",
        "locale": "zh-CN",
        "time_zone": "Asia/Shanghai",
    }
    assert (session["agent"]["id"], session["agent"]["status"]) == (str(anna.agent_id), "online")
    assert "conversation.read" in session["rights"]
    assert session["operator"] is False
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(cookie.split("; "))
    assert (await browser.get("/api/session")).json() == session


async def test_a_plain_http_installation_gets_a_cookie_that_works_there(
    app: FastAPI, browser: httpx.AsyncClient, database: Database, passwords: Passwords, anna: Colleague
) -> None:
    app.state.staff_door = StaffDoor(database=database, passwords=passwords, public_url="http://127.0.0.1:8700")
    browser.headers["Origin"] = "http://127.0.0.1:8700"
    answer = await browser.post("/api/session", json={"email": anna.email, "password": anna.password})
    assert "Secure" not in answer.headers["set-cookie"]


async def test_wrong_credentials_are_refused_and_counted(browser: httpx.AsyncClient, anna: Colleague) -> None:
    wrong = {"email": anna.email, "password": "not it"}
    for _ in range(MOST_PER_EMAIL):
        answer = await browser.post("/api/session", json=wrong)
        assert (answer.status_code, answer.json()["code"]) == (401, "staff.wrong_credentials")
    answer = await browser.post("/api/session", json=wrong)
    assert (answer.status_code, answer.json()["code"]) == (429, "staff.too_many_attempts")
    assert answer.json()["details"]["retry_after_s"] > 0


@pytest.mark.parametrize(
    "body",
    [{}, {"email": "a@b.org"}, {"email": "a@b.org", "password": "x" * 1025}, {"email": 1, "password": "x"}, []],
)
async def test_malformed_credentials_are_refused(browser: httpx.AsyncClient, body: object) -> None:
    assert (await browser.post("/api/session", json=body)).status_code == 422


async def test_nobody_is_let_in_without_a_session(browser: httpx.AsyncClient) -> None:
    for method, path in (("GET", "/api/session"), ("DELETE", "/api/session"), ("GET", "/api/agents")):
        answer = await browser.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (401, "staff.not_signed_in")
    browser.cookies.set(COOKIE, "made up")
    assert (await browser.get("/api/session")).status_code == 401


async def test_a_change_needs_the_sessions_token(browser: httpx.AsyncClient, anna: Colleague) -> None:
    await sign_in(browser, anna)
    del browser.headers[CSRF_HEADER]
    for token in (b"", b"x", "é".encode()):
        headers = [(CSRF_HEADER.encode(), token)]
        answer = await browser.put("/api/me/status", json={"status": "busy"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "staff.wrong_csrf_token")
    assert (await browser.get("/api/session")).json()["agent"]["status"] == "online"


async def test_a_page_of_another_site_can_neither_sign_in_nor_change_anything(
    browser: httpx.AsyncClient, anna: Colleague
) -> None:
    await sign_in(browser, anna)
    for origin in (
        "https://evil.example",
        "null",
        "https://desk.example.org.evil.example",
        "https://desk.example.org:1",
    ):
        browser.headers["Origin"] = origin
        for method, path, body in (
            ("PUT", "/api/me/status", {"status": "busy"}),
            ("POST", "/api/session", {"email": anna.email, "password": anna.password}),
            ("DELETE", "/api/session", None),
        ):
            answer = await browser.request(method, path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "staff.foreign_origin")


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("https://desk.example.org", "inner:8700", True),
        ("HTTPS://DESK.example.org", "inner:8700", True),
        ("http://desk.example.org", "inner:8700", False),
        ("http://localhost:8700", "localhost:8700", True),
        ("http://localhost:9000", "localhost:8700", False),
        ("file://localhost:8700", "localhost:8700", False),
        ("http://[::1", "localhost:8700", False),
        ("", "", False),
        ("null", "null", False),
    ],
)
def test_an_origin_is_ours_by_the_public_address_or_the_host_asked(origin: str, host: str, own: bool) -> None:
    assert is_own_origin(origin, host=host, public_url=PUBLIC_URL) is own


async def test_signing_out_ends_the_session(browser: httpx.AsyncClient, anna: Colleague) -> None:
    await sign_in(browser, anna)
    token = browser.cookies[COOKIE]
    assert (await browser.delete("/api/session")).status_code == 204
    assert COOKIE not in browser.cookies
    browser.cookies.set(COOKIE, token)
    assert (await browser.get("/api/session")).status_code == 401


async def test_workspace_settings_are_the_admins_and_changed_from_what_they_saw(
    browser: httpx.AsyncClient, database: Database, passwords: Passwords, anna: Colleague
) -> None:
    path = "/api/workspace/settings"
    await sign_in(browser, anna)
    assert (await browser.get(path)).status_code == 403
    owner = await a_colleague(database, passwords, company=anna.company, role="owner")
    await sign_in(browser, owner)
    assert (await browser.get(path)).json() == {"agent_away_minutes": 3, "version": 1}
    saved = await browser.put(path, json={"agent_away_minutes": 10, "version": 1})
    assert saved.json() == {"agent_away_minutes": 10, "version": 2}
    stale = await browser.put(path, json={"agent_away_minutes": 5, "version": 1})
    assert (stale.status_code, stale.json()["code"]) == (409, "core.stale_version")
    for minutes in (0, 61):
        assert (await browser.put(path, json={"agent_away_minutes": minutes, "version": 2})).status_code == 422


async def test_an_agent_chooses_a_status(browser: httpx.AsyncClient, anna: Colleague) -> None:
    await sign_in(browser, anna)
    answer = await browser.put("/api/me/status", json={"status": "break"})
    assert (answer.status_code, answer.json()["status"]) == (200, "break")
    assert (await browser.put("/api/me/status", json={"status": "asleep"})).status_code == 422


async def test_colleagues_are_listed_and_other_companies_are_not(
    browser: httpx.AsyncClient, database: Database, passwords: Passwords, anna: Colleague, other_workspace: WorkspaceId
) -> None:
    ben = await a_colleague(database, passwords, company=anna.company, name="Ben", role="supervisor")
    await sign_in(browser, anna)
    items = (await browser.get("/api/agents")).json()["items"]
    assert [(item["name"], item["role"]) for item in items] == [("Anna", "agent"), ("Ben", "supervisor")]
    assert items[1] == {
        "id": str(ben.agent_id),
        "name": "Ben",
        "role": "supervisor",
        "status": "offline",
        "connected": False,
        "away": False,
        "open_conversations": 0,
        "most_conversations": 10,
        "version": 1,
    }


async def test_a_route_that_needs_a_right_refuses_who_lacks_it(
    browser: httpx.AsyncClient, database: Database, passwords: Passwords, anna: Colleague
) -> None:
    await sign_in(browser, anna)
    answer = await browser.get("/api/audit-log")
    assert (answer.status_code, answer.json()["code"]) == (403, "staff.forbidden")
    await sign_in(browser, await a_colleague(database, passwords, company=anna.company, role="owner"))
    assert (await browser.get("/api/audit-log")).status_code == 200


def a_socket(app: FastAPI, *, token: str, origin: str | None) -> WebSocket:
    """Return a socket that asks to be opened; nothing has been said on it."""
    headers = [(b"host", b"desk.example.org"), (b"cookie", f"{COOKIE}={token}".encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))

    async def receive() -> Message:
        raise AssertionError("the guard reads nothing")

    async def send(_: Message) -> None:
        raise AssertionError("the guard says nothing")

    return WebSocket({"type": "websocket", "app": app, "headers": headers, "path": "/api/socket"}, receive, send)


async def test_a_socket_opens_for_a_session_from_our_own_page_only(
    app: FastAPI, database: Database, passwords: Passwords, anna: Colleague
) -> None:
    session = await signs_in(database, passwords, anna)
    live = await signed_in_socket(a_socket(app, token=session.token, origin=PUBLIC_URL))
    assert (live.session_id, live.actor.agent_id) == (session.id, anna.agent_id)
    with pytest.raises(ForeignOrigin):
        await signed_in_socket(a_socket(app, token=session.token, origin="https://evil.example"))
    with pytest.raises(NotSignedIn):
        await signed_in_socket(a_socket(app, token="made up", origin=PUBLIC_URL))
