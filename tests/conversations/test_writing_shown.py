"""That an agent writes, shown to the customer: with WeChat's API as a local server at the wire."""

import json
from datetime import timedelta

import pytest

from moorage.conversations.writing_shown import (
    AT_MOST_EVERY,
    SHOWN_FOR,
    WORTH_SHOWING,
    WritingNoted,
    WritingShower,
    WritingTakenBack,
    note_writing,
    take_writing_back,
)
from moorage.core.errors import Missing
from moorage.core.ids import ConversationId, ThreadId
from moorage.infra.database import Tx
from moorage.staff.model import Actor
from moorage.staff.rights import Forbidden
from tests.channels.docking import BOX
from tests.conftest import Heard, MovableClock
from tests.conversations.shop import OK, Shop, Wechat, code

TYPING = "/cgi-bin/message/custom/typing"


@pytest.fixture
def wechat() -> Wechat:
    return Wechat(answers={TYPING: [OK], "/cgi-bin/message/custom/send": [OK]})


async def writes(shop: Shop, actor: Actor | None = None) -> None:
    async def note(tx: Tx) -> None:
        await note_writing(
            tx,
            actor=actor or shop.anna.actor,
            conversation_id=ConversationId(shop.conversation.id),
            connectors=shop.desk.connectors,
        )

    await shop.desk.database.run(shop.desk.workspace_id, note)


async def stops(shop: Shop) -> None:
    async def take_back(tx: Tx) -> None:
        await take_writing_back(
            tx,
            actor=shop.anna.actor,
            conversation_id=ConversationId(shop.conversation.id),
            connectors=shop.desk.connectors,
        )

    await shop.desk.database.run(shop.desk.workspace_id, take_back)


async def hide(shop: Shop) -> None:
    shower = WritingShower(database=shop.desk.database, connectors=shop.desk.connectors, box=BOX)
    await shower.hide(workspace_id=shop.desk.workspace_id, thread_id=ThreadId(shop.conversation.thread_id))


def noted(heard: Heard) -> list[WritingNoted]:
    return [event for event in heard.events if isinstance(event, WritingNoted)]


async def show(shop: Shop) -> None:
    shower = WritingShower(database=shop.desk.database, connectors=shop.desk.connectors, box=BOX)
    await shower.show(workspace_id=shop.desk.workspace_id, thread_id=ThreadId(shop.conversation.thread_id))


async def test_customer_sees_that_the_agent_writes_and_pays_nothing(shop: Shop) -> None:
    before = (await shop.desk.conversation_of(shop.customer)).budget
    await writes(shop)
    await show(shop)
    assert shop.wechat.asked() == [TYPING]
    assert json.loads(shop.wechat.calls[0].body) == {"touser": shop.customer, "command": "Typing"}
    assert (await shop.desk.conversation_of(shop.customer)).budget == before


async def test_it_is_asked_for_at_most_now_and_then(shop: Shop, clock: MovableClock, heard: Heard) -> None:
    await writes(shop)
    await writes(shop)
    assert len(noted(heard)) == 1
    clock.forward(AT_MOST_EVERY)
    await writes(shop)
    assert len(noted(heard)) == 2


async def test_a_late_job_and_one_after_the_words_do_nothing(shop: Shop, clock: MovableClock) -> None:
    await writes(shop)
    clock.forward(WORTH_SHOWING)
    await show(shop)
    clock.forward(timedelta(seconds=5))
    await writes(shop)
    await shop.desk.replies(shop.anna.actor, ConversationId(shop.conversation.id))
    await show(shop)
    assert shop.wechat.asked() == []


@pytest.mark.parametrize("errcode", [45080, 45081, 45015, 48001, 40003, -1])
async def test_a_refusal_is_nobodys_trouble(shop: Shop, errcode: int) -> None:
    shop.wechat.answers[TYPING] = [code(errcode)]
    await writes(shop)
    await show(shop)
    assert shop.wechat.asked() == [TYPING]


async def test_what_is_taken_back_is_hidden_once_and_costs_nothing(shop: Shop, heard: Heard) -> None:
    before = (await shop.desk.conversation_of(shop.customer)).budget
    await stops(shop)  # nothing is shown yet
    await writes(shop)
    await show(shop)
    await stops(shop)
    await stops(shop)
    assert len([event for event in heard.events if isinstance(event, WritingTakenBack)]) == 1
    await hide(shop)
    assert [json.loads(call.body)["command"] for call in shop.wechat.calls] == ["Typing", "CancelTyping"]
    assert (await shop.desk.conversation_of(shop.customer)).budget == before


async def test_nothing_is_hidden_after_its_time_or_from_who_writes_again(
    shop: Shop, clock: MovableClock, heard: Heard
) -> None:
    await writes(shop)
    clock.forward(SHOWN_FOR)
    await stops(shop)
    assert not any(isinstance(event, WritingTakenBack) for event in heard.events)
    await writes(shop)
    await stops(shop)
    await writes(shop)
    await hide(shop)  # the job came late
    assert shop.wechat.asked() == []
    await stops(shop)
    await show(shop)  # the other one did
    assert shop.wechat.asked() == []


@pytest.mark.parametrize("errcode", [45072, 45015, 48001, -1])
async def test_a_refusal_to_hide_is_nobodys_trouble(shop: Shop, errcode: int) -> None:
    shop.wechat.answers[TYPING] = [code(errcode)]
    await writes(shop)
    await stops(shop)
    await hide(shop)
    assert shop.wechat.asked() == [TYPING]


async def test_only_who_has_the_conversation_is_shown_writing(shop: Shop, heard: Heard) -> None:
    bert = await shop.desk.an_agent()
    with pytest.raises((Missing, Forbidden)):
        await writes(shop, bert)
    await shop.desk.push(shop.desk.happened("unsubscribe", by=shop.customer))
    await writes(shop)
    assert noted(heard) == []


async def test_the_console_tells_it_by_the_api(shop: Shop) -> None:
    path = f"/api/conversations/{shop.conversation.id}/typing"
    assert (await shop.anna.client.post(path)).status_code == 204
    assert (await shop.anna.client.delete(path)).status_code == 204
