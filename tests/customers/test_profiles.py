"""Profiles and remark names, with WeChat's API as a local server at the wire."""

from datetime import timedelta

import pytest

from moorage.conversations.people.remarks import RemarkTooLong
from moorage.core.errors import Missing
from moorage.infra.blobs import BlobMissing, find_blob
from tests.conftest import MovableClock
from tests.customers.conftest import PNG, Counter, Wechat

INFO = "/cgi-bin/user/info"
UPDATE = "/cgi-bin/user/info/updateremark"
NOT_GRANTED = {"errcode": 61007, "errmsg": "api is unauthorized to component"}
NOT_ALLOWED = {"errcode": 48001, "errmsg": "api unauthorized"}


async def test_what_wechat_tells_of_a_new_customer_stands_beside_the_fallback_name(counter: Counter) -> None:
    await counter.desk.hears(by=counter.customer)
    await counter.work()
    view = await counter.view()
    assert (view.name, view.own_name) == (f"Harbour_{counter.customer}", None)
    assert (view.language, view.came_by, view.scene, view.tags) == ("zh_CN", "qr_code", "shop-7", ["老客户"])
    assert view.followed_at is not None
    assert view.profile_read_at is not None


async def test_a_profile_is_asked_for_once_a_day_and_when_the_customer_follows_again(
    counter: Counter, clock: MovableClock
) -> None:
    for _ in range(3):
        await counter.desk.hears(by=counter.customer)
        await counter.work()
    assert len(counter.provider.calls_of(INFO)) == 1
    await counter.desk.push(counter.desk.happened("subscribe", by=counter.customer, EventKey=""))
    await counter.work()
    assert len(counter.provider.calls_of(INFO)) == 2
    clock.forward(timedelta(days=1, minutes=1))
    await counter.desk.hears(by=counter.customer)
    await counter.work()
    assert len(counter.provider.calls_of(INFO)) == 3


async def test_an_account_that_may_not_read_profiles_is_left_alone_for_a_day(
    counter: Counter, wechat: Wechat, clock: MovableClock
) -> None:
    wechat.by_path[INFO] = NOT_ALLOWED
    await counter.desk.hears(by=counter.customer)
    await counter.work()
    await counter.desk.hears(by="oSomebodyElse000000000000001")
    await counter.work()
    assert len(counter.provider.calls_of(INFO)) == 1
    assert (await counter.view()).profile_reason == "api_not_allowed"
    clock.forward(timedelta(days=1, minutes=1))
    del wechat.by_path[INFO]
    await counter.desk.hears(by=counter.customer)
    await counter.work()
    assert (await counter.view()).profile_reason is None


async def test_an_account_that_did_not_grant_its_users_says_so_on_the_channel(counter: Counter, wechat: Wechat) -> None:
    wechat.by_path[INFO] = NOT_GRANTED
    await counter.desk.hears(by=counter.customer)
    await counter.work()
    assert (await counter.view()).profile_reason == "permission_missing"
    assert await counter.desk.value("SELECT state || ' ' || state_reason FROM channels") == (
        "restricted set_missing_users"
    )


async def test_a_remark_that_was_not_granted_says_so_on_the_channel(counter: Counter, wechat: Wechat) -> None:
    wechat.by_path[UPDATE] = NOT_GRANTED
    await counter.desk.hears(by=counter.customer)
    await counter.work()
    await counter.call_them("老客户王姐")
    await counter.work()
    assert await counter.desk.value("SELECT state_reason FROM channels") == "set_missing_users"


async def test_a_name_and_a_picture_are_shown_where_wechat_still_tells_them(counter: Counter, wechat: Wechat) -> None:
    wechat.profile |= {"nickname": "小美", "headimgurl": f"{counter.provider.url}/face.png"}
    await counter.desk.hears(by=counter.customer)
    await counter.work()
    view = await counter.view()
    assert (view.name, view.own_name) == ("小美", "小美")
    assert view.avatar_url is not None
    shown = (await counter.desk.conversation_of(counter.customer)).customer
    assert (shown.name, shown.avatar_url) == ("小美", view.avatar_url)
    assert (await counter.facts("customer.changed"))[-1]["avatar_url"] == view.avatar_url
    await counter.desk.hears("有人吗", by=counter.customer)
    assert (await counter.facts("conversation.changed"))[-1]["customer"] == shown.model_dump(mode="json")
    blob_id = await counter.desk.value(
        "SELECT avatar_blob_id FROM customer_identities WHERE external_customer_id = %s", counter.customer
    )
    async with counter.desk.database.in_workspace(counter.desk.workspace_id) as tx:
        assert await counter.blobs.read(await find_blob(tx, blob_id=blob_id)) == PNG  # pyright: ignore[reportArgumentType] -- an id


