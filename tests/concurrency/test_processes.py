"""Two web processes and two workers, each a process of the operating system, on one database."""

import asyncio
import os
import socket
import sys
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import cast

import httpx
import pytest

from moorage.connectors.contract import RawRequest
from moorage.infra.database import Database
from tests.concurrency.installation import Installation, an_installation, every_invariant_holds
from tests.connectors.wechat_requests import sealed_push
from tests.conversations.desk import Desk, an_openid
from tests.entry.web import SECRET_KEY
from tests.realtime.desk import Colleague, Socket, a_colleague, a_socket

CUSTOMERS = 12
MESSAGES = 4
READY_WITHIN_S = 60.0
ENDED_WITHIN_S = 30.0

Json = dict[str, object]


@asynccontextmanager
async def running(*arguments: str, environment: Mapping[str, str]) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Run one command of the project while the block runs, then end it as an operator would."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("MOORAGE_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "moorage.entry.cli", *arguments),
        env={**bare, **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        async with asyncio.timeout(ENDED_WITHIN_S):
            assert await process.wait() in (0, -15)


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until_ready(url: str) -> None:
    async with asyncio.timeout(READY_WITHIN_S), httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                if (await client.get(f"{url}/readyz")).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)


@dataclass
class Fleet:
    """The addresses of the web processes, and the company that all of them serve."""

    urls: tuple[str, str]
    installation: Installation
    client: httpx.AsyncClient

    @property
    def desk(self) -> Desk:
        return self.installation.desk

    async def push(self, body: bytes) -> list[httpx.Response]:
        """Push one body to both web processes at once, as a provider does that hears no answer."""
        desk = self.desk
        requests = [
            sealed_push(
                body,
                at=desk.database.clock.now(),
                nonce=nonce,
                appid=desk.credentials["appid"],
                aes_key=desk.credentials["aes_key"],
                token=desk.credentials["token"],
            )
            for nonce in ("1", "2")
        ]
        return await asyncio.gather(
            *(self._push(url, request) for url, request in zip(self.urls, requests, strict=True))
        )

    async def _push(self, url: str, request: RawRequest) -> httpx.Response:
        return await self.client.post(
            f"{url}/wechat/oa/{self.desk.credentials['appid']}",
            params=dict(request.query),
            content=request.body,
            headers={"Content-Type": request.content_type},
        )


@pytest.fixture
async def fleet(fresh_database: Database, tmp_path: Path) -> AsyncIterator[Fleet]:
    """Two of each, ready to work; the test itself holds no loop that could help."""
    async with AsyncExitStack() as stack:
        installation = await stack.enter_async_context(an_installation(fresh_database, folder=tmp_path, webs=1))
        environment = {
            "MOORAGE_DATABASE_URL": installation.url,
            "MOORAGE_SECRET_KEYS": SECRET_KEY,
            "MOORAGE_DATA_DIR": str(tmp_path),
            "MOORAGE_WECHAT_API_URL": installation.provider_url,
            "MOORAGE_POOL_SIZE": "6",
        }
        ports = (a_free_port(), a_free_port())
        ready = [tmp_path / "worker-1", tmp_path / "worker-2"]
        for port in ports:
            served = {"MOORAGE_PORT": str(port), "MOORAGE_PUBLIC_URL": f"http://127.0.0.1:{port}"}
            await stack.enter_async_context(running("serve", environment={**environment, **served}))
        for file in ready:
            await stack.enter_async_context(running("work", "--ready-file", str(file), environment=environment))
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=20))
        urls = (f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}")
        for url in urls:
            await until_ready(url)
        async with asyncio.timeout(READY_WITHIN_S):
            while not all(file.exists() for file in ready):
                await asyncio.sleep(0.1)
        yield Fleet(urls=urls, installation=installation, client=client)


