"""A follow reply from the admin's form to the followers' phones, with WeChat as a local server at the wire."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
import pytest

from moorage.conversations.media_upkeep import sweep_uploads
from moorage.conversations.sender import Sender
from moorage.core.ids import new_id
from moorage.entry.container import BLOBS
from moorage.infra.blobs import open_blob_folder
from moorage.infra.database import Database
from moorage.staff.model import Role
from moorage.staff.sessions import begin_session
from tests.channels.docking import BOX
from tests.conftest import MovableClock
from tests.connectors.provider import Call, answered, running_provider
from tests.conversations.desk import Desk, a_desk, an_openid
from tests.entry.web import web
from tests.links import OUTGOING
from tests.pictures import a_noisy_picture, a_picture

OK = answered({"errcode": 0, "errmsg": "ok"})
GONE = answered({"errcode": 45015, "errmsg": "response out of time limit or subscription is canceled"})


@dataclass
class Wechat:
    """Takes everything, unless the customer is `gone`."""

    gone: bool = False
    uploads: int = 0
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])

    async def answer(self, call: Call) -> bytes:
        if call.path.endswith("stable_token"):
            return answered({"access_token": "T1", "expires_in": 7200})
        if call.path.endswith("media/upload"):
            self.uploads += 1
            return answered({"type": "image", "media_id": f"UP{self.uploads}", "created_at": 1767225600})
        asked = cast("dict[str, Any]", call.asked)
        self.sent.append((asked["touser"], asked[asked["msgtype"]]))
        return GONE if self.gone else OK


@dataclass
class Stage:
    desk: Desk
    wechat: Wechat
    sender: Sender
    base_url: httpx.URL

    async def somebody(self, role: Role) -> httpx.AsyncClient:
        actor = await self.desk.an_agent(role=role)
        async with self.desk.database.in_workspace(self.desk.workspace_id) as tx:
            session = await begin_session(
                tx, person_id=actor.person_id, agent_id=actor.agent_id, remote_address="127.0.0.1", user_agent="test"
            )
        return httpx.AsyncClient(
            base_url=self.base_url,
            trust_env=False,
            timeout=30,
            cookies={"moorage_session": session.token},
            headers={"X-CSRF-Token": session.csrf_token},
        )

    @property
    def path(self) -> str:
        return f"/api/channels/{self.desk.channel.id}/follow-reply"

    async def uploads(self, admin: httpx.AsyncClient, content: bytes) -> httpx.Response:
        return await admin.post(
            f"{self.path}/pictures",
            files={"file": ("茶单.png", content, "image/png")},
            headers={"Idempotency-Key": str(new_id())},
        )

    async def follows(self, customer: str) -> None:
        await self.desk.push(self.desk.happened("subscribe", by=customer, EventKey=""))

    async def states(self, customer: str) -> list[tuple[str, str | None]]:
        said = [one.delivery for one in await self.desk.messages_of(customer) if one.author.why == "follow_reply"]
        return [(delivery.state.value, delivery.reason) for delivery in said if delivery is not None]


@pytest.fixture
async def stage(fresh_database: Database, tmp_path: Path) -> AsyncIterator[Stage]:
    wechat = Wechat()
    async with (
        running_provider(wechat.answer) as provider,
        a_desk(fresh_database, provider_url=provider.url) as desk,
        web(str(fresh_database.pool.conninfo), data_dir=tmp_path) as visitor,
    ):
        blobs = open_blob_folder(tmp_path / BLOBS)
        sender = Sender(database=fresh_database, connectors=desk.connectors, box=BOX, blobs=blobs, links=OUTGOING)
        yield Stage(desk=desk, wechat=wechat, sender=sender, base_url=visitor.base_url)


def with_picture(picture_id: str) -> dict[str, Any]:
    first = [{"type": "text", "text": "欢迎"}, {"type": "image", "picture_id": picture_id}]
    return {"reply": {"enabled": True, "first": first}, "version": 0}


async def set_with_picture(stage: Stage, admin: httpx.AsyncClient) -> str:
    uploaded = await stage.uploads(admin, a_picture())
    assert uploaded.status_code == 201, uploaded.text
    saved = await admin.put(stage.path, json=with_picture(uploaded.json()["id"]))
    assert saved.status_code == 200, saved.text
    assert [picture["id"] for picture in saved.json()["pictures"]] == [uploaded.json()["id"]]
    return uploaded.json()["id"]


async def test_followers_get_text_and_picture_and_the_picture_is_uploaded_once(stage: Stage) -> None:
    async with await stage.somebody("admin") as admin:
        picture_id = await set_with_picture(stage, admin)
        customers = [an_openid(), an_openid()]
        for customer in customers:
            await stage.follows(customer)
            await stage.sender.send_waiting()
            await stage.sender.send_waiting()
            assert await stage.states(customer) == [("sent", None), ("sent", None)]
        said = [{"content": "欢迎"}, {"media_id": "UP1"}]
        assert stage.wechat.sent == [(customer, one) for customer in customers for one in said]
        assert stage.wechat.uploads == 1
        async with await stage.somebody("agent") as agent:
            assert (await agent.get(f"/api/media/{picture_id}")).status_code == 200


async def test_the_providers_name_of_a_picture_is_used_for_as_long_as_it_keeps_it(
    stage: Stage, clock: MovableClock
) -> None:
    async with await stage.somebody("admin") as admin:
        await set_with_picture(stage, admin)
    for _ in range(2):
        await stage.follows(an_openid())
        await stage.sender.send_waiting()
        await stage.sender.send_waiting()
        clock.forward(timedelta(days=3))
    assert stage.wechat.uploads == 2


async def test_who_leaves_at_once_gets_nothing_and_each_message_says_why(stage: Stage) -> None:
    async with await stage.somebody("admin") as admin:
        await set_with_picture(stage, admin)
    customer = an_openid()
    await stage.follows(customer)
    await stage.desk.push(stage.desk.happened("unsubscribe", by=customer, EventKey=""))
    stage.wechat.gone = True
    await stage.sender.send_waiting()
    await stage.sender.send_waiting()
    assert await stage.states(customer) == [("failed", "not_following")] * 2


async def test_a_wrong_reply_is_refused_with_the_fault_at_its_field(stage: Stage) -> None:
    async with await stage.somebody("admin") as admin:
        refused = await admin.put(stage.path, json=with_picture(str(new_id())))
        assert refused.status_code == 422
        assert refused.json()["code"] == "channels.follow_reply_invalid"
        (fault,) = refused.json()["details"]["faults"]
        assert (fault["path"], fault["reason"]) == ("first.1.picture_id", "missing")
        assert (await admin.get(stage.path)).json()["version"] == 0
        assert (await stage.uploads(admin, b"no picture")).status_code == 422
        assert (await stage.uploads(admin, a_noisy_picture(size=(900, 900)))).status_code == 201


async def test_agents_may_look_and_not_change(stage: Stage) -> None:
    async with await stage.somebody("agent") as agent:
        told = (await agent.get(stage.path)).json()
        assert told["limits"]["most_messages"] == 3
        assert told["limits"]["within_s"] == 60
        changed = await agent.put(stage.path, json={"reply": {"enabled": False}, "version": 0})
        assert changed.status_code == 403
        assert (await stage.uploads(agent, a_picture())).status_code == 403


async def test_a_picture_that_no_reply_names_is_swept_away(stage: Stage, clock: MovableClock, tmp_path: Path) -> None:
    blobs = open_blob_folder(tmp_path / BLOBS)
    async with await stage.somebody("admin") as admin:
        used = await set_with_picture(stage, admin)
        assert (await stage.uploads(admin, a_picture())).status_code == 201
    clock.forward(timedelta(days=2))
    assert await sweep_uploads(stage.desk.database, blobs=blobs) == 1
    assert await stage.desk.value("SELECT id FROM channel_pictures") == UUID(used)
