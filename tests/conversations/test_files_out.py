"""Voices, videos and files that agents send: made fit for the channel, or refused with the reason before they go."""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from moorage.connectors.content import File
from moorage.conversations.file_cards import PICTURES, name_within, picture_of
from moorage.conversations.link_words import size_words
from moorage.conversations.media_upkeep import sweep_uploads
from moorage.core.ids import new_id
from moorage.infra.blobs import open_blob_folder
from tests.connectors.provider import answered
from tests.conversations.shop import SEND, UPLOAD, Shop, code
from tests.links import LINKS
from tests.pictures import a_picture
from tests.voices import a_film, a_recording, a_voice, an_mp3

UPLOADED_THUMB = answered({"type": "thumb", "thumb_media_id": "TH1", "created_at": 1767225600})
UPLOADED_VIDEO = answered({"type": "video", "media_id": "VI1", "created_at": 1767225600})


# ---------------------------------------------------------------- voices


@pytest.mark.parametrize(
    "recorded",
    [
        lambda: a_recording("webm", seconds=2),
        lambda: a_recording("mp4", seconds=2),
        lambda: a_recording("wav", seconds=2),
        lambda: a_voice(seconds=2),
        lambda: an_mp3(seconds=2),
    ],
    ids=["chromium", "safari", "wav", "amr", "mp3"],
)
async def test_recording_of_any_browser_goes_out_as_a_voice_that_all_can_play(
    shop: Shop, recorded: Callable[[], bytes]
) -> None:
    uploaded = (await shop.anna.uploads(shop.conversation, recorded(), kind="voice", name="../../语音.webm")).json()
    assert (uploaded["type"], uploaded["media_type"], uploaded["name"]) == ("voice", "audio/mpeg", "语音.mp3")
    assert 1.9 < uploaded["duration_s"] < 2.3
    said = await shop.anna.sends(shop.conversation, uploaded["id"], kind="voice")
    content = said.json()["content"]
    assert (content["type"], content["playable_blob_id"]) == ("voice", uploaded["id"])
    assert content["duration_s"] == uploaded["duration_s"]
    await shop.sender.send_waiting()
    assert await shop.outcome() == ("sent", None)
    upload, send = shop.wechat.calls
    assert upload.query["type"] == "voice"
    assert (await shop.anna.sees(uploaded["id"])).content in upload.body
    assert send.asked == {"touser": shop.customer, "msgtype": "voice", "voice": {"media_id": "UP1"}}


async def test_voice_of_a_minute_is_taken_and_one_of_61_seconds_is_refused_by_its_real_length(shop: Shop) -> None:
    minute = await shop.anna.uploads(shop.conversation, a_recording(seconds=60.2), kind="voice")
    assert minute.status_code == 201
    assert minute.json()["duration_s"] <= 60
    longer = await shop.anna.uploads(shop.conversation, a_recording(seconds=61), kind="voice")
    assert (longer.status_code, longer.json()["code"]) == (422, "conversations.upload_refused")
    details = longer.json()["details"]
    assert (details["reason"], details["most_s"]) == ("too_long", 60)
    assert 61 <= details["seconds"] < 61.5


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (a_picture(), "not_a_sound"),
        (b"<html><script>alert(1)</script>", "not_a_sound"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(40), "damaged"),
        (b"\x1a\x45\xdf\xa3" + bytes(400), "not_a_sound"),
    ],
)
async def test_what_is_no_sound_is_no_voice_whatever_its_name(shop: Shop, content: bytes, reason: str) -> None:
    answer = await shop.anna.uploads(shop.conversation, content, kind="voice", name="voice.mp3")
    assert (answer.status_code, answer.json()["details"]["reason"]) == (422, reason)
    assert shop.files() == 0


async def test_film_without_sound_is_no_voice(shop: Shop) -> None:
    answer = await shop.anna.uploads(shop.conversation, a_film(sound=False), kind="voice")
    assert answer.json()["details"]["reason"] == "not_a_sound"


