"""Files that customers send, with WeChat's API as a local server at the wire."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest

from moorage.channels.states import mark_deauthorized
from moorage.connectors.content import Media
from moorage.conversations.media import MediaReceived, NothingToFetch
from moorage.conversations.media_fetching import LEASE, SOON, MediaFetcher
from moorage.conversations.media_files import find_file
from moorage.conversations.media_looking import Looks
from moorage.conversations.media_messages import JOB_HAS, fetch_again
from moorage.conversations.media_upkeep import fetch_due_media
from moorage.conversations.views import MessageView
from moorage.core.errors import Missing
from moorage.core.ids import MessageId
from moorage.infra.blobs import BlobStore
from moorage.infra.database import Database, Tx
from moorage.media.pictures import Pictures
from moorage.media.sniffing import media_type_of
from moorage.media.voices import Voices
from moorage.staff.model import Actor
from tests.blobs import in_memory
from tests.channels.docking import BOX
from tests.conftest import Heard, MovableClock
from tests.connectors.provider import WITHOUT_ANSWER, Call, answered, running_provider
from tests.conversations.desk import Desk, a_desk, an_openid
from tests.pictures import a_bomb, a_noisy_picture, a_picture
from tests.voices import a_silence, a_voice, an_mp3

EXPIRED = answered({"errcode": 40007, "errmsg": "invalid media_id"})


def a_file(content: bytes, media_type: str = "image/jpeg") -> bytes:
    return answered(content, content_type=media_type)


@dataclass
class Wechat:
    """Gives tokens, and answers each question for a file with the next of `answers`, at last always the last one."""

    answers: list[bytes] = field(default_factory=lambda: [a_file(a_picture())])
    asked: list[str] = field(default_factory=list[str])
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event | None = None
    """Set: the next file waits for it."""

    async def answer(self, call: Call) -> bytes:
        if call.path.endswith("stable_token"):
            return answered({"access_token": f"T{len(self.asked)}", "expires_in": 7200})
        assert call.path == "/cgi-bin/media/get"
        self.asked.append(call.query["media_id"])
        self.arrived.set()
        if (gate := self.gate) is not None:
            await gate.wait()
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

    async def sends(self, kind: str = "image", **fields: str) -> MessageView:
        await self.desk.push(self.desk.sent(kind, by=self.customer, at=None, MediaId="M1", **fields))
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
        return await self.read(media.blob_id)

    async def read(self, blob_id: str | None, *, by: Actor | None = None) -> bytes:
        """Return one of the message's files, as an agent may read it."""
        assert blob_id is not None
        async with self.desk.database.in_workspace(self.desk.workspace_id) as tx:
            _, blob = await find_file(tx, file_id=UUID(blob_id), actor=by or self.anna)
        return await self.blobs.read(blob)

    async def fetches_again(self, message: MessageView, *, by: Actor | None = None) -> MessageView:
        async def fetch(tx: Tx) -> MessageView:
            return await fetch_again(tx, actor=by or self.anna, message_id=MessageId(message.id))

        return await self.desk.database.run(self.desk.workspace_id, fetch)

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
                database=fresh_database,
                connectors=desk.connectors,
                box=BOX,
                blobs=blobs,
                looks=Looks(pictures=Pictures(), voices=Voices()),
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


async def test_fetching_twice_keeps_one_file(inbox: Inbox) -> None:
    message = await inbox.sends()
    (wanted,) = inbox.wanted()
    fetch = inbox.fetcher.fetch
    workspace_id, message_id = inbox.desk.workspace_id, wanted.message_id
    await asyncio.gather(*(fetch(workspace_id=workspace_id, message_id=message_id) for _ in range(3)))
    await fetch(workspace_id=workspace_id, message_id=message_id)
    assert await inbox.outcome() == ("kept", None)
    assert (await inbox.newest()).version == message.version + 1
    assert await inbox.desk.value("SELECT count(*) FROM media_files") == 1
    assert inbox.wechat.asked == ["M1"]


