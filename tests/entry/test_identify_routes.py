"""A company's links over HTTP: the visitor's browser between our web process and WeChat's stand-in, both served."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest

from moorage.channels.model import Channel
from moorage.conversations.people.visits import Place
from moorage.core.ids import WorkspaceId
from moorage.customers.enterprise import change_enterprise, make_secret
from moorage.customers.identity_links import sign
from moorage.entry.http import create_app
from moorage.infra.database import Database, Tx
from moorage.staff.operations import create_workspace
from tests.channels.docking import BOX, a_channel
from tests.entry.web import web_settings
from tests.sandbox.world import AES_KEY, APPID, SECRET, TOKEN, World, running_world
from tests.serving import served
from wechat_sandbox.app import create_app as create_sandbox_app

WECHAT = "Mozilla/5.0 (Linux; Android 14) MicroMessenger/8.0.50 Language/zh_CN"
OTHER_APPID, OTHER_SECRET = "wx00000000000000ff", "0" * 32
FAILED = "/c/identify-failed/"


@dataclass
class Shop:
    """One company's channel: where its links begin, and what signs them."""

    place: Place
    secret: str

    def link(self, *, user: str = "u-1001", secret: str | None = None, **others: str) -> str:
        """Return the path and query of a link."""
        told = {"user": user, "expires": str(int((datetime.now(UTC) + timedelta(minutes=10)).timestamp())), **others}
        signature = sign(told, secret=secret or self.secret)
        return f"/identify/{self.place.key}?{urlencode({**told, 'signature': signature})}"


@dataclass
class Street:
    """Our web process, WeChat, and two companies on it."""

    database: Database
    world: World
    base_url: str
    shop: Shop
    other: Shop
    clients: AsyncExitStack

    def phone(self, *, user_agent: str = WECHAT) -> "Phone":
        client = httpx.AsyncClient(
            base_url=self.base_url, trust_env=False, timeout=20, headers={"User-Agent": user_agent}
        )
        self.clients.push_async_callback(client.aclose)
        return Phone(self, client)

    async def value(self, shop: Shop, query: str) -> object:
        async with self.database.in_workspace(shop.place.workspace_id) as tx:
            return await tx.value(query)  # pyright: ignore[reportArgumentType] -- a test's own words

    async def bound(self, shop: Shop) -> object:
        """Return as whom customers of the channel are known."""
        return await self.value(
            shop, "SELECT array_agg(company_user_id) FROM customer_identities WHERE company_user_id IS NOT NULL"
        )


@dataclass
class Phone:
    """A browser that keeps its cookies and shows where it is led."""

    street: Street
    client: httpx.AsyncClient

    async def opens(self, path: str) -> str:
        """Return where an address of ours leads."""
        answer = await self.client.get(path)
        assert answer.status_code == 302, answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        return answer.headers["location"]

    async def at_wechat(self, address: str, *, by: str = "小林", answer: str = "allow") -> str:
        """Return the path that WeChat's page leads back to."""
        page = address.partition("#")[0] + "&" + urlencode({"person": by, "answer": answer})
        response = await self.client.get(page)
        assert response.status_code == 302, response.text
        back = urlsplit(response.headers["location"])
        return f"{back.path}?{back.query}"

    async def through(self, path: str, *, by: str = "小林") -> str:
        """Open a link and go to WeChat and back; return the address of the page."""
        return await self.opens(await self.at_wechat(await self.opens(path), by=by))

    async def page(self, address: str) -> Mapping[str, Any]:
        answer = await self.client.get("/api/pages/identity", headers={"X-Link-Token": address.rpartition("/")[2]})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def answers(self, address: str, *, is_me: bool = True) -> httpx.Response:
        token = address.rpartition("/")[2]
        path = "/api/pages/identity/answer"
        return await self.client.post(path, json={"is_me": is_me}, headers={"X-Link-Token": token})


