"""Web process and worker are killed while customers write and an agent answers: nothing lost, nothing twice."""

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.browser.demo import Demo, SignIn, running_demo

pytestmark = [pytest.mark.kill, pytest.mark.server]

CUSTOMERS = 6
MESSAGES_EACH = 8
KILLS = 4
QUIET_WITHIN_S = 90
SETTLED = {"sent", "answered", "unconfirmed", "failed"}

Json = dict[str, object]


def processes_of(folder: Path, command: str) -> list[int]:
    """Return the demo's processes that run `command`, found by the folder that only this demo has."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue  # gone meanwhile
        if command.encode() in words and b"moorage.entry.cli" in words and str(folder).encode() in environment:
            found.append(int(entry.name))
    return found


class Stage:
    """The running demo as its people use it: each call again until the web process is there to answer it."""

    def __init__(self, demo: Demo, client: httpx.AsyncClient) -> None:
        self.demo = demo
        self.client = client

    async def sign_in(self, who: SignIn) -> None:
        answer = await self.client.post("/api/session", json={"email": who.email, "password": who.password})
        answer.raise_for_status()
        self.client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]

    async def call(self, method: str, path: str, *, key: str | None = None, **arguments: object) -> httpx.Response:
        """Return the answer, tried again with the same key while nobody answers."""
        headers = {} if key is None else {"Idempotency-Key": key}
        while True:
            try:
                answer = await self.client.request(method, path, headers=headers, json=arguments or None)
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
                continue
            still_running = answer.status_code == 409 and "still_running" in answer.text
            if not still_running and answer.status_code < 500:
                return answer
            await asyncio.sleep(0.1)

    async def items(self, path: str) -> list[Json]:
        return cast("list[Json]", (await self.call("GET", path)).json()["items"])


@asynccontextmanager
async def a_workbench(stage: Stage) -> AsyncGenerator[None]:
    """Keep the agent's workbench connected, through every loss of its socket."""

    async def stay() -> None:
        address = stage.demo.api_url.replace("http", "ws", 1) + "/socket"
        while True:
            cookies = "; ".join(f"{name}={value}" for name, value in stage.client.cookies.items())
            try:
                async with connect(address, additional_headers={"Cookie": cookies}) as socket:
                    await socket.send(json.dumps({"type": "presence", "workbench": True}))
                    async for _ in socket:
                        pass
            except OSError:
                await asyncio.sleep(0.2)

    task = asyncio.create_task(stay())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def a_customer_writes(sandbox: httpx.AsyncClient, *, appid: str, number: int) -> str:
    """Let one customer follow and write their messages; the sandbox sends each once the last was answered."""
    path = f"/sandbox/api/accounts/{appid}/followers"
    openid = str((await sandbox.post(path, json={"nickname": f"customer {number}"})).json()["openid"])
    (await sandbox.post(f"{path}/{openid}/follow", json={})).raise_for_status()
    for n in range(MESSAGES_EACH):
        said = await sandbox.post(f"{path}/{openid}/message", json={"type": "text", "content": f"{number}:{n}"})
        said.raise_for_status()
        await asyncio.sleep(0.3)  # people do not write all at once; nothing waits for this
    return openid


async def kill_now_and_then(folder: Path) -> None:
    """Kill web process and worker in turn, each time once it runs again."""
    for n in range(KILLS):
        command = ("serve", "work")[n % 2]
        while not (running := processes_of(folder, command)):
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.7)
        for process in running:
            os.kill(process, signal.SIGKILL)
        while set(processes_of(folder, command)) & set(running):
            await asyncio.sleep(0.05)


async def until_quiet(sandbox: httpx.AsyncClient, *, appid: str) -> list[Json]:
    """Return the pushes once each has an outcome."""
    async with asyncio.timeout(QUIET_WITHIN_S):
        while True:
            answer = (await sandbox.get("/sandbox/api/pushes", params={"appid": appid})).json()
            pushes = cast("list[Json]", answer["items"] if isinstance(answer, dict) else answer)
            if all(push["outcome"] is not None for push in pushes):
                return pushes
            await asyncio.sleep(0.2)


