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
        assert set(ready) == {"url", "phone_url", "backoffice_url"}
        async with client(ready) as http:
            names = {one["appid"]: one["username"] for one in (await http.get("/sandbox/api/accounts")).json()}
            for page in (ready["phone_url"], ready["backoffice_url"]):
                assert (await http.get(page)).headers["content-type"].startswith("text/html")
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


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--bind", "0.0.0.0"), "loopback"),
        (("--account", "{"), "property name"),
        (("--account", '{"colour": "red"}'), "not understood"),
    ],
)
async def test_command_refuses_what_it_must_not_do(arguments: tuple[str, ...], complaint: str) -> None:
    process = await start_process(*arguments)
    async with asyncio.timeout(20):
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert complaint in errors.decode()
