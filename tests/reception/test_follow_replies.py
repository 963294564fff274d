"""What an account says to who follows it: which of its replies, once, in order, and in the thread alone."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from moorage.channels.follow_replies.model import (
    ChoicesReply,
    FollowReply,
    NewsReply,
    PictureReply,
    ReplyMessage,
    SceneReply,
    TextReply,
)
from moorage.channels.follow_replies.pictures import ChannelPicture, add_picture
from moorage.channels.follow_replies.storing import read_follow_reply, save_follow_reply
from moorage.connectors.content import Choices, Text
from moorage.connectors.wechat_oa.manifest import MANIFEST
from moorage.conversations.views import MessageView
from moorage.core.ids import PersonId, new_id
from moorage.infra.database import Database, Tx
from moorage.reception.taking_in import Request, take_in_request
from tests.blobs import in_memory
from tests.conversations.desk import Desk, a_desk, an_openid
from tests.links import OUTGOING
from tests.reception.answers import words_of
from tests.reception.test_intake import stored


def texts(*words: str) -> tuple[ReplyMessage, ...]:
    return tuple(TextReply(text=word) for word in words)


async def set_reply(desk: Desk, reply: FollowReply) -> None:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        before = await read_follow_reply(tx, channel_id=desk.channel.id)
        await save_follow_reply(
            tx,
            channel_id=desk.channel.id,
            reply=reply,
            version=before.version,
            manifest=MANIFEST,
            by=PersonId(new_id()),
            remote_address="127.0.0.1",
        )


async def a_picture(desk: Desk) -> UUID:
    blob = await in_memory().keep(
        workspace_id=desk.workspace_id, blob_id=new_id(), content=b"a picture", media_type="image/png"
    )
    picture = ChannelPicture(
        id=blob.id, media_type="image/png", size_bytes=blob.size_bytes, width=2, height=2, name="tea.png"
    )
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await add_picture(tx, channel_id=desk.channel.id, blob=blob, picture=picture)
    return blob.id


async def follows(desk: Desk, customer: str, *, scene: str | None = None, late: timedelta = timedelta()) -> str | None:
    """Let a customer follow, and return the words that the push was answered with."""
    key = "" if scene is None else f"qrscene_{scene}"
    at = desk.database.clock.now() - late
    return words_of(desk, await desk.push(desk.happened("subscribe", by=customer, at=at, EventKey=key)))


async def was_there_before(desk: Desk, customer: str) -> None:
    """Let a customer follow and leave again, some seconds ago."""
    now = desk.database.clock.now()
    await desk.push(desk.happened("subscribe", by=customer, at=now - timedelta(seconds=20), EventKey=""))
    await desk.push(desk.happened("unsubscribe", by=customer, at=now - timedelta(seconds=10), EventKey=""))


async def said(desk: Desk, customer: str) -> list[MessageView]:
    return [message for message in await desk.messages_of(customer) if message.author.why == "follow_reply"]


def contents(messages: Sequence[MessageView]) -> list[dict[str, object]]:
    return [json.loads(message.content.model_dump_json()) for message in messages]


async def words(desk: Desk, customer: str) -> list[object]:
    return [content.get("text") or content["type"] for content in contents(await said(desk, customer))]


async def lines(desk: Desk, customer: str) -> list[object]:
    return [one["key"] for one in contents(list(await desk.messages_of(customer))) if one["type"] == "notice"]


# ---------------------------------------------------------------- what is said, and how it goes out


async def test_one_text_answers_the_push_and_opens_no_conversation(desk: Desk) -> None:
    await set_reply(desk, FollowReply(enabled=True, first=texts("欢迎关注 {channel}")))
    customer = an_openid()
    assert await follows(desk, customer) == f"欢迎关注 {desk.channel.name}"
    (message,) = await said(desk, customer)
    assert message.author.kind == "system"
    assert message.conversation_id is None
    assert message.delivery is not None
    assert message.delivery.state.value == "answered"
    assert await desk.value("SELECT count(*) FROM conversations") == 0
    assert await lines(desk, customer) == ["followed"]
    assert await desk.value("SELECT coalesce(sum(used), 0)::int FROM budgets") == 0


async def test_several_messages_go_through_the_interface_in_order_and_within_the_follows_budget(desk: Desk) -> None:
    picture = await a_picture(desk)
    reply = FollowReply(enabled=True, first=(*texts("一"), PictureReply(picture_id=picture), *texts("三")))
    await set_reply(desk, reply)
    customer = an_openid()
    assert await follows(desk, customer) is None
    assert await words(desk, customer) == ["一", "image", "三"]
    assert [m.delivery.state.value for m in await said(desk, customer) if m.delivery] == ["queued"] * 3
    assert await desk.value("SELECT used FROM budgets WHERE trigger = 'follow'") == 3
    assert await desk.value("SELECT count(*) FROM conversations") == 0


async def test_line_below_the_last_text_tells_how_to_ask_for_a_person(desk: Desk) -> None:
    picture = await a_picture(desk)
    under = {"trans_to_agent": {"guidance_under": ["follow"], "guidance_text": "发送 1 找我们"}}
    await desk.value("UPDATE channels SET settings = settings || %s RETURNING id", json.dumps(under))
    await set_reply(desk, FollowReply(enabled=True, first=(*texts("一", "二"), PictureReply(picture_id=picture))))
    customer = an_openid()
    await follows(desk, customer)
    assert await words(desk, customer) == ["一", "二\n\n发送 1 找我们", "image"]
    await set_reply(desk, FollowReply(enabled=True, first=texts("长" * 680)))
    assert await follows(desk, an_openid()) == "长" * 680
    await set_reply(desk, FollowReply(enabled=True, first=(PictureReply(picture_id=picture),)))
    await follows(desk, alone := an_openid())
    assert await words(desk, alone) == ["image"]


async def test_switched_off_says_nothing(desk: Desk) -> None:
    await set_reply(desk, FollowReply(enabled=False, first=texts("欢迎")))
    customer = an_openid()
    assert await follows(desk, customer) is None
    assert await said(desk, customer) == []


async def test_a_long_name_is_cut_to_what_was_counted_for_it(desk: Desk) -> None:
    await desk.value("UPDATE channels SET name = %s RETURNING 1", "茶" * 200)
    await set_reply(desk, FollowReply(enabled=True, first=texts("x" * 1888 + "{channel}{customer}")))
    answer = await follows(desk, an_openid())
    assert answer is not None
    assert len(answer.encode()) <= MANIFEST.max_text_bytes
    assert answer.endswith("茶" * 26)


# ---------------------------------------------------------------- which reply


@pytest.mark.parametrize(
    ("scene", "returning", "wanted"),
    [
        (None, False, "first"),
        (None, True, "returning"),
        ("shop-7", False, "shop 7"),
        ("shop-7", True, "shop 7"),
        ("poster", False, "scanned"),
        ("poster", True, "scanned"),
        ("", False, "first"),
    ],
)
async def test_the_more_is_known_the_more_counts(
    *, desk: Desk, scene: str | None, returning: bool, wanted: str
) -> None:
    customer = an_openid()
    if returning:
        await was_there_before(desk, customer)
    await set_reply(
        desk,
        FollowReply(
            enabled=True,
            first=texts("first"),
            returning=texts("returning"),
            scanned=texts("scanned"),
            scenes=(SceneReply(scene="shop-7", messages=texts("shop 7")),),
        ),
    )
    assert await follows(desk, customer, scene=scene) == wanted


async def test_variants_that_are_not_set_say_what_everybody_hears(desk: Desk) -> None:
    await set_reply(desk, FollowReply(enabled=True, first=texts("first")))
    customer = an_openid()
    assert await follows(desk, customer, scene="poster") == "first"
    returning = an_openid()
    await was_there_before(desk, returning)
    assert await follows(desk, returning) == "first"


async def test_a_code_scanned_by_who_follows_already_leaves_a_line_alone(desk: Desk) -> None:
    await set_reply(desk, FollowReply(enabled=True, first=texts("first")))
    customer = an_openid()
    await follows(desk, customer)
    await desk.push(desk.happened("SCAN", by=customer, EventKey="shop-7"))
    assert await words(desk, customer) == ["first"]


# ---------------------------------------------------------------- once


async def test_the_same_push_again_gets_the_same_answer_and_adds_nothing(desk: Desk) -> None:
    await set_reply(desk, FollowReply(enabled=True, first=texts("欢迎")))
    customer = an_openid()
    body = desk.happened("subscribe", by=customer, EventKey="")
    answers = await asyncio.gather(*(desk.push(body) for _ in range(3)))
    assert {words_of(desk, answer) for answer in answers} == {"欢迎"}
    assert await words(desk, customer) == ["欢迎"]


async def test_the_same_following_told_twice_is_answered_once(desk: Desk) -> None:
    await set_reply(desk, FollowReply(enabled=True, first=texts("一", "二")))
    customer = an_openid()
    await follows(desk, customer)
    at = desk.database.clock.now() + timedelta(seconds=1)
    await desk.push(desk.happened("subscribe", by=customer, at=at, EventKey=""))
    assert await words(desk, customer) == ["一", "二"]
    assert await lines(desk, customer) == ["followed", "followed"]


async def test_news_that_came_late_says_nothing(desk: Desk) -> None:
    await set_reply(desk, FollowReply(enabled=True, first=texts("欢迎")))
    customer = an_openid()
    await desk.hears(by=customer)
    assert await follows(desk, customer, late=timedelta(seconds=30)) is None
    assert await said(desk, customer) == []


async def test_a_follower_heard_of_after_the_minute_hears_nothing_and_a_line_says_so(desk: Desk) -> None:
    await set_reply(desk, FollowReply(enabled=True, first=texts("一", "二")))
    customer = an_openid()
    assert await follows(desk, customer, late=timedelta(minutes=2)) is None
    assert await said(desk, customer) == []
    assert await lines(desk, customer) == ["followed", "not_said", "not_said"]


# ---------------------------------------------------------------- beside conversations, and where little can be sent


async def test_in_an_open_conversation_it_belongs_to_the_thread_alone(desk: Desk) -> None:
    await set_reply(desk, FollowReply(enabled=True, first=texts("欢迎"), returning=texts("回来啦")))
    customer = an_openid()
    await desk.an_agent()
    await desk.hears(by=customer)
    at = desk.database.clock.now()
    await desk.push(desk.happened("unsubscribe", by=customer, at=at, EventKey=""))
    assert await follows(desk, customer) == "回来啦"
    (message,) = await said(desk, customer)
    assert message.conversation_id is None
    assert not message.after_session
    conversation = await desk.conversation_of(customer)
    assert conversation.unread == 1


async def test_account_that_only_answers_says_what_one_answer_carries(database: Database) -> None:
    async with a_desk(database, verified=False) as desk:
        picture = await a_picture(desk)
        reply = FollowReply(enabled=True, first=(*texts("一", "二"), PictureReply(picture_id=picture)))
        await set_reply(desk, reply)
        customer = an_openid()
        assert await follows(desk, customer) == "一\n二"
        assert await words(desk, customer) == ["一", "二"]
        assert await lines(desk, customer) == ["followed", "not_said"]
        assert await desk.value("SELECT count(*) FROM messages WHERE delivery_state = 'waiting'") == 0


async def test_reply_of_a_late_request_is_charged_to_the_follows_budget(desk: Desk) -> None:
    await set_reply(desk, FollowReply(enabled=True, first=texts("欢迎")))
    inbound = desk.pushed(desk.happened("subscribe", by=an_openid(), EventKey=""))
    request = Request(push=await stored(desk, inbound), inbound=inbound, may_answer=lambda: False, links=OUTGOING)

    async def take_in(tx: Tx) -> None:
        await take_in_request(tx, connectors=desk.connectors, request=request)

    await desk.database.run(desk.workspace_id, take_in)
    assert await desk.value("SELECT used FROM budgets WHERE trigger = 'follow'") == 1


# ---------------------------------------------------------------- questions and cards

WHAT = ChoicesReply(text="您好，{channel} 能帮您什么？", items=("退款", "换货"), tail="也可以直接打字")


async def asked(desk: Desk, customer: str) -> Choices:
    (message,) = await said(desk, customer)
    assert isinstance(message.content, Choices)
    return message.content


async def answers(desk: Desk, customer: str, text: str, *, tapped: str | None = None) -> MessageView:
    more = {} if tapped is None else {"bizmsgmenuid": tapped}
    await desk.push(desk.sent("text", by=customer, at=None, Content=text, **more))
    heard = [message for message in await desk.messages_of(customer) if message.author.kind == "customer"]
    return heard[-1]


def meaning(message: MessageView) -> str | None:
    content = message.content
    return content.chosen.text if isinstance(content, Text) and content.chosen is not None else None


async def test_question_goes_out_as_a_menu_and_opens_no_conversation(desk: Desk) -> None:
    await set_reply(desk, FollowReply(enabled=True, first=(WHAT,)))
    customer = an_openid()
    assert await follows(desk, customer) is None  # in the answer to the push it could not be tapped
    question = await asked(desk, customer)
    assert question.text == f"您好，{desk.channel.name} 能帮您什么？"
    assert [item.text for item in question.items] == ["退款", "换货"]
    assert await desk.value("SELECT count(*) FROM conversations") == 0
    assert await desk.value("SELECT state FROM prompts") == "open"


@pytest.mark.parametrize("by_tap", [True, False])
async def test_answer_stands_in_the_conversation_that_it_opens(*, desk: Desk, by_tap: bool) -> None:
    await desk.an_agent()
    await set_reply(desk, FollowReply(enabled=True, first=(WHAT,)))
    customer = an_openid()
    await follows(desk, customer)
    choice = (await asked(desk, customer)).items[1]
    heard = await answers(desk, customer, "换货" if by_tap else "2", tapped=choice.id if by_tap else None)
    assert meaning(heard) == "换货"
    conversation = await desk.conversation_of(customer)
    assert heard.conversation_id == conversation.id
    assert conversation.unread == 1
    assert (await asked(desk, customer)).chosen_id == choice.id
    assert await desk.value("SELECT state FROM prompts") == "answered"
    rules = await desk.value("SELECT array_agg(rule) FROM decisions WHERE rule = 'prompt.answered'")
    assert rules == ["prompt.answered"]


async def test_other_words_open_a_conversation_and_leave_the_question_open(desk: Desk) -> None:
    await set_reply(desk, FollowReply(enabled=True, first=(WHAT,)))
    customer = an_openid()
    await follows(desk, customer)
    assert meaning(await answers(desk, customer, "在吗")) is None
    assert meaning(await answers(desk, customer, "1")) == "退款"
    assert await desk.value("SELECT count(*) FROM conversations") == 1


async def test_question_that_cannot_be_said_waits_for_no_answer(desk: Desk) -> None:
    await set_reply(desk, FollowReply(enabled=True, first=(WHAT,)))
    customer = an_openid()
    await follows(desk, customer, late=timedelta(minutes=2))
    assert await desk.value("SELECT count(*) FROM prompts") == 0
    assert meaning(await answers(desk, customer, "1")) is None


async def test_account_that_only_answers_asks_with_numbers(database: Database) -> None:
    async with a_desk(database, verified=False) as desk:
        await set_reply(desk, FollowReply(enabled=True, first=(WHAT,)))
        customer = an_openid()
        answer = await follows(desk, customer)
        assert answer is not None
        assert answer.splitlines()[1:3] == ["1. 退款", "2. 换货"]
        assert await desk.value("SELECT expires_at IS NOT NULL FROM prompts") is True
        assert meaning(await answers(desk, customer, "２")) == "换货"


async def test_card_goes_out_with_its_address(desk: Desk) -> None:
    card = NewsReply(title="新人礼", description="领取", url="https://shop.example.com/new")
    await set_reply(desk, FollowReply(enabled=True, first=(card, *texts("欢迎"))))
    customer = an_openid()
    await follows(desk, customer)
    first, _ = contents(await said(desk, customer))
    assert (first["type"], first["url"], first["picture_url"]) == ("news", card.url, None)
