"""An agent's short lines that go out as one message: charged once, lost never, and each told what became of it."""

import random
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.channels.model import ChannelSettings, MergeReplies
from moorage.channels.operations import change_channel
from moorage.channels.queries import read_channel
from moorage.connectors.content import Media, Text
from moorage.connectors.wechat_oa.manifest import MANIFEST
from moorage.conversations.deliveries import claim_deliveries, read_handover, record_outcome
from moorage.conversations.merging import Leader, joins, merged
from moorage.conversations.model import Author, ClaimedDelivery, DeliveryState
from moorage.conversations.outcomes import Outcome
from moorage.core.ids import AgentId, DeliveryId, PersonId, new_id
from tests.conftest import MovableClock
from tests.connectors.provider import WITHOUT_ANSWER, answered
from tests.conversations.delivery.chats import Chat, Wechat, a_chat, a_sender, code
from tests.conversations.desk import Desk

WINDOW = timedelta(seconds=3)
BUSY = answered({"errcode": -1, "errmsg": "system error"})


@pytest.fixture
async def chat(desk: Desk) -> Chat:
    """A customer in conversation, on a channel that merges."""
    await merges(desk)
    return await a_chat(desk)


async def merges(desk: Desk, *, on: bool = True) -> None:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        channel = await read_channel(tx, channel_id=desk.channel.id)
        await change_channel(
            tx,
            channel_id=channel.id,
            manifest=MANIFEST,
            version=channel.version,
            name=None,
            settings=ChannelSettings(merge_replies=MergeReplies(on=on, within_s=3)),
            by=PersonId(new_id()),
            remote_address="127.0.0.1",
        )


async def says(chat: Chat, *lines: str) -> None:
    for line in lines:
        await chat.reply(line)


async def claimed(desk: Desk) -> Sequence[ClaimedDelivery]:
    async with desk.database.as_system() as tx:
        return await claim_deliveries(tx, lease_id=new_id(), most=16)


# ---------------------------------------------------------------- held, then sent as one


async def test_lines_within_the_window_are_one_message_and_cost_one(
    *, desk: Desk, wechat: Wechat, chat: Chat, clock: MovableClock
) -> None:
    await says(chat, "您好", "今天下午发货", "单号稍后给您")
    assert await a_sender(desk).send_waiting() == 0
    assert await chat.states() == [("queued", None)] * 3
    assert await chat.left() == 19
    clock.forward(WINDOW)
    await a_sender(desk).send_waiting()
    assert wechat.sent == [(chat.customer, "您好\n今天下午发货\n单号稍后给您")]
    assert await chat.states() == [("sent", None)] * 3
    assert await chat.left() == 19


async def test_a_single_line_goes_out_when_the_window_is_over(
    *, desk: Desk, wechat: Wechat, chat: Chat, clock: MovableClock
) -> None:
    await says(chat, "您好")
    clock.forward(WINDOW)
    await a_sender(desk).send_waiting()
    await says(chat, "还在吗")
    assert wechat.sent == [(chat.customer, "您好")]
    assert await chat.left() == 18


async def test_the_window_begins_with_the_first_line(
    desk: Desk, wechat: Wechat, chat: Chat, clock: MovableClock
) -> None:
    await says(chat, "一")
    clock.forward(WINDOW * 0.9)
    await says(chat, "二")
    clock.forward(WINDOW * 0.2)
    await says(chat, "三")
    await a_sender(desk).send_waiting()
    assert wechat.sent == [(chat.customer, "一\n二")]
    assert await chat.left() == 18


async def test_what_does_not_fit_begins_a_new_message_and_sends_the_first_at_once(
    desk: Desk, wechat: Wechat, chat: Chat
) -> None:
    await says(chat, "x" * 1000, "y" * 1048)
    await a_sender(desk).send_waiting()
    assert wechat.sent == [(chat.customer, "x" * 1000)]
    assert await chat.left() == 18


async def test_the_end_of_the_conversation_sends_at_once(desk: Desk, wechat: Wechat, chat: Chat) -> None:
    await says(chat, "再见", "祝您愉快")
    await chat.ends()
    await a_sender(desk).send_waiting()
    assert wechat.sent == [(chat.customer, "再见\n祝您愉快")]