@pytest.fixture
async def street(fresh_database: Database, tmp_path: Path) -> AsyncIterator[Street]:
    async with running_world(tmp_path) as world, served(create_sandbox_app(sandbox=world.sandbox)) as wechat:
        await world.account()
        await world.account(appid=OTHER_APPID, secret=OTHER_SECRET, username="gh_ff", name="街角书店")
        settings = web_settings(str(fresh_database.pool.conninfo), data_dir=tmp_path).model_copy(
            update={"wechat_api_url": f"http://{wechat}", "wechat_open_url": f"http://{wechat}"}
        )
        async with served(create_app(settings), lifespan=True) as ours, AsyncExitStack() as clients:
            yield Street(
                database=fresh_database,
                world=world,
                base_url=f"http://{ours}",
                shop=await a_shop(fresh_database, appid=APPID, secret=SECRET),
                other=await a_shop(fresh_database, appid=OTHER_APPID, secret=OTHER_SECRET),
                clients=clients,
            )


async def a_shop(database: Database, *, appid: str, secret: str) -> Shop:
    """Return a company of its own whose account is docked and which accepts links."""
    workspace_id: WorkspaceId = await create_workspace(database, name="晨光文具")
    credentials = {"appid": appid, "secret": secret, "token": TOKEN, "aes_key": AES_KEY}
    channel: Channel = await a_channel(database, workspace_id, credentials=credentials, name="晨光文具")

    async def switch_on(tx: Tx) -> str:
        made = await make_secret(tx, box=BOX, channel_id=channel.id)
        await change_enterprise(
            tx,
            channel_id=channel.id,
            enabled=True,
            attributes=["name"],
            login_url="https://shop.example/in",
            asks_profile=False,
            version=1,
        )
        return made

    return Shop(place=Place(workspace_id, channel.id), secret=await database.run(workspace_id, switch_on))


async def test_a_link_leads_through_wechat_to_a_question_and_binds_on_yes(street: Street) -> None:
    phone = street.phone()
    page = await phone.through(street.shop.link(name="王小美"))
    assert page.startswith("http://desk.example/c/identity/")
    assert await phone.page(page) == {"outcome": "asked", "channel_name": "晨光文具", "asked_as": "王小美"}
    assert await street.bound(street.shop) is None
    for _ in range(2):
        answer = await phone.answers(page)
        assert (answer.status_code, answer.json()["outcome"]) == (200, "bound")
    assert await phone.page(page) == {"outcome": "bound", "channel_name": "晨光文具", "asked_as": None}
    assert await street.bound(street.shop) == ["u-1001"]
    assert await street.bound(street.other) is None


async def test_who_says_no_is_not_bound_and_is_reported(street: Street) -> None:
    phone = street.phone()
    page = await phone.through(street.shop.link())
    assert (await phone.page(page))["asked_as"] == "u-1001"
    assert (await phone.answers(page, is_me=False)).json()["outcome"] == "declined"
    assert (await phone.answers(page, is_me=True)).json()["outcome"] == "declined"
    assert await street.bound(street.shop) is None
    assert await street.value(street.shop, "SELECT array_agg(cause) FROM identity_conflicts") == ["declined"]


async def test_an_answer_needs_the_page_and_says_yes_or_no(street: Street) -> None:
    phone = street.phone()
    page = await phone.through(street.shop.link())
    assert (await phone.answers(page[:-1] + ("A" if page[-1] != "A" else "B"))).status_code == 404
    assert (await phone.client.post("/api/pages/identity/answer", json={"is_me": True})).status_code == 404
    token = {"X-Link-Token": page.rpartition("/")[2]}
    wrong = await phone.client.post("/api/pages/identity/answer", json={"is_me": "perhaps"}, headers=token)
    assert wrong.status_code == 422
    assert await street.bound(street.shop) is None


