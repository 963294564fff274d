"""Tokens of accounts that authorized us, and of our platform: renewed once, whoever needs them."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from moorage.channels.credentials import read_credentials
from moorage.channels.endpoints import open_endpoint
from moorage.channels.health.doctor import Doctor
from moorage.channels.model import Channel
from moorage.channels.platforms import open_platform
from moorage.connectors.content import Text
from moorage.connectors.contract import Endpoint, Outbound
from moorage.connectors.failures import CredentialsInvalid, ProviderFailure, Refused
from moorage.core.ids import WorkspaceId
from moorage.infra.database import Database
from moorage.staff.model import Actor
from moorage.staff.passwords import Passwords
from tests.channels.docking import BOX
from tests.channels.platform_world import KIND, Desk, a_desk, an_actor, an_appid
from tests.conftest import Heard, MovableClock, a_workspace
from tests.postgres import Server

SENDS = 50


@pytest.fixture
async def database(fresh_database: Database) -> Database:
    """A database of this test alone: the platform's token is the same for all workspaces of one."""
    return fresh_database


@pytest.fixture
async def workspace(database: Database) -> WorkspaceId:
    return await a_workspace(database)


@pytest.fixture
async def desk(database: Database, heard: Heard, tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(database, heard, tmp_path) as opened:
        await opened.ticket()
        yield opened


@pytest.fixture
async def actor(database: Database, passwords: Passwords, workspace: WorkspaceId) -> Actor:
    return await an_actor(database, passwords, workspace)


@pytest.fixture
async def channel(desk: Desk, actor: Actor) -> Channel:
    return await desk.dock(actor, an_appid())


async def opened(desk: Desk, channel: Channel, workspace: WorkspaceId) -> Endpoint:
    """Return the channel as one sender sees it; each has an endpoint of its own, as in processes of their own."""
    return await open_endpoint(
        desk.database, box=BOX, connectors=desk.connectors, workspace_id=workspace, channel_id=channel.id
    )


def soon(seconds: float = 10.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def send(desk: Desk, channel: Channel, workspace: WorkspaceId, text: str) -> None:
    endpoint = await opened(desk, channel, workspace)
    message = Outbound(external_customer_id="oK3x7wV9Qb2LmN5sT8uYcE1rZ4aI", content=Text(text=text))
    await desk.connectors[KIND].send(endpoint, message, deadline=soon())


async def refresh_token_of(desk: Desk, channel: Channel, workspace: WorkspaceId) -> str | None:
    async with desk.database.in_workspace(workspace) as tx:
        return (await read_credentials(tx, box=BOX, channel_id=channel.id)).get("refresh_token")


async def test_fifty_sends_with_a_dead_token_make_one_renewal_and_all_arrive(
    desk: Desk, channel: Channel, workspace: WorkspaceId
) -> None:
    desk.wechat.kill_tokens(channel.external_id)
    async with asyncio.TaskGroup() as tasks:
        for number in range(SENDS):
            tasks.create_task(send(desk, channel, workspace, f"text {number}"))
    assert sorted(desk.wechat.sent) == sorted(f"text {number}" for number in range(SENDS))
    assert desk.wechat.calls["api_authorizer_token"] == 1


async def test_four_processes_with_a_dead_token_make_one_renewal(
    *, desk: Desk, channel: Channel, workspace: WorkspaceId, postgres: Server, database: Database
) -> None:
    async with database.in_platform() as tx:
        name = str(await tx.value("SELECT current_database()"))
    asked = {
        "database_url": postgres.url(database=name, login="moorage_app"),
        "provider_url": desk.provider.url,
        "workspace_id": str(workspace),
        "channel_id": str(channel.id),
        "texts": "10",
    }
    desk.wechat.kill_tokens(channel.external_id)
    async with asyncio.TaskGroup() as processes:
        ends = [processes.create_task(_sending_process({**asked, "name": letter})) for letter in "abcd"]
    assert [end.result() for end in ends] == [0] * 4
    assert sorted(desk.wechat.sent) == sorted(f"{letter} {number}" for letter in "abcd" for number in range(10))
    assert desk.wechat.calls["api_authorizer_token"] == 1


async def _sending_process(asked: dict[str, str]) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.channels.sending_process", json.dumps(asked)
    )
    try:
        async with asyncio.timeout(60):
            return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_the_refresh_token_survives_a_restart(
    *, desk: Desk, channel: Channel, workspace: WorkspaceId, database: Database, heard: Heard, tmp_path: Path
) -> None:
    before = await refresh_token_of(desk, channel, workspace)
    async with a_desk(database, heard, tmp_path) as restarted:
        restarted.wechat.grants = desk.wechat.grants
        restarted.wechat.kill_tokens(channel.external_id)
        await send(restarted, channel, workspace, "after the restart")
        assert restarted.wechat.sent == ["after the restart"]
        assert await refresh_token_of(restarted, channel, workspace) == before


@pytest.mark.parametrize("nothing", [None, "", 0])
async def test_a_refresh_token_is_never_replaced_by_nothing(
    nothing: object, desk: Desk, channel: Channel, workspace: WorkspaceId
) -> None:
    before = await refresh_token_of(desk, channel, workspace)
    desk.wechat.renewed_refresh_token = nothing
    for number in range(3):
        desk.wechat.kill_tokens(channel.external_id)
        await send(desk, channel, workspace, f"text {number}")
        assert await refresh_token_of(desk, channel, workspace) == before
    assert len(desk.wechat.sent) == 3


async def test_a_refresh_token_that_changes_is_kept(desk: Desk, channel: Channel, workspace: WorkspaceId) -> None:
    desk.wechat.renewed_refresh_token = "refreshtoken@@@next"
    desk.wechat.kill_tokens(channel.external_id)
    await send(desk, channel, workspace, "once")
    assert await refresh_token_of(desk, channel, workspace) == "refreshtoken@@@next"
    desk.wechat.kill_tokens(channel.external_id)
    await send(desk, channel, workspace, "twice")


async def test_a_withdrawn_authorization_shows_on_the_channel_and_is_not_asked_about_again(
    desk: Desk, channel: Channel, workspace: WorkspaceId
) -> None:
    desk.wechat.grants.clear()
    for _ in range(3):
        with pytest.raises(CredentialsInvalid, match="authorization_gone"):
            await send(desk, channel, workspace, "too late")
    after = await desk.channel(workspace, channel.id)
    assert (after.state, after.state_reason) == ("deauthorized", "authorization_gone")
    assert desk.wechat.calls["api_authorizer_token"] == 1


async def test_an_account_without_api_rights_is_refused_without_asking(
    desk: Desk, actor: Actor, workspace: WorkspaceId
) -> None:
    desk.wechat.gives_tokens = False
    desk.wechat.about["verify_type_info"] = {"id": -1}
    channel = await desk.dock(actor, an_appid())
    for _ in range(4):
        with pytest.raises(Refused, match="api_not_allowed"):
            await send(desk, channel, workspace, "no")
    assert desk.wechat.calls["api_authorizer_token"] == 0
    assert (await desk.channel(workspace, channel.id)).state == "restricted"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"<html>502</html>", "provider_unreachable"),
        ({"errcode": 40164, "errmsg": "invalid ip 203.0.113.9, not in whitelist"}, "platform_address_not_allowed"),
        ({"errcode": 61004, "errmsg": "access clientip is not registered"}, "platform_address_not_allowed"),
    ],
)
async def test_what_an_operator_must_mend_shows_on_the_channel_and_nothing_loops(
    *, answer: object, reason: str, desk: Desk, channel: Channel, workspace: WorkspaceId, clock: MovableClock
) -> None:
    desk.wechat.failures["api_authorizer_token"] = answer
    desk.wechat.kill_tokens(channel.external_id)
    for _ in range(6):
        with pytest.raises(ProviderFailure):
            await send(desk, channel, workspace, "not now")
    after = await desk.channel(workspace, channel.id)
    assert (after.state, after.state_reason) == ("failing", reason)
    assert desk.wechat.calls["api_authorizer_token"] == 3
    desk.wechat.failures.clear()
    clock.forward(timedelta(minutes=6))
    await send(desk, channel, workspace, "now")
    assert (await desk.channel(workspace, channel.id)).state == "active"


