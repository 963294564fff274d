"""The API of channels, as a browser meets it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from moorage.channels.health.doctor import Doctor
from moorage.channels.health.routes import HealthDoor
from moorage.channels.health.routes import router as health_router
from moorage.channels.routes import ChannelsDoor, router
from moorage.connectors.registry import ProviderUrls, open_connectors
from moorage.connectors.strings import read_strings
from moorage.core.ids import WorkspaceId, new_id
from moorage.entry.problems import add_problem_handlers
from moorage.infra.database import Database
from moorage.infra.http_client import open_provider_client
from moorage.staff.guard import COOKIE, CSRF_HEADER, StaffDoor
from moorage.staff.model import Role
from moorage.staff.operations import create_workspace
from moorage.staff.passwords import Passwords
from moorage.staff.sessions import find_session
from tests.channels.docking import BOX, some_credentials
from tests.connectors import web_requests
from tests.connectors.provider import Call, Provider, answered, running_provider
from tests.staff.people import a_colleague, an_address, signs_in

PUBLIC_URL = "https://desk.example.org"


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async def give(_call: Call) -> bytes:
        return answered({"access_token": "T1", "expires_in": 7200})

    async with running_provider(give) as running:
        yield running


@pytest.fixture
async def app(database: Database, passwords: Passwords, provider: Provider) -> AsyncIterator[FastAPI]:
    app = FastAPI()
    app.include_router(router, prefix="/api")
    app.include_router(health_router, prefix="/api")
    add_problem_handlers(app)
    app.state.staff_door = StaffDoor(database=database, passwords=passwords, public_url=PUBLIC_URL)
    async with open_provider_client() as http:
        connectors = open_connectors(http=http, urls=ProviderUrls(wechat_api=provider.url))
        words = {kind: read_strings(kind) for kind in connectors}
        app.state.channels_door = ChannelsDoor(
            database=database, box=BOX, connectors=connectors, words=words, public_url=PUBLIC_URL
        )
        app.state.health_door = HealthDoor(doctor=Doctor(database=database, box=BOX, connectors=connectors))
        yield app


async def a_browser(
    app: FastAPI, database: Database, passwords: Passwords, *, company: WorkspaceId, role: Role
) -> httpx.AsyncClient:
    """Return the browser of somebody who is signed in."""
    colleague = await a_colleague(database, passwords, company=company, role=role)
    session = await signs_in(database, passwords, colleague, remote_address=an_address())
    live = await find_session(database, token=session.token)
    assert live is not None
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url=PUBLIC_URL,
        cookies={COOKIE: session.token},
        headers={CSRF_HEADER: live.csrf_token, "Origin": PUBLIC_URL},
    )


@pytest.fixture
async def company(database: Database) -> WorkspaceId:
    return await create_workspace(database, name="Harbour Tea")


@pytest.fixture
async def admin(
    app: FastAPI, database: Database, passwords: Passwords, company: WorkspaceId
) -> AsyncIterator[httpx.AsyncClient]:
    async with await a_browser(app, database, passwords, company=company, role="admin") as browser:
        yield browser


@pytest.fixture
async def agent(
    app: FastAPI, database: Database, passwords: Passwords, company: WorkspaceId
) -> AsyncIterator[httpx.AsyncClient]:
    async with await a_browser(app, database, passwords, company=company, role="agent") as browser:
        yield browser


def a_form(**credentials: str) -> dict[str, Any]:
    return {"kind": "wechat_oa", "name": "Harbour Tea", "credentials": dict(some_credentials(**credentials))}


async def docked(browser: httpx.AsyncClient) -> dict[str, Any]:
    answer = await browser.post("/api/channels", json=a_form())
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_the_docking_form_is_described_in_both_languages(admin: httpx.AsyncClient) -> None:
    (kind,) = [kind for kind in (await admin.get("/api/channel-kinds")).json()["items"] if kind["dockable"]]
    assert kind["kind"] == "wechat_oa"
    assert [field["name"] for field in kind["credential_fields"]] == ["appid", "secret", "token", "aes_key"]
    assert kind["credential_fields"][1]["secret"] is True
    assert kind["credential_fields"][0]["label"]["en"] == "AppID"
    assert "开发者" in kind["credential_fields"][0]["label"]["zh-CN"]
    assert kind["budget_presets"]["guide"]["message"] == {"most": 20, "lasts_s": 172800}
    assert kind["budget_presets"]["2023"]["message"]["most"] == 5
    assert kind["capabilities"] == {
        "max_text_bytes": 2048,
        "sendable": ["choices", "file", "image", "news", "text", "video", "voice"],
        "passive_reply": True,
        "menu": True,
        "follow_reply": True,
        "choices": {"most_items": 10, "most_item_bytes": 128, "most_words_bytes": 2048},
        "news": {"most_title_bytes": 192, "most_description_bytes": 512, "most_url_bytes": 2048},
        "recognises_visitors": True,
        "sends_only_if_verified": True,
    }
    assert "00:00" in kind["reasons"]["daily_limit"]["en"]


async def test_a_kind_that_cannot_be_added_yet_is_described_and_refused(admin: httpx.AsyncClient) -> None:
    kinds = {kind["kind"]: kind for kind in (await admin.get("/api/channel-kinds")).json()["items"]}
    assert kinds["web"]["dockable"] is False
    assert kinds["web"]["name"]["zh-CN"] == "网页聊天"
    assert (kinds["web"]["budget_presets"], kinds["web"]["capabilities"]["passive_reply"]) == ({}, False)
    refused = await admin.post("/api/channels", json={"kind": "web", "credentials": dict(web_requests.CREDENTIALS)})
    assert (refused.status_code, refused.json()["code"]) == (409, "channels.kind_not_dockable")


async def test_the_callback_address_is_told_before_docking(admin: httpx.AsyncClient) -> None:
    path = "/api/channel-kinds/wechat_oa/address"
    answer = await admin.get(path, params={"external_id": "wx7c1e5a90b2d4f683"})
    assert answer.json() == {"callback_url": f"{PUBLIC_URL}/wechat/oa/wx7c1e5a90b2d4f683"}
    assert (await admin.get(path, params={"external_id": "../x"})).status_code == 422
    assert (await admin.get("/api/channel-kinds/fax/address", params={"external_id": "x"})).status_code == 404


async def test_a_docked_channel_is_listed_without_its_credentials(admin: httpx.AsyncClient) -> None:
    channel = await docked(admin)
    assert channel["callback_url"] == f"{PUBLIC_URL}/wechat/oa/{channel['external_id']}"
    assert (channel["state"], channel["account_type"], channel["verified"]) == ("active", None, None)
    assert channel["settings"]["greeting"] == {"mode": "once_per_conversation", "text": None}
    answer = await admin.get("/api/channels")
    assert answer.json()["items"] == [channel]
    assert (await admin.get(f"/api/channels/{channel['id']}")).json() == channel
    assert "Kf7tokenXq2LmZ" not in answer.text


async def test_an_account_that_is_docked_is_a_conflict(admin: httpx.AsyncClient) -> None:
    form = a_form()
    assert (await admin.post("/api/channels", json=form)).status_code == 201
    answer = await admin.post("/api/channels", json=form)
    assert (answer.status_code, answer.json()["code"]) == (409, "channels.already_docked")


async def test_a_wrong_field_is_named_and_its_value_is_not_repeated(admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/api/channels", json=a_form(secret="my-real-secret"))
    assert answer.status_code == 422
    assert answer.json()["details"] == {"field": "credentials.secret", "reason": "mismatch"}
    assert "my-real-secret" not in answer.text


async def test_what_is_no_form_at_all_does_not_repeat_secrets(admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/api/channels", json={**a_form(), "credentials": {"secret": ["my-real-secret"]}})
    assert answer.status_code == 422
    assert "my-real-secret" not in answer.text


async def test_words_that_ask_for_an_agent_are_set_on_the_channel(admin: httpx.AsyncClient) -> None:
    channel = await docked(admin)
    assert "转人工" in channel["settings"]["trans_to_agent"]["words"]
    path, version = f"/api/channels/{channel['id']}", channel["version"]
    for wrong in ({"words": [" "]}, {"words": ["x" * 21]}, {"guidance_under": ["poem"]}, {"guidance_text": "x" * 101}):
        given = {"version": version, "settings": {"trans_to_agent": wrong}}
        assert (await admin.patch(path, json=given)).status_code == 422
    given = {"version": version, "settings": {"trans_to_agent": {"words": [" 客服 ", "客服"]}}}
    changed = (await admin.patch(path, json=given)).json()["settings"]["trans_to_agent"]
    assert (changed["words"], changed["guidance"]) == (["客服"], True)


async def test_how_long_things_last_is_set_on_the_channel_and_audited(
    admin: httpx.AsyncClient, database: Database, company: WorkspaceId
) -> None:
    channel = await docked(admin)
    settings = channel["settings"]
    assert (settings["after_session_hours"], settings["last_served_hours"], settings["links_last_days"]) == (24, 72, 7)
    path, version = f"/api/channels/{channel['id']}", channel["version"]
    for wrong in (
        {"after_session_hours": 169},
        {"last_served_hours": -1},
        {"last_served_hours": 1.5},
        {"links_last_days": 0},
        {"links_last_days": 31},
    ):
        assert (await admin.patch(path, json={"version": version, "settings": wrong})).status_code == 422
    hours = {"after_session_hours": 0, "last_served_hours": 5, "links_last_days": 30}
    changed = (await admin.patch(path, json={"version": version, "settings": hours})).json()
    assert hours.items() <= changed["settings"].items()
    async with database.in_workspace(company) as tx:
        audited = await tx.value(
            """
            SELECT jsonb_build_array(before -> 'settings' -> 'last_served_hours', after -> 'settings' @> %s::jsonb)
            FROM audit_log WHERE object_id = %s AND act = 'channel.changed'
            """,
            [json.dumps(hours), channel["id"]],
        )
    assert audited == [72, True]


async def test_a_field_of_a_part_that_is_left_out_stays(admin: httpx.AsyncClient) -> None:
    channel = await docked(admin)
    path = f"/api/channels/{channel['id']}"
    given: list[dict[str, object]] = [
        {"merge_replies": {"on": True}, "voice_reply": {"on": True}},
        {"merge_replies": {"within_s": 5}, "voice_reply": {"text": "Please type."}},
    ]
    for settings in given:
        channel = (await admin.patch(path, json={"version": channel["version"], "settings": settings})).json()
    assert channel["settings"]["merge_replies"] == {"on": True, "within_s": 5}
    assert channel["settings"]["voice_reply"] == {"on": True, "text": "Please type."}


async def test_settings_are_changed_by_who_saw_the_present_version(admin: httpx.AsyncClient) -> None:
    channel = await docked(admin)
    path = f"/api/channels/{channel['id']}"
    change = {"version": channel["version"], "name": "Tea", "settings": {"greeting": {"mode": "off"}}}
    changed = (await admin.patch(path, json=change)).json()
    assert (changed["name"], changed["settings"]["greeting"]["mode"]) == ("Tea", "off")
    assert changed["settings"]["locale"] == "zh-CN"
    stale = await admin.patch(path, json=change)
    assert (stale.status_code, stale.json()["code"]) == (409, "core.stale_version")


async def test_a_greeting_with_an_unknown_placeholder_is_refused_with_the_known_ones(admin: httpx.AsyncClient) -> None:
    channel = await docked(admin)
    change = {"version": channel["version"], "settings": {"greeting": {"text": "Hi {nobody}"}}}
    answer = await admin.patch(f"/api/channels/{channel['id']}", json=change)
    assert answer.status_code == 422
    assert answer.json()["details"]["allowed"] == ["agent", "channel", "customer", "time"]


async def test_credentials_are_replaced_and_never_shown(admin: httpx.AsyncClient) -> None:
    channel = await docked(admin)
    path = f"/api/channels/{channel['id']}/credentials"
    change = {"version": 1, "credentials": {"secret": "f" * 32, "mode": "plaintext"}}
    answer = await admin.put(path, json=change)
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    assert "f" * 32 not in answer.text
    assert (await admin.put(path, json=change)).status_code == 409
    other = await admin.put(path, json={"version": 2, "credentials": {"appid": "wx0000000000000bad"}})
    assert other.json()["details"] == {"field": "credentials.appid", "reason": "other_account"}


async def test_checks_say_what_works_and_what_to_do(admin: httpx.AsyncClient, provider: Provider) -> None:
    path = f"/api/channels/{(await docked(admin))['id']}/checks"
    good = {check["name"]: check["state"] for check in (await admin.post(path)).json()["items"]}
    assert (good["server_verified"], good["token"], good["ip_allowed"]) == ("unknown", "ok", "ok")

    async def refuse(_call: Call) -> bytes:
        return answered({"errcode": 40164, "errmsg": "invalid ip 203.0.113.9, not in whitelist"})

    provider.answer = refuse
    found = {check["name"]: check for check in (await admin.post(path)).json()["items"]}
    assert found["ip_allowed"]["state"] == "failing"
    assert found["ip_allowed"]["details"]["ip"] == "203.0.113.9"


async def test_agents_see_channels_and_manage_none(admin: httpx.AsyncClient, agent: httpx.AsyncClient) -> None:
    channel = await docked(admin)
    assert (await agent.get("/api/channels")).json()["items"] == [channel]
    for attempt in (
        agent.post("/api/channels", json=a_form()),
        agent.patch(f"/api/channels/{channel['id']}", json={"version": 1, "name": "x"}),
        agent.post(f"/api/channels/{channel['id']}/checks"),
        agent.put(f"/api/channels/{channel['id']}/credentials", json={"version": 1, "credentials": {"mode": "secure"}}),
    ):
        answer = await attempt
        assert (answer.status_code, answer.json()["code"]) == (403, "staff.forbidden")


async def test_a_channel_of_another_company_does_not_exist(
    app: FastAPI, database: Database, passwords: Passwords, admin: httpx.AsyncClient
) -> None:
    channel = await docked(admin)
    stranger = await create_workspace(database, name="Other Tea")
    async with await a_browser(app, database, passwords, company=stranger, role="owner") as browser:
        assert (await browser.get("/api/channels")).json()["items"] == []
        for channel_id in (channel["id"], str(new_id())):
            path = f"/api/channels/{channel_id}"
            assert (await browser.get(path)).status_code == 404
            assert (await browser.patch(path, json={"version": 1, "name": "x"})).status_code == 404
            assert (await browser.post(f"{path}/checks")).status_code == 404
