"""A company, WeChat's API as a local server at the wire, and what works on customers."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import pytest

from moorage.connectors.registry import ProviderUrls, open_connectors
from moorage.conversations.people.profiles import Profiles
from moorage.conversations.people.queries import describe_customer
from moorage.conversations.people.remarks import Remarks, change_remark
from moorage.conversations.people.views import CustomerView
from moorage.core.ids import CustomerId
from moorage.customers.model import ProfileDue, RemarkChanged
from moorage.infra.blobs import BlobStore
from moorage.infra.database import Database, Tx
from moorage.infra.http_client import open_provider_client
from moorage.staff.model import Actor
from tests.blobs import in_memory
from tests.channels.docking import BOX
from tests.conftest import Heard
from tests.connectors.provider import Call, Provider, answered, running_provider
from tests.conversations.desk import Desk, a_desk, an_openid

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@dataclass
class Wechat:
    """WeChat's answers: a profile for everybody, unless a path has another answer."""

    profile: dict[str, object] = field(
        default_factory=lambda: {
            "subscribe": 1,
            "nickname": "",
            "headimgurl": "",
            "language": "zh_CN",
            "subscribe_time": 1_767_225_600,
            "subscribe_scene": "ADD_SCENE_QR_CODE",
            "qr_scene_str": "shop-7",
            "remark": "",
            "tagid_list": [101],
        }
    )
    by_path: dict[str, object] = field(default_factory=dict[str, object])
    pictures: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """Whole answers by path."""
    remarks: list[str] = field(default_factory=list[str])

    async def answer(self, call: Call) -> bytes:
        if call.path in self.pictures:
            return self.pictures[call.path]
        if call.path in self.by_path:
            return answered(self.by_path[call.path])
        if call.path == "/face.png":
            return answered(PNG, content_type="image/png")
        return answered(self._said(call))

    def _said(self, call: Call) -> object:
        match call.path:
            case "/cgi-bin/stable_token":
                return {"access_token": "T1", "expires_in": 7200}
            case "/cgi-bin/user/info":
                return {**self.profile, "openid": call.query["openid"]}
            case "/cgi-bin/tags/get":
                return {"tags": [{"id": 101, "name": "老客户", "count": 3}]}
            case "/cgi-bin/user/info/updateremark":
                self.remarks.append(cast("str", json.loads(call.body)["remark"]))
                return {"errcode": 0, "errmsg": "ok"}
            case _:
                return {"errcode": -1, "errmsg": f"unexpected {call.path}"}


@dataclass
class Counter:
    """One customer at a company's counter: who they are, who sees it, and the worker behind."""

    desk: Desk
    anna: Actor
    wechat: Wechat
    provider: Provider
    heard: Heard
    blobs: BlobStore
    profiles: Profiles
    remarks: Remarks
    customer: str = field(default_factory=an_openid)

    async def id_of(self, customer: str | None = None) -> CustomerId:
        found = await self.desk.value(
            "SELECT customer_id FROM threads WHERE external_customer_id = %s", customer or self.customer
        )
        return cast("CustomerId", found)

    async def view(self, customer: str | None = None, *, actor: Actor | None = None) -> CustomerView:
        async with self.desk.database.in_workspace(self.desk.workspace_id) as tx:
            return await describe_customer(
                tx,
                actor=actor or self.anna,
                customer_id=await self.id_of(customer),
                connectors=self.desk.connectors,
            )

    async def call_them(self, remark: str | None, *, actor: Actor | None = None) -> None:
        customer_id = await self.id_of()

        async def change(tx: Tx) -> None:
            await change_remark(
                tx,
                actor=actor or self.anna,
                customer_id=customer_id,
                remark=remark,
                connectors=self.desk.connectors,
            )

        await self.desk.database.run(self.desk.workspace_id, change)

    async def work(self) -> None:
        """Run the jobs that the published events stand for, as a worker would."""
        events, self.heard.events[:] = list(self.heard.events), []
        workspace_id = self.desk.workspace_id
        for event in events:
            match event:
                case ProfileDue(customer_id=customer_id):
                    await self.profiles.read(workspace_id=workspace_id, customer_id=customer_id)
                case RemarkChanged(customer_id=customer_id):
                    await self.remarks.push(workspace_id=workspace_id, customer_id=customer_id)
                case _:
                    continue

    async def facts(self, topic: str) -> list[Mapping[str, object]]:
        async with self.desk.database.in_workspace(self.desk.workspace_id) as tx:
            rows = await tx.rows(
                _Payload, "SELECT payload, audience FROM event_log WHERE topic = %s ORDER BY seq", [topic]
            )
        return [{**row.payload, "audience": row.audience} for row in rows]


@dataclass(frozen=True, slots=True)
class _Payload:
    payload: Mapping[str, object]
    audience: list[str]


@pytest.fixture
def wechat() -> Wechat:
    return Wechat()


@pytest.fixture
async def counter(database: Database, heard: Heard, wechat: Wechat) -> AsyncIterator[Counter]:
    async with running_provider(wechat.answer) as provider, open_provider_client() as http, a_desk(database) as desk:
        desk.connectors = open_connectors(http=http, urls=ProviderUrls(wechat_api=provider.url))
        blobs = in_memory()
        heard.events.clear()
        yield Counter(
            desk=desk,
            anna=await desk.an_agent(),
            wechat=wechat,
            provider=provider,
            heard=heard,
            blobs=blobs,
            profiles=Profiles(database=database, connectors=desk.connectors, box=BOX, blobs=blobs),
            remarks=Remarks(database=database, connectors=desk.connectors, box=BOX),
        )
