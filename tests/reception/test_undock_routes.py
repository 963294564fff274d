"""The API of undocking, copying settings and stating accounts, as a browser meets it."""

from collections.abc import AsyncIterator
from typing import Any, get_args

import httpx
import pytest
from fastapi import FastAPI

from moorage.channels.health.doctor import Doctor
from moorage.channels.health.routes import HealthDoor
from moorage.channels.health.routes import router as health_router
from moorage.channels.model import SettingsField
from moorage.channels.routes import ChannelsDoor
from moorage.channels.routes import router as channels_router
from moorage.connectors.strings import read_strings
from moorage.core.ids import new_id
from moorage.entry.problems import add_problem_handlers
from moorage.infra.database import Database
from moorage.reception.undock_routes import router as undock_router
from moorage.staff.guard import StaffDoor
from moorage.staff.model import Role
from moorage.staff.passwords import Passwords
from tests.channels.docking import BOX, a_channel
from tests.channels.test_routes import PUBLIC_URL, a_browser
from tests.conversations.desk import Desk, an_openid


@pytest.fixture
async def app(database: Database, passwords: Passwords, desk: Desk) -> FastAPI:
    app = FastAPI()
    for router in (channels_router, health_router, undock_router):
        app.include_router(router, prefix="/api")
    add_problem_handlers(app)
    app.state.staff_door = StaffDoor(database=database, passwords=passwords, public_url=PUBLIC_URL)
    app.state.channels_door = ChannelsDoor(
        database=database,
        box=BOX,
        connectors=desk.connectors,
        words={kind: read_strings(kind) for kind in desk.connectors},
        public_url=PUBLIC_URL,
    )
    app.state.health_door = HealthDoor(doctor=Doctor(database=database, box=BOX, connectors=desk.connectors))
    return app


