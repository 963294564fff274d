"""Pictures that agents send: uploaded through the web process, handed over by the sender, shown to who may see them."""

from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest

from moorage.conversations.media_upkeep import sweep_uploads
from moorage.core.ids import new_id
from moorage.infra.blobs import open_blob_folder
from tests.conftest import MovableClock
from tests.connectors.provider import WITHOUT_ANSWER, answered
from tests.conversations.desk import a_desk, an_openid
from tests.conversations.shop import SEND, UPLOAD, UPLOADED, Shop, a_browser, code
from tests.pictures import a_bomb, a_noisy_picture, a_photo, a_picture, an_animation, opened

# ---------------------------------------------------------------- taken and shown


async def test_picture_is_uploaded_sent_and_shown(shop: Shop) -> None:
    uploaded = (await shop.anna.uploads(shop.conversation, a_photo(size=(60, 40), turned=6))).json()
    assert uploaded["type"] == "image"
    assert (uploaded["media_type"], uploaded["width"], uploaded["height"]) == ("image/jpeg", 40, 60)
    assert uploaded["name"] == "茶单.jpg"
    said = await shop.anna.sends(shop.conversation, uploaded["id"])
    assert said.status_code == 201
    content = said.json()["content"]
    assert (content["type"], content["state"], content["blob_id"]) == ("image", "kept", uploaded["id"])
    assert {name: content[name] for name in ("media_type", "size_bytes", "width", "height", "name")} == {
        name: uploaded[name] for name in ("media_type", "size_bytes", "width", "height", "name")
    }
    shown = await shop.desk.conversation_of(shop.customer)
    assert shown.last_message is not None
    assert shown.last_message.type == "image"
    await shop.sender.send_waiting()
    assert await shop.outcome() == ("sent", None)
    file = (await shop.anna.sees(uploaded["id"])).content
    assert file in shop.wechat.calls[0].body
    assert dict(opened(file).getexif()) == {}
    assert shop.wechat.calls[1].asked == {
        "touser": shop.customer,
        "msgtype": "image",
        "image": {"media_id": "UP1"},
    }


async def test_file_is_served_so_that_nothing_in_it_can_run(shop: Shop) -> None:
    upload_id = await shop.an_upload()
    answer = await shop.anna.sees(upload_id)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert answer.headers["content-disposition"].startswith("inline; filename=")
    assert int(answer.headers["content-length"]) == len(answer.content)
    saved = await shop.anna.client.get(f"/api/media/{upload_id}", params={"download": "1"})
    assert saved.headers["content-disposition"] == (
        "attachment; filename=\"__.jpg\"; filename*=UTF-8''%E8%8C%B6%E5%8D%95.jpg"
    )


async def test_parts_of_a_file_are_served(shop: Shop) -> None:
    upload_id = await shop.an_upload(a_noisy_picture(size=(90, 90)))
    whole = await shop.anna.sees(upload_id)
    content, etag = whole.content, whole.headers["etag"]
    for asked, part in [
        ("bytes=0-9", content[:10]),
        ("bytes=100-", content[100:]),
        ("bytes=-7", content[-7:]),
        ("bytes=5-999999999", content[5:]),
    ]:
        answer = await shop.anna.sees(upload_id, Range=asked)
        assert (answer.status_code, answer.content) == (206, part), asked
    start = len(content) - 7
    assert (await shop.anna.sees(upload_id, Range="bytes=-7")).headers["content-range"] == (
        f"bytes {start}-{len(content) - 1}/{len(content)}"
    )
    for asked in ("bytes=0-1,4-5", "pages=1-2", "bytes=9-3", "bytes=-"):
        assert (await shop.anna.sees(upload_id, Range=asked)).content == content, asked
    beyond = await shop.anna.sees(upload_id, Range=f"bytes={len(content)}-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(content)}")
    assert (await shop.anna.sees(upload_id, **{"If-None-Match": etag})).status_code == 304
    assert (await shop.anna.sees(upload_id, Range="bytes=0-3", **{"If-Range": '"other"'})).content == content


async def test_upload_is_seen_by_others_only_once_it_was_sent(shop: Shop) -> None:
    upload_id = await shop.an_upload()
    boss, bob = await shop.desk.an_agent(name="Boss", role="supervisor"), await shop.desk.an_agent(name="Bob")
    async with shop.browser(boss) as boss_browser, shop.browser(bob) as bob_browser:
        assert (await boss_browser.sees(upload_id)).status_code == 404
        await shop.anna.sends(shop.conversation, upload_id)
        assert (await boss_browser.sees(upload_id)).status_code == 200
        assert (await bob_browser.sees(upload_id)).status_code == 404
    assert (await shop.anna.sees(str(new_id()))).status_code == 404
    async with (
        a_desk(shop.desk.database) as elsewhere,
        a_browser(elsewhere, shop.base_url, await elsewhere.an_agent(role="owner")) as stranger,
    ):
        assert (await stranger.sees(upload_id)).status_code == 404


