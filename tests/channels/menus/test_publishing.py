"""Publishing menus on a real database, with WeChat at the wire."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

import pytest

from moorage.channels.menus.leasing import LEASE, MenuBusy
from moorage.channels.menus.live import LiveMenus, NothingToImport
from moorage.channels.menus.model import Imported, SendText, TransferToAgent
from moorage.channels.menus.operations import add_conditional, change_conditional, restore_version, save_draft
from moorage.channels.menus.outcomes import MenuNotTaken
from moorage.channels.menus.publishing import MenuFaulty
from moorage.channels.menus.queries import find_item, list_versions
from moorage.channels.menus.trying import menu_for
from moorage.channels.menus.views import ConditionalMenuView
from moorage.channels.undocking import ChannelUndocked, undock_channel
from moorage.connectors.menus import MatchRule
from moorage.core.errors import StaleVersion
from moorage.infra.database import Database
from moorage.staff.operations import create_workspace
from tests.channels.menus.builders import a_menu, a_parent, a_sub_item, an_item, names
from tests.channels.menus.conftest import MenuDesk
from tests.channels.menus.wechat import CUT, HTML, MenuWechat
from tests.conftest import MovableClock

HELLO = a_menu(an_item("你好", action=SendText(text="您好，欢迎"), item_id="hello"))
TWO = a_menu(
    an_item("你好", action=SendText(text="您好，欢迎"), item_id="hello"),
    a_parent(a_sub_item("转人工", action=TransferToAgent(), item_id="agent"), name="服务", item_id="more"),
)


@dataclass(frozen=True)
class Line:
    act: str
    person_id: UUID | None


async def acts(desk: MenuDesk) -> list[str]:
    async with desk.menus.database.in_workspace(desk.company) as tx:
        lines = await tx.rows(Line, "SELECT act, person_id FROM audit_log WHERE act LIKE 'channel.menu%%' ORDER BY id")
    assert all(line.person_id == desk.by.person_id for line in lines)
    return [line.act for line in lines]


async def test_a_draft_is_kept_unfinished_and_says_what_is_missing(desk: MenuDesk) -> None:
    view = await desk.view()
    assert (view.version, view.draft.items, view.changed) == (0, (), False)
    await desk.save(a_menu(an_item("名字太长太长太长", item_id="long")))
    view = await desk.view()
    assert view.version == 1
    assert view.changed_by == "Ada"
    assert [(fault.item_id, fault.field, fault.values) for fault in view.faults] == [
        ("long", "name", {"bytes": 24, "most": 16})
    ]
    with pytest.raises(MenuFaulty) as faulty:
        await desk.publish()
    assert faulty.value.faults[0]["item_id"] == "long"


async def test_a_save_over_somebody_elses_is_refused(desk: MenuDesk) -> None:
    await desk.save(HELLO)
    async with desk.menus.database.in_workspace(desk.company) as tx:
        with pytest.raises(StaleVersion):
            await save_draft(tx, channel_id=desk.channel.id, draft=TWO, version=0, by=desk.by)
    with pytest.raises(StaleVersion):
        await desk.menus.publish(workspace_id=desk.company, channel_id=desk.channel.id, version=0, by=desk.by)


async def test_a_published_menu_is_live_with_keys_that_name_their_version(desk: MenuDesk, wechat: MenuWechat) -> None:
    assert await desk.publish(TWO) == "published"
    assert wechat.menu is not None
    assert wechat.menu[0] == {"type": "click", "name": "你好", "key": "mo:1:hello"}
    assert wechat.menu[1]["sub_button"][0]["key"] == "mo:1:agent"
    view = await desk.view()
    assert view.published is not None
    assert (view.published.number, view.published.published_by, view.changed) == (1, "Ada", False)
    assert view.live.standing == "ours"
    assert (await desk.compare()).live.standing == "ours"
    assert await acts(desk) == ["channel.menu_drafted", "channel.menu_published"]


async def test_a_tap_on_an_older_menu_still_finds_its_item(desk: MenuDesk) -> None:
    await desk.publish(HELLO)
    await desk.publish(a_menu(an_item("别的", item_id="other")))
    async with desk.menus.database.in_workspace(desk.company) as tx:
        item = await find_item(tx, channel_id=desk.channel.id, key="mo:1:hello")
        assert item is not None
        assert item.action == SendText(text="您好，欢迎")
        assert await find_item(tx, channel_id=desk.channel.id, key="mo:2:hello") is None
        assert await find_item(tx, channel_id=desk.channel.id, key="THEIRS") is None


async def test_an_earlier_version_comes_back(desk: MenuDesk, wechat: MenuWechat) -> None:
    await desk.publish(HELLO)
    await desk.publish(a_menu(an_item("别的", item_id="other")))
    async with desk.menus.database.in_workspace(desk.company) as tx:
        version = (await desk.view()).version
        await restore_version(tx, channel_id=desk.channel.id, number=1, version=version, by=desk.by)
    view = await desk.view()
    assert view.draft == HELLO
    assert view.based_on == 1
    assert {(change.kind, change.name) for change in view.changes} == {("removed", "别的"), ("added", "你好")}
    await desk.publish()
    assert wechat.names() == ["你好"]
    async with desk.menus.database.in_workspace(desk.company) as tx:
        assert [one.number for one in await list_versions(tx, channel_id=desk.channel.id)] == [3, 2, 1]


# ---------------------------------------------------------------- refused


async def test_a_refusal_stands_at_the_item_that_it_may_be_about(desk: MenuDesk, wechat: MenuWechat) -> None:
    wechat.fails["menu/create"] = {"errcode": 40025, "errmsg": "invalid sub button name size rid: 1"}
    with pytest.raises(MenuNotTaken) as refused:
        await desk.publish(TWO)
    assert (refused.value.reason, refused.value.external_code) == ("menu_name_refused", 40025)
    assert refused.value.suspects == ("agent",)
    view = await desk.view()
    assert view.published is None
    assert view.last_try is not None
    assert (view.last_try.state, view.last_try.suspects) == ("failed", ["agent"])
    assert view.busy_until is None
    assert (await desk.channel_now()).state == "active"


@pytest.mark.parametrize(("errcode", "reason"), [(48001, "menu_api_not_allowed"), (61007, "set_missing_menu")])
async def test_a_missing_right_restricts_the_channel_until_it_is_there(
    desk: MenuDesk, wechat: MenuWechat, errcode: int, reason: str
) -> None:
    wechat.fails["menu/create"] = {"errcode": errcode, "errmsg": "api unauthorized"}
    with pytest.raises(MenuNotTaken, match=reason):
        await desk.publish(HELLO)
    channel = await desk.channel_now()
    assert (channel.state, channel.state_reason) == ("restricted", reason)
    del wechat.fails["menu/create"]
    await desk.publish()
    assert (await desk.channel_now()).state == "active"


@pytest.mark.parametrize(
    ("errcode", "reason", "state"),
    [
        (45009, "daily_limit", "active"),
        (-1, "provider_busy", "active"),
        (40001, "token_refused", "failing"),
        (61003, "authorization_gone", "deauthorized"),
    ],
)
async def test_other_refusals_are_told_by_their_reason(
    *, desk: MenuDesk, wechat: MenuWechat, errcode: int, reason: str, state: str
) -> None:
    wechat.fails["menu/create"] = {"errcode": errcode, "errmsg": "no"}
    with pytest.raises(MenuNotTaken, match=reason):
        await desk.publish(HELLO)
    assert (await desk.channel_now()).state == state


async def test_nothing_is_published_on_an_undocked_channel(desk: MenuDesk, wechat: MenuWechat) -> None:
    await desk.save(HELLO)
    async with desk.menus.database.in_workspace(desk.company) as tx:
        await undock_channel(tx, channel_id=desk.channel.id, version=None, by=None, remote_address="")
    with pytest.raises(ChannelUndocked):
        await desk.publish()
    assert wechat.created == 0


# ---------------------------------------------------------------- no answer


@pytest.mark.parametrize("failure", [CUT, HTML], ids=["cut", "html"])
async def test_a_lost_answer_is_looked_up_in_what_is_live(desk: MenuDesk, wechat: MenuWechat, failure: bytes) -> None:
    wechat.fails["menu/create"] = failure
    wechat.late.add("menu/create")
    assert await desk.publish(HELLO) == "published"
    assert (await desk.view()).live.standing == "ours"


async def test_a_lost_request_is_told_as_not_published(desk: MenuDesk, wechat: MenuWechat) -> None:
    wechat.fails["menu/create"] = CUT
    with pytest.raises(MenuNotTaken, match="no_answer_not_live"):
        await desk.publish(HELLO)


async def test_what_nobody_knows_is_said_so_until_the_live_menu_tells(desk: MenuDesk, wechat: MenuWechat) -> None:
    wechat.fails = {"menu/create": CUT, "get_current_selfmenu_info": HTML}
    wechat.late.add("menu/create")
    assert await desk.publish(HELLO) == "unknown"
    view = await desk.view()
    assert view.last_try is not None
    assert (view.last_try.state, view.last_try.reason) == ("unknown", "no_answer")
    wechat.fails = {}
    view = await desk.compare()
    assert view.published is not None
    assert (view.published.number, view.last_try, view.live.standing) == (1, None, "ours")


async def test_a_process_that_died_while_publishing_leaves_no_lock(
    desk: MenuDesk, wechat: MenuWechat, clock: MovableClock
) -> None:
    wechat.gate.clear()
    await desk.save(HELLO)
    dying = asyncio.create_task(desk.publish())
    await wechat.asked.wait()
    dying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying
    with pytest.raises(MenuBusy):
        await desk.publish()
    clock.forward(LEASE)
    wechat.gate.set()
    assert await desk.publish() == "published"
    view = await desk.compare()
    assert view.live.standing == "ours"
    async with desk.menus.database.in_workspace(desk.company) as tx:
        states = [one.state for one in await list_versions(tx, channel_id=desk.channel.id)]
    assert states == ["published", "failed"]


async def test_of_two_who_publish_at_once_one_is_told_to_wait(desk: MenuDesk, wechat: MenuWechat) -> None:
    wechat.gate.clear()
    await desk.save(HELLO)
    first = asyncio.create_task(desk.publish())
    await wechat.asked.wait()
    assert (await desk.view()).busy_until is not None
    with pytest.raises(MenuBusy):
        await desk.publish()
    wechat.gate.set()
    assert await first == "published"
    assert wechat.created == 1


# ---------------------------------------------------------------- the last publish wins


async def test_another_platforms_menu_is_noticed_told_in_words_and_imported(desk: MenuDesk, wechat: MenuWechat) -> None:
    await desk.publish(TWO)
    wechat.menu = [
        {"type": "click", "name": "你好", "key": "mo:1:hello"},
        {"type": "click", "name": "抽奖", "key": "LOTTERY"},
    ]
    view = await desk.compare()
    assert view.live.standing == "differs"
    assert {(one.kind, one.name) for one in view.live.differences} == {
        ("removed", "服务"),
        ("removed", "转人工"),
        ("added", "抽奖"),
    }
    imported = await LiveMenus(desk.menus).import_live(
        workspace_id=desk.company, channel_id=desk.channel.id, version=view.version, by=desk.by
    )
    assert names(imported.draft.items) == ["你好", "抽奖"]
    assert imported.draft.items[0].action == SendText(text="您好，欢迎")
    assert isinstance(imported.draft.items[1].action, Imported)
    assert (await desk.view()).changes == []
    await desk.publish()
    assert wechat.menu[1]["key"] == "LOTTERY"
    assert (await desk.compare()).live.standing == "ours"


async def test_a_menu_that_was_there_before_us_is_told_and_can_be_imported(desk: MenuDesk, wechat: MenuWechat) -> None:
    assert (await desk.compare()).live.standing == "none"
    wechat.menu = [{"type": "view", "name": "官网", "url": "https://x.example/"}]
    assert (await desk.compare()).live.standing == "foreign"


async def test_without_a_live_menu_there_is_nothing_to_import(desk: MenuDesk) -> None:
    with pytest.raises(NothingToImport):
        await LiveMenus(desk.menus).import_live(
            workspace_id=desk.company, channel_id=desk.channel.id, version=0, by=desk.by
        )


async def test_a_menu_that_cannot_be_read_says_why_and_keeps_what_was_known(desk: MenuDesk, wechat: MenuWechat) -> None:
    await desk.publish(HELLO)
    wechat.fails["get_current_selfmenu_info"] = {"errcode": 61007, "errmsg": "unauthorized"}
    view = await desk.compare()
    assert (view.live.standing, view.live.reason) == ("ours", "set_missing_menu")
    assert (await desk.channel_now()).state == "active"


async def test_only_channels_that_published_are_looked_at_by_the_clock(
    desk: MenuDesk, wechat: MenuWechat, provider: object
) -> None:
    live = LiveMenus(desk.menus)
    wechat.menu = [{"type": "view", "name": "官网", "url": "https://x.example/"}]
    await live.compare_by_job(workspace_id=desk.company, channel_id=desk.channel.id)
    assert (await desk.view()).live.standing == "unread"
    await desk.publish(HELLO)
    wechat.menu = None
    await live.compare_by_job(workspace_id=desk.company, channel_id=desk.channel.id)
    assert (await desk.view()).live.standing == "differs"
    await live.compare_all()


async def test_deleting_takes_every_menu_away_and_keeps_the_draft(desk: MenuDesk, wechat: MenuWechat) -> None:
    await desk.publish(HELLO)
    await desk.menus.delete_all(workspace_id=desk.company, channel_id=desk.channel.id, by=desk.by)
    assert wechat.menu is None
    view = await desk.compare()
    assert (view.live.standing, view.published, view.draft) == ("none", None, HELLO)


# ---------------------------------------------------------------- menus for some


async def a_conditional(desk: MenuDesk) -> ConditionalMenuView:
    async with desk.menus.database.in_workspace(desk.company) as tx:
        await add_conditional(
            tx, channel_id=desk.channel.id, name="English", rule=MatchRule(language="en"), menu=HELLO, by=desk.by
        )
    return (await desk.view()).conditional[-1]


async def publish_conditional(desk: MenuDesk, conditional: ConditionalMenuView) -> ConditionalMenuView:
    await desk.menus.publish_conditional(
        workspace_id=desk.company,
        channel_id=desk.channel.id,
        conditional_id=conditional.id,
        version=conditional.version,
        by=desk.by,
    )
    return (await desk.view()).conditional[-1]


async def test_a_menu_for_some_is_published_changed_and_deleted(desk: MenuDesk, wechat: MenuWechat) -> None:
    await desk.publish(TWO)
    conditional = await a_conditional(desk)
    assert conditional.standing == "draft"
    conditional = await publish_conditional(desk, conditional)
    assert conditional.standing == "live"
    assert [one["matchrule"] for one in wechat.conditional] == [{"language": "en"}]
    async with desk.menus.database.in_workspace(desk.company) as tx:
        await change_conditional(
            tx,
            channel_id=desk.channel.id,
            conditional_id=conditional.id,
            name="English, iOS",
            rule=MatchRule(language="en", platform="ios"),
            menu=HELLO,
            version=conditional.version,
            by=desk.by,
        )
    conditional = (await desk.compare()).conditional[0]
    assert conditional.standing == "changed"
    conditional = await publish_conditional(desk, conditional)
    assert [one["matchrule"] for one in wechat.conditional] == [{"language": "en", "client_platform_type": "1"}]
    await desk.menus.delete_conditional(
        workspace_id=desk.company, channel_id=desk.channel.id, conditional_id=conditional.id, by=desk.by
    )
    assert wechat.conditional == []
    assert (await desk.view()).conditional == []


async def test_a_menu_for_some_that_vanished_is_told_and_can_be_deleted(desk: MenuDesk, wechat: MenuWechat) -> None:
    await desk.publish(TWO)
    conditional = await publish_conditional(desk, await a_conditional(desk))
    wechat.conditional = [{"button": wechat.menu, "matchrule": {"tag_id": "2"}, "menuid": 77}]
    view = await desk.compare()
    assert view.conditional[0].standing == "gone"
    assert [(one.external_menu_id, one.rule.tag_id) for one in view.foreign] == [("77", "2")]
    wechat.fails["menu/delconditional"] = {"errcode": 65301, "errmsg": "not exist"}
    await desk.menus.delete_conditional(
        workspace_id=desk.company, channel_id=desk.channel.id, conditional_id=conditional.id, by=desk.by
    )
    wechat.fails = {}
    await desk.menus.delete_foreign(
        workspace_id=desk.company, channel_id=desk.channel.id, external_menu_id="77", by=desk.by
    )
    assert (await desk.compare()).foreign == []


async def test_without_a_menu_for_everybody_none_for_some_is_taken(desk: MenuDesk, wechat: MenuWechat) -> None:
    wechat.fails["menu/addconditional"] = {"errcode": 65303, "errmsg": "no default menu"}
    with pytest.raises(MenuNotTaken, match="menu_default_missing"):
        await publish_conditional(desk, await a_conditional(desk))


async def test_what_one_customer_sees_is_told_in_our_words(desk: MenuDesk) -> None:
    await desk.publish(TWO)
    menu = await menu_for(desk.menus, workspace_id=desk.company, channel_id=desk.channel.id, customer="oABC")
    assert names(menu.items) == ["你好", "服务"]
    assert menu.items[0].action == SendText(text="您好，欢迎")


async def test_a_menu_of_another_company_is_not_seen(desk: MenuDesk, database: Database) -> None:
    await desk.publish(TWO)
    other = await create_workspace(database, name="Elsewhere")
    async with database.in_workspace(other) as tx:
        assert await list_versions(tx, channel_id=desk.channel.id) == []