async def test_another_agents_line_stands_alone_and_comes_after(desk: Desk, wechat: Wechat, chat: Chat) -> None:
    await says(chat, "我问一下")
    boss = await desk.an_agent(name="Boss", role="supervisor")
    await desk.takes(boss, chat.id)
    await desk.replies(boss, chat.id, "我来处理")
    await a_sender(desk).send_waiting()
    assert wechat.sent == [(chat.customer, "我问一下")]


async def test_switched_off_every_line_goes_out_at_once(desk: Desk, wechat: Wechat, chat: Chat) -> None:
    await merges(desk, on=False)
    await says(chat, "一", "二")
    for _ in range(2):
        await a_sender(desk).send_waiting()
    assert wechat.sent == [(chat.customer, "一"), (chat.customer, "二")]


# ---------------------------------------------------------------- whatever happens on the way


async def test_a_refusal_is_told_at_every_line_and_gives_one_back(
    *, desk: Desk, wechat: Wechat, chat: Chat, clock: MovableClock
) -> None:
    wechat.answers = [code(40003)]
    await says(chat, "一", "二")
    clock.forward(WINDOW)
    await a_sender(desk).send_waiting()
    states = await chat.states()
    assert [state for state, _ in states] == ["failed", "failed"]
    assert len(set(states)) == 1
    assert await chat.left() == 20


async def test_a_repetition_takes_all_lines_along_and_nothing_new(
    *, desk: Desk, wechat: Wechat, chat: Chat, clock: MovableClock
) -> None:
    wechat.answers = [BUSY, answered({"errcode": 0, "errmsg": "ok"})]
    await says(chat, "一", "二")
    clock.forward(WINDOW)
    await a_sender(desk).send_waiting()
    await says(chat, "三")
    clock.forward(timedelta(seconds=30))
    await a_sender(desk).send_waiting()
    await a_sender(desk).send_waiting()
    assert [text for _, text in wechat.sent] == ["一\n二", "一\n二", "三"]
    assert await chat.states() == [("sent", None)] * 3
    assert await chat.left() == 18


async def test_lines_of_a_sender_that_never_told_are_all_unconfirmed_and_sent_again_one_by_one(
    *, desk: Desk, wechat: Wechat, chat: Chat, clock: MovableClock
) -> None:
    await says(chat, "一", "二", "三")
    clock.forward(WINDOW)
    (leader,) = await claimed(desk)
    await desk.value("UPDATE deliveries SET lease_until = now() - interval '1 s' WHERE state = 'sending' RETURNING 1")
    await a_sender(desk).let_go_of_lost()
    assert [state for state, _ in await chat.states()] == ["unconfirmed"] * 3
    first, second, _ = await chat.said()
    await chat.resends(second)
    await a_sender(desk).send_waiting()
    assert wechat.sent == [(chat.customer, "二")]
    await chat.resends(first)
    await a_sender(desk).send_waiting()
    assert wechat.sent == [(chat.customer, "二"), (chat.customer, "一")]
    assert [state for state, _ in await chat.states()] == ["sent", "sent", "unconfirmed"]
    assert leader.leads
    assert await chat.left() == 17


async def test_a_late_word_that_all_arrived_takes_repetitions_back(
    *, desk: Desk, wechat: Wechat, chat: Chat, clock: MovableClock
) -> None:
    await says(chat, "一", "二")
    clock.forward(WINDOW)
    (leader,) = await claimed(desk)
    await desk.value("UPDATE deliveries SET lease_until = now() - interval '1 s' WHERE state = 'sending' RETURNING 1")
    await a_sender(desk).let_go_of_lost()
    for message in await chat.said():
        await chat.resends(message)
    assert await chat.left() == 17
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        told = await record_outcome(
            tx, delivery=leader, outcome=Outcome(DeliveryState.SENT), connectors=desk.connectors
        )
    assert told
    await a_sender(desk).send_waiting()
    assert wechat.sent == []
    assert await chat.states() == [("sent", None)] * 2
    assert await chat.left() == 19


async def test_a_cut_line_leaves_all_unconfirmed(
    *, desk: Desk, wechat: Wechat, chat: Chat, clock: MovableClock
) -> None:
    wechat.answers = [WITHOUT_ANSWER]
    await says(chat, "一", "二")
    clock.forward(WINDOW)
    await a_sender(desk).send_waiting()
    assert [state for state, _ in await chat.states()] == ["unconfirmed"] * 2
    assert await chat.left() == 19


