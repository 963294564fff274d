"""Docking by a link for somebody else's phone, and the provider's own list of accounts held against ours."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from moorage.channels.attempts import FINISHED_WITHIN
from moorage.channels.authorization_errors import AttemptExpired
from moorage.channels.authorizations import LINK_PATH, BegunAttempt
from moorage.channels.comparing import Comparing
from moorage.channels.unclaimed import dismiss_unclaimed, list_unclaimed
from moorage.core.ids import WorkspaceId
from moorage.infra.database import Database
from moorage.infra.links import LinkExpired, LinkInvalid
from moorage.staff.model import Actor
from moorage.staff.passwords import Passwords
from tests.channels.docking import BOX
from tests.channels.platform_world import KIND, Desk, a_desk, an_actor, an_appid, state_of
from tests.conftest import Heard, MovableClock, a_workspace


@pytest.fixture
async def database(fresh_database: Database) -> Database:
    return fresh_database


@pytest.fixture
async def workspace(database: Database) -> WorkspaceId:
    return await a_workspace(database, name="码头茶馆")


@pytest.fixture
async def desk(database: Database, heard: Heard, tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(database, heard, tmp_path) as opened:
        await opened.ticket()
        yield opened


@pytest.fixture
async def actor(database: Database, passwords: Passwords, workspace: WorkspaceId) -> Actor:
    return await an_actor(database, passwords, workspace)


async def linked(desk: Desk, actor: Actor) -> tuple[BegunAttempt, str]:
    """Begin an attempt by a link; return it and the link's token."""
    begun = await desk.authorizations.begin(
        actor=actor, kind=KIND, channel_id=None, remote_address="127.0.0.1", way="link"
    )
    return begun, begun.url.rsplit("/", 1)[-1]


# ---------------------------------------------------------------- the link


async def test_a_link_opens_a_page_of_ours_that_leads_on_to_the_providers_page_for_phones(
    desk: Desk, actor: Actor
) -> None:
    begun, token = await linked(desk, actor)
    assert begun.url == f"https://desk.example.org{LINK_PATH}{token}"
    opened = await desk.authorizations.read_link(state=token)
    assert (opened.company, opened.person, opened.state) == ("码头茶馆", "Anna", "open")
    address = urlsplit(opened.url)
    asked = parse_qs(address.query)
    assert (address.path, address.fragment) == ("/wxaopen/safe/bindcomponent", "wechat_redirect")
    assert (asked["action"], asked["no_scan"], asked["auth_type"]) == (["bindcomponent"], ["1"], ["1"])
    assert asked["pre_auth_code"] == [desk.wechat.pre_auth_codes[-1]]
    assert asked["redirect_uri"] == [f"https://desk.example.org/c/authorized/{token}"]


async def test_the_phone_that_comes_back_docks_the_account_for_who_sent_the_link(desk: Desk, actor: Actor) -> None:
    begun, token = await linked(desk, actor)
    appid = an_appid()
    code = desk.wechat.authorize(appid)
    await desk.authorizations.complete_link(state=token, code=code)
    await desk.authorizations.complete_link(state=token, code=code)
    [channel] = await desk.channels(actor.workspace_id)
    assert (channel.external_id, channel.state) == (appid, "active")
    attempt = await desk.attempt(begun, actor.workspace_id)
    assert (attempt.state, attempt.channel_id, attempt.way) == ("done", channel.id, "link")
    assert (await desk.authorizations.read_link(state=token)).state == "done"


async def test_a_link_ends_with_its_attempt_and_a_made_up_one_opens_nothing(
    desk: Desk, actor: Actor, clock: MovableClock
) -> None:
    _, token = await linked(desk, actor)
    scanned = await desk.begin(actor)
    for wrong in ("made-up", "", state_of(scanned)):
        with pytest.raises(LinkInvalid):
            await desk.authorizations.read_link(state=wrong)
        with pytest.raises(LinkInvalid):
            await desk.authorizations.complete_link(state=wrong, code="queryauthcode@@@x")
    clock.forward(timedelta(minutes=11))
    with pytest.raises(LinkExpired):
        await desk.authorizations.read_link(state=token)
    clock.forward(FINISHED_WITHIN)
    with pytest.raises(AttemptExpired):
        await desk.authorizations.complete_link(state=token, code="queryauthcode@@@x")


