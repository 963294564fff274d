"""Everybody at once: customers write, leave and return while agents reply, take and end. Nothing may get lost."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field

from moorage.core.errors import DomainError
from moorage.reception.operations import pick_up_queue
from moorage.staff.model import Actor
from tests.conversations.desk import Desk, an_openid

ROUNDS = 25
CUSTOMERS = 6
CAP = 2


@dataclass
class Storm:
    """What goes on, and how many messages each customer has written."""

    desk: Desk
    written: Counter[str] = field(default_factory=Counter[str])

    async def customer_lives(self, customer: str, chance: random.Random) -> None:
        for n in range(ROUNDS):
            if chance.random() < 0.15:
                event = chance.choice(["subscribe", "unsubscribe"])
                await self.desk.push(self.desk.happened(event, by=customer))
                continue
            body = self.desk.said(f"{n}", by=customer)
            self.written[customer] += 1
            await asyncio.gather(*(self.desk.push(body) for _ in range(chance.choice([1, 1, 2]))))

    async def agent_works(self, actor: Actor, chance: random.Random) -> None:
        desk = self.desk
        acts = [desk.replies, desk.replies, desk.ends, *([desk.takes] if actor.role == "supervisor" else [])]
        for _ in range(ROUNDS):
            if cards := await desk.cards(actor):
                act, conversation_id = chance.choice(acts), chance.choice(cards).conversation.id
                await tolerated(act(actor, conversation_id))
            await pick_up_queue(
                desk.database, connectors=desk.connectors, workspace_id=desk.workspace_id, agent_id=actor.agent_id
            )


async def test_no_storm_loses_a_message_a_seat_or_an_owner(desk: Desk) -> None:
    agents = [await desk.an_agent(name=name, most_conversations=CAP) for name in ("Anna", "Ben")]
    chief = await desk.an_agent(name="Chief", role="supervisor", status="busy")
    storm = Storm(desk)
    async with asyncio.TaskGroup() as everybody:
        for n in range(CUSTOMERS):
            everybody.create_task(storm.customer_lives(an_openid(), random.Random(n)))
        for n, actor in enumerate([*agents, chief]):
            everybody.create_task(storm.agent_works(actor, random.Random(100 + n)))
    await nothing_is_lost(desk, storm.written)
    await everything_has_an_owner(desk)
    assert await desk.value("SELECT max(open_conversations) FROM agents WHERE role = 'agent'") in range(CAP + 1)


async def tolerated(act: Awaitable[object]) -> None:
    """Wait for `act`; somebody else may have been quicker, which is told by a failure of ours and by no other."""
    try:
        await act
    except DomainError:
        return


async def nothing_is_lost(desk: Desk, written: Counter[str]) -> None:
    for customer, count in written.items():
        messages = await desk.messages_of(customer)
        assert sum(message.author.kind == "customer" for message in messages) == count
        assert [message.seq for message in messages] == list(range(1, len(messages) + 1))
    assert await desk.value("SELECT count(*) FROM pushes WHERE taken_in_at IS NULL OR answer_by = 'open'") == 0
    logged = await desk.value("SELECT count(*) = max(seq) AND min(seq) = 1 FROM event_log")
    assert logged is True


async def everything_has_an_owner(desk: Desk) -> None:
    wrong_seats = """
        SELECT count(*) FROM agents a WHERE open_conversations <>
          (SELECT count(*) FROM conversations c WHERE c.state = 'open' AND c.owner_agent_id = a.id)
    """
    assert await desk.value(wrong_seats) == 0
    wrong_spans = """
        SELECT count(*) FROM conversations c
        LEFT JOIN assignments s ON s.conversation_id = c.id AND s.ended_at IS NULL
        WHERE CASE c.state WHEN 'open' THEN s.owner_kind IS DISTINCT FROM c.owner_kind
                                         OR s.agent_id IS DISTINCT FROM c.owner_agent_id
                           ELSE s.id IS NOT NULL END
    """
    assert await desk.value(wrong_spans) == 0
    assert await desk.value("SELECT count(*) FROM budgets WHERE used > most") == 0