async def test_upload_is_sent_only_by_who_made_it_where_it_was_made(shop: Shop) -> None:
    upload_id = await shop.an_upload()
    other = an_openid()
    await shop.desk.hears(by=other)
    elsewhere = await shop.desk.conversation_of(other)
    assert elsewhere.owner.agent_id == shop.anna.actor.agent_id
    assert (await shop.anna.sends(elsewhere, upload_id)).status_code == 404
    boss = await shop.desk.an_agent(name="Boss", role="supervisor")
    async with shop.browser(boss) as browser:
        assert (await browser.uploads(shop.conversation, a_picture())).status_code == 403
        await shop.desk.takes(boss, shop.conversation.id)  # type: ignore[arg-type] -- an id is an id
        assert (await browser.sends(shop.conversation, upload_id)).status_code == 404
    assert (await shop.anna.sends(shop.conversation, str(new_id()))).status_code in (404, 409)


async def test_same_upload_can_be_sent_again(shop: Shop) -> None:
    upload_id = await shop.an_upload()
    for _ in range(2):
        assert (await shop.anna.sends(shop.conversation, upload_id)).status_code == 201
        await shop.sender.send_waiting()
    assert shop.wechat.asked() == [UPLOAD, SEND, SEND]


async def test_repeated_upload_makes_one_file_though_its_form_is_written_anew(shop: Shop) -> None:
    first = await shop.anna.uploads(shop.conversation, a_picture(), key="k1")
    again = await shop.anna.uploads(shop.conversation, a_picture(), key="k1")  # another boundary between the parts
    assert first.request.headers["content-type"] != again.request.headers["content-type"]
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = await shop.anna.uploads(shop.conversation, a_picture("PNG"), key="k1")
    assert (other.status_code, other.json()["code"]) == (409, "core.idempotency_conflict")


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "not_a_picture"),
        (b"MZ\x90\x00" + bytes(500), "not_a_picture"),
        (b'{"picture": true}', "not_a_picture"),
        (a_bomb(), "too_many_pixels"),
        (a_noisy_picture("PNG", size=(200, 200))[:20_000], "damaged"),
        (a_noisy_picture("JPEG", size=(200, 200))[:5_000], "damaged"),
    ],
)
async def test_what_cannot_be_sent_is_refused_with_the_reason(shop: Shop, content: bytes, reason: str) -> None:
    answer = await shop.anna.uploads(shop.conversation, content)
    assert (answer.status_code, answer.json()["code"]) == (422, "conversations.upload_refused")
    assert answer.json()["details"]["reason"] == reason
    assert shop.files() == 0
    assert (await shop.anna.uploads(shop.conversation, a_picture())).status_code == 201


async def test_animation_over_the_limit_says_how_large_it_may_be(shop: Shop) -> None:
    moving = an_animation(frames=20, size=(400, 400), noisy=True)
    answer = await shop.anna.uploads(shop.conversation, moving, name="a.gif")
    details = answer.json()["details"]
    assert details["reason"] == "animated_too_large"
    assert (details["bytes"], details["most_bytes"]) == (len(moving), 2_000_000)


