"""Lists, histories and read marks: who sees what, in which order, and that facts say the same."""

from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import pytest

from moorage.conversations.queries import (
    Card,
    Scope,
    State,
    event_cursor,
    list_cards,
    list_messages,
    may_read_thread,
    read_budget,
    read_card,
)
from moorage.conversations.reading import mark_read
from moorage.core.errors import Malformed, Missing
from moorage.core.ids import ConversationId, ThreadId
from moorage.core.paging import Page
from moorage.infra.database import Tx
from moorage.staff.model import Actor
from tests.conftest import MovableClock
from tests.conversations.desk import Desk, an_openid


async def page_of(
    desk: Desk, actor: Actor, *, scope: Scope, state: State = "open", cursor: str | None = None, limit: int = 2
) -> Page[Card]:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        return await list_cards(
            tx, actor=actor, scope=scope, state=state, cursor=cursor, limit=limit, connectors=desk.connectors
        )


async def all_of(desk: Desk, actor: Actor, *, scope: Scope, state: State = "open") -> list[str]:
    """Return the customers' names on all pages."""
    names: list[str] = []
    cursor = None
    while True:
        page = await page_of(desk, actor, scope=scope, state=state, cursor=cursor)
        assert len(page.items) <= 2
        names += [card.around.customer_name.removeprefix("Harbour_") for card in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return names


async def customers_write(desk: Desk, clock: MovableClock, count: int) -> list[str]:
    customers = [an_openid() for _ in range(count)]
    for customer in customers:
        clock.forward(timedelta(seconds=1))
        await desk.hears(by=customer)
    return customers


async def test_own_conversations_come_page_by_page_newest_first(desk: Desk, clock: MovableClock) -> None:
    anna = await desk.an_agent()
    customers = await customers_write(desk, clock, 5)
    assert await all_of(desk, anna, scope="mine") == customers[::-1]


async def test_queue_comes_by_arrival_whoever_wrote_last(desk: Desk, clock: MovableClock) -> None:
    customers = await customers_write(desk, clock, 5)
    await desk.hears(by=customers[0])
    ben = await desk.an_agent(status="busy")
    assert await all_of(desk, ben, scope="queue") == customers


async def test_agent_sees_own_and_waiting_ones_and_a_supervisor_all(desk: Desk, clock: MovableClock) -> None:
    anna = await desk.an_agent(name="Anna", most_conversations=2)
    ben = await desk.an_agent(name="Ben", status="busy")
    stranger = await desk.an_agent(name="Cleo", status="busy", group_ids=[])
    chief = await desk.an_agent(name="Chief", role="supervisor", status="busy")
    customers = await customers_write(desk, clock, 4)
    assert await all_of(desk, anna, scope="all") == customers[::-1]
    assert await all_of(desk, ben, scope="all") == customers[:1:-1]
    assert await all_of(desk, stranger, scope="all") == []
    assert await all_of(desk, chief, scope="all") == customers[::-1]
    assert await all_of(desk, chief, scope="queue") == customers[2:]


async def test_closed_conversation_stays_with_who_served_it(desk: Desk) -> None:
    anna = await desk.an_agent(name="Anna")
    ben = await desk.an_agent(name="Ben", status="busy")
    customer = an_openid()
    await desk.hears(by=customer)
    conversation = await desk.conversation_of(customer)
    await desk.ends(anna, ConversationId(conversation.id))
    assert await all_of(desk, anna, scope="mine", state="closed") == [customer]
    assert await all_of(desk, anna, scope="mine") == []
    assert await all_of(desk, ben, scope="all", state="closed") == []


async def test_foreign_cursor_is_refused(desk: Desk) -> None:
    anna = await desk.an_agent()
    for cursor in ("nonsense", "WyJhIiwgImIiXQ"):
        with pytest.raises(Malformed):
            await page_of(desk, anna, scope="mine", cursor=cursor)


async def test_conversation_of_another_company_is_missing(desk: Desk) -> None:
    anna = await desk.an_agent()
    customer = an_openid()
    await desk.hears(by=customer)
    conversation = await desk.conversation_of(customer)
    other = Actor(
        person_id=anna.person_id,
        agent_id=anna.agent_id,
        workspace_id=anna.workspace_id,
        role="agent",
        group_ids=frozenset(),
        name="Stranger",
    )
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        card = await read_card(
            tx, actor=anna, conversation_id=ConversationId(conversation.id), connectors=desk.connectors
        )
        assert card.view() == conversation
        assert await may_read_thread(tx, actor=anna, thread_id=ThreadId(conversation.thread_id))
    stranger = await desk.an_agent(name=other.name, status="busy", group_ids=[])
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        with pytest.raises(Missing):
            await read_card(
                tx, actor=stranger, conversation_id=ConversationId(conversation.id), connectors=desk.connectors
            )
        assert not await may_read_thread(tx, actor=stranger, thread_id=ThreadId(conversation.thread_id))


async def test_history_is_read_backwards_without_gaps(desk: Desk) -> None:
    customer = an_openid()
    for n in range(5):
        await desk.hears(str(n), by=customer)
    thread_id = ThreadId((await desk.conversation_of(customer)).thread_id)
    seqs: list[int] = []
    before = None
    has_older = True
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        while has_older:
            views, has_older = await list_messages(tx, thread_id=thread_id, before=before, limit=2)
            seqs = [view.seq for view in views] + seqs
            before = views[0].seq
        budget = await read_budget(tx, thread_id=thread_id, connectors=desk.connectors)
    assert seqs == [1, 2, 3, 4, 5]
    assert (budget.left, budget.most) == (20, 20)


async def test_what_its_agent_reads_is_read_and_what_others_read_is_not(desk: Desk) -> None:
    anna = await desk.an_agent()
    chief = await desk.an_agent(name="Chief", role="supervisor", status="busy")
    customer = an_openid()
    for _ in range(3):
        await desk.hears(by=customer)
    conversation = await desk.conversation_of(customer)
    seqs = [message.seq for message in await desk.messages_of(customer) if message.author.kind == "customer"]

    async def reads(actor: Actor, seq: int) -> int:
        async def mark(tx: Tx) -> None:
            await mark_read(
                tx,
                actor=actor,
                conversation_id=ConversationId(conversation.id),
                seq=seq,
                connectors=desk.connectors,
            )

        await desk.database.run(desk.workspace_id, mark)
        return (await desk.conversation_of(customer)).unread

    assert await reads(chief, seqs[2]) == 3
    assert await reads(anna, seqs[1]) == 1
    assert await reads(anna, seqs[0]) == 1  # another window was further already
    assert await reads(anna, seqs[2]) == 0


# ---------------------------------------------------------------- facts


async def facts_of(desk: Desk, topic: str) -> list[dict[str, object]]:
    found = await desk.value(
        "SELECT coalesce(jsonb_agg(payload ORDER BY seq), '[]') FROM event_log WHERE topic = %s", topic
    )
    return cast("list[dict[str, object]]", found)


async def test_facts_say_what_a_fresh_read_says(desk: Desk) -> None:
    anna = await desk.an_agent()
    customer = an_openid()
    await desk.hears("你好", by=customer)
    conversation = await desk.conversation_of(customer)
    await desk.replies(anna, ConversationId(conversation.id), "您好")
    await desk.push(desk.happened("unsubscribe", by=customer))
    await desk.ends(anna, ConversationId(conversation.id))
    told = (await facts_of(desk, "conversation.changed"))[-1]
    assert told == (await desk.conversation_of(customer)).model_dump(mode="json")
    added = await facts_of(desk, "message.added")
    messages = [view.model_dump(mode="json") for view in await desk.messages_of(customer)]
    assert added == messages
    versions = [fact["version"] for fact in await facts_of(desk, "conversation.changed")]
    assert versions == list(range(1, len(versions) + 1))


async def test_facts_reach_old_and_new_owner_and_supervisors_only(desk: Desk) -> None:
    customer = an_openid()
    await desk.hears(by=customer)
    anna = await desk.an_agent(status="busy")
    await desk.takes(anna, ConversationId((await desk.conversation_of(customer)).id))
    audiences = cast(
        "Sequence[list[str]]",
        await desk.value("SELECT jsonb_agg(audience ORDER BY seq) FROM event_log WHERE topic = 'conversation.changed'"),
    )
    group, agent = f"group:{desk.group_id}", f"agent:{anna.agent_id}"
    assert [set(audience) for audience in audiences] == [
        {group, "role:supervisor"},
        {group, agent, "role:supervisor"},
    ]


async def test_cursor_stands_before_what_is_read_beside_it(desk: Desk) -> None:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        before = await event_cursor(tx)
    await desk.hears(by=an_openid())
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        after = await event_cursor(tx)
    assert before.split(":")[0] == after.split(":")[0]
    assert int(after.split(":")[1]) > int(before.split(":")[1])
