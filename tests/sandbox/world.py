"""A running stand-in for the tests, driven through its HTTP interfaces."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx

from tests.sandbox.receiver import Receiver
from wechat_sandbox.app import create_app
from wechat_sandbox.model import Mode, Push
from wechat_sandbox.settings import Settings
from wechat_sandbox.world import Sandbox

APPID = "wx7c1e5a90b2d4f683"
SECRET = "9b1f7a52c0de4e3f8a6b5c4d3e2f1a0b"
USERNAME = "gh_5b8e21a7c4d9"
TOKEN = "Kf7tokenXq2LmZ"
AES_KEY = "hV3qYp8sTzR1mNc5JkW0eLxDgUa2BoF7iQv9tSwMyHA"

Json = Any
"""An answer of the stand-in, looked into field by field."""


@dataclass(frozen=True, slots=True)
class World:
    """One stand-in with a client that reaches it without a socket."""

    sandbox: Sandbox
    http: httpx.AsyncClient
    clock_file: Path

    def move_clock(self, offset_s: float) -> None:
        self.clock_file.write_text(str(offset_s))

    async def control(self, path: str, body: Json = None) -> Json:
        """Return the answer of the control API to a POST with a body, or to a GET without."""
        url = f"/sandbox/api{path}"
        response = await (self.http.get(url) if body is None else self.http.post(url, json=body))
        assert response.status_code == 200, response.text
        return response.json()

    async def account(self, **seed: object) -> str:
        """Create an account and return its appid."""
        base: dict[str, object] = {"appid": APPID, "secret": SECRET, "username": USERNAME}
        base |= {"token": TOKEN, "aes_key": AES_KEY}
        return (await self.control("/accounts", base | seed))["appid"]

    async def docked_account(self, receiver: Receiver, *, mode: Mode = "secure") -> str:
        return await self.account(callback_url=receiver.url, mode=mode)

    async def follower(self, *, nickname: str = "小林", appid: str = APPID) -> str:
        """Return the openid of somebody who follows, their subscribe event settled."""
        openid = (await self.control(f"/accounts/{appid}/followers", {"nickname": nickname}))["openid"]
        sent = await self.act(openid, "follow", {}, appid=appid)
        await self.settled(sent["push_id"])
        return openid

    async def act(self, openid: str, action: str, body: Json, *, appid: str = APPID) -> Json:
        return await self.control(f"/accounts/{appid}/followers/{openid}/{action}", body)

    async def write(self, openid: str, content: str = "你好", *, appid: str = APPID) -> Json:
        return await self.act(openid, "message", {"type": "text", "content": content}, appid=appid)

    async def chat(self, openid: str, *, appid: str = APPID) -> list[Json]:
        return await self.control(f"/accounts/{appid}/followers/{openid}/chat")

    async def settled(self, push_id: int) -> Push:
        """Return the push once it was answered or given up."""
        await until(lambda: self.sandbox.state.pushes[push_id].outcome is not None)
        return self.sandbox.state.pushes[push_id]

    async def call(self, path: str, body: Json = None, *, token: str | None = None) -> Json:
        """Return WeChat's answer to a POST with a body, or to a GET without."""
        params = None if token is None else {"access_token": token}
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        response = await self.http.request("GET" if body is None else "POST", path, params=params, content=content)
        assert response.status_code == 200
        return response.json()

    async def stable_token(self, *, force: bool = False) -> Json:
        body = {"grant_type": "client_credential", "appid": APPID, "secret": SECRET, "force_refresh": force}
        return await self.call("/cgi-bin/stable_token", body)

    async def plain_token(self) -> Json:
        return await self.call(f"/cgi-bin/token?grant_type=client_credential&appid={APPID}&secret={SECRET}")

    async def token_works(self, token: str) -> int:
        """Return the error code that a harmless call with the token gets, 0 if it works."""
        return (await self.call("/cgi-bin/getcallbackip", token=token)).get("errcode", 0)

    async def send(self, openid: str, content: str = "您好", *, token: str) -> int:
        """Return the error code of a customer-service text."""
        body = {"touser": openid, "msgtype": "text", "text": {"content": content}}
        return (await self.call("/cgi-bin/message/custom/send", body, token=token))["errcode"]

    async def typing(
        self, openid: str, *, token: str, command: Literal["Typing", "CancelTyping", "Dance"] = "Typing"
    ) -> int:
        body = {"touser": openid, "command": command}
        return (await self.call("/cgi-bin/message/custom/typing", body, token=token))["errcode"]


async def until(condition: Callable[[], bool], *, within_s: float = 5.0) -> None:
    """Return once the condition holds. Raises TimeoutError."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running_world(
    folder: Path, *, deadline_s: float = 5.0, retry_interval_s: float = 0.05
) -> AsyncGenerator[World]:
    """Yield a stand-in with short times; a second one in the same folder continues where the first ended."""
    settings = Settings(
        state_file=folder / "state.json",
        clock_file=folder / "clock",
        deadline_s=deadline_s,
        retry_interval_s=retry_interval_s,
    )
    sandbox = Sandbox(settings=settings)
    app = create_app(sandbox=sandbox)
    transport = httpx.ASGITransport(app=app)
    async with sandbox.running(), httpx.AsyncClient(transport=transport, base_url="http://sandbox") as http:
        yield World(sandbox=sandbox, http=http, clock_file=folder / "clock")
