"""A visitor of a web page and an agent, over the wire: each hears the other exactly once, whatever breaks between."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

import httpx
import pytest

from moorage.channels.docking import dock_with_credentials
from moorage.connectors.content import Text
from moorage.connectors.registry import ProviderUrls, open_connectors
from moorage.connectors.web.manifest import MANIFEST
from moorage.connectors.web.visitors import InProcessVisitors, Visit
from moorage.conversations.sender import Sender
from moorage.core.ids import new_id
from moorage.infra.database import Database
from moorage.infra.http_client import open_provider_client
from moorage.infra.secrets import SecretBox, parse_keys
from moorage.staff.presence import agent_seen, set_status
from tests.blobs import in_memory
from tests.connectors.web_requests import CREDENTIALS, a_push, a_text
from tests.entry.web import SECRET_KEY, SignedIn, web
from tests.links import OUTGOING

BOX = SecretBox(parse_keys(SECRET_KEY))
Json = dict[str, object]


@dataclass
class Page:
    """A visitor's page: hands in what they write, shows each message once, reads the thread when it is opened."""

    site_id: str
    visitors: InProcessVisitors
    visitor_id: str = field(default_factory=lambda: f"v-{new_id().hex}")
    shown: dict[str, str] = field(default_factory=dict[str, str])

    async def hand_in(self, client: httpx.AsyncClient, message: Json) -> httpx.Response:
        """Hand a message in, with a fresh token as after each renewal."""
        until = datetime.now(UTC) + timedelta(hours=1)
        request = a_push(message, site_id=self.site_id, visitor_id=self.visitor_id, until=until)
        return await client.post(
            f"/web/{self.site_id}", content=request.body, headers={"Content-Type": request.content_type}
        )

    @asynccontextmanager
    async def opened(self, thread: list[Json] | None = None) -> AsyncGenerator[Visit]:
        """Keep the page open; what the thread holds is shown if it is not there already."""
        async with self.visitors.visiting(site_id=self.site_id, visitor_id=self.visitor_id) as visit:
            for message in thread or []:
                self._show(str(message["id"]), message["content"])
            yield visit

    async def shows_next(self, visit: Visit, *, acknowledged: bool = True) -> str:
        """Return the next words that come, shown and acknowledged."""
        async with asyncio.timeout(10):
            handed = await visit.next()
        assert isinstance(handed.message.content, Text)
        self._show(str(handed.message.message_id), handed.message.content.model_dump(mode="json"))
        if acknowledged:
            handed.acknowledge()
        return handed.message.content.text

    def _show(self, message_id: str, content: object) -> None:
        self.shown.setdefault(message_id, str(cast("Json", content)["text"]))


@dataclass
class Chat:
    """The company's side, and one visitor."""

    database: Database
    owner: SignedIn
    page: Page
    senders_http: httpx.AsyncClient

    def a_sender(self) -> Sender:
        """Return another worker's sender, as after a restart; all of them reach the same page."""
        nowhere = ProviderUrls(wechat_api="http://127.0.0.1:9")
        connectors = open_connectors(http=self.senders_http, urls=nowhere, visitors=self.page.visitors)
        return Sender(database=self.database, connectors=connectors, box=BOX, blobs=in_memory(), links=OUTGOING)

    async def get(self, path: str) -> Json:
        return cast("Json", (await self.owner.client.get(f"/api{path}")).json())

    async def conversation(self) -> Json:
        (conversation,) = cast("list[Json]", (await self.get("/conversations?scope=mine"))["items"])
        return conversation

    async def thread(self) -> list[Json]:
        """Return what the visitor's page may read: what they said and what was said to them."""
        conversation = await self.conversation()
        messages = cast("list[Json]", (await self.get(f"/threads/{conversation['thread_id']}/messages"))["items"])
        return [message for message in messages if cast("Json", message["author"])["kind"] != "system"]

    async def heard(self) -> list[str]:
        """Return the words that the agent has heard."""
        return [text_of(one) for one in await self.thread() if cast("Json", one["author"])["kind"] == "customer"]

    async def reply(self, text: str) -> Json:
        path = f"/api/conversations/{(await self.conversation())['id']}/messages"
        answer = await self.owner.client.post(path, json={"content": {"type": "text", "text": text}})
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def deliveries(self) -> list[tuple[str, str]]:
        """Return words and state of everything that was said to the visitor."""
        return [
            (text_of(message), str(cast("Json", message["delivery"])["state"]))
            for message in await self.thread()
            if message["delivery"] is not None
        ]


def text_of(message: Json) -> str:
    return str(cast("Json", message["content"])["text"])


@pytest.fixture
async def chat(database: Database, owner: SignedIn) -> AsyncIterator[Chat]:
    """A site whose owner is at work; its greeting is off."""
    site_id = new_id().hex
    async with database.in_workspace(owner.workspace_id) as tx:
        channel = await dock_with_credentials(
            tx,
            manifest=MANIFEST,
            box=BOX,
            name="Shop",
            credentials={**CREDENTIALS, "site_id": site_id},
            by=None,
            remote_address="127.0.0.1",
        )
        await set_status(tx, agent_id=owner.colleague.agent_id, status="online")
        await agent_seen(tx, agent_id=owner.colleague.agent_id)
    settings = {"greeting": {"mode": "off"}}
    changed = await owner.client.patch(
        f"/api/channels/{channel.id}", json={"settings": settings, "version": channel.version}
    )
    assert changed.status_code == 200, changed.text
    async with open_provider_client() as http:
        yield Chat(database=database, owner=owner, page=Page(site_id, InProcessVisitors()), senders_http=http)