# ---------------------------------------------------------------- videos


@pytest.mark.parametrize("how", ["mp4", "odd", "webm"])
async def test_video_goes_out_as_an_mp4_with_a_picture_that_stands_for_it(shop: Shop, how: str) -> None:
    shop.wechat.answers[UPLOAD] = [UPLOADED_VIDEO, UPLOADED_THUMB]
    answer = await shop.anna.uploads(shop.conversation, a_film(how), kind="video", name="泡茶.mov")
    assert answer.status_code == 201, answer.text
    uploaded = answer.json()
    assert (uploaded["type"], uploaded["media_type"], uploaded["name"]) == ("video", "video/mp4", "泡茶.mp4")
    assert (uploaded["width"], uploaded["height"]) == (160, 120)
    assert 0.9 < uploaded["duration_s"] < 1.3
    content = (await shop.anna.sends(shop.conversation, uploaded["id"], kind="video")).json()["content"]
    await shop.sender.send_waiting()
    assert await shop.outcome() == ("sent", None)
    assert [call.query.get("type") for call in shop.wechat.calls] == ["video", "thumb", None]
    film, poster = await shop.anna.sees(uploaded["id"]), await shop.anna.sees(content["poster_blob_id"])
    assert film.content[4:8] == b"ftyp"
    assert b"avc1" in film.content
    assert poster.headers["content-type"] == "image/jpeg"
    assert poster.content in shop.wechat.calls[1].body
    asked = {"media_id": "VI1", "thumb_media_id": "TH1"}
    assert shop.wechat.calls[2].asked == {"touser": shop.customer, "msgtype": "video", "video": asked}


async def test_video_over_the_limit_is_made_smaller(shop: Shop) -> None:
    film = a_film("large", seconds=3, size="640x480")
    assert len(film) > 10_000_000
    uploaded = (await shop.anna.uploads(shop.conversation, film, kind="video")).json()
    assert uploaded["size_bytes"] <= 10_000_000


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (a_picture(), "not_a_video"),
        (a_recording("mp4"), "not_a_video"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(500), "not_a_video"),
    ],
)
async def test_what_is_no_video_is_refused_whatever_its_name(shop: Shop, content: bytes, reason: str) -> None:
    answer = await shop.anna.uploads(shop.conversation, content, kind="video", name="video.mp4")
    assert (answer.status_code, answer.json()["details"]["reason"]) == (422, reason)
    assert shop.files() == 0


async def test_picture_of_a_video_lives_as_long_as_the_video(shop: Shop) -> None:
    unsent = await shop.an_upload(a_film(), kind="video")
    sent = await shop.an_upload(a_film(), kind="video")
    await shop.anna.sends(shop.conversation, sent, kind="video")
    async with shop.desk.database.in_workspace(shop.desk.workspace_id) as tx:
        await tx.execute("UPDATE media_files SET created_at = created_at - interval '2 days'", [])
    assert await sweep_uploads(shop.desk.database, blobs=open_blob_folder(shop.folder)) == 2
    assert (await shop.anna.sees(unsent)).status_code == 404
    assert shop.files() == 2


# ---------------------------------------------------------------- files


REFUSED_CARDS = [40008, 40035, 40039, 40048, 40066, 44003, 45003, 45004, 45005, 45006, 45008, 48008]


def said(shop: Shop) -> list[dict[str, Any]]:
    """Return what WeChat was asked to say, in order."""
    return [json.loads(call.body) for call in shop.wechat.calls if call.path == SEND]


async def a_file_is_sent(shop: Shop, *, name: str = "价目表.pdf") -> dict[str, Any]:
    upload_id = await shop.an_upload(b"%PDF-1.7 a price list", kind="file", name=name)
    message = (await shop.anna.sends(shop.conversation, upload_id, kind="file")).json()
    await shop.sender.send_waiting()
    return message


