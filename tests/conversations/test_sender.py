"""Messages on their way, with WeChat's API as a local server at the wire."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast

import pytest

from moorage.channels.queries import read_channel
from moorage.conversations.deliveries import claim_deliveries, find_lost_deliveries, record_outcome
from moorage.conversations.model import DeliveryState
from moorage.conversations.outcomes import Outcome
from moorage.conversations.sender import Sender
from moorage.conversations.views import MessageView
from moorage.core.ids import ConversationId, new_id
from moorage.infra.database import Database
from moorage.staff.model import Actor
from tests.blobs import in_memory
from tests.channels.docking import BOX
from tests.conftest import MovableClock
from tests.connectors.provider import WITHOUT_ANSWER, Call, answered, running_provider
from tests.conversations.desk import Desk, a_desk, an_openid

SENT = answered({"errcode": 0, "errmsg": "ok"})


def code(errcode: int) -> bytes:
    return answered({"errcode": errcode, "errmsg": "as the test wants it"})


@dataclass
class Wechat:
    """Gives tokens, and answers each sending with the next of `answers`, at last always with the last one."""

    answers: list[bytes] = field(default_factory=lambda: [SENT])
    sent: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    arrival: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.gate.set()

    async def answer(self, call: Call) -> bytes:
        if call.path.endswith("stable_token"):
            return answered({"access_token": "T1", "expires_in": 7200})
        asked = call.asked
        text = cast("dict[str, str]", asked["text"])
        async with self.arrival:
            self.sent.append((str(asked["touser"]), text["content"]))
            self.arrival.notify_all()
        await self.gate.wait()
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def got(self, count: int) -> None:
        """Return when `count` messages have arrived."""
        async with asyncio.timeout(15), self.arrival:
            await self.arrival.wait_for(lambda: len(self.sent) >= count)


@pytest.fixture
def wechat() -> Wechat:
    return Wechat()


@pytest.fixture
def url(fresh_database: Database) -> str:
    """Where to listen."""
    return str(fresh_database.pool.conninfo)


@pytest.fixture
async def desk(fresh_database: Database, wechat: Wechat) -> AsyncIterator[Desk]:
    """A desk in a database of this test alone: a sender looks across workspaces."""
    async with running_provider(wechat.answer) as provider, a_desk(fresh_database, provider_url=provider.url) as opened:
        yield opened


def a_sender(desk: Desk) -> Sender:
    return Sender(database=desk.database, connectors=desk.connectors, box=BOX, blobs=in_memory())


@dataclass
class Chat:
    """One customer who has written, and the agent who has them."""

    desk: Desk
    anna: Actor
    customer: str
    id: ConversationId

    async def reply(self, text: str = "您好") -> MessageView:
        return await self.desk.replies(self.anna, self.id, text)

    async def said(self) -> list[MessageView]:
        return [message for message in await self.desk.messages_of(self.customer) if message.author.why is None][1:]

    async def states(self) -> list[tuple[str, str | None]]:
        return [(m.delivery.state.value, m.delivery.reason) for m in await self.said() if m.delivery is not None]

    async def left(self) -> int | None:
        return (await self.desk.conversation_of(self.customer)).budget.left


async def a_chat(desk: Desk, *, agent: Actor | None = None) -> Chat:
    anna = agent or await desk.an_agent(most_conversations=100)
    customer = an_openid()
    await desk.hears(by=customer)
    conversation = await desk.conversation_of(customer)
    return Chat(desk=desk, anna=anna, customer=customer, id=ConversationId(conversation.id))


@asynccontextmanager
async def at_work(*senders: Sender, url: str) -> AsyncGenerator[asyncio.Event]:
    """Run senders while the block runs, and let them end what they send."""
    stop = asyncio.Event()
    async with asyncio.timeout(30), asyncio.TaskGroup() as loops:
        for sender in senders:
            loops.create_task(sender.run(stop=stop, listen_url=url))
        try:
            yield stop
        finally:
            stop.set()


# ---------------------------------------------------------------- in order, and once


async def test_reply_arrives_and_is_shown_as_sent(desk: Desk, wechat: Wechat) -> None:
    chat = await a_chat(desk)
    await chat.reply("您好")
    await a_sender(desk).send_waiting()
    assert wechat.sent == [(chat.customer, "您好")]
    assert await chat.states() == [("sent", None)]
    assert await chat.left() == 19


async def test_two_senders_send_each_message_once_and_in_order(desk: Desk, wechat: Wechat, url: str) -> None:
    first = await a_chat(desk)
    chats = [first, *[await a_chat(desk, agent=first.anna) for _ in range(5)]]
    async with at_work(a_sender(desk), a_sender(desk), url=url):
        for n in range(8):
            await asyncio.gather(*(chat.reply(f"第{n}句") for chat in chats))
        await wechat.got(48)
    assert len(wechat.sent) == 48
    for chat in chats:
        assert [text for to, text in wechat.sent if to == chat.customer] == [f"第{n}句" for n in range(8)]
        assert await chat.states() == [("sent", None)] * 8


async def test_slow_answer_for_one_customer_holds_up_no_other(desk: Desk, wechat: Wechat, url: str) -> None:
    slow = await a_chat(desk)
    quick = await a_chat(desk, agent=slow.anna)
    wechat.gate.clear()
    async with at_work(a_sender(desk), url=url):
        await slow.reply("一")
        await slow.reply("二")
        await wechat.got(1)
        await quick.reply("三")
        await wechat.got(2)
        assert wechat.sent[-1] == (quick.customer, "三")
        wechat.gate.set()
        await wechat.got(3)


async def test_sender_that_is_told_to_stop_records_what_it_is_sending(desk: Desk, wechat: Wechat, url: str) -> None:
    chat = await a_chat(desk)
    wechat.gate.clear()
    async with at_work(a_sender(desk), url=url) as stop:
        await chat.reply()
        await wechat.got(1)
        stop.set()
        wechat.gate.set()
    assert await chat.states() == [("sent", None)]


async def test_sender_is_woken_at_once(desk: Desk, wechat: Wechat, url: str) -> None:
    chat = await a_chat(desk)
    async with at_work(a_sender(desk), url=url):
        await chat.reply("一")
        await wechat.got(1)
        async with asyncio.timeout(0.7):  # sooner than its own look would be
            await chat.reply("二")
            await wechat.got(2)


# ---------------------------------------------------------------- what the provider answers


async def test_busy_provider_gets_the_message_again_and_the_next_one_waits(
    desk: Desk, wechat: Wechat, clock: MovableClock
) -> None:
    wechat.answers = [code(-1), SENT]
    chat = await a_chat(desk)
    await chat.reply("一")
    await chat.reply("二")
    sender = a_sender(desk)
    await sender.send_waiting()
    assert await chat.states() == [("queued", "provider_busy"), ("queued", None)]
    assert await sender.send_waiting() == 0
    clock.forward(timedelta(seconds=3))
    await sender.send_waiting()
    await sender.send_waiting()
    assert [text for _, text in wechat.sent] == ["一", "一", "二"]
    assert await chat.states() == [("sent", None), ("sent", None)]
    assert await chat.left() == 18


async def test_provider_that_stays_busy_fails_the_message_and_the_next_goes_on(
    desk: Desk, wechat: Wechat, clock: MovableClock
) -> None:
    wechat.answers = [code(-1)] * 4 + [SENT]
    chat = await a_chat(desk)
    await chat.reply("一")
    await chat.reply("二")
    for _ in range(5):
        await a_sender(desk).send_waiting()
        clock.forward(timedelta(seconds=3))
    assert await chat.states() == [("failed", "provider_busy"), ("sent", None)]
    assert await chat.left() == 19
    failed = (await chat.said())[0]
    assert failed.delivery is not None
    assert failed.delivery.attempts == 4
    assert failed.delivery.details is not None
    assert failed.delivery.details["external_code"] == -1


async def test_cut_after_the_request_is_unconfirmed_and_never_sent_again(
    desk: Desk, wechat: Wechat, clock: MovableClock
) -> None:
    wechat.answers = [WITHOUT_ANSWER, SENT]
    chat = await a_chat(desk)
    await chat.reply()
    for _ in range(3):
        await a_sender(desk).send_waiting()
        clock.forward(timedelta(minutes=1))
    assert len(wechat.sent) == 1
    assert await chat.states() == [("unconfirmed", "no_answer")]
    assert await chat.left() == 19


async def test_spent_budget_at_the_provider_ends_ours(desk: Desk, wechat: Wechat) -> None:
    wechat.answers = [code(45047)]
    chat = await a_chat(desk)
    await chat.reply()
    await a_sender(desk).send_waiting()
    budget = (await desk.conversation_of(chat.customer)).budget
    assert (budget.open, budget.reason) == (False, "spent")


async def test_closed_window_at_the_provider_closes_ours(desk: Desk, wechat: Wechat) -> None:
    wechat.answers = [code(45015)]
    chat = await a_chat(desk)
    await chat.reply()
    await a_sender(desk).send_waiting()
    assert await chat.states() == [("failed", "window_closed")]
    assert (await desk.conversation_of(chat.customer)).budget.reason == "no_window"


@pytest.mark.parametrize(
    ("errcode", "state", "reason"),
    [
        (45009, "failing", "daily_limit"),
        (48001, "restricted", "api_not_allowed"),
        (61007, "restricted", "permission_missing"),
        (61003, "deauthorized", "authorization_gone"),
    ],
)
async def test_refusal_of_the_account_changes_the_channel_and_gives_back(
    desk: Desk, wechat: Wechat, errcode: int, state: str, reason: str
) -> None:
    wechat.answers = [code(errcode)]
    chat = await a_chat(desk)
    await chat.reply()
    await a_sender(desk).send_waiting()
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        channel = await read_channel(tx, channel_id=desk.channel.id)
    assert (channel.state, channel.state_reason) == (state, reason)
    assert await chat.states() == [("failed", reason)]
    assert await desk.value("SELECT sum(used) FROM budgets") == 0


async def test_message_that_goes_out_heals_a_failing_channel(desk: Desk, wechat: Wechat) -> None:
    wechat.answers = [code(45009), SENT]
    chat = await a_chat(desk)
    for text in ("一", "二"):
        await chat.reply(text)
        await a_sender(desk).send_waiting()
    assert await desk.value("SELECT state FROM channels") == "active"


# ---------------------------------------------------------------- leases


async def lease_ends(desk: Desk) -> None:
    """Let the leases end; they go by the database's clock, which no test can move."""
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute("UPDATE deliveries SET lease_until = now() - interval '1 second' WHERE state = 'sending'")