WRONG_LINKS = [
    ({"secret": "somebody else's"}, "link_invalid"),
    ({"expires": "1"}, "link_expired"),
    ({"expires": "99999999999"}, "link_lasts_too_long"),
    ({"expires": "soon"}, "link_incomplete"),
    ({"user": " "}, "link_incomplete"),
]


async def test_what_is_wrong_with_a_link_is_said_before_anybody_goes_to_wechat(street: Street) -> None:
    phone = street.phone()
    for changed, reason in WRONG_LINKS:
        assert await phone.opens(street.shop.link(**changed)) == FAILED + reason
    assert await street.value(street.shop, "SELECT count(*) FROM web_authorizations") == 0


async def test_a_link_of_another_channel_is_forged_here(street: Street) -> None:
    foreign = street.other.link().replace(street.other.place.key, street.shop.place.key)
    assert await street.phone().opens(foreign) == FAILED + "link_invalid"


async def test_an_address_of_nothing_is_said_to_be_none(street: Street) -> None:
    phone = street.phone()
    for key in ("nonsense", "A" * 43, "%00", "é"):
        assert await phone.opens(f"/identify/{key}?user=u") == FAILED + "not_here"


async def test_a_changed_parameter_twice_or_any_rubbish_is_no_link(street: Street) -> None:
    phone, link = street.phone(), street.shop.link()
    for wrong in (link.replace("u-1001", "u-1002"), link + "&user=u-1002", link + "&x=%ff", f"{link}&{'x' * 6001}"):
        assert await phone.opens(wrong) == FAILED + "link_invalid"


async def test_a_browser_that_is_not_wechats_is_told_where_to_open_it(street: Street) -> None:
    phone = street.phone(user_agent="Mozilla/5.0 Firefox/140.0")
    assert (await phone.opens(street.shop.link())).startswith("/c/open-in-wechat/")
    key = street.shop.place.key
    anyway = street.shop.link().replace(key, f"{key}/here")
    assert "/connect/oauth2/authorize" in await phone.opens(anyway)


async def test_a_state_counts_in_the_browser_that_began_and_once(street: Street) -> None:
    mine, another = street.phone(), street.phone()
    back = await mine.at_wechat(await mine.opens(street.shop.link()))
    assert await another.opens(back) == FAILED + "state_invalid"
    assert await mine.opens(back) == FAILED + "state_invalid"  # the try used it up
    back = await mine.at_wechat(await mine.opens(street.shop.link()))
    assert "/c/identity/" in await mine.opens(back)
    assert await mine.opens(back) == FAILED + "state_invalid"  # the back button
    assert await street.bound(street.shop) is None


async def test_a_state_that_nobody_began_is_refused(street: Street) -> None:
    phone = street.phone()
    await phone.opens(street.shop.link())
    for state in ("", "f" * 64, "F" * 64, "'; DROP TABLE channels; --"):
        query = urlencode({"code": "c", "state": state})
        assert await phone.opens(f"/identify/{street.shop.place.key}/return?{query}") == FAILED + "state_invalid"


async def test_a_state_of_one_channel_opens_no_other(street: Street) -> None:
    phone = street.phone()
    back = await phone.at_wechat(await phone.opens(street.shop.link()))
    elsewhere = back.replace(street.shop.place.key, street.other.place.key)
    assert await phone.opens(elsewhere) == FAILED + "state_invalid"
    assert "/c/identity/" in await phone.opens(back)


async def test_a_code_counts_once_and_for_its_own_account(street: Street) -> None:
    phone = street.phone()
    used = await phone.at_wechat(await phone.opens(street.shop.link()))
    await phone.opens(used)
    fresh = await phone.at_wechat(await phone.opens(street.shop.link()))
    assert await phone.opens(with_code_of(fresh, used)) == FAILED + "code_refused"
    other = street.phone()
    foreign = await other.at_wechat(await other.opens(street.other.link()))
    fresh = await phone.at_wechat(await phone.opens(street.shop.link()))
    assert await phone.opens(with_code_of(fresh, foreign)) == FAILED + "code_refused"
    assert await street.value(street.shop, "SELECT count(*) FROM customers") == 1