@pytest.mark.parametrize("told", [True, False])
async def test_sixty_megabytes_are_refused_without_being_taken(shop: Shop, *, told: bool) -> None:
    size = 60 * 1024 * 1024
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n\xff\xd8\xff'

    async def pieces() -> AsyncGenerator[bytes]:
        yield head
        for _ in range(size // 65536):
            yield bytes(65536)

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    if told:
        headers["Content-Length"] = str(size + len(head))
    answer = await shop.anna.client.post(
        f"/api/conversations/{shop.conversation.id}/uploads", content=pieces(), headers=headers
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "conversations.upload_refused")
    assert answer.json()["details"]["reason"] == "too_large"
    assert answer.json()["details"]["most_bytes"] == 50 * 1024 * 1024
    assert answer.json()["details"]["bytes"] > 50 * 1024 * 1024


async def test_other_addresses_take_no_more_than_before(shop: Shop) -> None:
    answer = await shop.anna.client.post(
        f"/api/conversations/{shop.conversation.id}/messages", content=bytes(2 * 1024 * 1024)
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "core.body_too_large")


async def test_form_without_a_file_is_malformed(shop: Shop) -> None:
    path = f"/api/conversations/{shop.conversation.id}/uploads"
    for answer in (
        await shop.anna.client.post(path, json={"file": "x"}),
        await shop.anna.client.post(path, data={"file": "words"}),
        await shop.anna.client.post(path, files={"picture": ("a.jpg", a_picture())}),
    ):
        assert answer.status_code in (400, 422), answer.text
        assert answer.json()["code"] == "core.malformed"


async def test_account_that_only_answers_sends_no_picture(shop: Shop) -> None:
    upload_id = await shop.an_upload()
    async with shop.desk.database.in_workspace(shop.desk.workspace_id) as tx:
        await tx.execute("UPDATE channels SET verified = false WHERE id = %s", [shop.desk.channel.id])
    answer = await shop.anna.sends(shop.conversation, upload_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "conversations.kind_not_sendable_now")
    assert answer.json()["details"] == {"type": "image"}
    assert len(await shop.desk.messages_of(shop.customer)) == 2  # the customer's words and the greeting


# ---------------------------------------------------------------- handed over


async def test_repeated_sending_uploads_the_picture_once(shop: Shop, clock: MovableClock) -> None:
    shop.wechat.answers[SEND].insert(0, code(-1))
    await shop.anna.sends(shop.conversation, await shop.an_upload())
    await shop.sender.send_waiting()
    assert await shop.outcome() == ("queued", "provider_busy")
    clock.forward(timedelta(seconds=5))
    await shop.sender.send_waiting()
    assert await shop.outcome() == ("sent", None)
    assert shop.wechat.asked() == [UPLOAD, SEND, SEND]


async def test_picture_is_uploaded_anew_when_the_provider_no_longer_keeps_it(shop: Shop, clock: MovableClock) -> None:
    upload_id = await shop.an_upload()
    for wait in (timedelta(), timedelta(days=3)):
        clock.forward(wait)
        await shop.desk.hears(by=shop.customer)
        assert (await shop.anna.sends(shop.conversation, upload_id)).status_code == 201
        await shop.sender.send_waiting()
    assert shop.wechat.asked() == [UPLOAD, SEND, UPLOAD, SEND]


@pytest.mark.parametrize(
    "answer", [WITHOUT_ANSWER, answered(b"<html>", content_type="text/html"), answered(b"", status="502 Bad Gateway")]
)
async def test_upload_that_fails_at_the_provider_is_tried_again(shop: Shop, clock: MovableClock, answer: bytes) -> None:
    shop.wechat.answers[UPLOAD] = [answer, UPLOADED]
    await shop.anna.sends(shop.conversation, await shop.an_upload())
    await shop.sender.send_waiting()
    assert await shop.outcome() == ("queued", "unreachable")
    clock.forward(timedelta(seconds=5))
    await shop.sender.send_waiting()
    assert await shop.outcome() == ("sent", None)


async def test_picture_in_doubt_is_not_sent_again(shop: Shop, clock: MovableClock) -> None:
    shop.wechat.answers[SEND] = [WITHOUT_ANSWER]
    await shop.anna.sends(shop.conversation, await shop.an_upload())
    await shop.sender.send_waiting()
    assert await shop.outcome() == ("unconfirmed", "no_answer")
    clock.forward(timedelta(minutes=5))
    assert await shop.sender.send_waiting() == 0


@pytest.mark.parametrize(
    ("errcode", "reason"), [(45001, "too_large"), (40006, "too_large"), (40009, "too_large"), (40005, "format_refused")]
)
async def test_refused_upload_gives_the_budget_back(shop: Shop, errcode: int, reason: str) -> None:
    shop.wechat.answers[UPLOAD] = [code(errcode)]
    before = (await shop.desk.conversation_of(shop.customer)).budget.left
    await shop.anna.sends(shop.conversation, await shop.an_upload())
    await shop.sender.send_waiting()
    assert await shop.outcome() == ("failed", reason)
    assert (await shop.desk.conversation_of(shop.customer)).budget.left == before


async def test_file_that_the_store_has_lost_fails_by_name(shop: Shop) -> None:
    await shop.anna.sends(shop.conversation, await shop.an_upload())
    for path in shop.folder.rglob("*"):
        if path.is_file():
            path.unlink()
    await shop.sender.send_waiting()
    assert await shop.outcome() == ("failed", "file_missing")


async def test_uploads_that_nobody_sends_are_swept_after_a_day(shop: Shop, clock: MovableClock) -> None:
    unsent, sent = await shop.an_upload(), await shop.an_upload()
    await shop.anna.sends(shop.conversation, sent)
    blobs = open_blob_folder(shop.folder)
    clock.forward(timedelta(hours=23))
    assert await sweep_uploads(shop.desk.database, blobs=blobs) == 0
    clock.forward(timedelta(hours=2))
    assert await sweep_uploads(shop.desk.database, blobs=blobs) == 1
    assert await sweep_uploads(shop.desk.database, blobs=blobs) == 0
    assert (await shop.anna.sees(unsent)).status_code == 404
    assert (await shop.anna.sees(sent)).status_code == 200
    assert shop.files() == 1
