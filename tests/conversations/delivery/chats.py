"""WeChat's API as the test wants it, customers who have written, and senders at work."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from moorage.conversations.sender import SEND_WITHIN_S, Sender
from moorage.conversations.showing import said_view
from moorage.conversations.views import MessageView
from moorage.core.ids import ConversationId, MessageId
from moorage.infra.database import Tx
from moorage.reception.resending import agent_leaves_message, agent_resends
from moorage.staff.model import Actor
from tests.blobs import in_memory
from tests.channels.docking import BOX
from tests.connectors.provider import Call, answered
from tests.conversations.desk import Desk, an_openid
from tests.links import OUTGOING

SENT = answered({"errcode": 0, "errmsg": "ok"})


def code(errcode: int) -> bytes:
    return answered({"errcode": errcode, "errmsg": "as the test wants it"})


def token(word: str) -> bytes:
    return answered({"access_token": word, "expires_in": 7200})


def _next(answers: list[bytes]) -> bytes:
    return answers.pop(0) if len(answers) > 1 else answers[0]


@dataclass
class Wechat:
    """Gives the next of `tokens`, and answers each sending with the next of `answers`; at last always the last one."""

    tokens: list[bytes] = field(default_factory=lambda: [token("T1")])
    answers: list[bytes] = field(default_factory=lambda: [SENT])
    sent: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    arrival: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.gate.set()

    async def answer(self, call: Call) -> bytes:
        if call.path.endswith("stable_token"):
            return _next(self.tokens)
        asked = call.asked
        said = cast("dict[str, str]", asked[str(asked["msgtype"])])
        words = f"[menu] {said['head_content']}" if asked["msgtype"] == "msgmenu" else said["content"]
        async with self.arrival:
            self.sent.append((str(asked["touser"]), words))
            self.arrival.notify_all()
        await self.gate.wait()
        return _next(self.answers)

    async def got(self, count: int) -> None:
        """Return when `count` messages have arrived."""
        async with asyncio.timeout(15), self.arrival:
            await self.arrival.wait_for(lambda: len(self.sent) >= count)


def a_sender(desk: Desk, *, within_s: float = SEND_WITHIN_S) -> Sender:
    return Sender(
        database=desk.database,
        connectors=desk.connectors,
        box=BOX,
        blobs=in_memory(),
        links=OUTGOING,
        within_s=within_s,
    )


@dataclass
class Chat:
    """One customer who has written, and the agent who has them."""

    desk: Desk
    anna: Actor
    customer: str
    id: ConversationId

    async def reply(self, text: str = "您好") -> MessageView:
        return await self.desk.replies(self.anna, self.id, text)

    async def resends(self, message: MessageView, *, by: Actor | None = None) -> MessageView:
        async def resend(tx: Tx) -> MessageView:
            opened, again = await agent_resends(
                tx, actor=by or self.anna, message_id=MessageId(message.id), connectors=self.desk.connectors
            )
            return said_view(opened, again)

        return await self.desk.database.run(self.desk.workspace_id, resend)

    async def leaves(self, message: MessageView, *, by: Actor | None = None) -> MessageView:
        async def leave(tx: Tx) -> MessageView:
            opened, left = await agent_leaves_message(
                tx, actor=by or self.anna, message_id=MessageId(message.id), connectors=self.desk.connectors
            )
            return said_view(opened, left)

        return await self.desk.database.run(self.desk.workspace_id, leave)

    async def ends(self) -> None:
        await self.desk.ends(self.anna, self.id)

    async def used(self) -> int:
        """Return how much of the customer's budgets is used."""
        used = await self.desk.value(
            """
            SELECT coalesce(sum(b.used), 0)::int FROM budgets b JOIN threads t ON t.id = b.thread_id
            WHERE t.external_customer_id = %s
            """,
            self.customer,
        )
        return cast("int", used)

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
