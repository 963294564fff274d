"""What becomes of a tap on the menu: an answer, a person, or a line that names the item."""

import json
from collections.abc import Mapping

import pytest

from moorage.channels.menus.compiling import compiled
from moorage.channels.menus.leasing import Publication, begin_version, give_back, next_number, take_lease
from moorage.channels.menus.model import Menu, OpenLink, Scan, SendLocation, SendPhotos, SendText, TransferToAgent
from moorage.channels.menus.operations import By
from moorage.channels.menus.storing import mark_published
from moorage.conversations.views import MessageView
from moorage.core.ids import GroupId
from moorage.infra.database import Tx
from moorage.reception.pushes import StoredPush
from moorage.reception.taking_in import Request, take_in_request
from moorage.reception.texts import ASK_TO_WRITE
from tests.channels.menus.builders import a_menu, a_parent, a_sub_item, an_item
from tests.conversations.desk import Desk, an_openid
from tests.links import OUTGOING
from tests.reception.answers import words_of
from tests.reception.test_intake import stored
from tests.staff.people import a_group

HOURS = "周一至周日 9:00–21:00"
ASKED = ASK_TO_WRITE["zh-CN"]
MENU = a_menu(
    an_item("营业时间", action=SendText(text=HOURS), item_id="hours"),
    an_item("官网", action=OpenLink(url="https://x.example/"), item_id="site"),
    a_parent(
        a_sub_item("转人工", action=TransferToAgent(), item_id="agent"),
        a_sub_item("扫码", action=Scan(), item_id="scan"),
        a_sub_item("位置", action=SendLocation(), item_id="place"),
        a_sub_item("照片", action=SendPhotos(), item_id="photos"),
        name="更多",
        item_id="more",
    ),
)


async def published(desk: Desk, menu: Menu = MENU) -> int:
    """Publish a menu without a provider, and return the number of the version."""
    admin = await desk.an_agent(name="Ada", role="admin", status="offline")
    by = By(person_id=admin.person_id, remote_address="127.0.0.1")
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        _, lease = await take_lease(tx, channel_id=desk.channel.id, by=by)
        number = await next_number(tx, channel_id=desk.channel.id)
        given = compiled(menu, number=number)
        await begin_version(tx, Publication(lease=lease, number=number, menu=menu, given=given))
        await mark_published(tx, channel_id=desk.channel.id, number=number)
        await give_back(tx, lease)
    return number


def tap(desk: Desk, item_id: str, *, by: str, number: int = 1, event: str = "CLICK", again: str = "") -> bytes:
    return desk.happened(event, by=by, EventKey=f"mo:{number}:{item_id}", Again=again)


def texts(messages: list[MessageView] | tuple[MessageView, ...]) -> list[str]:
    return [str(content["text"]) for content in contents(messages) if content["type"] == "text"]


def contents(messages: list[MessageView] | tuple[MessageView, ...]) -> list[dict[str, object]]:
    return [json.loads(message.content.model_dump_json()) for message in messages]


async def lines(desk: Desk, customer: str) -> list[Mapping[str, str]]:
    found = contents(list(await desk.messages_of(customer)))
    return [content["values"] for content in found if content["type"] == "notice"]  # pyright: ignore[reportReturnType] -- JSON


# ---------------------------------------------------------------- send a message


async def test_a_message_item_answers_the_tap_and_opens_no_conversation(desk: Desk) -> None:
    await published(desk)
    customer = an_openid()
    answer = await desk.push(tap(desk, "hours", by=customer))
    assert words_of(desk, answer) == HOURS
    messages = list(await desk.messages_of(customer))
    assert [message.author.kind for message in messages] == ["system", "system"]
    assert messages[1].author.why == "menu"
    assert texts(messages) == [HOURS]
    assert (await lines(desk, customer))[0]["item"] == "营业时间"
    assert await desk.value("SELECT count(*) FROM conversations") == 0


async def with_words(desk: Desk, **settings: object) -> None:
    """Set how customers of the account ask for a person."""
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute(
            "UPDATE channels SET settings = settings || %s WHERE id = %s",
            [json.dumps({"trans_to_agent": settings}), desk.channel.id],
        )


@pytest.mark.parametrize(
    ("settings", "below"),
    [
        ({"guidance_under": ["menu"], "words": ["客服"]}, "\n\n回复“客服”转人工客服"),
        ({"guidance_under": ["menu"], "guidance_text": "发送 1 找我们"}, "\n\n发送 1 找我们"),
        ({"guidance_under": ["menu"], "words": []}, ""),
        ({"guidance_under": ["menu"], "guidance": False}, ""),
        ({"guidance_under": ["unknown"]}, ""),
        ({}, ""),
    ],
)
async def test_line_below_an_answer_tells_how_to_ask_for_a_person(
    desk: Desk, settings: dict[str, object], below: str
) -> None:
    await published(desk)
    await with_words(desk, **settings)
    assert words_of(desk, await desk.push(tap(desk, "hours", by=an_openid()))) == HOURS + below


async def test_line_is_left_out_where_both_do_not_fit(desk: Desk) -> None:
    long = "很" * 680
    await published(desk, a_menu(an_item("说明", action=SendText(text=long), item_id="long")))
    await with_words(desk, guidance_under=["menu"])
    assert words_of(desk, await desk.push(tap(desk, "long", by=an_openid()))) == long


async def test_word_alone_asks_for_a_person_and_leaves_its_line(desk: Desk) -> None:
    await with_words(desk, words=["找人"])
    for said, noted in ((" 找人 ", 1), ("人工", 0), ("帮我找人", 0)):
        customer = an_openid()
        await desk.hears(said, by=customer)
        assert len(await lines(desk, customer)) == noted
    rules = "SELECT count(*) FROM decisions WHERE rule = 'message.asks_agent'"
    assert await desk.value(rules) == 1


