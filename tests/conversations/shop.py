"""A shop with its web process, its sender and WeChat at the wire: for what is sent and handed in as files."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from moorage.conversations.sender import Sender
from moorage.conversations.views import ConversationView
from moorage.core.ids import new_id
from moorage.entry.container import BLOBS
from moorage.infra.blobs import open_blob_folder
from moorage.infra.database import Database
from moorage.staff.model import Actor
from moorage.staff.sessions import begin_session
from tests.channels.docking import BOX
from tests.connectors.provider import Call, answered, running_provider
from tests.conversations.desk import Desk, a_desk, an_openid
from tests.entry.web import web
from tests.links import OUTGOING
from tests.pictures import a_picture

UPLOAD, SEND = "/cgi-bin/media/upload", "/cgi-bin/message/custom/send"
UPLOADED = answered({"type": "image", "media_id": "UP1", "created_at": 1767225600})
OK = answered({"errcode": 0, "errmsg": "ok"})


def code(errcode: int) -> bytes:
    return answered({"errcode": errcode, "errmsg": "as the test wants it"})


@dataclass
class Wechat:
    """Gives tokens, and answers each path with the next of its answers, at last always with the last one."""

    answers: dict[str, list[bytes]] = field(default_factory=lambda: {UPLOAD: [UPLOADED], SEND: [OK]})
    calls: list[Call] = field(default_factory=list[Call])

    async def answer(self, call: Call) -> bytes:
        if call.path.endswith("stable_token"):
            return answered({"access_token": "T1", "expires_in": 7200})
        self.calls.append(call)
        waiting = self.answers[call.path]
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def asked(self) -> list[str]:
        return [call.path for call in self.calls]


@dataclass
class Browser:
    """Somebody at their workbench."""

    client: httpx.AsyncClient
    actor: Actor

    async def uploads(
        self,
        conversation: ConversationView,
        content: bytes,
        *,
        name: str = "茶单.jpg",
        key: str | None = None,
        kind: str = "image",
    ) -> httpx.Response:
        return await self.client.post(
            f"/api/conversations/{conversation.id}/uploads",
            params={"as": kind},
            files={"file": (name, content, "image/jpeg")},
            headers={"Idempotency-Key": key or str(new_id())},
        )

    async def sends(self, conversation: ConversationView, upload_id: str, *, kind: str = "image") -> httpx.Response:
        return await self.client.post(
            f"/api/conversations/{conversation.id}/messages",
            json={"content": {"type": kind, "upload_id": upload_id}},
            headers={"Idempotency-Key": str(new_id())},
        )

    async def sees(self, blob_id: str, **headers: str) -> httpx.Response:
        return await self.client.get(f"/api/media/{blob_id}", headers=headers)


@dataclass
class Shop:
    """A desk with its web process and its sender, and one customer in conversation with Anna."""

    desk: Desk
    wechat: Wechat
    sender: Sender
    folder: Path
    base_url: httpx.URL
    anna: Browser
    customer: str
    conversation: ConversationView

    @asynccontextmanager
    async def browser(self, actor: Actor) -> AsyncGenerator[Browser]:
        async with a_browser(self.desk, self.base_url, actor) as opened_browser:
            yield opened_browser

    async def an_upload(self, content: bytes | None = None, *, kind: str = "image", name: str = "茶单.jpg") -> str:
        answer = await self.anna.uploads(
            self.conversation, a_picture() if content is None else content, kind=kind, name=name
        )
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def outcome(self) -> tuple[str, str | None]:
        message = (await self.desk.messages_of(self.customer))[-1]
        assert message.delivery is not None
        return message.delivery.state.value, message.delivery.reason

    def files(self) -> int:
        return sum(1 for path in self.folder.rglob("*") if path.is_file())


@asynccontextmanager
async def a_browser(desk: Desk, base_url: httpx.URL, actor: Actor) -> AsyncGenerator[Browser]:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        session = await begin_session(
            tx, person_id=actor.person_id, agent_id=actor.agent_id, remote_address="127.0.0.1", user_agent="test"
        )
    async with httpx.AsyncClient(
        base_url=base_url,
        trust_env=False,
        timeout=120,  # above what the product gives a file: what is slow says so itself
        cookies={"moorage_session": session.token},
        headers={"X-CSRF-Token": session.csrf_token},
    ) as client:
        yield Browser(client, actor)


@pytest.fixture
def wechat() -> Wechat:
    return Wechat()


@pytest.fixture
async def shop(fresh_database: Database, wechat: Wechat, tmp_path: Path) -> AsyncIterator[Shop]:
    url = str(fresh_database.pool.conninfo)
    async with (
        running_provider(wechat.answer) as provider,
        a_desk(fresh_database, provider_url=provider.url) as desk,
        web(url, data_dir=tmp_path) as visitor,
    ):
        anna = await desk.an_agent()
        customer = an_openid()
        await desk.hears(by=customer)
        folder = tmp_path / BLOBS
        async with a_browser(desk, visitor.base_url, anna) as browser:
            yield Shop(
                desk=desk,
                wechat=wechat,
                sender=Sender(
                    database=fresh_database,
                    connectors=desk.connectors,
                    box=BOX,
                    blobs=open_blob_folder(folder),
                    links=OUTGOING,
                ),
                folder=folder,
                base_url=visitor.base_url,
                anna=browser,
                customer=customer,
                conversation=await desk.conversation_of(customer),
            )
