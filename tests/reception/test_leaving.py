"""Agents who go, on purpose or not, keep no customer waiting; and customers who come back meet who served them."""

from datetime import timedelta

import pytest

from moorage.core.ids import ConversationId, ThreadId
from moorage.reception.leaving import hand_over
from moorage.reception.operations import pick_up_queue
from moorage.reception.sweeper import Sweeper
from moorage.staff.model import Actor
from moorage.staff.presence import agent_gone, agent_seen, close_lost_connections, leave_work, mark_away
from moorage.staff.queries import read_agent
from tests.conftest import MovableClock
from tests.conversations.desk import Desk, an_openid

AWAY_AFTER = timedelta(minutes=3)


async def written(desk: Desk, text: str = "你好", *, by: str | None = None) -> str:
    """Let a customer write, and return who it was."""
    customer = by or an_openid()
    await desk.hears(text, by=customer)
    return customer


async def owner_of(desk: Desk, customer: str) -> object:
    view = await desk.conversation_of(customer)
    return view.owner.agent_id if view.owner.kind == "agent" else view.owner.kind


async def answered(desk: Desk, actor: Actor, customer: str) -> None:
    await desk.replies(actor, ConversationId((await desk.conversation_of(customer)).id))


async def ended(desk: Desk, actor: Actor, customer: str) -> None:
    await desk.ends(actor, ConversationId((await desk.conversation_of(customer)).id))


async def is_back(desk: Desk, *actors: Actor) -> None:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        for actor in actors:
            await agent_seen(tx, agent_id=actor.agent_id)


async def time_passes(desk: Desk, clock: MovableClock, by: timedelta, *, but_there: tuple[Actor, ...] = ()) -> None:
    """Let time pass in which only some workbenches speak, and let the worker's loops look."""
    clock.forward(by)
    await is_back(desk, *but_there)
    await close_lost_connections(desk.database)
    await mark_away(desk.database)
    await Sweeper(database=desk.database, connectors=desk.connectors).sweep_left_behind()


async def seats_of(desk: Desk, actor: Actor) -> int:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        return (await read_agent(tx, agent_id=actor.agent_id)).open_conversations


async def test_waiting_customer_of_a_lost_agent_is_given_to_somebody_free(desk: Desk, clock: MovableClock) -> None:
    anna = await desk.an_agent()
    customer = await written(desk)
    bo = await desk.an_agent(name="Bo")
    await time_passes(desk, clock, AWAY_AFTER + timedelta(minutes=1), but_there=(bo,))
    assert await owner_of(desk, customer) == bo.agent_id
    assert (await seats_of(desk, anna), await seats_of(desk, bo)) == (0, 1)
    assert "agent_left" in [getattr(each.content, "key", "") for each in await desk.messages_of(customer)]


async def test_waiting_customers_of_a_lost_agent_go_to_the_head_of_the_queue(desk: Desk, clock: MovableClock) -> None:
    anna = await desk.an_agent(most_conversations=2)
    left = [await written(desk), await written(desk)]
    newcomer = await written(desk)
    assert await owner_of(desk, newcomer) == "queue"
    await time_passes(desk, clock, AWAY_AFTER + timedelta(minutes=1))
    views = [await desk.conversation_of(customer) for customer in (*left, newcomer)]
    assert [(view.queue_priority, view.queue_reason) for view in views] == [
        (0, "agent_left"),
        (0, "agent_left"),
        (1, "nobody_free"),
    ]
    chief = await desk.an_agent(name="Chief", role="supervisor", status="busy")
    waiting = [card.conversation.id for card in await desk.cards(chief, scope="queue")]
    assert waiting == [view.id for view in views]
    bo = await desk.an_agent(name="Bo", most_conversations=2)
    await pick_up_queue(desk.database, connectors=desk.connectors, workspace_id=desk.workspace_id, agent_id=bo.agent_id)
    assert [await owner_of(desk, customer) for customer in (*left, newcomer)] == [bo.agent_id, bo.agent_id, "queue"]
    assert await seats_of(desk, anna) == 0


async def test_answered_customer_stays_until_they_write_to_an_agent_who_is_away(
    desk: Desk, clock: MovableClock
) -> None:
    anna = await desk.an_agent()
    customer = await written(desk)
    await answered(desk, anna, customer)
    bo = await desk.an_agent(name="Bo")
    await time_passes(desk, clock, timedelta(minutes=10), but_there=(bo,))
    assert await owner_of(desk, customer) == anna.agent_id
    await written(desk, "还在吗", by=customer)
    assert await owner_of(desk, customer) == bo.agent_id


async def test_agent_who_comes_back_in_time_keeps_everybody(desk: Desk, clock: MovableClock) -> None:
    anna = await desk.an_agent()
    customer = await written(desk)
    await desk.an_agent(name="Bo", status="busy")
    await time_passes(desk, clock, timedelta(minutes=2))
    await is_back(desk, anna)
    await time_passes(desk, clock, timedelta(minutes=2, seconds=30))
    assert await owner_of(desk, customer) == anna.agent_id


