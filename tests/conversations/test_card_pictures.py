"""Pictures of cards: uploaded for one, refused before anything goes out, and shown to everybody who has the card."""

import json
from uuid import UUID

import httpx
import pytest

from moorage.conversations.media_upkeep import sweep_uploads
from moorage.conversations.outgoing_links import CARD_PICTURE
from moorage.core.ids import WorkspaceId, new_id
from moorage.infra.blobs import open_blob_folder
from moorage.infra.links import LastingLink, SignedLinks
from tests.conversations.desk import a_desk
from tests.conversations.shop import UPLOAD, Browser, Shop, a_browser
from tests.conversations.test_erasing_everywhere import wishes
from tests.links import LINKS
from tests.pictures import a_bomb, a_noisy_picture, a_photo, a_picture, an_animation, opened

HOST = "http://desk.example"


async def shows(shop: Shop, picture_id: str) -> httpx.Response:
    return await shop.anna.client.post(
        f"/api/conversations/{shop.conversation.id}/messages",
        json={
            "content": {
                "type": "news",
                "title": "春茶",
                "url": "https://tea.example/spring",
                "picture_url": "https://tea.example/other.png",
                "picture_id": picture_id,
            }
        },
        headers={"Idempotency-Key": str(new_id())},
    )


def address_sent(shop: Shop) -> str:
    """Return the address of the picture on the card that WeChat was given last."""
    return json.loads(shop.wechat.calls[-1].body)["news"]["articles"][0]["picurl"]


async def gets(shop: Shop, address: str, **headers: str) -> httpx.Response:
    """Ask for a picture as WeChat's servers do: without signing in."""
    async with httpx.AsyncClient(base_url=shop.base_url, trust_env=False) as client:
        return await client.get(address.removeprefix(HOST), headers=headers)


def address_of(picture_id: str, *, workspace_id: WorkspaceId, links: SignedLinks = LINKS) -> str:
    link = LastingLink(purpose=CARD_PICTURE, workspace_id=workspace_id, about=UUID(picture_id))
    return f"/api/pages/card-picture/{links.lasting_token(link)}"


async def reply_picture(browser: Browser, shop: Shop, content: bytes) -> httpx.Response:
    """Upload the picture of a card that the channel sends by itself."""
    return await browser.client.post(
        f"/api/channels/{shop.desk.channel.id}/follow-reply/pictures",
        params={"as": "card"},
        files={"file": ("card.jpg", content, "image/jpeg")},
        headers={"Idempotency-Key": str(new_id())},
    )


async def test_card_goes_out_with_an_address_that_everybody_can_open_for_good(shop: Shop) -> None:
    photo = a_photo(size=(60, 40), turned=6)
    picture_id = await shop.an_upload(photo, kind="card")
    content = (await shows(shop, picture_id)).json()["content"]
    assert (content["type"], content["picture_blob_id"], content["picture_url"]) == ("news", picture_id, None)
    await shop.sender.send_waiting()
    assert await shop.outcome() == ("sent", None)
    assert UPLOAD not in shop.wechat.asked()  # a card takes an address, no media of WeChat's
    address = address_sent(shop)
    assert address == f"{HOST}{address_of(picture_id, workspace_id=shop.desk.workspace_id)}"
    assert len(address.encode()) < 200
    answer = await gets(shop, address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.content == (await shop.anna.sees(picture_id)).content
    assert (opened(answer.content).size, dict(opened(answer.content).getexif())) == ((40, 60), {})
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["cache-control"] == "public, max-age=86400"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert "茶" not in answer.headers["content-disposition"]  # what the agent called it is nobody's business
    assert (await gets(shop, address, **{"If-None-Match": answer.headers["etag"]})).status_code == 304


async def test_picture_of_a_card_is_made_small_and_still(shop: Shop) -> None:
    large = (await shop.anna.uploads(shop.conversation, a_noisy_picture(size=(1500, 1200)), kind="card")).json()
    assert large["size_bytes"] <= 512 * 1024
    moving = (await shop.anna.uploads(shop.conversation, an_animation(), kind="card")).json()
    assert (large["media_type"], moving["media_type"]) == ("image/jpeg", "image/png")


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", 422, "not_a_picture"),
        (b"%PDF-1.7 no picture", 422, "not_a_picture"),
        (b"", 422, "empty"),
        (a_picture()[:200], 422, "damaged"),
        (a_bomb(), 422, "too_many_pixels"),
        (b"\xff\xd8\xff" + bytes(20 * 1024 * 1024), 413, "too_large"),
    ],
    ids=["svg", "pdf", "empty", "cut off", "bomb", "too large"],
)
async def test_what_is_no_picture_for_a_card_is_refused_with_the_reason(
    shop: Shop, content: bytes, status: int, reason: str
) -> None:
    boss = await shop.desk.an_agent(name="Boss", role="admin")
    async with shop.browser(boss) as admin:
        refusals = [
            await shop.anna.uploads(shop.conversation, content, kind="card"),
            await reply_picture(admin, shop, content),
        ]
    for refusal in refusals:
        assert (refusal.status_code, refusal.json()["details"]["reason"]) == (status, reason)
    assert shop.files() == 0
    assert shop.wechat.calls == []