def with_code_of(address: str, other: str) -> str:
    """Return one way back with the code of another one."""
    path, _, query = address.partition("?")
    code = parse_qs(urlsplit(other).query)["code"][0]
    return f"{path}?{urlencode({**dict(parse_qsl(query)), 'code': code})}"


async def test_the_same_person_is_another_customer_of_another_company(street: Street) -> None:
    link = street.shop.link()
    page = await street.phone().through(link)
    theirs = await street.phone().through(street.other.link())
    assert (await street.phone().answers(page)).json()["outcome"] == "bound"
    # The page of one company says nothing about the other's question, and its token opens nothing there.
    assert (await street.phone().page(theirs))["outcome"] == "asked"
    assert await street.bound(street.other) is None
    openids = [
        await street.value(shop, "SELECT external_customer_id FROM threads") for shop in (street.shop, street.other)
    ]
    assert len(set(openids)) == 2


async def test_a_link_that_somebody_used_is_said_to_be_used(street: Street) -> None:
    link = street.shop.link()
    mei, qiang = street.phone(), street.phone()
    hers, his = await mei.through(link, by="小林"), await qiang.through(link, by="阿强")
    assert (await mei.answers(hers)).status_code == 200
    refused = await qiang.answers(his)
    assert (refused.status_code, refused.json()["code"]) == (409, "customers.identity_link_used")
    assert await qiang.through(link, by="阿强") == FAILED + "link_used"


async def test_who_comes_from_the_menu_is_led_to_the_company_and_back_without_a_question(street: Street) -> None:
    phone = street.phone()
    sign_in = await phone.through(f"/identify/{street.shop.place.key}")
    assert sign_in.startswith("https://shop.example/in?customer_token=")
    token = parse_qs(urlsplit(sign_in).query)["customer_token"][0]
    link = street.shop.link(customer=token)
    assert await street.phone().through(link, by="阿强") == FAILED + "other_customer"
    assert (await phone.page(await phone.through(link)))["outcome"] == "bound"
    assert await street.bound(street.shop) == ["u-1001"]


async def test_wechat_being_down_is_said_and_binds_nobody(street: Street) -> None:
    phone = street.phone()
    for fault in ({"kind": "http500"}, {"kind": "errcode", "errcode": -1}, {"kind": "html"}):
        back = await phone.at_wechat(await phone.opens(street.shop.link()))
        await street.world.control("/faults", {"endpoint": "/sns/oauth2/access_token", **fault})
        assert await phone.opens(back) == FAILED + "provider_failed"
    assert await street.value(street.shop, "SELECT count(*) FROM customers") == 0
    assert "/c/identity/" in await phone.through(street.shop.link())  # once it is there again


async def test_links_that_were_switched_off_meanwhile_bind_nobody(street: Street) -> None:
    phone = street.phone()
    page = await phone.through(street.shop.link())
    async with street.database.in_workspace(street.shop.place.workspace_id) as tx:
        await tx.execute("UPDATE channel_identity SET enabled = false")
    refused = await phone.answers(page)
    assert (refused.status_code, refused.json()["code"]) == (409, "customers.visit_failed")
    assert await phone.opens(street.shop.link()) == FAILED + "off"
    assert await street.bound(street.shop) is None


async def test_a_code_is_drawn_for_our_addresses_alone(street: Street) -> None:
    phone = street.phone(user_agent="Mozilla/5.0 Firefox/140.0")
    address = (await phone.opens(street.shop.link())).rpartition("/")[2]
    drawn = await phone.client.get("/identify/code", params={"address": address})
    assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/svg+xml")
    for wrong in ("aHR0cHM6Ly9ldmlsLmV4YW1wbGU", "", "!!"):
        assert (await phone.client.get("/identify/code", params={"address": wrong})).status_code == 404