async def test_message_of_a_dead_sender_is_unconfirmed_and_the_next_goes_on(
    desk: Desk, wechat: Wechat, url: str
) -> None:
    chat = await a_chat(desk)
    await chat.reply("一")
    await chat.reply("二")
    async with desk.database.as_system() as tx:
        assert len(await claim_deliveries(tx, lease_id=new_id(), most=10)) == 1
    await lease_ends(desk)
    async with at_work(a_sender(desk), url=url):
        await wechat.got(1)
    assert wechat.sent == [(chat.customer, "二")]
    assert await chat.states() == [("unconfirmed", "sender_lost"), ("sent", None)]


async def test_word_of_a_slow_sender_still_counts_after_its_lease(desk: Desk, wechat: Wechat) -> None:
    chat = await a_chat(desk)
    await chat.reply()
    async with desk.database.as_system() as tx:
        (claimed,) = await claim_deliveries(tx, lease_id=new_id(), most=1)
    await lease_ends(desk)
    await a_sender(desk).let_go_of_lost()
    assert await chat.states() == [("unconfirmed", "sender_lost")]
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        recorded = await record_outcome(
            tx,
            delivery=claimed,
            outcome=Outcome(DeliveryState.SENT),
            connectors=desk.connectors,
        )
    assert recorded
    assert await chat.states() == [("sent", None)]


async def test_stranger_cannot_tell_the_outcome_of_somebody_elses_try(desk: Desk) -> None:
    chat = await a_chat(desk)
    await chat.reply()
    async with desk.database.as_system() as tx:
        (claimed,) = await claim_deliveries(tx, lease_id=new_id(), most=1)
        assert await find_lost_deliveries(tx, most=1) == []
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        assert not await record_outcome(
            tx,
            delivery=replace(claimed, lease_id=new_id()),
            outcome=Outcome(DeliveryState.FAILED, budget="given_back"),
            connectors=desk.connectors,
        )
    assert await chat.states() == [("queued", None)]