async def test_a_line_that_comes_after_the_claim_is_held_anew(desk: Desk, chat: Chat, clock: MovableClock) -> None:
    await says(chat, "一", "二")
    clock.forward(WINDOW)
    (leader,) = await claimed(desk)
    clock.forward(-WINDOW)  # its window seems open, and yet it is on its way
    await says(chat, "三")
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        handover = await read_handover(tx, delivery=leader)
        await record_outcome(tx, delivery=leader, outcome=Outcome(DeliveryState.SENT), connectors=desk.connectors)
    assert handover.outbound.content == Text(text="一\n二")
    assert [state for state, _ in await chat.states()] == ["sent", "sent", "queued"]
    assert await chat.left() == 18


# ---------------------------------------------------------------- what may join what


@given(lines=st.lists(st.text(min_size=1, max_size=900), min_size=1, max_size=12))
def test_what_joins_always_fits_one_message(lines: list[str]) -> None:
    anna = Author(kind="agent", agent_id=AgentId(new_id()))
    held: list[str] = []
    for line in lines:
        size = sum(len(one.encode("utf-8", "replace")) + 1 for one in held)
        leader = Leader(
            id=DeliveryId(new_id()), budget_id=UUID(int=0), agent_id=anna.agent_id, conversation_id=None, bytes=size
        )
        if held and not joins(leader, text=line, author=anna, conversation_id=None, most_bytes=2048):
            held = []
        held.append(line)
        assert len(held) == 1 or len(merged(held).encode("utf-8", "replace")) <= 2048


def test_nobody_joins_somebody_elses_line() -> None:
    anna, ben = AgentId(new_id()), AgentId(new_id())
    leader = Leader(id=DeliveryId(new_id()), budget_id=None, agent_id=anna, conversation_id=None, bytes=3)
    author = Author(kind="agent", agent_id=ben)
    assert not joins(leader, text="x", author=author, conversation_id=None, most_bytes=2048)


async def test_an_image_sends_what_was_held_and_comes_after(desk: Desk, wechat: Wechat, chat: Chat) -> None:
    await says(chat, "这是您要的", "稍等")
    image = Media(type="image", state="kept", blob_id=str(new_id()), media_type="image/png", name="tea.png")
    await desk.says(chat.anna, chat.id, image)
    await a_sender(desk).send_waiting()
    assert wechat.sent == [(chat.customer, "这是您要的\n稍等")]
    assert await chat.states() == [("sent", None), ("sent", None), ("queued", None)]
    await says(chat, "看到了吗")  # held anew, behind the image
    assert await chat.left() == 17


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_the_ledger_counts_what_went_out(
    *, desk: Desk, wechat: Wechat, chat: Chat, clock: MovableClock, seed: int
) -> None:
    """Lines, pauses, refusals and failures in any order: each message costs one, however many lines it has."""
    chance, outcomes = random.Random(seed), list[int]()
    wechat.answers = []
    lines: list[str] = []
    for number in range(12):
        lines.append(f"第{number}条")
        await says(chat, lines[-1])
        if chance.random() < 0.4:
            clock.forward(WINDOW)
            outcomes.append(chance.choice([0, 0, -1, 40003]))
            wechat.answers = [code(outcomes[-1])]
            await a_sender(desk).send_waiting()
        if (reached := await chat.left()) is not None:
            assert 0 <= 20 - reached <= len(lines)
    wechat.answers = [code(0)]
    for _ in range(len(lines) + 1):
        clock.forward(timedelta(seconds=60))
        await a_sender(desk).send_waiting()
    states = [state for state, _ in await chat.states()]
    assert set(states) <= {"sent", "failed"}
    sent = [line for line, state in zip(lines, states, strict=True) if state == "sent"]
    accepted = [text for _, text in wechat.sent if all(line in sent for line in text.split("\n"))]
    once = list(dict.fromkeys(accepted))  # what WeChat had no time for was handed over again, the same
    assert [line for text in once for line in text.split("\n")] == sent
    assert await chat.left() == 20 - len(once)