async def test_a_renewal_with_the_refresh_token_of_before_harms_nobody_who_was_authorized_meanwhile(
    desk: Desk, channel: Channel, actor: Actor, workspace: WorkspaceId
) -> None:
    gate = desk.wechat.gates["api_authorizer_token"] = asyncio.Event()
    asked = desk.wechat.asked["api_authorizer_token"] = asyncio.Event()
    desk.wechat.kill_tokens(channel.external_id)
    async with asyncio.TaskGroup() as tasks:
        late = tasks.create_task(_refused_or_sent(desk, channel, workspace))
        await asked.wait()
        again = await desk.dock(actor, channel.external_id)
        gate.set()
        await late
    after = await desk.channel(workspace, channel.id)
    assert (again.id, after.state) == (channel.id, "active")
    await send(desk, channel, workspace, "still here")


async def _refused_or_sent(desk: Desk, channel: Channel, workspace: WorkspaceId) -> None:
    try:
        await send(desk, channel, workspace, "meanwhile")
    except ProviderFailure:
        return


async def test_checks_of_an_authorized_channel_go_by_ticket_and_token(
    desk: Desk, channel: Channel, workspace: WorkspaceId, clock: MovableClock
) -> None:
    async def checks() -> dict[str, tuple[str, str | None]]:
        doctor = Doctor(database=desk.database, box=BOX, connectors=desk.connectors)
        found = await doctor.ask(workspace_id=workspace, channel_id=channel.id, parts=("access",), deadline=soon())
        return {check.name: (check.state, check.reason) for check in found}

    good = await checks()
    assert {good[name] for name in ("ticket", "token", "ip_allowed", "server_verified", "permissions")} == {
        ("ok", None)
    }
    clock.forward(timedelta(minutes=40))
    assert (await checks())["ticket"] == ("warning", "ticket_late")
    clock.forward(timedelta(hours=13))
    assert (await checks())["server_verified"] == ("failing", "ticket_old")


