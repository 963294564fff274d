"""Files behind links: those that a customer downloads, and those that they hand in."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from moorage.connectors.content import File, Media
from moorage.core.ids import new_id
from tests.conversations.shop import SEND, Shop
from tests.links import LINKS
from tests.pictures import a_picture
from tests.voices import a_film, a_recording, a_voice, an_mp3

HEADER = "X-Link-Token"


async def the_link(shop: Shop, purpose: str) -> str:
    """Return the token of the link that the customer got last."""
    await shop.sender.send_waiting()
    said = [call for call in shop.wechat.calls if call.path == SEND][-1].body
    text = json.dumps(json.loads(said), ensure_ascii=False)
    found = re.search(rf"http://desk\.example/c/{purpose}/([\w-]+)", text)
    assert found is not None, text
    return found[1]


async def a_sent_file(shop: Shop, content: bytes = b"%PDF-1.7 prices", *, name: str = "价目表.pdf") -> str:
    upload_id = await shop.an_upload(content, kind="file", name=name)
    await shop.anna.sends(shop.conversation, upload_id, kind="file")
    return await the_link(shop, "file")


async def asks(shop: Shop, *, title: str = "发票.pdf") -> httpx.Response:
    body = shop.desk.sent("file", by=shop.customer, Title=title, FileKey="k", FileMd5="m", FileTotalLen="123")
    await shop.desk.push(body)
    message = next(one for one in reversed(await shop.desk.messages_of(shop.customer)) if one.content.type == "file")
    return await asks_for(shop, str(message.id))


async def asks_for(shop: Shop, message_id: str) -> httpx.Response:
    return await shop.anna.client.post(
        f"/api/conversations/{shop.conversation.id}/file-requests",
        json={"message_id": message_id},
        headers={"Idempotency-Key": str(new_id())},
    )


class Phone:
    """The customer's browser, which is not signed in anywhere."""

    def __init__(self, shop: Shop, token: str) -> None:
        self.client = httpx.AsyncClient(
            base_url=shop.base_url, trust_env=False, timeout=30, headers={HEADER: token} if token else {}
        )

    async def hands_in(self, content: bytes, *, name: str = "发票.pdf", key: str | None = None) -> httpx.Response:
        params = {"key": key or str(uuid4())}
        files = {"file": (name, content, "application/pdf")}
        async with self.client:
            return await self.client.post("/api/pages/upload/files", params=params, files=files)

    async def get(self, path: str) -> httpx.Response:
        async with self.client:
            return await self.client.get(path)

    async def post(self, path: str) -> httpx.Response:
        async with self.client:
            return await self.client.post(path)


# ---------------------------------------------------------------- downloads


async def test_customer_downloads_what_was_sent(shop: Shop) -> None:
    content = b"%PDF-1.7 prices"
    token = await a_sent_file(shop, content)
    page = (await Phone(shop, token).get("/api/pages/file")).json()
    assert (page["name"], page["size_bytes"]) == ("价目表.pdf", len(content))
    assert page["sent_by"] == shop.desk.channel.name
    path = (await Phone(shop, token).post("/api/pages/file/download")).json()["path"]
    answer = await Phone(shop, "").get(path)  # a browser that saves a file sends no header of ours
    assert answer.content == content
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


async def test_link_to_a_file_opens_nothing_after_its_time(shop: Shop) -> None:
    token = await a_sent_file(shop)
    link = LINKS.read(token, purpose="file", now=datetime.now(UTC))
    assert len(token) < 100  # addresses stand in chats
    assert timedelta(days=6) < link.expires_at - datetime.now(UTC) < timedelta(days=8)
    over = replace(link, expires_at=datetime.now(UTC) - timedelta(seconds=2))
    answer = await Phone(shop, LINKS.token(over)).get("/api/pages/file")
    assert (answer.status_code, answer.json()["code"]) == (410, "links.expired")
    ticket = LINKS.token(replace(over, purpose="file-download"))
    assert (await Phone(shop, "").get(f"/api/pages/file/download/{ticket}")).json()["code"] == "links.expired"


