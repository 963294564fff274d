"""Docking by authorization through the whole web process: the API, the notices, the pushes, the release check."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import httpx
import pytest
from pydantic import SecretStr

from moorage.connectors.contract import RawRequest
from moorage.connectors.wechat_oa import crypto
from moorage.connectors.wechat_oa.fields import read_fields, text_of, write_fields
from moorage.connectors.wechat_oa.release_check import PROBES
from moorage.core.ids import new_id
from moorage.entry.http import create_app
from moorage.infra.database import Database
from tests.channels.platform_world import PNG, Wechat, an_appid
from tests.connectors.platform_requests import PLATFORM, a_ticket, authorized, sealed_for_platform, unauthorized
from tests.connectors.provider import running_provider
from tests.connectors.wechat_requests import CUSTOMER, signed_query
from tests.connectors.wechat_vectors import sample
from tests.entry.web import SignedIn, signed_in, web_settings
from tests.serving import served

EVENTS = "/wechat/platform/events"
Json = dict[str, object]


@dataclass
class Place:
    """The running web process, connected to WeChat's side."""

    client: httpx.AsyncClient
    wechat: Wechat
    database: Database

    async def push(self, request: RawRequest, path: str = EVENTS) -> httpx.Response:
        headers = {"Content-Type": request.content_type} if request.content_type else {}
        return await self.client.request(
            request.method, path, params=dict(request.query), content=request.body, headers=headers
        )

    async def ticket(self) -> None:
        assert (await self.push(a_ticket(at=datetime.now(UTC)))).text == "success"

    async def counters(self) -> dict[str, int]:
        return cast("dict[str, int]", (await self.client.get("/healthz")).json()["counters"])


@pytest.fixture
async def place(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Place]:
    wechat = Wechat()
    async with running_provider(wechat.answer) as provider:
        wechat.url = provider.url
        settings = web_settings(database_url).model_copy(
            update={
                "data_dir": tmp_path,
                "wechat_api_url": provider.url,
                "wechat_mp_url": provider.url,
                "wechat_component_appid": PLATFORM["appid"],
                "wechat_component_appsecret": SecretStr(PLATFORM["secret"]),
                "wechat_component_token": SecretStr(PLATFORM["token"]),
                "wechat_component_aes_key": SecretStr(PLATFORM["aes_key"]),
            }
        )
        async with (
            served(create_app(settings), lifespan=True) as address,
            httpx.AsyncClient(base_url=f"http://{address}", trust_env=False, timeout=20) as client,
        ):
            yield Place(client, wechat, database)


@pytest.fixture
async def boss(place: Place) -> AsyncIterator[SignedIn]:
    async with signed_in(place.database, place.client) as owner:
        yield owner


async def begun(place: Place, boss: SignedIn) -> tuple[Json, str]:
    """Begin an attempt; return it and its state."""
    await place.ticket()
    answer = await boss.client.post("/api/authorizations", json={"kind": "wechat_oa"})
    assert answer.status_code == 201, answer.text
    page = httpx.URL(answer.json()["url"])
    return answer.json(), httpx.URL(page.params["redirect_uri"]).params["state"]


async def docked(place: Place, boss: SignedIn, appid: str) -> Json:
    _, state = await begun(place, boss)
    form = {"state": state, "auth_code": place.wechat.authorize(appid)}
    answer = await boss.client.post("/api/authorizations/complete", json=form)
    assert answer.status_code == 200, answer.text
    return answer.json()


def messages_of(appid: str) -> str:
    return f"/wechat/platform/{appid}/messages"


def a_text(text: str, *, username: str) -> RawRequest:
    now = datetime.now(UTC)
    fields = {"ToUserName": username, "FromUserName": CUSTOMER, "CreateTime": int(now.timestamp()), "MsgType": "text"}
    body = write_fields({**fields, "Content": text, "MsgId": new_id().int % 10**17}, format="xml")
    return sealed_for_platform(body, at=now)


