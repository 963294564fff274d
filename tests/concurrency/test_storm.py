"""Everybody does anything at any time, through two web processes and two workers. Then the books must balance."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

from moorage.core.errors import DomainError
from moorage.core.ids import ConversationId, WorkspaceId
from moorage.infra.events import EventReader, LoggedFact, Position
from moorage.reception.leaving import HandedOver
from moorage.staff.model import Actor
from moorage.staff.presence import agent_gone, agent_seen, set_status
from tests.concurrency.installation import Installation, every_invariant_holds
from tests.connectors.provider import WITHOUT_ANSWER
from tests.conversations.delivery.chats import SENT, code
from tests.conversations.desk import Desk, an_openid

CUSTOMERS = 14
ROUNDS = 22
CAP = 3
SETTLED = "('sent', 'answered', 'failed', 'unconfirmed', 'waiting')"


@dataclass
class Follower:
    """Somebody who is told every fact of the log. Anything but each number once, in order, is written down."""

    seqs: list[int] = field(default_factory=list[int])
    resets: int = 0

    def facts(self, workspace_id: WorkspaceId, facts: Sequence[LoggedFact]) -> None:
        self.seqs += [fact.seq for fact in facts]

    def reset(self, workspace_id: WorkspaceId, position: Position) -> None:
        self.resets += 1


@asynccontextmanager
async def following(installation: Installation) -> AsyncGenerator[Follower]:
    """Follow the company's log as a web process does, from its beginning."""
    follower = Follower()
    desk = installation.desk
    reader = EventReader(database=desk.database, url=installation.url, listener=follower)
    position = await reader.follow(desk.workspace_id)
    follower.seqs.append(position.seq)
    running = asyncio.create_task(reader.run())
    try:
        yield follower
        async with asyncio.timeout(10):
            while follower.seqs[-1] != await desk.value("SELECT seq FROM event_counters"):
                await asyncio.sleep(0.02)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@dataclass
class Storm:
    """What goes on, and how many messages each customer has written."""

    installation: Installation
    agents: Sequence[Actor]
    written: Counter[str] = field(default_factory=Counter[str])

    async def customer_lives(self, customer: str, chance: random.Random) -> None:
        webs = self.installation.webs
        for n in range(ROUNDS):
            if chance.random() < 0.12:
                event = chance.choice(["subscribe", "unsubscribe", "CLICK"])
                body = webs[0].happened(event, by=customer, EventKey="")
            else:
                body = webs[0].said(f"{n}", by=customer)
                self.written[customer] += 1
            copies = chance.choice([[0], [1], [0, 1], [1, 1]])
            await asyncio.gather(*(webs[web].push(body) for web in copies))

    async def agent_works(self, actor: Actor, chance: random.Random) -> None:
        for _ in range(ROUNDS * 2):
            desk = chance.choice(self.installation.webs)
            cards = await desk.cards(actor)
            if not cards or chance.random() < 0.2:
                await tolerated(self._changes_presence(desk, actor, chance))
                continue
            conversation_id = ConversationId(chance.choice(cards).conversation.id)
            act = chance.choice([desk.replies, desk.replies, desk.replies, desk.ends, desk.takes])
            await tolerated(act(actor, conversation_id))

    async def _changes_presence(self, desk: Desk, actor: Actor, chance: random.Random) -> None:
        async with desk.database.in_workspace(desk.workspace_id) as tx:
            match chance.choice(["seen", "seen", "gone", "busy", "online", "online", "leaves"]):
                case "seen":
                    await agent_seen(tx, agent_id=actor.agent_id)
                case "gone":
                    await agent_gone(tx, agent_id=actor.agent_id)
                case "leaves":
                    tx.publish(HandedOver(agent_id=actor.agent_id, at=tx.now))
                case "busy":
                    await set_status(tx, agent_id=actor.agent_id, status="busy")
                case _:
                    await set_status(tx, agent_id=actor.agent_id, status="online")

    async def everybody_is_there(self) -> None:
        desk = self.installation.desk
        for actor in self.agents:
            async with desk.database.in_workspace(desk.workspace_id) as tx:
                await set_status(tx, agent_id=actor.agent_id, status="online")
                await agent_seen(tx, agent_id=actor.agent_id)


async def tolerated(act: Awaitable[object]) -> None:
    """Wait for `act`; somebody else may have been quicker, which is told by a failure of ours and by no other."""
    try:
        await act
    except DomainError:
        return


async def test_no_storm_breaks_the_books_or_ends_in_a_deadlock(installation: Installation) -> None:
    desk = installation.desk
    agents = [await desk.an_agent(name=name, most_conversations=CAP) for name in ("Anna", "Ben", "Cy")]
    chief = await desk.an_agent(name="Chief", role="supervisor", most_conversations=CAP)
    storm = Storm(installation, [*agents, chief])
    installation.wechat.answers = [SENT, SENT, code(-1), SENT, WITHOUT_ANSWER, SENT] * 10 + [SENT]
    deadlocks = await installation.deadlocks()
    async with following(installation) as follower, installation.working():
        async with asyncio.TaskGroup() as everybody:
            for n in range(CUSTOMERS):
                everybody.create_task(storm.customer_lives(an_openid(), random.Random(n)))
            for n, actor in enumerate(storm.agents):
                everybody.create_task(storm.agent_works(actor, random.Random(100 + n)))
        await storm.everybody_is_there()
        await installation.until_quiet()
        await until_nobody_waits_in_vain(desk)
    assert follower.resets == 0
    assert all(after == before + 1 for before, after in pairwise(follower.seqs))
    await every_invariant_holds(desk)
    await every_message_is_there_once(desk, storm.written)
    assert await desk.value(f"SELECT count(*) FROM messages WHERE delivery_state NOT IN {SETTLED}") == 0
    await sent_to_each_customer_in_order(installation)
    assert await installation.deadlocks() == deadlocks


async def until_nobody_waits_in_vain(desk: Desk) -> None:
    """Return when nobody waits whom an agent with a free seat could serve: jobs and sweepers take care of that."""
    async with asyncio.timeout(30):
        while await desk.value("SELECT count(*) FROM conversations WHERE owner_kind = 'queue'") != 0:
            free = "SELECT count(*) FROM agents WHERE open_conversations < most_conversations"
            if await desk.value(free) == 0:
                return
            await asyncio.sleep(0.05)


async def every_message_is_there_once(desk: Desk, written: Counter[str]) -> None:
    for customer, count in written.items():
        messages = await desk.messages_of(customer)
        assert sum(message.author.kind == "customer" for message in messages) == count


async def sent_to_each_customer_in_order(installation: Installation) -> None:
    """Assert that the provider got each customer's messages in the order of their thread, none twice without a word."""
    for customer in {customer for customer, _ in installation.wechat.sent}:
        messages = await installation.desk.messages_of(customer)
        tries = [
            str(message.content.model_dump()["text"])
            for message in messages
            if message.delivery is not None
            for _ in range(message.delivery.attempts)
        ]
        assert [text for to, text in installation.wechat.sent if to == customer] == tries