async def test_try_that_outlived_its_lease_does_no_harm(inbox: Inbox) -> None:
    await inbox.sends()
    (wanted,) = inbox.wanted()
    gate = asyncio.Event()
    inbox.wechat.gate = gate
    slow = asyncio.create_task(inbox.fetcher.fetch(workspace_id=inbox.desk.workspace_id, message_id=wanted.message_id))
    async with asyncio.timeout(10):
        await inbox.wechat.arrived.wait()
    inbox.wechat.gate = None
    inbox.clock.forward(LEASE + timedelta(seconds=1))
    await inbox.work()  # its row is due again, and somebody else is quicker
    first = await inbox.media()
    assert first.state == "kept"
    gate.set()
    await slow
    assert await inbox.media() == first
    assert await inbox.desk.value("SELECT count(*) FROM media_files") == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (answered(b"<!doctype html><html></html>", content_type="text/html"), "provider_unreachable"),
        (answered(b"<html></html>", content_type="image/jpeg"), "provider_unreachable"),
        (answered({"ok": True}), "provider_unreachable"),
        (answered(b"", content_type="image/jpeg"), "provider_unreachable"),
        (answered({"errcode": -1, "errmsg": "busy"}), "provider_busy"),
        (a_file(a_noisy_picture(size=(90, 90))[:900]), "damaged"),
        (WITHOUT_ANSWER, "provider_unreachable"),
        (answered({"errcode": 48001, "errmsg": "api unauthorized"}), "api_not_allowed"),
        (answered({"errcode": 61007, "errmsg": "api is unauthorized to component"}), "permission_missing"),
        (answered({"errcode": 45009, "errmsg": "reach max api daily quota limit"}), "daily_limit"),
    ],
)
async def test_file_that_does_not_come_is_tried_again_and_at_last_says_why(
    inbox: Inbox, answer: bytes, reason: str
) -> None:
    inbox.wechat.answers = [answer]
    await inbox.sends()
    await inbox.work()
    assert await inbox.outcome() == ("fetching", None)
    await inbox.exhausts_tries()
    assert await inbox.outcome() == ("failed", reason)
    tried = len(inbox.wechat.asked)
    await inbox.work()
    assert len(inbox.wechat.asked) == tried == len(SOON) + 1
    restricted = await inbox.desk.value("SELECT state_reason FROM channels")
    assert restricted == ("set_missing_messages" if reason == "permission_missing" else None)
    inbox.wechat.answers = [a_file(a_picture())]
    inbox.clock.forward(timedelta(hours=1))
    await inbox.work()
    assert await inbox.outcome() == ("kept", None)


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (EXPIRED, "expired", "expired"),
        (answered({"errcode": 46001, "errmsg": "media data no exist"}), "expired", "expired"),
        (
            a_file(b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
            "refused",
            "not_a_picture",
        ),
        (a_file(b"MZ\x90\x00" + bytes(500)), "refused", "not_a_picture"),
        (a_file(a_bomb()), "refused", "too_many_pixels"),
        (a_file(b"\xff\xd8\xff" + bytes(40_000_000)), "refused", "too_large"),
    ],
)
async def test_file_that_can_never_be_shown_is_not_asked_for_again(
    inbox: Inbox, answer: bytes, state: str, reason: str
) -> None:
    inbox.wechat.answers = [answer]
    await inbox.sends()
    await inbox.work()
    assert await inbox.outcome() == (state, reason)
    inbox.clock.forward(timedelta(days=1))
    await inbox.work()
    assert len(inbox.wechat.asked) == 1
    assert await inbox.desk.value("SELECT count(*) FROM media_files") == 0
    await inbox.desk.hears("再发一次", by=inbox.customer)  # nothing else is disturbed
    assert (await inbox.newest()).content.type == "text"


async def test_what_never_came_is_expired_when_the_provider_has_thrown_it_away(inbox: Inbox) -> None:
    inbox.wechat.answers = [WITHOUT_ANSWER]
    await inbox.sends()
    await inbox.exhausts_tries()
    inbox.clock.forward(timedelta(days=2, hours=23))
    await inbox.work()
    assert await inbox.outcome() == ("failed", "provider_unreachable")
    inbox.clock.forward(timedelta(hours=2))
    await inbox.work()
    assert await inbox.outcome() == ("expired", "expired")


async def test_lost_job_is_written_again(inbox: Inbox) -> None:
    await inbox.sends()
    inbox.wanted()  # and nobody runs it
    await inbox.work()
    assert await inbox.outcome() == ("fetching", None)
    inbox.clock.forward(JOB_HAS)
    await inbox.work()
    assert await inbox.outcome() == ("kept", None)


async def test_account_that_is_not_connected_is_not_asked(inbox: Inbox) -> None:
    await inbox.sends()
    async with inbox.desk.database.in_workspace(inbox.desk.workspace_id) as tx:
        await mark_deauthorized(tx, channel_id=inbox.desk.channel.id, reason="authorization_gone")
    await inbox.exhausts_tries()
    assert await inbox.outcome() == ("failed", "channel_state")
    assert inbox.wechat.asked == []


async def test_person_has_a_file_fetched_again(inbox: Inbox) -> None:
    inbox.wechat.answers = [a_file(b"no picture"), a_file(a_picture())]
    message = await inbox.sends()
    await inbox.work()
    assert await inbox.outcome() == ("refused", "not_a_picture")
    shown = await inbox.fetches_again(message)
    assert isinstance(shown.content, Media)
    assert (shown.content.state, shown.content.reason) == ("fetching", None)
    assert shown.author.name is not None
    await inbox.work()
    assert await inbox.outcome() == ("kept", None)
    kept = await inbox.newest()
    assert await inbox.fetches_again(message) == kept  # there is nothing more to be had
    await inbox.work()
    assert len(inbox.wechat.asked) == 2


