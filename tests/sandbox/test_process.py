"""The command: its ready file, its refusals, and what only a real connection shows."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from tests.sandbox.process import running_process, start_process

SEED = json.dumps({"appid": "wxdemo", "secret": "s3cret", "name": "晨光文具"})


def client(ready: dict[str, str]) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=ready["url"], trust_env=False)


async def test_process_announces_itself_and_remembers_across_restarts(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.json"
    accounts.write_text(json.dumps([{"appid": "wxsecond"}]))
    async with running_process(tmp_path, "--account", SEED, "--accounts-file", str(accounts)) as ready:
        pages = {"phone_url", "backoffice_url", "platform_url", "authorizations_url"}
        assert set(ready) == {"url", *pages}
        async with client(ready) as http:
            names = {one["appid"]: one["username"] for one in (await http.get("/sandbox/api/accounts")).json()}
            for page in pages:
                assert (await http.get(ready[page])).headers["content-type"].startswith("text/html")
    assert set(names) == {"wxdemo", "wxsecond"}
    async with running_process(tmp_path, "--account", SEED) as ready, client(ready) as http:
        again = {one["appid"]: one["username"] for one in (await http.get("/sandbox/api/accounts")).json()}
    assert again == names


async def test_ordered_faults_cut_and_delay_real_connections(tmp_path: Path) -> None:
    async with running_process(tmp_path, "--account", SEED) as ready, client(ready) as http:
        await http.post("/sandbox/api/faults", json={"endpoint": "*", "kind": "drop"})
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get("/cgi-bin/token")
        await http.post("/sandbox/api/faults", json={"endpoint": "/cgi-bin/token", "kind": "timeout", "timeout_s": 0.6})
        with pytest.raises(httpx.ReadTimeout):
            await http.get("/cgi-bin/token", timeout=0.2)
        await http.post("/sandbox/api/faults", json={"endpoint": "/cgi-bin/token", "kind": "html"})
        assert (await http.get("/cgi-bin/token")).headers["content-type"].startswith("text/html")
        assert (await http.get("/cgi-bin/token")).json()["errcode"] == 40002


async def test_process_announces_its_platform_whose_addresses_follow_the_command(tmp_path: Path) -> None:
    seed = {"appid": "wxplatform", "message_url": "http://127.0.0.1:9/$APPID$", "event_url": "http://127.0.0.1:9/one"}
    async with running_process(tmp_path, "--component", json.dumps(seed)) as ready, client(ready) as http:
        assert ready["component"] == {name: seed[name] for name in ("appid", "event_url", "message_url")}
        token = (await http.get("/sandbox/api/components/wxplatform")).json()["token"]
    seed["event_url"] = "http://127.0.0.1:9/two"
    async with running_process(tmp_path, "--component", json.dumps(seed)) as ready, client(ready) as http:
        component = (await http.get("/sandbox/api/components/wxplatform")).json()
    assert (component["token"], component["event_url"]) == (token, "http://127.0.0.1:9/two")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--bind", "0.0.0.0"), "loopback"),
        (("--account", "{"), "property name"),
        (("--account", '{"colour": "red"}'), "not understood"),
        (("--component", '{"colour": "red"}'), "not understood"),
        (("--component", '{"message_url": "http://h.example/all"}'), "must contain $APPID$"),
    ],
)
async def test_command_refuses_what_it_must_not_do(arguments: tuple[str, ...], complaint: str) -> None:
    process = await start_process(*arguments)
    async with asyncio.timeout(20):
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert complaint in errors.decode()