async def test_forged_and_foreign_addresses_open_nothing(shop: Shop) -> None:
    picture_id = await shop.an_upload(kind="card")
    own = address_of(picture_id, workspace_id=shop.desk.workspace_id)
    assert (await gets(shop, own)).status_code == 404  # no card has it yet
    await shows(shop, picture_id)
    assert (await gets(shop, own)).status_code == 200
    token = own.rpartition("/")[2]
    async with a_desk(shop.desk.database) as elsewhere:
        for address in (
            own[:-1] + ("A" if own[-1] != "A" else "B"),
            own.replace(token, token[:-4]),
            own.replace(token, "x" * 2000),
            address_of(picture_id, workspace_id=elsewhere.workspace_id),
            address_of(picture_id, workspace_id=WorkspaceId(new_id())),
            address_of(picture_id, workspace_id=shop.desk.workspace_id, links=SignedLinks([b"x" * 32])),
            address_of(str(new_id()), workspace_id=shop.desk.workspace_id),
        ):
            refusal = await gets(shop, address)
            assert (refusal.status_code, refusal.json()["code"]) == (404, "links.invalid"), address


async def test_upload_is_put_on_a_card_only_by_who_made_it_where_it_was_made(shop: Shop) -> None:
    async with (
        a_desk(shop.desk.database) as elsewhere,
        a_browser(elsewhere, shop.base_url, await elsewhere.an_agent(role="owner")) as stranger,
    ):
        assert (await reply_picture(stranger, shop, a_picture())).status_code == 404
    assert (await reply_picture(shop.anna, shop, a_picture())).status_code == 403
    assert (await shows(shop, str(new_id()))).status_code == 404
    assert await shop.an_upload(b"%PDF-1.7", kind="file", name="a.pdf") is not None
    assert (await shows(shop, await shop.an_upload(b"%PDF-1.7", kind="file", name="a.pdf"))).status_code == 404


async def test_picture_that_no_card_shows_is_swept_away_and_another_goes_with_its_customer(shop: Shop) -> None:
    boss = await shop.desk.an_agent(name="Boss", role="admin")
    async with shop.browser(boss) as admin:
        assert (await reply_picture(admin, shop, a_picture())).status_code == 201
    await shop.an_upload(kind="card")
    shown = await shop.an_upload(kind="card")
    await shows(shop, shown)
    await shop.desk.value("UPDATE media_files SET created_at = created_at - interval '9 days' RETURNING 1")
    await shop.desk.value("UPDATE channel_pictures SET created_at = created_at - interval '9 days' RETURNING 1")
    assert await sweep_uploads(shop.desk.database, blobs=open_blob_folder(shop.folder)) == 2
    address = address_of(shown, workspace_id=shop.desk.workspace_id)
    assert (await gets(shop, address)).status_code == 200
    await wishes(shop, "erase")
    assert (await gets(shop, address)).status_code == 404
    assert shop.files() == 0


async def test_follow_reply_shows_its_own_picture_on_a_card(shop: Shop) -> None:
    boss = await shop.desk.an_agent(name="Boss", role="admin")
    async with shop.browser(boss) as admin:
        picture = (await reply_picture(admin, shop, a_picture("PNG"))).json()
        card = {"type": "news", "title": "新人礼", "url": "https://tea.example/new", "picture_id": picture["id"]}
        reply = {"enabled": True, "first": [card]}
        address = f"/api/channels/{shop.desk.channel.id}/follow-reply"
        saved = await admin.client.put(
            address, json={"reply": reply, "version": 0}, headers={"Idempotency-Key": str(new_id())}
        )
        assert saved.status_code == 200, saved.text
        assert [one["id"] for one in saved.json()["pictures"]] == [picture["id"]]
        unknown = {"enabled": True, "first": [{**card, "picture_id": str(new_id())}]}
        refusal = await admin.client.put(
            address, json={"reply": unknown, "version": 1}, headers={"Idempotency-Key": str(new_id())}
        )
        assert refusal.json()["details"]["faults"][0]["path"] == "first.0.picture_id"
    assert (await gets(shop, address_of(picture["id"], workspace_id=shop.desk.workspace_id))).status_code == 200
