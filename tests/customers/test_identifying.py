"""Enterprise identity against the sandbox: directly docked, and through a platform."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal, cast
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit
from uuid import UUID

import pytest

from moorage.channels.platforms import find_platform, store_ticket
from moorage.channels.states import mark_deauthorized
from moorage.connectors.registry import ProviderUrls, open_connectors
from moorage.conversations.people.conflicts import settle_conflict
from moorage.conversations.people.identifying import CUSTOMER_TOKEN, IdentifyFailed, Identifying
from moorage.conversations.people.profiles import Profiles
from moorage.conversations.people.visits import STATE_LASTS, Begun, Place, Visit, VisitFailed, Visits
from moorage.core.errors import Missing
from moorage.core.ids import CustomerId, PersonId
from moorage.customers.bindings import Conflict, ConflictSettled, Decision, IdentityLinkUsed, NotThem, list_conflicts
from moorage.customers.enterprise import change_enterprise, make_secret, read_enterprise
from moorage.customers.identity_links import IdentityLinkRefused, sign
from moorage.customers.model import CustomerRecord
from moorage.customers.questions import ANSWER_WITHIN, IdentityQuestionExpired
from moorage.customers.records import read_customer
from moorage.infra.database import Database, Tx
from moorage.infra.links import SignedLink, SignedLinks
from tests.blobs import in_memory
from tests.channels.docking import BOX, a_channel
from tests.conftest import MovableClock
from tests.conversations.desk import Desk, a_desk
from tests.sandbox.platform import AES_KEY, COMPONENT, TOKEN, Platform, child_text, running_platform
from tests.sandbox.platform import SECRET as PLATFORM_SECRET
from tests.sandbox.world import APPID, SECRET, World

Way = Literal["credentials", "authorization"]
PUBLIC_URL = "https://desk.example"


@dataclass
class Company:
    """A company that tells its customers apart, and the provider's pages as their phones see them."""

    desk: Desk
    world: World
    platform: Platform
    identifying: Identifying
    place: Place
    secret: str = ""
    _codes: list[str] = field(default_factory=list[str])

    async def switch_on(self, **changed: object) -> None:
        given = {"attributes": ["name", "level"], "login_url": None, "asks_profile": False, **changed}

        async def change(tx: Tx) -> None:
            settings = await read_enterprise(tx, channel_id=self.place.channel_id)
            await change_enterprise(
                tx,
                channel_id=self.place.channel_id,
                enabled=True,
                attributes=cast("list[str]", given["attributes"]),
                login_url=cast("str | None", given["login_url"]),
                asks_profile=bool(given["asks_profile"]),
                version=settings.version,
            )

        await self.desk.database.run(self.place.workspace_id, change)

    async def new_secret(self) -> str:
        async def make(tx: Tx) -> str:
            return await make_secret(tx, box=BOX, channel_id=self.place.channel_id)

        return await self.desk.database.run(self.place.workspace_id, make)

    def link(self, user: str = "u-1001", *, lasts: timedelta = timedelta(minutes=10), **others: str) -> str:
        expires = int((self.desk.database.clock.now() + lasts).timestamp())
        parameters = {"user": user, "expires": str(expires), **others}
        return urlencode({**parameters, "signature": sign(parameters, secret=self.secret)})

    async def at_wechat(self, begun: Begun, *, by: str, answer: str = "allow") -> dict[str, str]:
        """Open WeChat's page as somebody, and return what it leads back to us with."""
        address = begun.url.partition("#")[0] + "&" + urlencode({"person": by, "answer": answer})
        response = await self.world.http.get(address)
        assert response.status_code == 302, response.text
        back = urlsplit(response.headers["location"])
        assert f"{back.scheme}://{back.netloc}{back.path}" == f"{PUBLIC_URL}/identify/{self.place.key}/return"
        return dict(parse_qsl(back.query))

    async def visit(self, query: str, *, by: str, answer: str = "allow") -> Visit:
        begun = await self.identifying.begin(self.place, query=query)
        returned = await self.at_wechat(begun, by=by, answer=answer)
        return await self.identifying.visits.complete(self.place, query=returned, browser_token=begun.browser_token)

    async def opens(self, query: str, *, by: str) -> str:
        """Let somebody open a link; return the address where they end up."""
        return await self.identifying.finish(await self.visit(query, by=by))

    async def page(self, query: str, *, by: str) -> SignedLink:
        """Let somebody open a link; return the page where they are asked, or read what came of it."""
        address = await self.opens(query, by=by)
        assert address.startswith(f"{PUBLIC_URL}/c/identity/")
        token = address.rpartition("/")[2]
        return self.identifying.links.read(token, purpose="identity", now=self.desk.database.clock.now())

    async def outcome(self, query: str, *, by: str) -> str:
        """Let somebody open a link and say that it means them, if they are asked."""
        page = await self.page(query, by=by)
        return await self.says(page, is_them=True) if len(page.about) == 36 else page.about

    async def says(self, page: SignedLink, *, is_them: bool) -> str:
        question = await self.identifying.answer(page, question_id=UUID(page.about), is_them=is_them)
        assert question.outcome is not None
        return question.outcome

    async def customer(self, by: str) -> CustomerRecord:
        followers = await self.world.control(f"/accounts/{APPID}/followers")
        openid = next(one["openid"] for one in followers if one["nickname"] == by)
        found = await self.desk.value("SELECT customer_id FROM threads WHERE external_customer_id = %s", openid)
        async with self.desk.database.in_workspace(self.place.workspace_id) as tx:
            return await read_customer(tx, customer_id=cast("CustomerId", found))

    async def conflicts(self) -> list[Conflict]:
        async with self.desk.database.in_workspace(self.place.workspace_id) as tx:
            return list(await list_conflicts(tx, channel_id=self.place.channel_id))

    async def decide(self, conflict: Conflict, decision: Decision, *, by: PersonId) -> None:
        async def settle(tx: Tx) -> None:
            await settle_conflict(
                tx, channel_id=self.place.channel_id, conflict_id=conflict.id, decision=decision, by=by
            )

        await self.desk.database.run(self.place.workspace_id, settle)