def now_text(text: str) -> Json:
    return a_text(text, at=datetime.now(UTC))


async def test_visitor_writes_and_an_agent_answers(chat: Chat, client: httpx.AsyncClient) -> None:
    taken = await chat.page.hand_in(client, now_text("你好 👋"))
    assert (taken.status_code, taken.json()) == (200, {"taken": True})
    conversation = await chat.conversation()
    assert cast("Json", conversation["channel"])["kind"] == "web"
    budget = cast("Json", conversation["budget"])
    assert (budget["open"], budget["left"], budget["most"]) == (True, None, None)
    await chat.reply("您好")
    async with chat.page.opened() as visit, asyncio.TaskGroup() as tasks:
        tasks.create_task(chat.a_sender().send_waiting())
        assert await chat.page.shows_next(visit) == "您好"
    assert await chat.heard() == ["你好 👋"]
    assert await chat.deliveries() == [("您好", "sent")]


async def test_message_handed_in_many_times_at_once_is_heard_once(chat: Chat, client: httpx.AsyncClient) -> None:
    message = now_text("once")
    answers = await asyncio.gather(*(chat.page.hand_in(client, message) for _ in range(12)))
    assert {answer.status_code for answer in answers} == {200}
    assert await chat.heard() == ["once"]


async def test_message_handed_in_again_after_the_web_process_died_is_heard_once(
    chat: Chat, client: httpx.AsyncClient, database_url: str
) -> None:
    message = now_text("are you there?")
    async with web(database_url) as before:
        await chat.page.hand_in(before, message)
    async with web(database_url) as after:
        assert (await chat.page.hand_in(after, message)).json() == {"taken": True}
        await chat.page.hand_in(after, now_text("hello?"))
    assert await chat.heard() == ["are you there?", "hello?"]
    assert (await chat.page.hand_in(client, message)).status_code == 200
    assert await chat.heard() == ["are you there?", "hello?"]


async def test_reply_whose_sender_died_before_it_could_tell_is_shown_once(
    chat: Chat, client: httpx.AsyncClient
) -> None:
    await chat.page.hand_in(client, now_text("你好"))
    await chat.reply("first")
    await chat.reply("second")
    async with chat.page.opened() as visit:
        dying = asyncio.create_task(chat.a_sender().send_waiting())
        assert await chat.page.shows_next(visit, acknowledged=False) == "first"
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        await lease_ends(chat)
        sender = chat.a_sender()
        await sender.let_go_of_lost()
        async with asyncio.TaskGroup() as tasks:
            page = tasks.create_task(chat.page.shows_next(visit))
            while (await chat.deliveries())[-1][1] != "sent":
                await sender.send_waiting()
            assert await page == "second"
    assert await chat.deliveries() == [("first", "sent"), ("second", "sent")]
    assert list(chat.page.shown.values()) == ["first", "second"]


async def test_visitor_who_was_away_finds_everything_once(chat: Chat, client: httpx.AsyncClient) -> None:
    await chat.page.hand_in(client, now_text("back in a minute"))
    await chat.reply("take your time")
    assert await chat.a_sender().send_waiting() == 1
    assert await chat.deliveries() == [("take your time", "sent")]
    await chat.reply("we are here")
    async with chat.page.opened(await chat.thread()) as visit, asyncio.TaskGroup() as tasks:
        tasks.create_task(chat.a_sender().send_waiting())
        assert await chat.page.shows_next(visit) == "we are here"
    assert list(chat.page.shown.values()) == ["back in a minute", "take your time", "we are here"]


async def test_what_is_no_visitors_request_is_refused_with_its_reason(chat: Chat, client: httpx.AsyncClient) -> None:
    path = f"/web/{chat.page.site_id}"
    request = a_push(now_text("x"), site_id=chat.page.site_id, until=datetime.now(UTC) - timedelta(seconds=1))
    json_type = {"Content-Type": "application/json"}
    expired = await client.post(path, content=request.body, headers=json_type)
    assert (expired.status_code, expired.json()["details"]) == (403, {"reason": "expired_token"})
    forged = request.body.replace(b".", b".0")
    refused = await client.post(path, content=forged, headers=json_type)
    assert (refused.status_code, refused.json()["details"]) == (403, {"reason": "invalid_signature"})
    assert (await client.get(path)).status_code == 405
    assert (await client.post(path, content=b"x" * 70_000, headers=json_type)).status_code == 413
    unknown = await client.post("/web/nobodyssite", content=request.body, headers=json_type)
    assert unknown.status_code == 404


async def test_site_has_no_checks_that_only_providers_could_pass(chat: Chat) -> None:
    (channel,) = cast("list[Json]", (await chat.get("/channels"))["items"])
    answer = await chat.owner.client.post(f"/api/channels/{channel['id']}/checks")
    assert answer.status_code == 200
    assert {check["name"] for check in answer.json()["items"]} == {"last_push", "last_send"}


async def lease_ends(chat: Chat) -> None:
    """Let the leases end; they go by the database's clock, which no test can move."""
    async with chat.database.in_workspace(chat.owner.workspace_id) as tx:
        ended = "UPDATE deliveries SET lease_until = now() - interval '1 second' WHERE state = 'sending'"
        assert await tx.execute(ended) == 1