async def test_changed_link_and_one_for_something_else_open_nothing(shop: Shop) -> None:
    token = await a_sent_file(shop)
    for wrong in (token[:-1], token[::-1], "x", ""):
        answer = await Phone(shop, wrong).get("/api/pages/file")
        assert (answer.status_code, answer.json()["code"]) == (404, "links.invalid")
    for path in ("/api/pages/upload", f"/api/pages/file/download/{token}"):
        assert (await Phone(shop, token).get(path)).json()["code"] == "links.invalid"
    answer = await Phone(shop, token).hands_in(b"x")
    assert answer.json()["code"] == "links.invalid"


# ---------------------------------------------------------------- handing in


async def test_customer_hands_in_the_file_that_nobody_could_fetch(shop: Shop) -> None:
    asked = await asks(shop)
    assert asked.status_code == 201, asked.text
    assert asked.json()["content"]["type"] == "upload_request"
    token = await the_link(shop, "upload")
    page = (await Phone(shop, token).get("/api/pages/upload")).json()
    assert (page["file_name"], page["files_left"], page["most_bytes"]) == ("发票.pdf", 10, 50 * 1024 * 1024)
    before = (await shop.desk.conversation_of(shop.customer)).budget
    answer = await Phone(shop, token).hands_in(b"%PDF-1.7 invoice", name="../../发票.pdf")
    assert (answer.status_code, answer.json()["name"]) == (201, "发票.pdf")
    message = (await shop.desk.messages_of(shop.customer))[-1]
    assert message.author.kind == "customer"
    assert message.content.type == "file"
    blob_id = message.content.blob_id
    assert blob_id is not None
    assert message.conversation_id == shop.conversation.id
    after = await shop.desk.conversation_of(shop.customer)
    assert after.unread > 0
    assert after.budget == before
    seen = await shop.anna.sees(blob_id)
    assert seen.content == b"%PDF-1.7 invoice"
    assert seen.headers["content-disposition"].startswith("attachment; ")


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (a_picture(), "照片.jpg", "image"),
        (a_film(), "a.mp4", "video"),
        (b"<svg><script>alert(1)</script></svg>", "a.png", "file"),
        (b"\xff\xd8\xff" + bytes(50), "broken.jpg", "file"),
    ],
)
async def test_what_is_handed_in_is_shown_as_what_it_really_is(
    shop: Shop, content: bytes, name: str, kind: str
) -> None:
    await asks(shop)
    token = await the_link(shop, "upload")
    assert (await Phone(shop, token).hands_in(content, name=name)).status_code == 201
    assert (await shop.desk.messages_of(shop.customer))[-1].content.type == kind


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("歌曲.mp3", lambda: an_mp3(seconds=2)),
        ("语音.m4a", lambda: a_recording("mp4", seconds=2)),
        ("录音.amr", lambda: a_voice(seconds=2)),
        ("录音.wav", lambda: a_recording("wav", seconds=2)),
        ("录音.ogg", lambda: a_recording("ogg", seconds=2)),
    ],
)
async def test_sound_that_is_handed_in_is_a_file_that_can_be_listened_to(
    shop: Shop, name: str, content: Callable[[], bytes]
) -> None:
    await asks(shop)
    token, sound, key = await the_link(shop, "upload"), content(), str(uuid4())
    for _ in range(2):  # a repetition makes nothing new
        assert (await Phone(shop, token).hands_in(sound, name=name, key=key)).json()["files_left"] == 9
    shown = (await shop.desk.messages_of(shop.customer))[-1].content
    assert isinstance(shown, File)
    assert shown.name == name
    assert 1.8 < (shown.duration_s or 0) < 2.3
    assert (await shop.anna.sees(shown.blob_id or "")).content == sound
    played = await shop.anna.sees(shown.playable_blob_id or "")
    assert (played.status_code, played.headers["content-type"]) == (200, "audio/mpeg")
    assert shop.files() == (1 if name.endswith(".mp3") else 2)