@pytest.fixture(params=["credentials", "authorization"])
async def company(request: pytest.FixtureRequest, fresh_database: Database, tmp_path: Path) -> AsyncIterator[Company]:
    """A company whose account is docked either way; customers open its links on WeChat's pages."""
    way: Way = request.param
    database = fresh_database
    async with running_platform(tmp_path) as platform, a_desk(database) as desk:
        world = platform.world
        credentials = {"appid": APPID, "secret": SECRET, "token": TOKEN, "aes_key": AES_KEY}
        desk.channel = await a_channel(database, desk.workspace_id, credentials=credentials, name="晨光文具")
        seal = {"appid": COMPONENT, "secret": PLATFORM_SECRET, "token": TOKEN, "aes_key": AES_KEY}
        desk.connectors = open_connectors(
            http=world.http,
            urls=ProviderUrls(wechat_api="http://sandbox", wechat_open="http://sandbox"),
            platforms={"wechat_oa": seal},
        )
        if way == "authorization":
            await platform.dock()
            await _docked_by_authorization(desk, platform)
        visits = Visits(database=database, connectors=desk.connectors, box=BOX, public_url=PUBLIC_URL)
        profiles = Profiles(database=database, connectors=desk.connectors, box=BOX, blobs=in_memory())
        company = Company(
            desk=desk,
            world=world,
            platform=platform,
            identifying=Identifying(visits=visits, links=SignedLinks([b"k" * 32]), profiles=profiles),
            place=Place(desk.workspace_id, desk.channel.id),
        )
        company.secret = await company.new_secret()
        await company.switch_on()
        yield company


async def _docked_by_authorization(desk: Desk, platform: Platform) -> None:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute("UPDATE channels SET docked_by_way = 'authorization' WHERE id = %s", [desk.channel.id])
    ticket = child_text(platform.notices("component_verify_ticket")[-1], "ComponentVerifyTicket") or ""
    async with desk.database.in_platform() as tx:
        ours = await find_platform(tx, box=BOX, connector=desk.connectors["wechat_oa"])
        assert ours is not None
        await store_ticket(tx, box=BOX, platform=ours, ticket=ticket, signed_at=tx.now)


async def test_a_link_binds_whoever_opens_it_to_the_companys_own_id(company: Company) -> None:
    assert await company.outcome(company.link(name="王小美", phone="139"), by="小林") == "bound"
    customer = await company.customer("小林")
    assert (customer.company_user_id, customer.company_attributes) == ("u-1001", {"name": "王小美"})
    again = company.link(name="王美", level="gold")
    assert await company.outcome(again, by="小林") == "again"
    assert (await company.customer("小林")).company_attributes == {"name": "王美", "level": "gold"}


async def test_the_same_link_opened_twice_says_the_same_and_nobody_else_can_use_it(company: Company) -> None:
    link = company.link()
    assert await company.outcome(link, by="小林") == "bound"
    assert await company.outcome(link, by="小林") == "again"
    with pytest.raises(IdentityLinkUsed):
        await company.opens(link, by="阿强")
    assert (await company.customer("阿强")).company_user_id is None


