"""Tickets, component tokens, authorization codes and authorizer tokens."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.sandbox.platform import COMPONENT, ROOT, SECRET, Platform, running_platform
from tests.sandbox.receiver import Reply
from tests.sandbox.world import APPID, running_world, until
from wechat_sandbox.wire import child_text, parse


@pytest_asyncio.fixture
async def platform(tmp_path: Path) -> AsyncGenerator[Platform]:
    async with running_platform(tmp_path) as platform:
        yield platform


async def test_ticket_comes_at_once_and_then_every_ten_minutes_of_the_moved_clock(platform: Platform) -> None:
    first = platform.receiver.pushes[0]
    assert [child.tag for child in parse(first.body)] == ["AppId", "Encrypt"]
    assert "openid" not in first.query
    assert child_text(platform.opened(first), "AppId") == COMPONENT
    platform.world.move_clock(601)
    await until(lambda: len(platform.notices("component_verify_ticket")) == 2)
    tickets = {child_text(one, "ComponentVerifyTicket") for one in platform.notices("component_verify_ticket")}
    assert len(tickets) == 2
    assert all((ticket or "").startswith("ticket@@@") for ticket in tickets)


async def test_ticket_can_be_asked_for_by_hand(platform: Platform) -> None:
    push = await platform.world.settled((await platform.control("/ticket", {}))["push_id"])
    assert push.outcome == "success"
    assert len(platform.notices("component_verify_ticket")) == 2


async def test_no_ticket_comes_while_tickets_are_off_whatever_the_platform_asks(tmp_path: Path) -> None:
    async with running_platform(tmp_path, ticket_state="off") as platform:
        body = {"component_appid": COMPONENT, "component_secret": SECRET}
        assert (await platform.world.call(f"{ROOT}/api_start_push_ticket", body))["errcode"] == 0
        await platform.world.control("/clock")
        assert platform.receiver.requests == []
        body = {"component_appid": COMPONENT, "component_appsecret": SECRET, "component_verify_ticket": "ticket@@@x"}
        assert (await platform.world.call(f"{ROOT}/api_component_token", body))["errcode"] == 61006


async def test_stopped_tickets_begin_when_the_platform_asks(tmp_path: Path) -> None:
    async with running_platform(tmp_path, ticket_state="stopped") as platform:
        body = {"component_appid": COMPONENT, "component_secret": SECRET}
        answer = await platform.world.call(f"{ROOT}/api_start_push_ticket", body)
        assert answer == {"errcode": 0, "errmsg": "ok"}
        await platform.sign_in()
        again = await platform.world.call(f"{ROOT}/api_start_push_ticket", body)
        assert again["errmsg"] == "in a normal state"


async def test_ticket_is_good_for_twelve_hours(platform: Platform) -> None:
    platform.world.move_clock(12 * 3600 - 60)
    first = platform.notices("component_verify_ticket")[0]
    body = {"component_appid": COMPONENT, "component_appsecret": SECRET}
    body["component_verify_ticket"] = child_text(first, "ComponentVerifyTicket") or ""
    assert "component_access_token" in await platform.world.call(f"{ROOT}/api_component_token", body)
    platform.world.move_clock(12 * 3600 + 1)
    assert (await platform.world.call(f"{ROOT}/api_component_token", body))["errcode"] == 61005


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"component_appid": ""}, 41018),
        ({"component_appid": "wxnobody"}, 40013),
        ({"component_appsecret": ""}, 41004),
        ({"component_appsecret": "wrong"}, 40125),
        ({"component_verify_ticket": "ticket@@@made-up"}, 61006),
    ],
)
async def test_component_token_is_refused(platform: Platform, changes: dict[str, str], errcode: int) -> None:
    body = {"component_appid": COMPONENT, "component_appsecret": SECRET, "component_verify_ticket": "x"} | changes
    assert (await platform.world.call(f"{ROOT}/api_component_token", body))["errcode"] == errcode


async def test_component_token_lives_two_hours_and_five_minutes_beside_its_successor(platform: Platform) -> None:
    old = platform.token
    assert (await platform.new_token())["expires_in"] == 7200
    platform.world.move_clock(299)
    assert "pre_auth_code" in await platform.call("api_create_preauthcode", token=old)
    platform.world.move_clock(301)
    assert (await platform.call("api_create_preauthcode", token=old))["errcode"] == 40001
    platform.world.move_clock(7201)
    assert (await platform.call("api_create_preauthcode", token=old))["errcode"] == 42001


async def test_both_names_of_the_token_parameter_are_understood(platform: Platform) -> None:
    path = f"{ROOT}/api_create_preauthcode?component_access_token={platform.token}"
    answer = await platform.world.call(path, {"component_appid": COMPONENT})
    assert answer["pre_auth_code"].startswith("preauthcode@@@")
    assert answer["expires_in"] == 600


async def test_each_kind_of_token_stays_with_its_own_calls(platform: Platform) -> None:
    own = (await platform.world.stable_token())["access_token"]
    assert (await platform.call("api_create_preauthcode", token=own))["errcode"] == 61014
    assert await platform.world.token_works(platform.token) == 61015
    info = await platform.dock()
    granted = info["authorizer_access_token"]
    assert (await platform.call("api_create_preauthcode", token=granted))["errcode"] == 61014
    assert await platform.world.token_works(granted) == 0
    assert (await platform.call("api_create_preauthcode", token=""))["errcode"] == 41021
    path = f"/cgi-bin/token?grant_type=client_credential&appid={COMPONENT}&secret={SECRET}"
    assert (await platform.world.call(path))["errcode"] == 61024


async def test_platform_must_name_itself(platform: Platform) -> None:
    path = f"{ROOT}/api_create_preauthcode"
    assert (await platform.world.call(path, {"a": 1}, token=platform.token))["errcode"] == 41018
    assert (await platform.call("api_create_preauthcode", {"component_appid": "wxother"}))["errcode"] == 40013


async def test_code_is_exchanged_once_for_tokens_and_sets(platform: Platform) -> None:
    code = (await platform.authorize(sets=[1, 15]))["auth_code"]
    answer = (await platform.exchange(code))["authorization_info"]
    assert answer["authorizer_appid"] == APPID
    assert answer["expires_in"] == 7200
    assert [one["funcscope_category"]["id"] for one in answer["func_info"]] == [1, 15]
    assert answer["authorizer_refresh_token"].startswith("refreshtoken@@@")
    assert (await platform.exchange(code))["errcode"] == 61009
    assert (await platform.exchange("queryauthcode@@@forged"))["errcode"] == 61009


async def test_old_code_is_refused(platform: Platform) -> None:
    code = (await platform.authorize())["auth_code"]
    platform.world.move_clock(601)
    assert (await platform.exchange(code))["errcode"] == 61010


async def test_account_without_api_permission_brings_no_tokens(platform: Platform) -> None:
    await platform.world.account(appid="wxbare", username="gh_bare", api_enabled=False)
    assert set(await platform.dock(account="wxbare")) == {"authorizer_appid", "func_info"}


async def test_renewed_token_leaves_the_old_one_five_minutes(platform: Platform) -> None:
    info = await platform.dock()
    body = {"authorizer_appid": APPID, "authorizer_refresh_token": info["authorizer_refresh_token"]}
    renewed = await platform.call("api_authorizer_token", body)
    assert renewed["authorizer_refresh_token"] == info["authorizer_refresh_token"]
    assert renewed["expires_in"] == 7200
    platform.world.move_clock(299)
    assert await platform.world.token_works(info["authorizer_access_token"]) == 0
    platform.world.move_clock(301)
    assert await platform.world.token_works(info["authorizer_access_token"]) == 40001
    assert await platform.world.token_works(renewed["authorizer_access_token"]) == 0
    platform.world.move_clock(7202)
    assert await platform.world.token_works(renewed["authorizer_access_token"]) == 42001


@pytest.mark.parametrize("refresh_token", [None, "", "refreshtoken@@@of-somebody-else"])
async def test_wrong_refresh_token_is_refused(platform: Platform, refresh_token: str | None) -> None:
    await platform.dock()
    body = {"authorizer_appid": APPID, "authorizer_refresh_token": refresh_token}
    assert (await platform.call("api_authorizer_token", body))["errcode"] == 61023


async def test_new_authorization_ends_the_old_refresh_token(platform: Platform) -> None:
    old = await platform.dock()
    new = await platform.dock()
    assert old["authorizer_refresh_token"] != new["authorizer_refresh_token"]
    body = {"authorizer_appid": APPID, "authorizer_refresh_token": old["authorizer_refresh_token"]}
    assert (await platform.call("api_authorizer_token", body))["errcode"] == 61023
    assert await platform.world.token_works(old["authorizer_access_token"]) == 40001
    assert await platform.world.token_works(new["authorizer_access_token"]) == 0


async def test_account_that_was_never_granted_has_no_token(platform: Platform) -> None:
    body = {"authorizer_appid": APPID, "authorizer_refresh_token": "refreshtoken@@@x"}
    assert (await platform.call("api_authorizer_token", body))["errcode"] == 61003


async def test_foreign_address_is_refused(tmp_path: Path) -> None:
    async with running_platform(tmp_path) as platform:
        granted = (await platform.dock())["authorizer_access_token"]
        await platform.control("/settings", {"ip_whitelist": ["203.0.113.9"]})
        assert (await platform.new_token())["errcode"] == 61004
        assert (await platform.call("api_create_preauthcode"))["errcode"] == 61004
        assert await platform.world.token_works(granted) == 61004
        await platform.control("/settings", {"ip_whitelist": None})
        assert await platform.world.token_works(granted) == 0


async def test_fault_can_change_one_field_of_a_true_answer(platform: Platform) -> None:
    info = await platform.dock()
    path = f"{ROOT}/api_authorizer_token"
    fault = {"endpoint": path, "kind": "merge", "body": {"authorizer_refresh_token": None}}
    await platform.world.control("/faults", fault)
    body = {"authorizer_appid": APPID, "authorizer_refresh_token": info["authorizer_refresh_token"]}
    answer = await platform.call("api_authorizer_token", body)
    assert answer["authorizer_refresh_token"] is None
    assert await platform.world.token_works(answer["authorizer_access_token"]) == 0
    await platform.world.control("/faults", {"endpoint": path, "kind": "errcode", "errcode": 61023})
    assert (await platform.call("api_authorizer_token", body))["errcode"] == 61023


async def test_platform_clears_counts_with_its_token_or_its_secret(platform: Platform) -> None:
    await platform.dock()
    answer = await platform.world.call("/cgi-bin/clear_quota", {"appid": COMPONENT}, token=platform.token)
    assert answer["errcode"] == 0
    refused = await platform.world.call("/cgi-bin/clear_quota", {"appid": APPID}, token=platform.token)
    assert refused["errcode"] == 40013
    path = f"{ROOT}/clear_quota/v2"
    for appid, secret, errcode in (
        (COMPONENT, SECRET, 0),
        (APPID, SECRET, 0),
        (APPID, "wrong", 40125),
        ("wxnobody", SECRET, 40013),
    ):
        body = {"component_appid": COMPONENT, "appid": appid, "appsecret": secret}
        assert (await platform.world.call(path, body))["errcode"] == errcode


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ({"errcode": 40164}, "invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist rid: "),
        ({"errcode": 61007}, "api is unauthorized to component rid: "),
        ({"errcode": 61007, "errmsg": "no"}, "no rid: "),
    ],
)
async def test_ordered_error_carries_the_usual_text(platform: Platform, fault: dict[str, object], text: str) -> None:
    await platform.world.control("/faults", {"endpoint": f"{ROOT}/api_query_auth", "kind": "errcode"} | fault)
    answer = await platform.exchange("queryauthcode@@@x")
    assert answer["errcode"] == fault["errcode"]
    assert answer["errmsg"].startswith(text)


async def test_ticket_that_nobody_took_is_soon_followed_by_another(tmp_path: Path) -> None:
    async with running_platform(tmp_path, ticket_state="off") as platform:
        platform.receiver.usual = Reply(body=b"not now")
        await platform.control("/settings", {"ticket_state": "on"})
        await until(lambda: len(platform.notices("component_verify_ticket")) == 1)
        platform.receiver.usual = Reply()
        platform.world.move_clock(6)
        await until(lambda: len(platform.notices("component_verify_ticket")) == 2)
        platform.world.move_clock(30)
        await platform.sign_in()
        assert len(platform.notices("component_verify_ticket")) == 2


async def test_platform_goes_on_after_a_restart_with_what_it_had(tmp_path: Path) -> None:
    async with running_platform(tmp_path) as platform:
        info = await platform.dock()
        held = platform.token
    async with running_world(tmp_path) as world:
        assert await world.token_works(info["authorizer_access_token"]) == 0
        body = {
            "component_appid": COMPONENT,
            "authorizer_appid": APPID,
            "authorizer_refresh_token": info["authorizer_refresh_token"],
        }
        assert "authorizer_access_token" in await world.call(f"{ROOT}/api_authorizer_token", body, token=held)
