"""What stories do off the stage: accounts and customers by the sandbox's API, colleagues and processes by ours."""

import os
import secrets
import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httpx

from tests.browser.demo import Demo, SignIn

Json = dict[str, object]


def _client(base_url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=base_url, trust_env=False, timeout=30)


@dataclass(frozen=True, slots=True)
class Customer:
    """A follower of one account, who writes through the sandbox and sees what reaches their phone."""

    sandbox_url: str
    appid: str
    openid: str

    async def _post(self, path: str, body: Json) -> None:
        async with _client(self.sandbox_url) as client:
            answer = await client.post(f"/sandbox/api/accounts/{self.appid}/followers/{self.openid}{path}", json=body)
            answer.raise_for_status()

    async def follows(self, *, scene: str | None = None) -> None:
        """Begin to follow the account, by the code of a scene or by search."""
        await self._post("/follow", {} if scene is None else {"scene": scene})

    async def leaves(self) -> None:
        """Stop following the account."""
        await self._post("/unfollow", {})

    async def writes(self, words: str) -> None:
        """Send `words` to the account."""
        await self._post("/message", {"type": "text", "content": words})

    async def sends(self, kind: str, **fields: object) -> None:
        """Send something of another kind; files that are left out are the sandbox's samples."""
        await self._post("/message", {"type": kind, **fields})

    async def received(self) -> list[str]:
        """Return the words that an agent sent to the phone, in order; of a card its title."""
        return [str(entry["text"]) for entry in await self._sent_here()]

    async def addresses(self) -> list[str]:
        """Return where the cards lead that an agent sent to the phone, in order."""
        data = [cast("Json", entry["data"]) for entry in await self._sent_here() if entry["kind"] == "news"]
        return [str(article["url"]) for one in data for article in cast("list[Json]", one["articles"])]

    async def _sent_here(self) -> list[Json]:
        async with _client(self.sandbox_url) as client:
            path = f"/sandbox/api/accounts/{self.appid}/followers/{self.openid}/chat"
            chat = (await client.get(path)).raise_for_status().json()
        entries = cast("list[Json]", chat["items"] if isinstance(chat, dict) else chat)
        return [entry for entry in entries if entry["via"] == "custom"]


async def a_docked_account(demo: Demo, *, name: str, certified: bool | None = True) -> str:
    """Dock an account of its own, as the owner would by hand, and return its appid. `certified` None: not told."""
    keys = {"token": secrets.token_hex(12), "aes_key": secrets.token_hex(22)[:43]}
    async with _client(demo.sandbox_url) as sandbox:
        account = cast("Json", (await sandbox.post("/sandbox/api/accounts", json={"name": name, **keys})).json())
    async with _client(demo.console_url) as client:
        await _sign_in(client, demo=demo, who=demo.owner)
        body = {
            "kind": "wechat_oa",
            "name": name,
            "credentials": {field: account[field] for field in ("appid", "secret")} | keys,
            "verified": certified,
        }
        docked = cast("Json", (await client.post("/api/channels", json=body)).raise_for_status().json())
    async with _client(demo.sandbox_url) as sandbox:
        server = {"url": docked["callback_url"], "mode": "secure", **keys}
        saved = (await sandbox.post(f"/sandbox/api/accounts/{account['appid']}/server", json=server)).json()
    assert saved["verified"], saved
    return str(account["appid"])


async def a_customer(demo: Demo, *, appid: str, nickname: str) -> Customer:
    """Return somebody who follows the account."""
    customer = await a_stranger(demo, appid=appid, nickname=nickname)
    await customer.follows()
    return customer


async def a_stranger(demo: Demo, *, appid: str, nickname: str) -> Customer:
    """Return somebody who does not follow the account yet."""
    async with _client(demo.sandbox_url) as sandbox:
        path = f"/sandbox/api/accounts/{appid}/followers"
        person = cast("Json", (await sandbox.post(path, json={"nickname": nickname})).raise_for_status().json())
    return Customer(sandbox_url=demo.sandbox_url, appid=appid, openid=str(person["openid"]))


async def off_duty(demo: Demo, *people: SignIn) -> None:
    """Let colleagues take no customers, wherever an earlier story left them."""
    for who in people:
        async with _client(demo.console_url) as client:
            await _sign_in(client, demo=demo, who=who)
            (await client.put("/api/me/status", json={"status": "offline"})).raise_for_status()


async def the_next_reply_meets(demo: Demo, *, kind: str, applied: bool = False, errcode: int = -1) -> None:
    """Let WeChat fail at the next message of any account; `applied`: the customer gets it, only the answer is lost."""
    fault = {"endpoint": "/cgi-bin/message/custom/send", "kind": kind, "applied": applied, "errcode": errcode}
    async with _client(demo.sandbox_url) as sandbox:
        (await sandbox.post("/sandbox/api/faults", json=fault)).raise_for_status()


async def change_settings(demo: Demo, *, appid: str, settings: Json) -> None:
    """Save settings of a docked account as the owner would."""
    async with _client(demo.console_url) as client:
        await _sign_in(client, demo=demo, who=demo.owner)
        found = (await client.get("/api/channels", params={"query": appid})).raise_for_status().json()["items"][0]
        body = {"version": found["version"], "settings": settings}
        (await client.patch(f"/api/channels/{found['id']}", json=body)).raise_for_status()


async def channel_of(demo: Demo, *, appid: str) -> str:
    """Return the id of the channel that an account is docked as."""
    async with _client(demo.console_url) as client:
        await _sign_in(client, demo=demo, who=demo.owner)
        found = (await client.get("/api/channels", params={"query": appid})).raise_for_status().json()["items"]
    return str(found[0]["id"])


async def an_empty_desk(demo: Demo) -> None:
    """End every conversation that an earlier story left open."""
    async with _client(demo.console_url) as client:
        await _sign_in(client, demo=demo, who=demo.owner)
        while items := await _open_conversations(client):
            for conversation in items:
                (await client.post(f"/api/conversations/{conversation['id']}/end")).raise_for_status()


async def _open_conversations(client: httpx.AsyncClient) -> list[Json]:
    answer = await client.get("/api/conversations", params={"scope": "all", "state": "open"})
    return cast("list[Json]", answer.raise_for_status().json()["items"])


@contextmanager
def minutes_later(demo: Demo, minutes: int) -> Generator[None]:
    """Let product and sandbox live later while the block runs. Afterwards their clock is put back."""
    before = _clock_of(demo)
    minutes_pass(demo, minutes)
    try:
        yield
    finally:
        demo.clock_file.write_text(before)


def minutes_pass(demo: Demo, minutes: int) -> None:
    """Let product and sandbox live later from now on."""
    demo.clock_file.write_text(str(float(_clock_of(demo)) + minutes * 60))


def _clock_of(demo: Demo) -> str:
    return demo.clock_file.read_text() if demo.clock_file.exists() else "0"


async def _sign_in(client: httpx.AsyncClient, *, demo: Demo, who: SignIn) -> None:
    client.headers["Origin"] = demo.console_url
    answer = await client.post("/api/session", json={"email": who.email, "password": who.password})
    client.headers["X-CSRF-Token"] = answer.raise_for_status().json()["csrf_token"]


def kill_web_process(demo: Demo) -> None:
    """End the web process as a crash would; the demo starts it again."""
    address = f"MOORAGE_PUBLIC_URL={demo.console_url}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            environment = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # gone meanwhile
        if b"moorage.entry.cli" in words and b"serve" in words and address in environment:
            os.kill(int(entry.name), signal.SIGKILL)
            return
    raise AssertionError("the demo has no web process")