async def test_file_goes_out_as_one_card_that_leads_to_it(shop: Shop) -> None:
    left = (await shop.desk.conversation_of(shop.customer)).budget.left or 0
    uploaded = (
        await shop.anna.uploads(shop.conversation, b"%PDF-1.7 a price list", kind="file", name="../../价目表 2026.pdf")
    ).json()
    assert (uploaded["type"], uploaded["media_type"]) == ("file", "application/pdf")
    assert uploaded["name"] == "价目表 2026.pdf"
    content = (await shop.anna.sends(shop.conversation, uploaded["id"], kind="file")).json()["content"]
    assert (content["type"], content["name"], content["blob_id"]) == ("file", uploaded["name"], uploaded["id"])
    assert content["expires_at"] is not None
    await shop.sender.send_waiting()
    assert await shop.outcome() == ("sent", None)
    (card,) = said(shop)
    assert card["msgtype"] == "news"
    (article,) = card["news"]["articles"]
    assert article["title"] == "价目表 2026.pdf"
    assert re.fullmatch(r"21 B，有效期至 \d{4}年\d+月\d+日 \d\d:\d\d", article["description"])
    assert article["url"].startswith("http://desk.example/c/file/")
    assert article["picurl"] == "http://desk.example/cards/pdf.png"
    assert (await shop.desk.conversation_of(shop.customer)).budget.left == left - 1


@pytest.mark.parametrize("errcode", REFUSED_CARDS)
async def test_file_goes_out_as_words_where_the_card_is_refused(shop: Shop, errcode: int) -> None:
    left = (await shop.desk.conversation_of(shop.customer)).budget.left or 0
    shop.wechat.answers[SEND] = [code(errcode), code(0)]
    await a_file_is_sent(shop)
    assert await shop.outcome() == ("sent", None)
    card, words = said(shop)
    address = card["news"]["articles"][0]["url"]
    assert words["text"]["content"].startswith(f"价目表.pdf（21 B）\n点击下载：{address}\n链接有效期至 ")
    message = (await shop.desk.messages_of(shop.customer))[-1]
    assert isinstance(message.content, File)
    assert message.content.sent_as == "text"
    assert message.delivery is not None
    assert message.delivery.details == {"card_refused": errcode, "detail": "as the test wants it"}
    assert (await shop.desk.conversation_of(shop.customer)).budget.left == left - 1


@pytest.mark.parametrize(
    ("errcode", "reason"), [(45047, "budget_spent"), (45015, "window_closed"), (48001, "api_not_allowed")]
)
async def test_no_words_follow_a_card_that_was_refused_for_another_reason(
    shop: Shop, errcode: int, reason: str
) -> None:
    shop.wechat.answers[SEND] = [code(errcode)]
    await a_file_is_sent(shop)
    assert await shop.outcome() == ("failed", reason)
    assert len(said(shop)) == 1


async def test_links_work_as_long_as_the_channel_says_and_a_resent_file_has_a_fresh_one(shop: Shop) -> None:
    async with shop.desk.database.in_workspace(shop.desk.workspace_id) as tx:
        set_to = {"links_last_days": 2}
        await tx.execute("UPDATE channels SET settings = settings || %s", [Jsonb(set_to)])
    shop.wechat.answers[SEND] = [code(40003), code(0)]
    sent = await a_file_is_sent(shop)
    until = datetime.fromisoformat(sent["content"]["expires_at"])
    assert timedelta(hours=47) < until - shop.desk.database.clock.now() <= timedelta(hours=48)
    async with shop.desk.database.in_workspace(shop.desk.workspace_id) as tx:  # days pass
        expired = {"expires_at": (until - timedelta(days=3)).isoformat()}
        await tx.execute("UPDATE messages SET content = content || %s WHERE id = %s", [Jsonb(expired), sent["id"]])
    again = await shop.anna.client.post(
        f"/api/messages/{sent['id']}/resend", headers={"Idempotency-Key": str(new_id())}
    )
    assert again.status_code == 202, again.text
    assert datetime.fromisoformat(again.json()["content"]["expires_at"]) >= until
    await shop.sender.send_waiting()
    assert await shop.outcome() == ("sent", None)
    token = said(shop)[-1]["news"]["articles"][0]["url"].rpartition("/")[2]
    assert LINKS.read(token, purpose="file", now=until - timedelta(seconds=1)).expires_at >= until.replace(
        microsecond=0
    )


