"""The running demo as its people use it: customers who write, agents who answer, through every loss of a process."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import cast

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.browser.demo import Demo, SignIn

TRIES_AGAIN_AFTER_S = 0.1
HEARTBEAT_EVERY_S = 15
QUIET_WITHIN_S = 60
UNDERWAY = {"queued", "sending"}
ANSWERED = {"success", "empty", "reply"}

Json = Mapping[str, object]


@dataclass
class Person:
    """Somebody who is signed in: each call is made again, with the same key, until the web process answers it."""

    client: httpx.AsyncClient
    socket_url: str

    @classmethod
    @asynccontextmanager
    async def signed_in(cls, demo: Demo, who: SignIn) -> "AsyncGenerator[Person]":
        """Yield the person while they are signed in."""
        async with httpx.AsyncClient(base_url=demo.console_url, trust_env=False, timeout=15) as client:
            person = cls(client=client, socket_url=demo.api_url.replace("http", "ws", 1) + "/socket")
            answer = await person.call("POST", "/api/session", email=who.email, password=who.password)
            answer.raise_for_status()
            client.headers["X-CSRF-Token"] = str(answer.json()["csrf_token"])
            yield person

    async def call(self, method: str, path: str, *, key: str | None = None, **arguments: object) -> httpx.Response:
        """Return the answer, once somebody gives one."""
        headers = {} if key is None else {"Idempotency-Key": key}
        while True:
            try:
                answer = await self.client.request(method, path, headers=headers, json=arguments or None)
            except httpx.HTTPError:
                await asyncio.sleep(TRIES_AGAIN_AFTER_S)
                continue
            still_running = answer.status_code == 409 and "still_running" in answer.text
            if not still_running and answer.status_code < 500:
                return answer
            await asyncio.sleep(TRIES_AGAIN_AFTER_S)

    async def conversations(self, scope: str) -> list[Json]:
        """Return all open conversations."""
        found: list[Json] = []
        cursor: object = None
        while True:
            asked = {"scope": scope, "state": "open", "limit": "100"} | ({"cursor": str(cursor)} if cursor else {})
            page = (await self.call("GET", f"/api/conversations?{httpx.QueryParams(asked)}")).json()
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    async def messages(self, thread_id: str) -> list[Json]:
        """Return all messages of a thread, oldest first."""
        found: list[Json] = []
        before = ""
        while True:
            page = (await self.call("GET", f"/api/threads/{thread_id}/messages?limit=100{before}")).json()
            found = [*page["items"], *found]
            if not page["has_older"]:
                return found
            before = f"&before={found[0]['seq']}"

    @asynccontextmanager
    async def at_the_workbench(self) -> AsyncGenerator[None]:
        """Keep the workbench connected, through every loss of its socket."""
        task = asyncio.create_task(self._stay())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _stay(self) -> None:
        while True:
            cookies = "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())
            try:
                async with connect(self.socket_url, additional_headers={"Cookie": cookies}) as socket:
                    await socket.send(json.dumps({"type": "presence", "workbench": True}))
                    while True:
                        await socket.send(json.dumps({"type": "ping"}))
                        await self._read(socket)
            except (OSError, WebSocketException, TimeoutError):
                await asyncio.sleep(TRIES_AGAIN_AFTER_S)

    async def _read(self, socket: ClientConnection) -> None:
        """Read what comes until the next heartbeat is due."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_EVERY_S):
                async for _ in socket:
                    pass