def opened(answer: httpx.Response) -> str:
    """Return what a sealed answer says."""
    encrypt = text_of(read_fields(answer.content), "Encrypt") or ""
    body = crypto.unseal(encrypt, key=crypto.decode_aes_key(PLATFORM["aes_key"]), appid=PLATFORM["appid"])
    return text_of(read_fields(body), "Content") or ""


# ---------------------------------------------------------------- docking through the API


async def test_an_account_is_docked_and_described(place: Place, boss: SignedIn) -> None:
    appid = an_appid()
    attempt, state = await begun(place, boss)
    assert (await boss.client.get(f"/api/authorizations/{attempt['id']}")).json()["state"] == "open"
    form = {"state": state, "auth_code": place.wechat.authorize(appid, sets=(1, 2, 3, 99))}
    first, channel = [(await boss.client.post("/api/authorizations/complete", json=form)).json() for _ in range(2)]
    assert first["id"] == channel["id"]
    assert (channel["name"], channel["docked_by"], channel["state"]) == ("码头茶馆", "authorization", "restricted")
    assert channel["state_reasons"] == ["set_missing_menu"]
    assert channel["callback_url"] == f"http://desk.example{messages_of(appid)}"
    settled = (await boss.client.get(f"/api/authorizations/{attempt['id']}")).json()
    assert (settled["state"], settled["channel_id"]) == ("done", channel["id"])
    permissions = (await boss.client.get(f"/api/channels/{channel['id']}/permissions")).json()["items"]
    granted = {one["set_id"]: (one["required"], one["granted"]) for one in permissions}
    assert granted == {
        1: (True, True),
        15: (True, False),
        2: (True, True),
        3: (False, True),
        4: (False, False),
        7: (False, False),
        11: (False, False),
        99: (False, True),
    }
    assert permissions[0]["about"]["effect"]["en"].startswith("Other authorized platforms")


async def test_the_picture_is_served_as_nothing_but_a_picture(place: Place, boss: SignedIn) -> None:
    channel = await docked(place, boss, an_appid())
    answer = await boss.client.get(str(channel["avatar_url"]))
    assert (answer.content, answer.headers["content-type"]) == (PNG, "image/png")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await place.client.get(str(channel["avatar_url"]))).status_code == 401
    async with signed_in(place.database, place.client) as stranger:
        assert (await stranger.client.get(str(channel["avatar_url"]))).status_code == 404


async def test_kinds_tell_whether_scanning_is_possible(place: Place, boss: SignedIn) -> None:
    await place.ticket()
    kind = (await boss.client.get("/api/channel-kinds")).json()["items"][0]
    authorization = kind["authorization"]
    assert (authorization["available"], authorization["reason"]) == (True, None)
    assert [one["id"] for one in authorization["permission_sets"] if one["required"]] == [1, 15, 2]
    assert [one["key"] for one in authorization["preconditions"]] == ["certified_account", "administrator"]


async def test_each_failure_of_an_attempt_has_its_code_and_a_sentence(place: Place, boss: SignedIn) -> None:
    words = (await boss.client.get("/api/channel-kinds")).json()["items"][0]["reasons"]

    async def complete(client: httpx.AsyncClient, **form: str) -> tuple[int, str]:
        answer = await client.post("/api/authorizations/complete", json=form)
        return answer.status_code, answer.json()["code"]

    attempt, state = await begun(place, boss)
    assert await complete(boss.client, state="x", auth_code="y") == (404, "channels.attempt_unknown")
    async with signed_in(place.database, place.client) as stranger:
        assert await complete(stranger.client, state=state, auth_code="y") == (403, "channels.attempt_foreign")
    assert await complete(boss.client, state=state, auth_code="y") == (409, "channels.code_refused")
    reason = (await boss.client.get(f"/api/authorizations/{attempt['id']}")).json()["reason"]
    assert "Scan code for authorization" in words[reason]["en"]
    place.wechat.failures["api_query_auth"] = b"<html>"
    assert await complete(boss.client, state=state, auth_code="z") == (409, "channels.authorization_failed")