async def test_only_who_may_read_has_files_fetched_and_only_files(inbox: Inbox) -> None:
    message = await inbox.sends()
    with pytest.raises(Missing):
        await inbox.fetches_again(message, by=await inbox.desk.an_agent(name="Bob", group_ids=[]))
    await inbox.desk.hears("你好", by=inbox.customer)
    with pytest.raises(NothingToFetch):
        await inbox.fetches_again(await inbox.newest())


@pytest.mark.parametrize(
    ("kind", "content", "media_type"),
    [
        ("voice", a_silence(), "audio/amr"),
        ("video", b"\x00\x00\x00\x18ftypmp42" + bytes(200), "video/mp4"),
        ("shortvideo", b"\x00\x00\x00\x18ftypmp42" + bytes(200), "video/mp4"),
    ],
)
async def test_voice_and_video_are_kept_too(inbox: Inbox, kind: str, content: bytes, media_type: str) -> None:
    inbox.wechat.answers = [a_file(content, media_type)]
    await inbox.sends(kind)
    await inbox.work()
    kept = await inbox.media()
    assert (kept.state, kept.media_type, kept.size_bytes) == ("kept", media_type, len(content))


async def test_picture_where_a_voice_is_due_is_refused(inbox: Inbox) -> None:
    inbox.wechat.answers = [a_file(a_picture())]
    await inbox.sends("voice")
    await inbox.work()
    assert await inbox.outcome() == ("refused", "kind_not_allowed")


async def test_voice_is_kept_as_it_came_and_as_a_browser_plays_it(inbox: Inbox) -> None:
    recorded = a_voice(seconds=2)
    inbox.wechat.answers = [a_file(recorded, "audio/amr")]
    await inbox.sends("voice", Format="amr", Recognition="我要退款")
    await inbox.work()
    kept = await inbox.media()
    assert (kept.state, kept.media_type, kept.flaw, kept.recognized_text) == ("kept", "audio/amr", None, "我要退款")
    assert kept.duration_s == pytest.approx(2, abs=0.05)
    assert await inbox.stored(kept) == recorded
    assert kept.playable_blob_id not in (None, kept.blob_id)
    assert media_type_of(await inbox.read(kept.playable_blob_id)) == "audio/mpeg"
    with pytest.raises(Missing):
        await inbox.read(kept.playable_blob_id, by=await inbox.desk.an_agent(name="Bob", group_ids=[]))


async def test_voice_that_plays_everywhere_is_kept_once(inbox: Inbox) -> None:
    inbox.wechat.answers = [a_file(an_mp3(), "audio/mpeg")]
    await inbox.sends("voice", Format="mp3")
    await inbox.work()
    kept = await inbox.media()
    assert kept.playable_blob_id == kept.blob_id is not None
    assert await inbox.desk.value("SELECT count(*) FROM media_files") == 1


@pytest.mark.parametrize(
    ("format_", "content", "media_type"),
    [("speex", bytes(range(0x10, 0x60)) * 40, "audio/speex"), ("silk", b"#!SILK_V3" + bytes(200), "audio/silk")],
)
async def test_voice_that_nothing_plays_can_be_saved_and_keeps_its_words(
    inbox: Inbox, format_: str, content: bytes, media_type: str
) -> None:
    inbox.wechat.answers = [a_file(content, "application/octet-stream")]
    await inbox.sends("voice", Format=format_, Recognition="  ")
    await inbox.work()
    kept = await inbox.media()
    assert (kept.state, kept.media_type, kept.flaw) == ("kept", media_type, "format")
    assert (kept.playable_blob_id, kept.recognized_text) == (None, None)
    assert await inbox.stored(kept) == content


async def test_page_that_calls_itself_speex_is_refused(inbox: Inbox) -> None:
    inbox.wechat.answers = [a_file(b"MZ\x90\x00" + bytes(500), "audio/speex")]
    await inbox.sends("voice", Format="speex")
    await inbox.work()
    assert await inbox.outcome() == ("refused", "kind_not_allowed")


async def test_voice_without_its_end_is_fetched_again_and_at_last_kept_as_far_as_it_goes(inbox: Inbox) -> None:
    recorded = a_voice(seconds=2)
    inbox.wechat.answers = [a_file(recorded[:900], "audio/amr")]
    await inbox.sends("voice", Format="amr")
    await inbox.work()
    assert await inbox.outcome() == ("fetching", None)
    await inbox.exhausts_tries()
    kept = await inbox.media()
    assert (kept.state, kept.flaw) == ("kept", "cut_off")
    assert await inbox.stored(kept) == recorded[:900]
    assert kept.playable_blob_id is not None
