"""`moorage demo` from outside: what it writes, whom it lets in, what it survives, and that it leaves nothing behind."""

import asyncio
import json
import os
import signal
import stat
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.entry.commands import moorage
from tests.entry.demo_process import RunningDemo, started_demo

pytestmark = [pytest.mark.server, pytest.mark.kill]

LIMIT_S = 60


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningDemo]:
    async with started_demo(tmp_path_factory.mktemp("demo")) as demo:
        yield demo


async def _serves(url: str) -> None:
    async with asyncio.timeout(LIMIT_S), httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                if (await client.get(url)).is_success:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.05)


async def test_ready_file_names_every_address_and_sign_in(demo: RunningDemo) -> None:
    said = demo.ready
    assert set(said) == {"console_url", "api_url", "sandbox_url", "phone_url", "owner", "agents", "component", "oa"}
    assert said["api_url"] == f"{said['console_url']}/api"
    assert [set(agent) for agent in said["agents"]] == [{"email", "password"}] * 2
    assert said["component"]["event_url"] == f"{said['console_url']}/wechat/platform/events"
    assert said["component"]["message_url"] == f"{said['console_url']}/wechat/platform/$APPID$/messages"
    assert set(said["component"]) == {"appid", "event_url", "message_url"}
    assert set(said["oa"]) == {"appid", "secret", "token", "aes_key", "callback_url"}
    assert said["oa"]["callback_url"] == f"{said['console_url']}/wechat/oa/{said['oa']['appid']}"
    assert len(said["oa"]["aes_key"]) == 43
    assert stat.S_IMODE(demo.ready_file.stat().st_mode) == 0o600
    async with httpx.AsyncClient(trust_env=False) as client:
        for url in (f"{said['api_url']}/openapi.json", said["phone_url"], said["sandbox_url"]):
            assert (await client.get(url, follow_redirects=True)).is_success


async def test_everybody_named_in_the_ready_file_can_sign_in(demo: RunningDemo) -> None:
    roles: list[str] = []
    for who in (demo.ready["owner"], *demo.ready["agents"]):
        async with httpx.AsyncClient(trust_env=False, headers={"Origin": demo.ready["console_url"]}) as client:
            answer = await client.post(f"{demo.ready['api_url']}/session", json=who)
            assert answer.is_success, answer.text
            roles.append(answer.json()["agent"]["role"])
    assert roles == ["owner", "agent", "agent"]


async def test_sandbox_knows_the_account_with_its_server_configuration(demo: RunningDemo) -> None:
    oa = demo.ready["oa"]
    async with httpx.AsyncClient(trust_env=False) as client:
        account = (await client.get(f"{demo.ready['sandbox_url']}/sandbox/api/accounts/{oa['appid']}")).json()
    assert {name: account[name] for name in oa} == oa
    assert account["server_verified_at"] is None


async def test_nothing_is_docked_yet(demo: RunningDemo) -> None:
    async with httpx.AsyncClient(trust_env=False, headers={"Origin": demo.ready["console_url"]}) as client:
        await client.post(f"{demo.ready['api_url']}/session", json=demo.ready["owner"])
        assert (await client.get(f"{demo.ready['api_url']}/channels")).json()["items"] == []


async def test_second_demo_on_the_same_folder_is_refused(demo: RunningDemo) -> None:
    status, _, err = await moorage("demo", "--data-dir", str(demo.data_dir))
    assert status == 1
    assert "Another demo runs on" in err


async def test_port_in_use_is_refused_when_it_was_asked_for(demo: RunningDemo, tmp_path: Path) -> None:
    port = httpx.URL(demo.ready["console_url"]).port
    status, _, err = await moorage("demo", "--data-dir", str(tmp_path), "--port", str(port))
    assert status == 1
    assert f"Port {port} is in use" in err


@pytest.mark.parametrize("name", ["cli serve", "cli work", "wechat_sandbox", "bin/postgres"])
async def test_killed_process_is_started_again(
    demo: RunningDemo, name: str, record_property: Callable[[str, object], None]
) -> None:
    killed = demo.process_named(name)
    began = time.monotonic()
    os.kill(killed, signal.SIGKILL)
    async with asyncio.timeout(LIMIT_S):
        while demo.processes().get(name) in {None, killed}:
            await asyncio.sleep(0.05)
    await _serves(f"{demo.ready['console_url']}/readyz")
    await _serves(f"{demo.ready['sandbox_url']}/sandbox/api/accounts")
    took_s = time.monotonic() - began
    record_property("serves_again_after_s", round(took_s, 1))


async def test_next_run_finds_the_same_people_and_account_and_leaves_nothing_running(tmp_path: Path) -> None:
    async with started_demo(tmp_path) as first:
        pass
    assert first.returncode == 0
    assert first.processes() == {}
    first.ready_file.write_text("old")
    async with started_demo(tmp_path) as second:
        for kept in ("owner", "agents"):
            assert second.ready[kept] == first.ready[kept]
        assert second.ready["oa"]["appid"] == first.ready["oa"]["appid"]
        log = (tmp_path / "output.txt").read_text()
        assert log.count("Moorage is running") == 2
    assert json.loads((tmp_path / "data" / "demo.json").read_text())["owner"] == first.ready["owner"]


async def test_demo_that_is_killed_takes_everything_along(tmp_path: Path) -> None:
    async with started_demo(tmp_path) as demo:
        assert set(demo.processes()) == {"cli serve", "cli work", "wechat_sandbox", "bin/postgres"}
        demo.kill()
        async with asyncio.timeout(LIMIT_S):
            while demo.processes():
                await asyncio.sleep(0.05)
