"""What customers withdraw at WeChat goes: name and picture, or everything that they said and sent."""

import pytest

from moorage.connectors.content import CONTENT, Erased, Media, Notice
from moorage.conversations.media_fetching import MediaFetcher
from moorage.conversations.media_looking import Looks
from moorage.customers.model import CustomerDataWished
from moorage.infra.blobs import BlobMissing, find_blob
from moorage.media.pictures import Pictures
from moorage.media.voices import Voices
from moorage.reception.erasing import Wishes
from tests.channels.docking import BOX
from tests.connectors.provider import answered
from tests.customers.conftest import Counter, Wechat
from tests.pictures import a_picture


async def wish(counter: Counter, event: str, **fields: str) -> None:
    """Let WeChat push what a customer wishes, and do the work that it leaves to the worker."""
    body = counter.desk.happened(event, by="gh_wechat", at=None, OpenID=counter.customer, AppID="wx1", **fields)
    await counter.desk.push(body)
    wishes = Wishes(database=counter.desk.database, blobs=counter.blobs, profiles=counter.profiles)
    wished = [one for one in counter.heard.events if isinstance(one, CustomerDataWished)]
    counter.heard.events.clear()
    for one in wished:
        await wishes.carry_out(workspace_id=counter.desk.workspace_id, customer_id=one.customer_id, wish=one.wish)


async def test_who_cancels_leaves_counts_and_no_words(counter: Counter, wechat: Wechat) -> None:
    wechat.profile |= {"nickname": "小美", "headimgurl": f"{counter.provider.url}/face.png", "unionid": "union-1"}
    await counter.desk.hears("我的地址是……", by=counter.customer)
    await counter.work()
    await counter.call_them("王女士")
    conversation = await counter.desk.conversation_of(counter.customer)
    if conversation.owner.kind == "agent":
        await counter.desk.replies(counter.anna, conversation.id, "收到")  # pyright: ignore[reportArgumentType] -- an id
    before = await counter.desk.messages_of(counter.customer)
    await wish(counter, "user_authorization_cancellation")
    after = await counter.desk.messages_of(counter.customer)
    assert len(after) == len(before) + 1
    assert [one.seq for one in after[:-1]] == [one.seq for one in before]
    said = [one.content for one in after if not isinstance(one.content, Notice)]
    assert said
    assert all(isinstance(one, Erased) for one in said)
    view = await counter.view()
    assert (view.name, view.own_name, view.remark.name, view.avatar_url) == (
        f"Harbour_{counter.customer}",
        None,
        None,
        None,
    )
    assert view.erased_at is not None
    assert await counter.desk.value("SELECT union_id FROM customer_identities WHERE customer_id = %s", view.id) is None
    left = await counter.desk.value(
        "SELECT count(*) FROM pushes WHERE external_customer_id = %s AND body <> ''", counter.customer
    )
    assert left == 0
    shown = await counter.desk.conversation_of(counter.customer)
    assert shown.last_message is not None
    assert (shown.last_message.preview, shown.last_message.type) == ("", "erased")
    assert len(await counter.facts("thread.erased")) == 1


async def test_files_are_gone_from_the_store_too(counter: Counter, wechat: Wechat) -> None:
    await counter.desk.push(counter.desk.sent("image", by=counter.customer, MediaId="M1"))
    message = next(one for one in await counter.desk.messages_of(counter.customer) if isinstance(one.content, Media))
    looks = Looks(pictures=Pictures(), voices=Voices())
    fetcher = MediaFetcher(
        database=counter.desk.database, connectors=counter.desk.connectors, box=BOX, blobs=counter.blobs, looks=looks
    )
    wechat.pictures["/cgi-bin/media/get"] = answered(a_picture(), content_type="image/jpeg")
    await fetcher.fetch(workspace_id=counter.desk.workspace_id, message_id=message.id)  # pyright: ignore[reportArgumentType] -- an id
    kept = await counter.desk.value("SELECT content FROM messages WHERE id = %s", message.id)
    media = CONTENT.validate_python(kept)
    assert isinstance(media, Media)
    assert media.blob_id is not None
    async with counter.desk.database.in_workspace(counter.desk.workspace_id) as tx:
        blob = await find_blob(tx, blob_id=media.blob_id)  # pyright: ignore[reportArgumentType] -- an id
    await wish(counter, "user_authorization_cancellation")
    with pytest.raises(BlobMissing):
        await counter.blobs.read(blob)
    assert await counter.desk.value("SELECT count(*) FROM media_files WHERE id = %s", blob.id) == 0


async def test_who_withdraws_name_and_picture_keeps_the_rest(counter: Counter, wechat: Wechat) -> None:
    wechat.profile |= {"nickname": "小美", "headimgurl": f"{counter.provider.url}/face.png"}
    await counter.desk.hears("你好", by=counter.customer)
    await counter.work()
    await wish(counter, "user_authorization_revoke", RevokeInfo="206")
    assert (await counter.view()).own_name == "小美"
    await wish(counter, "user_authorization_revoke", RevokeInfo="205")
    view = await counter.view()
    assert (view.name, view.own_name, view.avatar_url) == (f"Harbour_{counter.customer}", None, None)
    assert (view.language, view.erased_at) == ("zh_CN", None)


async def test_what_was_modified_is_read_anew(counter: Counter, wechat: Wechat) -> None:
    await counter.desk.hears("你好", by=counter.customer)
    await counter.work()
    wechat.profile["nickname"] = "小美"
    await wish(counter, "user_info_modified")
    assert (await counter.view()).name == "小美"