async def test_a_link_that_went_astray_binds_nobody_and_stays_good_for_whom_it_means(company: Company) -> None:
    owner = await company.desk.an_agent(name="Owner", role="owner")
    link = company.link(name="王小美")
    page = await company.page(link, by="阿强")
    question = await company.identifying.look(page, question_id=UUID(page.about))
    assert (question.outcome, question.shown_name) == (None, "王小美")
    assert (await company.customer("阿强")).company_user_id is None
    assert await company.says(page, is_them=False) == "declined"
    assert await company.says(page, is_them=True) == "declined"  # gone back to
    kept = await company.identifying.look(page, question_id=UUID(page.about))
    assert (kept.user_id, kept.attributes) == ("", {})
    (report,) = await company.conflicts()
    qiang = await company.customer("阿强")
    assert (report.cause, report.customer_id, report.user_id) == ("declined", qiang.id, "u-1001")
    assert qiang.company_user_id is None
    with pytest.raises(NotThem):
        await company.decide(report, "replaced", by=owner.person_id)
    await company.decide(report, "kept", by=owner.person_id)
    assert await company.outcome(link, by="小林") == "bound"


async def test_pressing_twice_binds_once(company: Company) -> None:
    page = await company.page(company.link(), by="小林")
    answers = await asyncio.gather(*(company.says(page, is_them=True) for _ in range(3)))
    assert answers == ["bound"] * 3
    assert await company.conflicts() == []


async def test_a_question_waits_ten_minutes_and_is_answered_by_nobody_elses_page(
    company: Company, clock: MovableClock
) -> None:
    link = company.link()
    hers, his = await company.page(link, by="小林"), await company.page(link, by="阿强")
    with pytest.raises(Missing):
        await company.identifying.answer(his, question_id=UUID(hers.about), is_them=True)
    assert await company.says(hers, is_them=True) == "bound"
    with pytest.raises(IdentityLinkUsed):  # while he was asked, she was quicker
        await company.says(his, is_them=True)
    clock.forward(ANSWER_WITHIN)
    with pytest.raises(IdentityQuestionExpired):
        await company.says(his, is_them=True)
    assert await company.says(hers, is_them=True) == "bound"  # what was answered can still be read


async def test_a_conflict_overwrites_nothing_until_somebody_decides(company: Company) -> None:
    owner = await company.desk.an_agent(name="Owner", role="owner")
    assert await company.outcome(company.link(), by="小林") == "bound"
    assert await company.outcome(company.link(level="gold"), by="阿强") == "conflict"
    assert await company.outcome(company.link(level="gold"), by="阿强") == "conflict"
    (conflict,) = await company.conflicts()
    mei, qiang = await company.customer("小林"), await company.customer("阿强")
    assert (conflict.customer_id, conflict.holder_id, conflict.bound_user_id) == (qiang.id, mei.id, None)
    assert (mei.company_user_id, qiang.company_user_id) == ("u-1001", None)
    await company.decide(conflict, "replaced", by=owner.person_id)
    mei, qiang = await company.customer("小林"), await company.customer("阿强")
    assert (mei.company_user_id, qiang.company_user_id) == (None, "u-1001")
    assert qiang.company_attributes == {"level": "gold"}
    with pytest.raises(ConflictSettled):
        await company.decide(conflict, "kept", by=owner.person_id)


async def test_a_customer_who_is_known_as_somebody_else_is_a_conflict_that_can_be_left(company: Company) -> None:
    owner = await company.desk.an_agent(name="Owner", role="owner")
    assert await company.outcome(company.link("u-1"), by="小林") == "bound"
    assert await company.outcome(company.link("u-2"), by="小林") == "conflict"
    (conflict,) = await company.conflicts()
    assert (conflict.user_id, conflict.bound_user_id, conflict.holder_id) == ("u-2", "u-1", None)
    await company.decide(conflict, "kept", by=owner.person_id)
    assert (await company.customer("小林")).company_user_id == "u-1"
    assert [one.state for one in await company.conflicts()] == ["kept"]


async def test_links_that_are_changed_old_or_of_an_older_secret_are_refused_by_name(
    company: Company, clock: MovableClock
) -> None:
    link = company.link()
    with pytest.raises(IdentityLinkRefused, match="invalid"):
        await company.opens(link.replace("u-1001", "u-1002"), by="小林")
    await company.new_secret()
    assert await company.outcome(link, by="小林") == "bound"  # both count for a day
    clock.forward(timedelta(minutes=11))
    with pytest.raises(IdentityLinkRefused, match="expired"):
        await company.opens(link, by="小林")
    clock.forward(timedelta(hours=24))
    with pytest.raises(IdentityLinkRefused, match="invalid"):
        await company.opens(company.link(), by="小林")