# ---------------------------------------------------------------- the platform's own token


async def test_many_who_need_the_platforms_token_ask_for_it_once(desk: Desk) -> None:
    async def token() -> str:
        endpoint = await open_platform(desk.database, box=BOX, connector=desk.connectors[KIND])
        return await endpoint.tokens.token(deadline=soon())

    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(token()) for _ in range(20)]
    assert {one.result() for one in asked} == {"C1"}
    assert desk.wechat.calls["api_component_token"] == 1


async def test_a_wrong_platform_secret_opens_the_circuit_and_the_next_ticket_closes_it(desk: Desk) -> None:
    desk.wechat.failures["api_component_token"] = {"errcode": 40125, "errmsg": "invalid appsecret"}
    endpoint = await open_platform(desk.database, box=BOX, connector=desk.connectors[KIND])
    for _ in range(6):
        with pytest.raises(CredentialsInvalid, match="platform_secret_invalid"):
            await endpoint.tokens.token(deadline=soon())
    assert desk.wechat.calls["api_component_token"] == 3
    desk.wechat.failures.clear()
    await desk.ticket()
    assert await endpoint.tokens.token(deadline=soon()) == "C4"


async def test_the_platforms_token_is_renewed_when_due(desk: Desk, clock: MovableClock) -> None:
    endpoint = await open_platform(desk.database, box=BOX, connector=desk.connectors[KIND])
    assert await endpoint.tokens.token(deadline=soon()) == "C1"
    clock.forward(timedelta(minutes=100))
    assert await endpoint.tokens.token(deadline=soon()) == "C1"
    clock.forward(timedelta(minutes=16))
    assert await endpoint.tokens.token(deadline=soon()) == "C2"