async def replies_to_all(stage: Stage) -> list[str]:
    """Answer every open conversation of the agent once, with a key that stays the same for each try."""
    said: list[str] = []
    for conversation in await stage.items("/api/conversations?scope=mine&state=open"):
        words = f"answer to {conversation['id']}"
        path = f"/api/conversations/{conversation['id']}/messages"
        answer = await stage.call("POST", path, key=words, content={"type": "text", "text": words})
        assert answer.status_code == 201 or "already_carried_out" in answer.text, answer.text
        said.append(words)
    return said


async def until_settled(stage: Stage) -> dict[str, list[Json]]:
    """Return every thread's messages once no delivery is on its way."""
    async with asyncio.timeout(QUIET_WITHIN_S):
        while True:
            conversations = await stage.items("/api/conversations?scope=mine&state=open&limit=100")
            threads = {
                str(one["thread_id"]): await stage.items(f"/api/threads/{one['thread_id']}/messages?limit=100")
                for one in conversations
            }
            deliveries = [cast("Json | None", message["delivery"]) for each in threads.values() for message in each]
            if all(delivery is None or delivery["state"] in SETTLED for delivery in deliveries):
                return threads
            await asyncio.sleep(0.2)


def texts_of(messages: list[Json], kind: str) -> list[str]:
    return [
        str(cast("Json", message["content"])["text"])
        for message in messages
        if cast("Json", message["author"])["kind"] == kind and cast("Json", message["content"])["type"] == "text"
    ]


async def test_nothing_is_lost_or_doubled_while_processes_are_killed(tmp_path: Path) -> None:
    async with (
        running_demo(folder=tmp_path) as demo,
        httpx.AsyncClient(base_url=demo.console_url, trust_env=False, timeout=10) as client,
        httpx.AsyncClient(base_url=demo.sandbox_url, trust_env=False, timeout=30) as sandbox,
    ):
        stage = Stage(demo, client)
        oa = demo.oa
        await stage.sign_in(demo.owner)
        credentials = {"appid": oa.appid, "secret": oa.secret, "token": oa.token, "aes_key": oa.aes_key}
        docked = await stage.call("POST", "/api/channels", kind="wechat_oa", credentials=credentials)
        assert docked.status_code == 201, docked.text
        client.cookies.clear()
        await stage.sign_in(demo.agents[0])
        async with a_workbench(stage), asyncio.TaskGroup() as tasks:
            killing = tasks.create_task(kill_now_and_then(tmp_path))
            writing = [
                tasks.create_task(a_customer_writes(sandbox, appid=oa.appid, number=number))
                for number in range(CUSTOMERS)
            ]
            await asyncio.wait(writing)
            said = await replies_to_all(stage)
            await killing
            pushes = await until_quiet(sandbox, appid=oa.appid)
            said += await replies_to_all(stage)
            threads = await until_settled(stage)

        restarts = (tmp_path / "output.txt").read_text().count("ended with status -9")
        assert restarts >= KILLS
        assert said
        assert [push for push in pushes if push["outcome"] not in {"success", "empty", "reply"}] == []
        heard = sorted(texts_of(messages, "customer") for messages in threads.values())
        assert heard == [[f"{number}:{n}" for n in range(MESSAGES_EACH)] for number in range(CUSTOMERS)]
        answered = Counter(text for messages in threads.values() for text in texts_of(messages, "agent"))
        assert all(answered[words] == 1 for words in said)
        for task in writing:
            chat = (await sandbox.get(f"/sandbox/api/accounts/{oa.appid}/followers/{task.result()}/chat")).json()
            entries = cast("list[Json]", chat["items"] if isinstance(chat, dict) else chat)
            shown = Counter(str(entry["text"]) for entry in entries if str(entry["text"]).startswith("answer to"))
            assert all(count == 1 for count in shown.values())