async def test_a_state_counts_once_in_the_browser_that_began_and_for_ten_minutes(
    company: Company, clock: MovableClock
) -> None:
    complete = company.identifying.visits.complete
    begun = await company.identifying.begin(company.place, query=company.link())
    returned = await company.at_wechat(begun, by="小林")
    with pytest.raises(VisitFailed, match="state_invalid"):
        await complete(company.place, query=returned, browser_token="another browser's")
    with pytest.raises(VisitFailed, match="state_invalid"):  # the try used it up
        await complete(company.place, query=returned, browser_token=begun.browser_token)
    with pytest.raises(VisitFailed, match="state_invalid"):
        await complete(company.place, query={"code": "x", "state": "f" * 64}, browser_token=begun.browser_token)
    begun = await company.identifying.begin(company.place, query=company.link())
    returned = await company.at_wechat(begun, by="小林")
    clock.forward(STATE_LASTS)
    with pytest.raises(VisitFailed, match="state_expired"):
        await complete(company.place, query=returned, browser_token=begun.browser_token)


async def test_a_code_counts_once_and_for_this_account_alone(company: Company) -> None:
    visits = company.identifying.visits
    first = await company.identifying.begin(company.place, query=company.link())
    returned = await company.at_wechat(first, by="小林")
    await visits.complete(company.place, query=returned, browser_token=first.browser_token)

    async def with_code(code: str, **others: str) -> None:
        begun = await company.identifying.begin(company.place, query=company.link())
        state = (await company.at_wechat(begun, by="小林"))["state"]
        await visits.complete(
            company.place, query={"state": state, "code": code, **others}, browser_token=begun.browser_token
        )

    with pytest.raises(VisitFailed, match="code_refused"):
        await with_code(returned["code"])
    other = await company.world.account(appid="wx00000000000000ff", secret="0" * 32, username="gh_ff", name="街角书店")
    asked = {
        "appid": other,
        "redirect_uri": PUBLIC_URL,
        "response_type": "code",
        "scope": "snsapi_base",
        "state": "s",
        "person": "小林",
        "answer": "allow",
    }
    there = await company.world.http.get("/connect/oauth2/authorize", params=asked)
    foreign = parse_qs(urlsplit(there.headers["location"]).query)["code"][0]
    with pytest.raises(VisitFailed, match="code_refused"):
        await with_code(foreign, appid=other)


async def test_who_declines_or_is_virtual_is_nobody(company: Company) -> None:
    await company.switch_on(asks_profile=True)
    with pytest.raises(VisitFailed, match="declined"):
        await company.visit(company.link(), by="小林", answer="refuse")
    with pytest.raises(VisitFailed, match="virtual_visitor"):
        await company.visit(company.link(), by="小林", answer="snapshot")


async def test_who_agrees_lets_us_know_their_name(company: Company) -> None:
    await company.switch_on(asks_profile=True)
    assert await company.outcome(company.link(), by="小林") == "bound"
    customer = await company.customer("小林")
    assert (customer.name, customer.own_name) == ("小林", "小林")
    assert customer.avatar_blob_id is not None


async def test_who_comes_without_a_link_goes_to_the_companys_page_and_comes_back_as_the_same(company: Company) -> None:
    with pytest.raises(IdentifyFailed, match="no_login_page"):
        await company.opens("", by="小林")
    await company.switch_on(login_url="https://shop.example/sign-in?from=wechat")
    address = await company.opens("", by="小林")
    query = parse_qs(urlsplit(address).query)
    assert address.startswith("https://shop.example/sign-in?from=wechat&customer_token=")
    token = query["customer_token"][0]
    company.identifying.links.read(token, purpose=CUSTOMER_TOKEN, now=company.desk.database.clock.now())
    with pytest.raises(IdentifyFailed, match="other_customer"):
        await company.opens(company.link(customer=token), by="阿强")
    page = await company.page(company.link(customer=token), by="小林")
    assert page.about == "bound"  # made for this customer, so that nobody need be asked


async def test_nothing_is_begun_where_it_is_off_unknown_or_the_account_is_gone(company: Company) -> None:
    with pytest.raises(VisitFailed, match="not_here"):
        Place.of("nonsense")
    unknown = replace(company.place, channel_id=company.place.workspace_id)  # pyright: ignore[reportArgumentType] -- an id of nothing
    with pytest.raises(VisitFailed, match="not_here"):
        await company.identifying.begin(unknown, query=company.link())

    async def off(tx: Tx) -> None:
        await tx.execute(
            "UPDATE channel_identity SET enabled = false WHERE channel_id = %s", [company.place.channel_id]
        )

    await company.desk.database.run(company.place.workspace_id, off)
    with pytest.raises(VisitFailed, match="off"):
        await company.identifying.begin(company.place, query=company.link())
    async with company.desk.database.in_workspace(company.place.workspace_id) as tx:
        await mark_deauthorized(tx, channel_id=company.place.channel_id, reason="authorization_gone")
    with pytest.raises(VisitFailed, match="channel_off"):
        await company.identifying.begin(company.place, query=company.link())