@dataclass
class Customers:
    """Followers of the sandbox's account, who write; each message only once the one before was answered or given up."""

    sandbox: httpx.AsyncClient
    appid: str
    openids: list[str] = field(default_factory=list[str])

    @property
    def _path(self) -> str:
        return f"/sandbox/api/accounts/{self.appid}/followers"

    async def come(self, count: int) -> None:
        """Let so many people follow the account."""
        for number in range(count):
            made = await self.sandbox.post(self._path, json={"nickname": f"customer {number}"})
            openid = str(made.json()["openid"])
            (await self.sandbox.post(f"{self._path}/{openid}/follow", json={})).raise_for_status()
            self.openids.append(openid)

    async def write(self, *, each: int, pause_s: float, chance: random.Random) -> None:
        """Let each write so many messages, with pauses of this length on average."""
        async with asyncio.TaskGroup() as writers:
            for openid in self.openids:
                writers.create_task(self._write(openid, each, random.Random(chance.random()), pause_s))

    async def _write(self, openid: str, count: int, chance: random.Random, pause_s: float) -> None:
        for number in range(count):
            said = {"type": "text", "content": f"{openid}:{number}"}
            (await self.sandbox.post(f"{self._path}/{openid}/message", json=said)).raise_for_status()
            await asyncio.sleep(chance.uniform(0, 2 * pause_s))  # people's pauses; nothing waits for this

    async def pushes_once_quiet(self) -> Sequence[Json]:
        """Return all pushes, once each was answered or given up."""
        async with asyncio.timeout(QUIET_WITHIN_S):
            while True:
                answer = await self.sandbox.get("/sandbox/api/pushes", params={"appid": self.appid, "limit": "10000"})
                pushes = cast("list[Json]", answer.json())
                if all(push["outcome"] is not None for push in pushes):
                    return pushes
                await asyncio.sleep(0.5)

    async def shown(self) -> Sequence[str]:
        """Return every text that the account's answers show on the phones."""
        texts: list[str] = []
        for openid in self.openids:
            chat = cast("list[Json]", (await self.sandbox.get(f"{self._path}/{openid}/chat")).json())
            texts += [str(entry["text"]) for entry in chat if entry["direction"] == "out"]
        return texts


@dataclass
class Answering:
    """An agent who goes on answering whoever is theirs; `said` holds what was taken for sending."""

    agent: Person
    name: str
    said: list[str] = field(default_factory=list[str])

    async def answer_until(self, over: asyncio.Event, *, chance: random.Random) -> None:
        """Answer one customer after the other until `over` is set."""
        while not over.is_set():
            for conversation in await self.agent.conversations("mine"):
                await self._answer(str(conversation["id"]))
                await asyncio.sleep(chance.uniform(0, 0.4))

    async def _answer(self, conversation_id: str) -> None:
        words = f"answer {len(self.said)} of {self.name} to {conversation_id}"
        path = f"/api/conversations/{conversation_id}/messages"
        content = {"type": "text", "text": words}
        answer = await self.agent.call("POST", path, key=words.replace(" ", "-"), content=content)
        if answer.status_code == 201 or "already_carried_out" in answer.text:
            self.said.append(words)
        else:  # what the customer cannot be sent is refused while it is still in the composer
            assert answer.status_code == 409, answer.text


async def threads_once_settled(owner: Person, *, heard: Collection[str] = ()) -> list[list[Json]]:
    """Return every thread's messages, oldest first, once these texts are heard and no delivery is on its way.

    What is still missing then is for the assertions that follow.
    """
    gives_up_at = asyncio.get_running_loop().time() + QUIET_WITHIN_S
    while True:
        threads = await _threads(owner)
        messages = [message for messages in threads for message in messages]
        missing = set(heard) - {text_of(message) for message in messages}
        underway = UNDERWAY & {state_of(message) for message in messages}
        if not (missing or underway) or asyncio.get_running_loop().time() > gives_up_at:
            return threads
        await asyncio.sleep(1)


async def _threads(owner: Person) -> list[list[Json]]:
    conversations = await owner.conversations("all")
    return [await owner.messages(str(one["thread_id"])) for one in conversations]


def state_of(message: Json) -> str:
    """Return how the delivery of a message stands; an empty text for one that has none."""
    delivery = cast("Json | None", message["delivery"])
    return "" if delivery is None else str(delivery["state"])


def text_of(message: Json) -> str:
    """Return the text of a message; an empty one for what is none."""
    content = cast("Json", message["content"])
    return str(content["text"]) if content["type"] == "text" else ""


def author_of(message: Json) -> str:
    """Return which kind of author a message has."""
    return str(cast("Json", message["author"])["kind"])