async def test_what_a_link_leads_to_cannot_be_read_from_the_table(desk: Desk, actor: Actor) -> None:
    _, token = await linked(desk, actor)
    async with desk.database.in_platform() as tx:
        row = str(await tx.value("SELECT docking_attempts::text FROM docking_attempts"))
    assert token not in row
    assert desk.wechat.pre_auth_codes[-1].encode().hex() not in row


# ---------------------------------------------------------------- the provider's list


@pytest.fixture
def comparing(desk: Desk) -> Comparing:
    return Comparing(database=desk.database, box=BOX, connectors=desk.connectors, accounts=desk.authorizations.accounts)


async def unclaimed(desk: Desk) -> set[str]:
    async with desk.database.in_platform() as tx:
        return {one.external_id for one in await list_unclaimed(tx)}


async def test_what_is_listed_and_docked_nowhere_is_for_the_operator_to_see(
    desk: Desk, actor: Actor, comparing: Comparing
) -> None:
    docked = await desk.dock(actor, an_appid())
    others = {an_appid() for _ in range(501)}  # more than one page
    for appid in others:
        desk.wechat.authorize(appid)
    found = await comparing.compare(kind=KIND)
    assert found is not None
    assert (found.listed, list(found.unlisted), found.reason) == (502, [], None)
    assert desk.wechat.calls["api_get_authorizer_list"] == 2
    shown = await unclaimed(desk)
    assert (docked.external_id in shown, len(shown)) == (False, 200)


async def test_what_an_operator_has_dismissed_stays_so(desk: Desk, actor: Actor, comparing: Comparing) -> None:
    desk.wechat.authorize(an_appid())
    await comparing.compare(kind=KIND)
    async with desk.database.in_platform() as tx:
        [one] = await list_unclaimed(tx)
        await dismiss_unclaimed(tx, unclaimed_id=one.id, by=actor.person_id)
    await comparing.compare(kind=KIND)
    assert await unclaimed(desk) == set()


async def test_an_account_that_is_not_listed_any_more_is_deauthorized_once_the_provider_says_so(
    desk: Desk, actor: Actor, comparing: Comparing
) -> None:
    channel = await desk.dock(actor, an_appid())
    grant = desk.wechat.grants.pop(channel.external_id)
    found = await comparing.compare(kind=KIND)
    assert found is not None
    assert list(found.unlisted) == [channel.external_id]
    assert (await desk.channel(actor.workspace_id, channel.id)).state == "active"
    desk.wechat.grants[channel.external_id] = grant  # the list was wrong
    assert not await comparing.confirm_gone(kind=KIND, external_id=channel.external_id)
    assert (await desk.channel(actor.workspace_id, channel.id)).state == "active"
    desk.wechat.grants.pop(channel.external_id)
    await comparing.compare(kind=KIND)
    assert await comparing.confirm_gone(kind=KIND, external_id=channel.external_id)
    assert (await desk.channel(actor.workspace_id, channel.id)).state == "deauthorized"
    found = await comparing.compare(kind=KIND)
    assert found is not None
    assert list(found.unlisted) == []


async def test_a_list_that_cannot_be_read_changes_nothing(desk: Desk, actor: Actor, comparing: Comparing) -> None:
    await desk.dock(actor, an_appid())
    await comparing.compare(kind=KIND)
    desk.wechat.failures["api_get_authorizer_list"] = {"errcode": 61004, "errmsg": "access clientip 203.0.113.9"}
    found = await comparing.compare(kind=KIND)
    assert found is not None
    assert (found.reason, found.listed) == ("platform_address_not_allowed", 1)
    desk.wechat.failures["api_get_authorizer_list"] = {"nothing": "of the sort"}
    found = await comparing.compare(kind=KIND)
    assert found is not None
    assert found.reason == "provider_unreachable"