async def test_agent_is_away_until_they_are_seen_again(desk: Desk, clock: MovableClock) -> None:
    anna = await desk.an_agent()

    async def away() -> bool:
        async with desk.database.in_workspace(desk.workspace_id) as tx:
            return (await read_agent(tx, agent_id=anna.agent_id)).away

    await time_passes(desk, clock, timedelta(minutes=3))
    assert not await away()  # connected for 45 s after the last word, and for three minutes not called away
    await time_passes(desk, clock, timedelta(minutes=1))
    assert await away()
    await is_back(desk, anna)
    assert not await away()


async def test_how_long_an_agent_may_be_gone_is_the_companys_to_say(desk: Desk, clock: MovableClock) -> None:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute("UPDATE workspaces SET agent_away_minutes = 30 WHERE id = %s", [desk.workspace_id])
    anna = await desk.an_agent()
    customer = await written(desk)
    await time_passes(desk, clock, timedelta(minutes=20))
    assert await owner_of(desk, customer) == anna.agent_id
    await time_passes(desk, clock, timedelta(minutes=11))
    assert await owner_of(desk, customer) == "queue"


async def test_all_that_somebody_hands_over_goes_and_what_came_since_stays(desk: Desk, clock: MovableClock) -> None:
    anna = await desk.an_agent()
    first, second = await written(desk), await written(desk)
    await answered(desk, anna, first)
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await leave_work(tx, agent_id=anna.agent_id)
        left_at = tx.now
    clock.forward(timedelta(seconds=1))
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute("UPDATE agents SET status = 'online' WHERE id = %s", [anna.agent_id])
    await is_back(desk, anna)
    since = await written(desk)
    assert await owner_of(desk, since) == anna.agent_id
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await agent_gone(tx, agent_id=anna.agent_id)
    for _ in range(2):  # a job may run twice
        await hand_over(
            desk.database,
            connectors=desk.connectors,
            workspace_id=desk.workspace_id,
            agent_id=anna.agent_id,
            at=left_at,
        )
    assert [await owner_of(desk, customer) for customer in (first, second, since)] == ["queue", "queue", anna.agent_id]
    assert await seats_of(desk, anna) == 1


# ---------------------------------------------------------------- coming back


async def test_returning_customer_meets_who_served_them_last(desk: Desk, clock: MovableClock) -> None:
    anna = await desk.an_agent()
    customer = await written(desk)
    bo = await desk.an_agent(name="Bo")
    await written(desk, by=an_openid())  # goes to Bo, who is least busy
    await ended(desk, anna, customer)
    await written(desk)  # to Anna: now both have one, and Bo has been idle longer
    clock.forward(timedelta(hours=1))
    await is_back(desk, anna, bo)
    await written(desk, by=customer)
    assert await owner_of(desk, customer) == anna.agent_id
    thread = (await desk.conversation_of(customer)).thread_id
    assert await desk.value("SELECT count(*) FROM conversations WHERE thread_id = %s", thread) == 2


@pytest.mark.parametrize("hours", [0, 24])
async def test_who_served_last_counts_only_for_the_set_time(desk: Desk, clock: MovableClock, hours: int) -> None:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute(
            "UPDATE channels SET settings = settings || jsonb_build_object('last_served_hours', %s::int) WHERE id = %s",
            [hours, desk.channel.id],
        )
    anna = await desk.an_agent()
    customer = await written(desk)
    await ended(desk, anna, customer)
    other = await written(desk)
    assert await owner_of(desk, other) == anna.agent_id
    bo = await desk.an_agent(name="Bo")
    clock.forward(timedelta(hours=hours, minutes=1))
    await is_back(desk, anna, bo)
    await written(desk, by=customer)
    assert await owner_of(desk, customer) == bo.agent_id


async def test_who_wrote_after_the_session_comes_before_who_served_last(desk: Desk, clock: MovableClock) -> None:
    anna = await desk.an_agent()
    customer = await written(desk)
    bo = await desk.an_agent(name="Bo")
    await ended(desk, anna, customer)
    thread = ThreadId((await desk.conversation_of(customer)).thread_id)
    until = clock.now() + timedelta(hours=24)
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute(
            "UPDATE threads SET designated_agent_id = %s, designated_until = %s WHERE id = %s",
            [bo.agent_id, until, thread],
        )
    await written(desk, by=customer)
    assert await owner_of(desk, customer) == bo.agent_id


async def test_wanted_agent_who_is_not_free_is_not_waited_for(desk: Desk) -> None:
    anna = await desk.an_agent(most_conversations=1)
    customer = await written(desk)
    await ended(desk, anna, customer)
    await written(desk)
    bo = await desk.an_agent(name="Bo")
    await written(desk, by=customer)
    assert await owner_of(desk, customer) == bo.agent_id