async def test_a_picture_that_is_none_is_left_out_and_the_name_counts(counter: Counter, wechat: Wechat) -> None:
    wechat.profile |= {"nickname": "小美", "headimgurl": f"{counter.provider.url}/cgi-bin/tags/get"}
    await counter.desk.hears(by=counter.customer)
    await counter.work()
    view = await counter.view()
    assert (view.name, view.avatar_url) == ("小美", None)
    with pytest.raises(BlobMissing):
        async with counter.desk.database.in_workspace(counter.desk.workspace_id) as tx:
            await find_blob(tx, blob_id=view.id)


async def test_a_remark_name_counts_at_once_and_reaches_wechat(counter: Counter, wechat: Wechat) -> None:
    await counter.desk.hears(by=counter.customer)
    await counter.call_them("  王女士（\n会员）")
    view = await counter.view()
    assert (view.name, view.remark.state) == ("王女士（ 会员）", "pending")
    assert (await counter.desk.conversation_of(counter.customer)).customer.name == "王女士（ 会员）"
    told = await counter.facts("customer.changed")
    assert told[-1]["name"] == "王女士（ 会员）"
    await counter.work()
    assert wechat.remarks == ["王女士（ 会员）"]
    assert (await counter.view()).remark.state == "saved"
    await counter.call_them(None)
    await counter.work()
    assert wechat.remarks[-1] == ""
    assert (await counter.view()).name == f"Harbour_{counter.customer}"


async def test_a_remark_name_that_wechat_refuses_stays_ours_with_the_reason(counter: Counter, wechat: Wechat) -> None:
    wechat.by_path[UPDATE] = NOT_ALLOWED
    await counter.desk.hears(by=counter.customer)
    await counter.call_them("王女士")
    await counter.work()
    view = await counter.view()
    assert (view.name, view.remark.state, view.remark.reason) == ("王女士", "refused", "api_not_allowed")


async def test_a_remark_name_has_as_many_characters_as_wechat_keeps(counter: Counter) -> None:
    await counter.desk.hears(by=counter.customer)
    with pytest.raises(RemarkTooLong) as refused:
        await counter.call_them("名" * 30)
    assert (refused.value.most_characters, refused.value.characters) == (29, 30)
    await counter.call_them("名" * 29)


async def test_a_remark_that_was_set_at_wechat_is_taken_over_unless_somebody_here_has_set_one(
    counter: Counter, wechat: Wechat, clock: MovableClock
) -> None:
    wechat.profile["remark"] = "老王"
    await counter.desk.hears(by=counter.customer)
    await counter.work()
    assert (await counter.view()).name == "老王"
    await counter.call_them(None)
    clock.forward(timedelta(days=1, minutes=1))
    await counter.desk.hears(by=counter.customer)
    counter.heard.events[:] = [event for event in counter.heard.events if type(event).__name__ == "ProfileDue"]
    await counter.work()
    assert (await counter.view()).remark.name is None


async def test_only_who_may_read_the_history_sees_and_names_a_customer(counter: Counter) -> None:
    await counter.desk.hears(by=counter.customer)
    stranger = await counter.desk.an_agent(name="Ben", group_ids=[])
    with pytest.raises(Missing):
        await counter.view(actor=stranger)
    with pytest.raises(Missing):
        await counter.call_them("x", actor=stranger)
    assert await counter.facts("customer.changed") == []


async def test_the_same_person_on_another_account_is_shown_as_linked_and_stays_another_customer(
    counter: Counter, wechat: Wechat
) -> None:
    wechat.profile["unionid"] = f"union-{counter.customer}"
    other = "oTheSamePerson00000000000001"
    for customer in (counter.customer, other):
        await counter.desk.hears(by=customer)
    await counter.work()
    view = await counter.view()
    (linked,) = view.linked
    assert linked.id == await counter.id_of(other)
    assert linked.last_conversation is not None
    assert (await counter.view(other)).linked[0].id == view.id