async def test_agents_dock_nothing_and_owners_are_no_operators(place: Place, boss: SignedIn) -> None:
    async with signed_in(place.database, place.client, role="agent") as agent:
        assert (await agent.client.post("/api/authorizations", json={"kind": "wechat_oa"})).status_code == 403
    for path in ("/api/installation/platform", "/api/installation/unclaimed"):
        assert (await boss.client.get(path)).status_code == 403


async def test_the_operator_sees_the_platform_and_cannot_change_what_the_environment_says(
    place: Place, boss: SignedIn
) -> None:
    async with place.database.in_platform() as tx:
        await tx.execute("INSERT INTO operators (person_id, since) VALUES (%s, %s)", [boss.colleague.person_id, tx.now])
    await place.ticket()
    shown = (await boss.client.get("/api/installation/platform")).json()
    assert (shown["source"], shown["appid"], shown["has_secret"]) == ("env", PLATFORM["appid"], True)
    assert shown["event_url"] == f"http://desk.example{EVENTS}"
    assert shown["message_url"] == "http://desk.example/wechat/platform/$APPID$/messages"
    assert (shown["start_domain"], shown["ticket"]["state"]) == ("desk.example", "fresh")
    assert PLATFORM["secret"] not in str(shown)
    form = {name: PLATFORM[name] for name in ("appid", "token", "aes_key")}
    changed = await boss.client.put("/api/installation/platform", json=form)
    assert (changed.status_code, changed.json()["code"]) == (409, "channels.platform_from_environment")
    appid = an_appid()
    await place.push(authorized(appid, "code", "preauthcode@@@unknown", at=datetime.now(UTC)))
    unclaimed = (await boss.client.get("/api/installation/unclaimed")).json()["items"]
    (mine,) = [one for one in unclaimed if one["external_id"] == appid]
    assert (await boss.client.post(f"/api/installation/unclaimed/{mine['id']}/dismiss")).status_code == 204
    after = (await boss.client.get("/api/installation/unclaimed")).json()["items"]
    assert appid not in {one["external_id"] for one in after}


# ---------------------------------------------------------------- notices


async def test_a_forged_notice_is_refused_and_leaves_no_trace(place: Place, boss: SignedIn) -> None:
    appid = an_appid()
    await docked(place, boss, appid)
    now = datetime.now(UTC)
    genuine = unauthorized(appid, at=now)
    forged = (
        replace(genuine, query={**genuine.query, "msg_signature": "0" * 40}),
        replace(genuine, query={**genuine.query, "msg_signature": genuine.query["signature"]}),
        replace(genuine, body=authorized(appid, "c", "p", at=now).body),
    )
    for request in forged:
        answer = await place.push(request)
        assert (answer.status_code, answer.json()["details"]["reason"]) == (403, "invalid_signature")
    foreign = {**PLATFORM, "appid": "wx0000000000000bad"}
    answer = await place.push(sealed_for_platform(b"<xml/>", at=now, platform=foreign))
    assert (answer.status_code, answer.json()["details"]["reason"]) == (400, "invalid_appid")
    assert (await boss.client.get("/api/channels")).json()["items"][0]["state"] == "active"


async def test_a_withdrawal_stops_the_channel_at_once(place: Place, boss: SignedIn) -> None:
    appid = an_appid()
    await docked(place, boss, appid)
    for _ in range(2):
        assert (await place.push(unauthorized(appid, at=datetime.now(UTC)))).text == "success"
    channel = (await boss.client.get("/api/channels")).json()["items"][0]
    assert (channel["state"], channel["state_reason"]) == ("deauthorized", "authorization_gone")


@pytest.mark.parametrize("path", [EVENTS, messages_of("wx0000000000000009"), messages_of("wx570bc396a51b8ff8")])
async def test_every_address_answers_wechats_question(path: str, place: Place) -> None:
    query = {**signed_query(at=datetime.now(UTC), token=PLATFORM["token"]), "echostr": "5573618899206113843"}
    answer = await place.client.get(path, params=query)
    assert (answer.status_code, answer.text) == (200, "5573618899206113843")
    assert (await place.client.get(path, params={**query, "signature": "0" * 40})).status_code == 403


# ---------------------------------------------------------------- pushes of accounts


