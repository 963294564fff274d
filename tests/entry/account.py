"""A docked account, and WeChat's servers on its behalf."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import cast

import httpx

from moorage.connectors.contract import RawRequest
from moorage.core.ids import new_id
from moorage.infra.database import Database
from tests.connectors.wechat_requests import CREDENTIALS, a_message, sealed_push
from tests.entry.web import SignedIn, signed_in


class Account:
    """A docked account, as WeChat's servers see it."""

    def __init__(self, owner: SignedIn, credentials: Mapping[str, str]) -> None:
        self.owner = owner
        self.appid = credentials["appid"]

    @property
    def path(self) -> str:
        return f"/wechat/oa/{self.appid}"

    def message(self, text: str = "你好", *, at: datetime | None = None, appid: str | None = None) -> RawRequest:
        now = at or datetime.now(UTC)
        body = a_message(text, message_id=str(new_id().int % 10**17))
        body = body.replace(b"1767225600", str(int(now.timestamp())).encode())
        return sealed_push(body, at=now, appid=appid or self.appid)

    async def push(self, request: RawRequest, *, path: str | None = None) -> httpx.Response:
        return await self.owner.client.request(
            request.method,
            path or self.path,
            params=dict(request.query),
            content=request.body,
            headers={"Content-Type": request.content_type} if request.content_type else {},
        )

    async def conversations(self) -> list[dict[str, object]]:
        answer = await self.owner.client.get("/api/conversations?scope=all")
        return cast("list[dict[str, object]]", answer.json()["items"])


@asynccontextmanager
async def a_docked_account(database: Database, client: httpx.AsyncClient) -> AsyncGenerator[Account]:
    """Yield an account that its owner has docked through the API."""
    async with signed_in(database, client) as owner:
        credentials = {**CREDENTIALS, "appid": f"wx{new_id().hex[-16:]}"}
        answer = await owner.client.post("/api/channels", json={"kind": "wechat_oa", "credentials": credentials})
        assert answer.status_code == 201, answer.text
        yield Account(owner, credentials)