async def test_video_that_is_handed_in_stays_as_it_is_and_has_a_still(shop: Shop) -> None:
    await asks(shop)
    token, film = await the_link(shop, "upload"), a_film("mp4")
    assert (await Phone(shop, token).hands_in(film, name="泡茶.mp4")).json()["files_left"] == 9
    shown = (await shop.desk.messages_of(shop.customer))[-1].content
    assert isinstance(shown, Media)
    assert (shown.type, shown.width, shown.height) == ("video", 160, 120)
    assert (await shop.anna.sees(shown.blob_id or "")).content == film
    poster = await shop.anna.sees(shown.poster_blob_id or "")
    assert (poster.status_code, poster.headers["content-type"]) == (200, "image/jpeg")


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(40), "broken.wav", "file"),
        (b"#!AMR\n" + bytes(3), "broken.amr", "file"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(500), "broken.mp4", "video"),
    ],
)
async def test_broken_sound_and_film_are_kept_to_be_saved(shop: Shop, content: bytes, name: str, kind: str) -> None:
    await asks(shop)
    token = await the_link(shop, "upload")
    assert (await Phone(shop, token).hands_in(content, name=name)).status_code == 201
    shown = (await shop.desk.messages_of(shop.customer))[-1].content
    assert shown.type == kind
    assert getattr(shown, "playable_blob_id", None) is None
    assert getattr(shown, "poster_blob_id", None) is None


async def test_same_file_handed_in_again_on_a_bad_line_is_one_message(shop: Shop) -> None:
    await asks(shop)
    token, key = await the_link(shop, "upload"), str(uuid4())
    for _ in range(2):
        assert (await Phone(shop, token).hands_in(b"one", key=key)).json()["files_left"] == 9
    files = [one for one in await shop.desk.messages_of(shop.customer) if one.content.type == "file"]
    assert len(files) == 2  # what the customer told of, and what they handed in


async def test_link_takes_ten_files_and_no_more(shop: Shop) -> None:
    await asks(shop)
    token = await the_link(shop, "upload")
    for number in range(10):
        assert (await Phone(shop, token).hands_in(str(number).encode())).status_code == 201
    answer = await Phone(shop, token).hands_in(b"eleven")
    assert (answer.status_code, answer.json()["code"]) == (409, "links.used_up")


async def test_nothing_and_too_much_are_refused(shop: Shop) -> None:
    await asks(shop)
    token = await the_link(shop, "upload")
    assert (await Phone(shop, token).hands_in(b"")).json()["details"]["reason"] == "empty"
    large = await Phone(shop, token).hands_in(bytes(53_000_000))
    assert (large.status_code, large.json()["code"]) == (413, "conversations.upload_refused")


async def test_customer_is_asked_once_while_the_link_works(shop: Shop) -> None:
    message = (await asks(shop)).json()
    again = await asks_for(shop, message["content"]["for_message_id"])
    assert (again.status_code, again.json()["code"]) == (409, "conversations.already_asked")
    assert (await asks_for(shop, message["id"])).status_code in (404, 409)
    async with shop.desk.database.in_workspace(shop.desk.workspace_id) as tx:
        over = '{"expires_at": "2020-01-01T00:00:00Z"}'
        await tx.execute("UPDATE messages SET content = content || %s::jsonb WHERE id = %s", [over, message["id"]])
    assert (await asks_for(shop, message["content"]["for_message_id"])).status_code == 201


async def test_file_handed_in_after_the_end_opens_a_conversation(shop: Shop) -> None:
    await asks(shop)
    token = await the_link(shop, "upload")
    await shop.desk.ends(shop.anna.actor, shop.conversation.id)  # type: ignore[arg-type] -- an id is an id
    assert (await Phone(shop, token).hands_in(b"late")).status_code == 201
    newest = await shop.desk.conversation_of(shop.customer)
    assert newest.id != shop.conversation.id
    assert newest.state == "open"
