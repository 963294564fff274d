"""Access tokens of both endpoints under a clock that moves."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio

from tests.sandbox.world import APPID, SECRET, World, running_world


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with running_world(tmp_path) as world:
        await world.account()
        yield world


async def test_plain_endpoint_gives_a_new_token_each_time_and_the_old_one_five_more_minutes(world: World) -> None:
    first = await world.plain_token()
    second = await world.plain_token()
    assert first["access_token"] != second["access_token"]
    assert second["expires_in"] == 7200
    world.move_clock(299)
    assert await world.token_works(first["access_token"]) == 0
    world.move_clock(301)
    assert await world.token_works(first["access_token"]) == 40001
    assert await world.token_works(second["access_token"]) == 0


async def test_stable_endpoint_repeats_its_token_until_the_last_five_minutes(world: World) -> None:
    first = await world.stable_token()
    world.move_clock(6800)
    again = await world.stable_token()
    assert again["access_token"] == first["access_token"]
    assert 300 <= again["expires_in"] <= 400
    world.move_clock(6950)
    fresh = await world.stable_token()
    assert fresh["access_token"] != first["access_token"]
    assert fresh["expires_in"] == 7200
    assert await world.token_works(first["access_token"]) == 0
    world.move_clock(7201)
    assert await world.token_works(first["access_token"]) == 42001
    assert await world.token_works(fresh["access_token"]) == 0


async def test_tokens_of_the_two_endpoints_leave_each_other_alone(world: World) -> None:
    stable = await world.stable_token()
    for _ in range(3):
        await world.plain_token()
    world.move_clock(600)
    assert await world.token_works(stable["access_token"]) == 0
    plain = await world.plain_token()
    await world.stable_token(force=True)
    assert await world.token_works(plain["access_token"]) == 0


async def test_forced_refresh_ends_the_old_token_at_once(world: World) -> None:
    old = await world.stable_token()
    new = await world.stable_token(force=True)
    assert new["access_token"] != old["access_token"]
    assert await world.token_works(old["access_token"]) == 40001
    assert await world.token_works(new["access_token"]) == 0


async def test_second_forced_refresh_within_thirty_seconds_changes_nothing(world: World) -> None:
    first = await world.stable_token(force=True)
    world.move_clock(29)
    assert (await world.stable_token(force=True))["access_token"] == first["access_token"]
    world.move_clock(31)
    assert (await world.stable_token(force=True))["access_token"] != first["access_token"]


async def test_twenty_first_forced_refresh_of_a_day_is_refused(world: World) -> None:
    # Begin shortly after midnight in Beijing, so that all refreshes fall on one day.
    now = world.sandbox.clock.now_s()
    midnight = 86_400 - (now + 8 * 3600) % 86_400
    for number in range(20):
        world.move_clock(midnight + 60 + number * 60)
        assert "access_token" in await world.stable_token(force=True)
    world.move_clock(midnight + 60 + 20 * 60)
    assert (await world.stable_token(force=True))["errcode"] == 45009
    world.move_clock(midnight + 86_400 + 60)
    assert "access_token" in await world.stable_token(force=True)


async def test_wrong_credentials_have_codes_of_their_own(world: World) -> None:
    path = "/cgi-bin/token?grant_type=client_credential"
    assert (await world.call(f"/cgi-bin/token?appid={APPID}&secret={SECRET}"))["errcode"] == 40002
    assert (await world.call(path))["errcode"] == 41002
    assert (await world.call(f"{path}&appid={APPID}"))["errcode"] == 41004
    assert (await world.call(f"{path}&appid=wxnobody&secret=x"))["errcode"] == 40013
    assert (await world.call(f"{path}&appid={APPID}&secret=wrong"))["errcode"] == 40125
    assert (await world.call("/cgi-bin/stable_token"))["errcode"] == 43002


async def test_missing_and_unknown_tokens_have_codes_of_their_own(world: World) -> None:
    assert await world.token_works("36_unknown") == 40014
    assert (await world.call("/cgi-bin/getcallbackip"))["errcode"] == 41001


async def test_whitelist_refuses_other_addresses_and_names_the_one_to_add(tmp_path: Path) -> None:
    async with running_world(tmp_path) as world:
        await world.account(appid="wxguarded", secret="s", ip_whitelist=["203.0.113.9"])
        path = "/cgi-bin/token?grant_type=client_credential&appid=wxguarded&secret=s"
        answer = await world.call(path)
    assert answer["errcode"] == 40164
    assert answer["errmsg"].startswith("invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist rid: ")


async def test_refusals_name_the_request_with_its_time(world: World) -> None:
    answer = await world.call("/cgi-bin/getcallbackip")
    rid = answer["errmsg"].split("rid: ")[1]
    groups = rid.split("-")
    assert [len(group) for group in groups] == [8, 8, 8]
    assert abs(int(groups[0], 16) - world.sandbox.clock.now_s()) < 5