async def test_the_answer_of_a_late_request_is_charged_to_the_menus_budget(desk: Desk) -> None:
    await published(desk)
    customer = an_openid()
    inbound = desk.pushed(tap(desk, "hours", by=customer))
    push = await stored(desk, inbound)
    request = Request(push=push, inbound=inbound, may_answer=lambda: False, links=OUTGOING)

    async def take_in(tx: Tx) -> StoredPush:
        return await take_in_request(tx, connectors=desk.connectors, request=request)

    await desk.database.run(desk.workspace_id, take_in)
    assert texts(list(await desk.messages_of(customer))) == [HOURS]
    assert await desk.value("SELECT used FROM budgets WHERE trigger = 'menu' AND used = 1") == 1


async def test_the_item_of_an_older_menu_does_what_it_did(desk: Desk) -> None:
    await published(desk)
    await published(desk, a_menu(an_item("营业时间", action=SendText(text="新的"), item_id="hours")))
    customer = an_openid()
    assert words_of(desk, await desk.push(tap(desk, "hours", by=customer, number=1))) == HOURS
    assert words_of(desk, await desk.push(tap(desk, "hours", by=customer, number=2))) == "新的"


async def test_what_another_platform_made_leaves_its_key_and_is_not_answered(desk: Desk) -> None:
    await published(desk)
    customer = an_openid()
    assert words_of(desk, await desk.push(desk.happened("CLICK", by=customer, EventKey="LOTTERY"))) is None
    assert words_of(desk, await desk.push(tap(desk, "gone", by=customer))) is None
    assert [line["item"] for line in await lines(desk, customer)] == ["LOTTERY", "mo:1:gone"]


# ---------------------------------------------------------------- transfer to an agent


async def test_asking_for_a_person_opens_a_conversation_and_asks_to_write(desk: Desk) -> None:
    await published(desk)
    anna = await desk.an_agent()
    customer = an_openid()
    await desk.push(tap(desk, "agent", by=customer))
    conversation = await desk.conversation_of(customer)
    assert (conversation.owner.kind, conversation.owner.agent_id) == ("agent", anna.agent_id)
    assert ASKED in texts(list(await desk.messages_of(customer)))


async def test_with_nobody_free_the_customer_waits_and_is_asked_to_write_at_once(desk: Desk) -> None:
    await published(desk)
    customer = an_openid()
    assert words_of(desk, await desk.push(tap(desk, "agent", by=customer))) == ASKED
    before = await desk.conversation_of(customer)
    assert before.owner.kind == "queue"
    await desk.push(tap(desk, "agent", by=customer, again="1"))
    after = await desk.conversation_of(customer)
    assert (after.id, after.queued_at) == (before.id, before.queued_at)


async def test_a_fixed_group_is_honoured_as_long_as_it_exists(desk: Desk) -> None:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        returns = await a_group(tx, name="Returns")
    await published(desk, a_menu(an_item("退货", action=TransferToAgent(group_id=returns), item_id="returns")))
    await desk.an_agent(name="Anna")
    ben = await desk.an_agent(name="Ben", group_ids=[returns])
    customer = an_openid()
    await desk.push(tap(desk, "returns", by=customer))
    conversation = await desk.conversation_of(customer)
    assert conversation.owner.agent_id == ben.agent_id


async def test_a_group_that_is_gone_leaves_it_to_the_rules(desk: Desk) -> None:
    gone = GroupId(desk.channel.id)
    await published(desk, a_menu(an_item("退货", action=TransferToAgent(group_id=gone), item_id="returns")))
    customer = an_openid()
    await desk.push(tap(desk, "returns", by=customer))
    assert (await desk.conversation_of(customer)).owner.kind == "queue"


# ---------------------------------------------------------------- lines


@pytest.mark.parametrize(
    ("event", "item_id", "fields", "wanted"),
    [
        (
            "scancode_waitmsg",
            "scan",
            {"ScanCodeInfo": {"ScanType": "barcode", "ScanResult": "EAN_13,6901234567892"}},
            {"how": "scan", "item": "扫码", "scanned": "6901234567892"},
        ),
        (
            "location_select",
            "place",
            {"SendLocationInfo": {"Label": "人民大道200号", "Poiname": "人民广场"}},
            {"how": "location", "item": "位置", "label": "人民大道200号"},
        ),
        ("pic_sysphoto", "photos", {"SendPicsInfo": {"Count": "2"}}, {"how": "photos", "item": "照片", "count": "2"}),
    ],
)
async def test_other_items_leave_a_line_with_what_came_of_them(
    *, desk: Desk, event: str, item_id: str, fields: dict[str, dict[str, str]], wanted: dict[str, str]
) -> None:
    await published(desk)
    customer = an_openid()
    inner = "".join(
        f"<{name}>{''.join(f'<{key}>{value}</{key}>' for key, value in within.items())}</{name}>"
        for name, within in fields.items()
    )
    body = tap(desk, item_id, by=customer, event=event).replace(b"</xml>", f"{inner}</xml>".encode())
    await desk.push(body)
    (line,) = await lines(desk, customer)
    assert {name: line[name] for name in wanted} == wanted


async def test_an_opened_page_is_named_by_its_item(desk: Desk) -> None:
    await published(desk)
    customer = an_openid()
    await desk.push(desk.happened("VIEW", by=customer, EventKey="https://x.example/"))
    await desk.push(desk.happened("VIEW", by=customer, EventKey="https://other.example/"))
    assert [line["item"] for line in await lines(desk, customer)] == ["官网", "https://other.example/"]