@pytest.mark.parametrize(
    ("name", "media_type", "picture"),
    [
        ("a.pdf", "application/pdf", "pdf"),
        ("a.csv", "application/octet-stream", "table"),
        ("a.docx", "application/zip", "document"),
        ("a.zip", "application/zip", "archive"),
        ("no ending", "application/zip", "archive"),
        ("a.pptx", None, "slides"),
        ("a.svg", "application/octet-stream", "other"),
        ("a.jpg", "image/jpeg", "picture"),
        ("voice", "audio/mpeg", "sound"),
        ("a.mov", "video/quicktime", "film"),
        ("", None, "other"),
    ],
)
def test_card_shows_a_picture_that_suits_the_file(name: str, media_type: str | None, picture: str) -> None:
    assert picture_of(File(name=name, media_type=media_type)) == picture


def test_every_picture_of_a_card_is_a_file_of_the_console() -> None:
    folder = Path(__file__).parents[2] / "console" / "public" / "cards"
    assert {path.stem for path in folder.glob("*.png")} == set(PICTURES)


@given(st.text(max_size=300), st.integers(min_value=20, max_value=200))
def test_name_on_a_card_fits_and_keeps_its_ending(stem: str, most_bytes: int) -> None:
    short = name_within(f"{stem}茶.pdf", most_bytes=most_bytes)
    assert len(short.encode("utf-8", "replace")) <= most_bytes
    assert short.endswith(".pdf")


@pytest.mark.parametrize("name", ["page.html", "run.exe", "picture.svg", "a.jpg"])
async def test_dangerous_file_is_only_ever_saved(shop: Shop, name: str) -> None:
    content = b"<html><script>alert(1)</script></html>" if name != "run.exe" else b"MZ" + bytes(200)
    upload_id = await shop.an_upload(content, kind="file", name=name)
    shown = await shop.anna.sees(upload_id)
    assert shown.headers["content-type"] == "application/octet-stream"
    assert shown.headers["content-disposition"].startswith(f'attachment; filename="{name}"')
    assert shown.headers["x-content-type-options"] == "nosniff"


async def test_file_over_the_limit_is_refused_with_the_limit(shop: Shop) -> None:
    answer = await shop.anna.uploads(shop.conversation, bytes(50 * 1024 * 1024 + 1), kind="file", name="a.bin")
    assert (answer.status_code, answer.json()["code"]) == (413, "conversations.upload_refused")
    assert answer.json()["details"]["most_bytes"] == 50 * 1024 * 1024


async def test_upload_is_sent_only_as_what_it_was_made_for(shop: Shop) -> None:
    upload_id = await shop.an_upload(b"plain words", kind="file", name="a.txt")
    assert (await shop.anna.sends(shop.conversation, upload_id, kind="voice")).status_code == 404


def test_file_of_an_older_version_is_still_read() -> None:
    old = File.model_validate({"version": 1, "type": "file", "name": "a.pdf", "size_bytes": 7, "md5": "x"})
    assert old.blob_id is None
    assert old.expires_at is None


@given(st.integers(min_value=0, max_value=10**15))
def test_sizes_are_short_words(size: int) -> None:
    words = size_words(size)
    assert words.split()[1] in ("B", "KB", "MB", "GB")
    assert size >= 10**12 or float(words.split()[0]) < 1024