@dataclass
class Workbench:
    """An agent at one of the web processes."""

    fleet: Fleet
    url: str
    colleague: Colleague
    socket: Socket

    async def call(
        self, method: str, path: str, *, at: str | None = None, key: str = "", **body: object
    ) -> httpx.Response:
        session = self.colleague.session
        return await self.fleet.client.request(
            method,
            f"{at or self.url}/api{path}",
            json=body or None,
            headers={
                "Cookie": f"moorage_session={session.token}",
                "X-CSRF-Token": session.csrf_token,
                **({"Idempotency-Key": key} if key else {}),
            },
        )

    async def mine(self) -> list[Json]:
        return cast("list[Json]", (await self.call("GET", "/conversations?scope=mine")).json()["items"])

    async def reply_to_all(self) -> list[str]:
        """Answer every customer of one's own, by a command that reaches both web processes at once."""
        said: list[str] = []
        for conversation in await self.mine():
            words = f"answer to {conversation['id']}"
            content = {"type": "text", "text": words}
            path = f"/conversations/{conversation['id']}/messages"
            answers = await asyncio.gather(
                *(self.call("POST", path, at=url, key=words, content=content) for url in self.fleet.urls)
            )
            assert 201 in {answer.status_code for answer in answers}
            assert {answer.status_code for answer in answers} <= {201, 409}
            said.append(words)
        return said


@asynccontextmanager
async def at_work(fleet: Fleet, url: str) -> AsyncGenerator[Workbench]:
    """Sign somebody in at one web process and open their workbench."""
    colleague = await a_colleague(fleet.desk.database, workspace_id=fleet.desk.workspace_id)
    async with a_socket(url.removeprefix("http://"), token=colleague.session.token) as opened:
        workbench = Workbench(fleet, url, colleague, opened)
        assert (await opened.next())["type"] == "hello"
        assert (await workbench.call("PUT", "/me/status", status="online")).status_code == 200
        await opened.say(type="presence", workbench=True)
        await opened.facts_until(lambda facts: any(_is_connected(fact, colleague) for fact in facts))
        yield workbench


def _is_connected(fact: Json, colleague: Colleague) -> bool:
    payload = cast("Json", fact["payload"])
    return fact["object_id"] == str(colleague.agent_id) and payload.get("connected") is True


async def test_two_of_each_serve_everybody_once_and_in_order(fleet: Fleet) -> None:
    desk = fleet.desk
    deadlocks = await fleet.installation.deadlocks()
    customers = [an_openid() for _ in range(CUSTOMERS)]

    async def writes(customer: str) -> None:
        for n in range(MESSAGES):
            answers = await fleet.push(desk.said(f"{n}", by=customer))
            assert {answer.status_code for answer in answers} == {200}

    async with at_work(fleet, fleet.urls[0]) as anna, at_work(fleet, fleet.urls[1]) as ben:
        await asyncio.gather(*(writes(customer) for customer in customers))
        await fleet.installation.until_quiet()
        said = [*await anna.reply_to_all(), *await ben.reply_to_all()]
        assert len(said) == CUSTOMERS
        await fleet.installation.until_quiet()
        for workbench in (anna, ben):
            await hears_of_its_own_sending(workbench)
    for customer in customers:
        messages = await desk.messages_of(customer)
        heard = [one.content.model_dump()["text"] for one in messages if one.author.kind == "customer"]
        assert heard == [f"{n}" for n in range(MESSAGES)]
    arrived = Counter(text for _, text in fleet.installation.wechat.sent)
    assert {words: arrived[words] for words in said} == dict.fromkeys(said, 1)
    await every_invariant_holds(desk)
    assert await fleet.installation.deadlocks() == deadlocks


async def hears_of_its_own_sending(workbench: Workbench) -> None:
    """Assert that the workbench's socket tells that its replies were sent, whichever process did so."""
    count = len(await workbench.mine())

    def enough(facts: list[Json]) -> bool:
        sent = [
            fact
            for fact in facts
            if fact["topic"] == "message.changed"
            and (cast("Json", cast("Json", fact["payload"])["delivery"] or {})).get("state") == "sent"
        ]
        return len(sent) >= count

    async with asyncio.timeout(20):
        facts = await workbench.socket.facts_until(enough)
    assert all(cast("int", after["seq"]) > cast("int", before["seq"]) for before, after in pairwise(facts))
