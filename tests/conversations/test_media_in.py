"""Files that customers send, with WeChat's API as a local server at the wire."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest

from moorage.connectors.content import Media
from moorage.conversations.media import MediaReceived
from moorage.conversations.media_fetching import SOON, MediaFetcher
from moorage.conversations.media_files import find_file
from moorage.conversations.media_upkeep import fetch_due_media
from moorage.conversations.views import MessageView
from moorage.infra.blobs import BlobStore
from moorage.infra.database import Database
from moorage.media.pictures import Pictures
from moorage.staff.model import Actor
from tests.blobs import in_memory
from tests.channels.docking import BOX
from tests.conftest import Heard, MovableClock
from tests.connectors.provider import Call, answered, running_provider
from tests.conversations.desk import Desk, a_desk, an_openid
from tests.pictures import a_picture

EXPIRED = answered({"errcode": 40007, "errmsg": "invalid media_id"})


def a_file(content: bytes, media_type: str = "image/jpeg") -> bytes:
    return answered(content, content_type=media_type)


@dataclass
class Wechat:
    """Gives tokens, and answers each question for a file with the next of `answers`, at last always the last one."""

    answers: list[bytes] = field(default_factory=lambda: [a_file(a_picture())])
    asked: list[str] = field(default_factory=list[str])

    async def answer(self, call: Call) -> bytes:
        if call.path.endswith("stable_token"):
            return answered({"access_token": f"T{len(self.asked)}", "expires_in": 7200})
        assert call.path == "/cgi-bin/media/get"
        self.asked.append(call.query["media_id"])
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@dataclass
class Inbox:
    """A customer who sends files, an agent who sees them, and the worker that fetches."""

    desk: Desk
    anna: Actor
    customer: str
    wechat: Wechat
    heard: Heard
    clock: MovableClock
    blobs: BlobStore
    fetcher: MediaFetcher

    async def sends(self, kind: str = "image") -> MessageView:
        await self.desk.push(self.desk.sent(kind, by=self.customer, MediaId="M1"))
        return await self.newest()

    async def newest(self) -> MessageView:
        said = [one for one in await self.desk.messages_of(self.customer) if one.author.kind == "customer"]
        return said[-1]

    async def media(self) -> Media:
        content = (await self.newest()).content
        assert isinstance(content, Media)
        return content

    def wanted(self) -> Sequence[MediaReceived]:
        """Return the jobs that were written, and forget them."""
        events = [event for event in self.heard.events if isinstance(event, MediaReceived)]
        self.heard.events.clear()
        return events

    async def work(self) -> None:
        """Run what waits: the jobs that were written, and what is due by now."""
        await fetch_due_media(self.desk.database)
        for event in self.wanted():
            await self.fetcher.fetch(workspace_id=self.desk.workspace_id, message_id=event.message_id)

    async def stored(self, media: Media) -> bytes:
        """Return the file itself, as the agent may read it."""
        async with self.desk.database.in_workspace(self.desk.workspace_id) as tx:
            _, blob = await find_file(tx, file_id=UUID(media.blob_id), actor=self.anna)
        return await self.blobs.read(blob)

    async def outcome(self) -> tuple[str, str | None]:
        media = await self.media()
        return media.state, media.reason

    async def exhausts_tries(self) -> None:
        """Let the time of the quick repetitions pass."""
        for wait in (timedelta(), *SOON):
            self.clock.forward(wait)
            await self.work()


@pytest.fixture
def wechat() -> Wechat:
    return Wechat()


@pytest.fixture
async def inbox(fresh_database: Database, heard: Heard, clock: MovableClock, wechat: Wechat) -> AsyncIterator[Inbox]:
    async with running_provider(wechat.answer) as provider, a_desk(fresh_database, provider_url=provider.url) as desk:
        blobs = in_memory()
        yield Inbox(
            desk=desk,
            anna=await desk.an_agent(),
            customer=an_openid(),
            wechat=wechat,
            heard=heard,
            clock=clock,
            blobs=blobs,
            fetcher=MediaFetcher(
                database=fresh_database, connectors=desk.connectors, box=BOX, blobs=blobs, pictures=Pictures()
            ),
        )


async def test_picture_is_shown_at_once_and_its_file_follows(inbox: Inbox) -> None:
    message = await inbox.sends()
    assert await inbox.outcome() == ("fetching", None)
    card = await inbox.desk.conversation_of(inbox.customer)
    assert card.last_message is not None
    assert (card.last_message.type, card.last_message.preview) == ("image", "")
    await inbox.work()
    kept = await inbox.media()
    assert (kept.state, kept.media_type, kept.width, kept.height) == ("kept", "image/jpeg", 40, 30)
    assert (await inbox.newest()).version == message.version + 1
    told = await inbox.desk.value(
        "SELECT audience FROM event_log WHERE topic = 'message.changed' AND object_id = %s", message.id
    )
    assert told == sorted({"role:supervisor", f"agent:{inbox.anna.agent_id}"})
    assert await inbox.stored(kept) == a_picture()
    assert inbox.wechat.asked == ["M1"]
