"""The API of menus, as a browser meets it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from moorage.channels.menus.routes import MenusDoor, router
from moorage.entry.problems import add_problem_handlers
from moorage.infra.database import Database
from moorage.staff.guard import StaffDoor
from moorage.staff.passwords import Passwords
from tests.channels.menus.conftest import MenuDesk
from tests.channels.menus.wechat import MenuWechat
from tests.channels.test_routes import PUBLIC_URL, a_browser

HELLO: dict[str, Any] = {
    "items": [{"id": "hello", "name": "你好", "action": {"type": "message", "text": "您好"}, "items": []}]
}


@pytest.fixture
async def app(database: Database, passwords: Passwords, desk: MenuDesk) -> FastAPI:
    app = FastAPI()
    app.include_router(router, prefix="/api")
    add_problem_handlers(app)
    app.state.staff_door = StaffDoor(database=database, passwords=passwords, public_url=PUBLIC_URL)
    app.state.menus_door = MenusDoor(menus=desk.menus)
    return app


@pytest.fixture
async def admin(
    app: FastAPI, database: Database, passwords: Passwords, desk: MenuDesk
) -> AsyncIterator[httpx.AsyncClient]:
    async with await a_browser(app, database, passwords, company=desk.company, role="admin") as browser:
        yield browser


@pytest.fixture
async def agent(
    app: FastAPI, database: Database, passwords: Passwords, desk: MenuDesk
) -> AsyncIterator[httpx.AsyncClient]:
    async with await a_browser(app, database, passwords, company=desk.company, role="agent") as browser:
        yield browser


def path(desk: MenuDesk, rest: str = "") -> str:
    return f"/api/channels/{desk.channel.id}/menu{rest}"


async def test_a_menu_is_drafted_checked_published_and_restored(
    desk: MenuDesk, admin: httpx.AsyncClient, wechat: MenuWechat
) -> None:
    first = (await admin.get(path(desk))).json()
    assert (first["version"], first["live"]["standing"]) == (0, "unread")
    assert first["limits"]["most_name_bytes"] == 16
    assert first["offered"] == ["message", "link", "mini_program", "scan", "location", "photos", "agent"]
    saved = await admin.put(path(desk, "/draft"), json={"draft": HELLO, "version": 0})
    assert saved.status_code == 200, saved.text
    published = (await admin.post(path(desk, "/publish"), json={"version": 1})).json()
    assert published["live"]["standing"] == "ours"
    assert wechat.names() == ["你好"]
    versions = (await admin.get(path(desk, "/versions"))).json()["items"]
    assert [(one["number"], one["state"]) for one in versions] == [(1, "published")]
    restored = await admin.post(path(desk, "/versions/1/restore"), json={"version": 1})
    assert restored.json()["version"] == 2
    assert (await admin.post(path(desk, "/versions/9/restore"), json={"version": 2})).status_code == 404
    assert (await admin.post(path(desk, "/try"), json={"customer": "oABC"})).json()["menu"]["items"][0]["id"] == "hello"


async def test_faults_and_refusals_are_problems_that_name_their_items(
    desk: MenuDesk, admin: httpx.AsyncClient, wechat: MenuWechat
) -> None:
    long = {"items": [{**HELLO["items"][0], "name": "六个字的菜单名"}]}
    checked = (await admin.post(path(desk, "/validate"), json={"menu": long, "rule": {}})).json()["items"]
    assert [(fault["item_id"], fault["field"], fault["reason"]) for fault in checked] == [
        (None, "rule", "empty"),
        ("hello", "name", "too_long"),
    ]
    await admin.put(path(desk, "/draft"), json={"draft": long, "version": 0})
    faulty = await admin.post(path(desk, "/publish"), json={"version": 1})
    assert (faulty.status_code, faulty.json()["code"]) == (422, "channels.menu_faulty")
    assert faulty.json()["details"]["faults"][0]["field"] == "name"
    await admin.put(path(desk, "/draft"), json={"draft": HELLO, "version": 1})
    wechat.fails["menu/create"] = {"errcode": 40018, "errmsg": "invalid button name size"}
    refused = await admin.post(path(desk, "/publish"), json={"version": 2})
    assert (refused.status_code, refused.json()["code"]) == (409, "channels.menu_refused")
    assert refused.json()["details"]["suspects"] == ["hello"]


async def test_menus_for_some_are_made_over_the_api(desk: MenuDesk, admin: httpx.AsyncClient) -> None:
    new = {"name": "English", "rule": {"language": "en"}, "menu": HELLO}
    made = await admin.post(path(desk, "/conditional"), json=new)
    assert made.status_code == 201, made.text
    (one,) = made.json()["conditional"]
    changed = await admin.put(path(desk, f"/conditional/{one['id']}"), json={**new, "name": "Phones", "version": 1})
    assert changed.json()["conditional"][0]["name"] == "Phones"
    assert (await admin.post(path(desk, f"/conditional/{one['id']}/publish"), json={"version": 1})).status_code == 409
    published = await admin.post(path(desk, f"/conditional/{one['id']}/publish"), json={"version": 2})
    assert published.json()["conditional"][0]["standing"] == "live"
    assert (await admin.delete(path(desk, f"/conditional/{one['id']}"))).status_code == 204
    assert (await admin.post(path(desk, "/conditional"), json={**new, "name": " "})).status_code == 422


async def test_agents_see_the_menu_and_change_nothing(desk: MenuDesk, agent: httpx.AsyncClient) -> None:
    assert (await agent.get(path(desk))).status_code == 200
    for method, rest, body in (
        ("PUT", "/draft", {"draft": HELLO, "version": 0}),
        ("POST", "/publish", {"version": 0}),
        ("POST", "/delete", None),
        ("POST", "/import", {"version": 0}),
        ("POST", "/compare", None),
    ):
        assert (await agent.request(method, path(desk, rest), json=body)).status_code == 403, rest


async def test_two_items_with_one_id_are_refused(desk: MenuDesk, admin: httpx.AsyncClient) -> None:
    twice = {"items": HELLO["items"] * 2}
    assert (await admin.put(path(desk, "/draft"), json={"draft": twice, "version": 0})).status_code == 422