@pytest.fixture
async def admin(app: FastAPI, database: Database, passwords: Passwords, desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with await a_browser(app, database, passwords, company=desk.workspace_id, role="admin") as browser:
        yield browser


async def channel_of(browser: httpx.AsyncClient, desk: Desk) -> dict[str, Any]:
    return (await browser.get(f"/api/channels/{desk.channel.id}")).json()


async def test_undocking_tells_its_numbers_first_and_then_frees_the_account(
    admin: httpx.AsyncClient, desk: Desk
) -> None:
    path = f"/api/channels/{desk.channel.id}/undock"
    await desk.hears(by=an_openid())
    assert (await admin.get(path)).json() == {"open_conversations": 1, "waiting": 1, "with_agents": 0}
    stale = await admin.post(path, json={"version": 99})
    assert (stale.status_code, stale.json()["code"]) == (409, "core.stale_version")
    undocked = await admin.post(path)
    assert (undocked.status_code, undocked.json()["state"]) == (200, "undocked")
    again = await admin.post(path)
    assert (again.status_code, again.json()["code"]) == (409, "channels.undocked")
    listed = (await admin.get("/api/channels", params={"state": "undocked"})).json()
    assert [channel["id"] for channel in listed["items"]] == [str(desk.channel.id)]
    assert (listed["counts"]["undocked"], listed["counts"]["active"]) == (1, 0)
    for attempt in (
        admin.post(f"/api/channels/{desk.channel.id}/checks"),
        admin.put(
            f"/api/channels/{desk.channel.id}/credentials", json={"version": 2, "credentials": {"mode": "secure"}}
        ),
    ):
        assert (await attempt).json()["code"] == "channels.undocked"


async def test_docking_the_same_account_again_answers_with_the_same_channel(
    admin: httpx.AsyncClient, desk: Desk
) -> None:
    await admin.post(f"/api/channels/{desk.channel.id}/undock", json={})
    form = {"kind": "wechat_oa", "credentials": desk.credentials}
    revived = await admin.post("/api/channels", json=form)
    assert (revived.status_code, revived.json()["id"]) == (201, str(desk.channel.id))
    assert revived.json() == await channel_of(admin, desk)


@pytest.mark.parametrize("role", ["agent", "supervisor"])
async def test_only_who_manages_channels_undocks_or_copies(
    app: FastAPI, database: Database, passwords: Passwords, desk: Desk, role: Role
) -> None:
    async with await a_browser(app, database, passwords, company=desk.workspace_id, role=role) as browser:
        path = f"/api/channels/{desk.channel.id}"
        for attempt in (
            browser.get(f"{path}/undock"),
            browser.post(f"{path}/undock"),
            browser.post(f"{path}/copy-settings", json={"to": [str(new_id())], "parts": ["locale"]}),
        ):
            assert (await attempt).status_code == 403


async def test_channel_of_nobody_we_know_is_missing(admin: httpx.AsyncClient, desk: Desk) -> None:
    path = f"/api/channels/{new_id()}"
    for attempt in (
        admin.get(f"{path}/undock"),
        admin.post(f"{path}/undock"),
        admin.post(f"{path}/copy-settings", json={"to": [str(desk.channel.id)], "parts": ["locale"]}),
    ):
        assert (await attempt).status_code == 404


async def test_pages_follow_each_other_and_counts_come_with_the_first(
    admin: httpx.AsyncClient, desk: Desk, database: Database
) -> None:
    for number in range(4):
        await a_channel(database, desk.workspace_id, name=f"Tea {number}")
    first = (await admin.get("/api/channels", params={"query": "tea", "limit": 3})).json()
    assert [channel["name"] for channel in first["items"]] == ["Tea 0", "Tea 1", "Tea 2"]
    assert first["counts"]["active"] == 4
    second = await admin.get("/api/channels", params={"query": "tea", "limit": 3, "cursor": first["next_cursor"]})
    assert [channel["name"] for channel in second.json()["items"]] == ["Tea 3"]
    assert (second.json()["next_cursor"], second.json()["counts"]) == (None, None)
    for wrong in ({"limit": 101}, {"limit": 0}, {"state": "sunk"}, {"cursor": "?"}, {"query": "x" * 81}):
        assert (await admin.get("/api/channels", params=wrong)).status_code == 422, wrong


async def test_copying_answers_with_what_changed(admin: httpx.AsyncClient, desk: Desk, database: Database) -> None:
    target = await a_channel(database, desk.workspace_id, name="Target")
    await admin.patch(f"/api/channels/{desk.channel.id}", json={"version": 1, "settings": {"locale": "en"}})
    path = f"/api/channels/{desk.channel.id}/copy-settings"
    copied = await admin.post(path, json={"to": [str(target.id)], "parts": ["locale", "greeting"]})
    changed = {"channel_id": str(target.id), "name": "Target", "parts": ["locale"], "version": 2}
    assert copied.json() == {"changed": [changed]}
    everything = {"to": [str(target.id)], "parts": [*get_args(SettingsField), "follow_reply"]}
    assert (await admin.post(path, json=everything)).json() == {"changed": []}
    for wrong in ({"to": [], "parts": ["locale"]}, {"to": [str(target.id)], "parts": ["name"]}):
        assert (await admin.post(path, json=wrong)).status_code == 422, wrong


async def test_admin_states_whether_the_account_is_verified(admin: httpx.AsyncClient, desk: Desk) -> None:
    path = f"/api/channels/{desk.channel.id}"
    stated = (await admin.patch(path, json={"version": 1, "verified": False, "account_type": "subscription"})).json()
    assert (stated["state"], stated["state_reason"]) == ("restricted", "not_certified")
    assert (stated["verified"], stated["account_type"]) == (False, "subscription")
    stated = (await admin.patch(path, json={"version": stated["version"], "verified": True})).json()
    assert (stated["state"], stated["verified"], stated["account_type"]) == ("active", True, "subscription")
    renamed = (await admin.patch(path, json={"version": stated["version"], "name": "Harbour"})).json()
    assert (renamed["verified"], renamed["account_type"]) == (True, "subscription")  # left out: as it was
    taken_back = (await admin.patch(path, json={"version": renamed["version"], "verified": None})).json()
    assert (taken_back["verified"], taken_back["account_type"]) == (None, "subscription")


async def test_what_the_provider_tells_is_not_the_admins_to_state(
    admin: httpx.AsyncClient, desk: Desk, database: Database
) -> None:
    async with database.in_workspace(desk.workspace_id) as tx:
        await tx.execute("UPDATE channels SET docked_by_way = 'authorization'")
    answer = await admin.patch(f"/api/channels/{desk.channel.id}", json={"version": 1, "verified": True})
    assert (answer.status_code, answer.json()["details"]["reason"]) == (422, "told_by_provider")
