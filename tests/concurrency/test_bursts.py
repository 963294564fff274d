"""Many at once, through two web processes: nothing doubled, nothing lost, nobody out of turn."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from moorage.conversations.views import MessageView
from moorage.core.ids import ConversationId
from moorage.staff.model import Actor
from tests.concurrency.installation import Installation, every_invariant_holds
from tests.conversations.desk import Desk, an_openid
from tests.reception.answers import words_of


@dataclass(frozen=True, slots=True)
class Pushed:
    """One push, from when it was sent until it was answered, in loop seconds."""

    text: str
    sent_at: float
    answered_at: float


async def pushed(desk: Desk, text: str, *, by: str) -> Pushed:
    loop = asyncio.get_running_loop()
    sent_at = loop.time()
    await desk.hears(text, by=by)
    return Pushed(text, sent_at, loop.time())


def heard(messages: Sequence[MessageView]) -> list[str]:
    """Return the customer's words in the order of the thread."""
    return [str(message.content.model_dump()["text"]) for message in messages if message.author.kind == "customer"]


async def test_parallel_copies_of_one_push_become_one_message_with_one_answer(installation: Installation) -> None:
    await installation.desk.an_agent()
    body = installation.desk.said("once", by=(customer := an_openid()))
    answers = await asyncio.gather(*(web.push(body) for web in installation.webs for _ in range(10)))
    assert heard(await installation.desk.messages_of(customer)) == ["once"]
    said = {words_of(installation.desk, answer) for answer in answers}
    assert len(said) == 1
    assert await installation.desk.value("SELECT count(*) FROM pushes") == 1
    await every_invariant_holds(installation.desk)


async def test_200_first_messages_of_one_customer_make_one_conversation_in_order(installation: Installation) -> None:
    await installation.desk.an_agent()
    customer = an_openid()
    async with installation.working():
        pushes = await asyncio.gather(*(pushed(installation.webs[n % 2], f"{n}", by=customer) for n in range(200)))
        await installation.until_quiet()
    messages = await installation.desk.messages_of(customer)
    words = heard(messages)
    assert sorted(words, key=int) == [f"{n}" for n in range(200)]
    assert [message.seq for message in messages] == list(range(1, len(messages) + 1))
    assert await installation.desk.value("SELECT count(*) FROM threads") == 1
    assert await installation.desk.value("SELECT count(*) FROM conversations") == 1
    assert len({message.conversation_id for message in messages}) == 1
    in_turn(words, pushes)
    await every_invariant_holds(installation.desk)


def in_turn(words: Sequence[str], pushes: Sequence[Pushed]) -> None:
    """Assert that what was sent after something had been answered stands behind it."""
    place = {text: n for n, text in enumerate(words)}
    latest_start = -1.0
    for push in sorted(pushes, key=lambda push: place[push.text]):
        assert push.answered_at >= latest_start, f"{push.text} stands behind what was sent after its answer"
        latest_start = max(latest_start, push.sent_at)


async def test_messages_that_follow_each_other_keep_their_order_through_two_processes(
    installation: Installation,
) -> None:
    await installation.desk.an_agent(most_conversations=20)
    customers = [an_openid() for _ in range(12)]

    async def writes(customer: str) -> None:
        for n in range(12):
            await installation.webs[n % 2].hears(f"{n}", by=customer)

    async with installation.working():
        await asyncio.gather(*(writes(customer) for customer in customers))
        await installation.until_quiet()
    for customer in customers:
        assert heard(await installation.desk.messages_of(customer)) == [f"{n}" for n in range(12)]
    await every_invariant_holds(installation.desk)


async def test_two_free_seats_and_20_customers_leave_18_waiting_in_order(installation: Installation) -> None:
    agents = [await installation.desk.an_agent(name=name, most_conversations=1) for name in ("Anna", "Ben")]
    customers = [an_openid() for _ in range(20)]
    await asyncio.gather(*(installation.webs[n % 2].hears(by=customer) for n, customer in enumerate(customers)))
    assert await owners(installation.desk) == {"agent": 2, "queue": 18}
    assert await most_seats(installation.desk) == 1
    await every_invariant_holds(installation.desk)
    waiting = await in_queue(installation.desk)
    async with installation.working():
        served = [await next_served(installation, agents, waiting) for _ in range(18)]
    assert served == waiting
    assert await owners(installation.desk) == {"agent": 2}
    assert await most_seats(installation.desk) == 1


async def owners(desk: Desk) -> dict[str, int]:
    query = """
        SELECT jsonb_object_agg(owner_kind, count) FROM (
          SELECT owner_kind, count(*) FROM conversations WHERE state = 'open' GROUP BY owner_kind) AS owners
    """
    found = await desk.value(query)
    assert isinstance(found, dict)
    return found  # pyright: ignore[reportUnknownVariableType] -- what jsonb gave


async def most_seats(desk: Desk) -> object:
    return await desk.value("SELECT max(open_conversations) FROM agents")


async def in_queue(desk: Desk) -> list[str]:
    """Return the conversations that wait, by their place."""
    query = """
        SELECT string_agg(id::text, ' ' ORDER BY queue_priority, queued_at, id)
        FROM conversations WHERE owner_kind = 'queue'
    """
    return str(await desk.value(query) or "").split()


async def next_served(installation: Installation, agents: Sequence[Actor], order: Sequence[str]) -> str:
    """End one conversation, and return who is given the seat by a worker's job."""
    waited = set(await in_queue(installation.desk))
    for agent in agents:
        mine = await installation.desk.cards(agent, scope="mine")
        if mine:
            await installation.webs[1].ends(agent, ConversationId(mine[0].conversation.id))
            break
    async with asyncio.timeout(20):
        while len(left := set(await in_queue(installation.desk))) == len(waited):
            await asyncio.sleep(0.02)
    (served,) = waited - left
    assert served in order
    return served