async def test_a_customers_message_becomes_a_conversation(place: Place, boss: SignedIn) -> None:
    appid = an_appid()
    await docked(place, boss, appid)
    request = a_text("在吗", username=f"gh_{appid[-12:]}")
    for _ in range(2):
        assert (await place.push(request, messages_of(appid))).text == "success"
    (conversation,) = (await boss.client.get("/api/conversations?scope=all")).json()["items"]
    assert conversation["last_message"]["preview"] == "在吗"


async def test_a_push_for_another_account_than_the_address_says_is_refused(place: Place, boss: SignedIn) -> None:
    appid = an_appid()
    await docked(place, boss, appid)
    answer = await place.push(a_text("在吗", username="gh_somebodyelse"), messages_of(appid))
    assert (answer.status_code, answer.json()["details"]["reason"]) == (403, "foreign_account")


async def test_a_push_for_an_account_that_nobody_docked_is_acknowledged_and_forgotten(
    place: Place, boss: SignedIn
) -> None:
    before = (await place.counters()).get("pushes_unclaimed", 0)
    request = a_text("在吗", username="gh_nobody")
    assert (await place.push(request, messages_of(an_appid()))).text == "success"
    assert (await place.counters())["pushes_unclaimed"] == before + 1
    forged = replace(request, query={**request.query, "msg_signature": "0" * 40})
    assert (await place.push(forged, messages_of(an_appid()))).status_code == 403


async def test_an_account_that_pushes_to_an_address_of_its_own_too_shows_no_fault(place: Place, boss: SignedIn) -> None:
    appid = an_appid()
    await docked(place, boss, appid)
    answer = await place.client.post(f"/wechat/oa/{appid}", content=b"<xml/>", headers={"Content-Type": "text/xml"})
    assert (answer.status_code, answer.text) == (200, "success")
    assert (await place.client.get(f"/wechat/oa/{appid}", params={"echostr": "1"})).status_code == 404
    assert (await boss.client.get("/api/conversations?scope=all")).json()["items"] == []


# ---------------------------------------------------------------- the release check


async def rows(database: Database) -> list[object]:
    counted = (
        "SELECT count(*) FROM channel_addresses",
        "SELECT count(*) FROM unclaimed_authorizations",
        "SELECT count(*) FROM docking_attempts",
        "SELECT count(*) FROM procrastinate_jobs",
    )
    async with database.in_platform() as tx:
        return [await tx.value(query) for query in counted]


@pytest.mark.parametrize(("appid", "username"), PROBES.items())
async def test_every_test_account_gets_the_answers_it_waits_for(appid: str, username: str, place: Place) -> None:
    await place.ticket()
    before = await rows(place.database)
    now = datetime.now(UTC)
    code = place.wechat.authorize(appid)
    assert (await place.push(authorized(appid, code, "preauthcode@@@check", at=now))).text == "success"
    text = await place.push(a_text("TESTCOMPONENT_MSG_TYPE_TEXT", username=username), messages_of(appid))
    assert opened(text) == "TESTCOMPONENT_MSG_TYPE_TEXT_callback"
    event = sample("event_LOCATION").replace(b"gh_5b8e21a7c4d9", username.encode())
    assert opened(await place.push(sealed_for_platform(event, at=now), messages_of(appid))) == "LOCATIONfrom_callback"
    sent = place.wechat.asked["send"] = asyncio.Event()
    api = await place.push(a_text(f"QUERY_AUTH_CODE:{code}", username=username), messages_of(appid))
    assert (api.status_code, api.content) == (200, b"")
    async with asyncio.timeout(10):
        await sent.wait()
    assert place.wechat.sent == [f"{code}_from_api"]
    assert (await place.push(unauthorized(appid, at=now))).text == "success"
    assert await rows(place.database) == before


async def test_a_forged_release_check_is_refused(place: Place) -> None:
    request = a_text("TESTCOMPONENT_MSG_TYPE_TEXT", username="gh_3c884a361561")
    forged = replace(request, query={**request.query, "msg_signature": "0" * 40})
    assert (await place.push(forged, messages_of("wx570bc396a51b8ff8"))).status_code == 403
