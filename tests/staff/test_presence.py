"""Status and connection, and the time spent in each."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.core.errors import Missing
from moorage.core.ids import AgentId, new_id
from moorage.infra.database import Database
from moorage.staff.events import AgentAvailable
from moorage.staff.model import Span, Status
from moorage.staff.passwords import Passwords
from moorage.staff.presence import GRACE, agent_gone, agent_seen, close_lost_connections, set_status
from moorage.staff.queries import list_spans
from tests.conftest import Heard, MovableClock, StatementCounter
from tests.staff.people import Colleague, a_colleague, as_now, at_work, topics

STATUSES: tuple[Status, ...] = ("online", "busy", "break", "offline")


async def spans_of(database: Database, colleague: Colleague, kind: str) -> list[Span]:
    async with database.in_workspace(colleague.company) as tx:
        return [span for span in await list_spans(tx, agent_id=colleague.agent_id) if span.kind == kind]


async def seen(database: Database, colleague: Colleague) -> None:
    async with database.in_workspace(colleague.company) as tx:
        await agent_seen(tx, agent_id=colleague.agent_id)


async def choose(database: Database, colleague: Colleague, status: Status) -> None:
    async with database.in_workspace(colleague.company) as tx:
        await set_status(tx, agent_id=colleague.agent_id, status=status)


async def test_an_agent_stays_connected_for_the_grace_time_after_the_last_word(
    database: Database, anna: Colleague, clock: MovableClock
) -> None:
    assert not (await as_now(database, anna)).connected
    await seen(database, anna)
    clock.forward(GRACE - timedelta(seconds=5))
    assert (await as_now(database, anna)).connected
    clock.forward(timedelta(seconds=5))
    assert not (await as_now(database, anna)).connected


async def test_a_heartbeat_of_a_connected_agent_is_one_statement_and_no_event(
    database: Database, anna: Colleague, statements: StatementCounter
) -> None:
    await at_work(database, anna)
    async with database.in_workspace(anna.company) as tx:
        before = await topics(tx)
    statements.reset()
    await seen(database, anna)
    assert len(statements) == 2  # naming the workspace is the other one
    async with database.in_workspace(anna.company) as tx:
        assert await topics(tx) == before


async def test_becoming_able_to_serve_is_published_whichever_comes_last(
    database: Database, anna: Colleague, heard: Heard
) -> None:
    available = AgentAvailable(agent_id=anna.agent_id)
    await choose(database, anna, "online")
    assert heard.events == []
    await seen(database, anna)
    assert heard.events == [available]
    await choose(database, anna, "busy")
    await choose(database, anna, "online")
    assert heard.events == [available, available]


async def test_a_lost_connection_ends_at_the_end_of_its_grace_time(
    database: Database, anna: Colleague, clock: MovableClock
) -> None:
    await seen(database, anna)
    clock.forward(GRACE + timedelta(minutes=5))
    await close_lost_connections(database)
    await close_lost_connections(database)
    [span] = await spans_of(database, anna, "connection")
    assert span.ended_at == span.started_at + GRACE
    async with database.in_workspace(anna.company) as tx:
        assert (await topics(tx))[-2:] == ["agent.changed", "agent.changed"]


async def test_a_live_connection_is_not_closed(database: Database, anna: Colleague) -> None:
    await seen(database, anna)
    await close_lost_connections(database)
    assert (await as_now(database, anna)).connected


async def test_coming_back_before_the_loop_noticed_leaves_two_spans_with_the_gap_between(
    database: Database, anna: Colleague, clock: MovableClock
) -> None:
    await seen(database, anna)
    clock.forward(GRACE + timedelta(seconds=10))
    await seen(database, anna)
    first, second = await spans_of(database, anna, "connection")
    assert first.ended_at is not None
    assert second.started_at >= first.ended_at + timedelta(seconds=10)
    assert second.ended_at is None


async def test_leaving_on_purpose_ends_the_connection_at_once(database: Database, anna: Colleague) -> None:
    await seen(database, anna)
    async with database.in_workspace(anna.company) as tx:
        await agent_gone(tx, agent_id=anna.agent_id)
        await agent_gone(tx, agent_id=anna.agent_id)
    assert not (await as_now(database, anna)).connected
    [span] = await spans_of(database, anna, "connection")
    assert span.ended_at is not None


async def test_choosing_the_status_one_has_changes_nothing(database: Database, anna: Colleague, heard: Heard) -> None:
    await at_work(database, anna)
    before = await as_now(database, anna)
    told = len(heard.events)
    await choose(database, anna, "online")
    assert await as_now(database, anna) == before
    assert len(heard.events) == told


async def test_an_agent_nobody_knows_is_missing(database: Database, anna: Colleague) -> None:
    async with database.in_workspace(anna.company) as tx:
        with pytest.raises(Missing):
            await agent_seen(tx, agent_id=AgentId(new_id()))


Step = tuple[str, Status, int]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["seen", "gone", "status", "wait", "sweep"]),
            st.sampled_from(STATUSES),
            st.integers(min_value=1, max_value=120),
        ),
        max_size=20,
    )
)
async def test_spans_tell_the_whole_story_without_gap_or_overlap(
    database: Database, passwords: Passwords, anna: Colleague, clock: MovableClock, steps: list[Step]
) -> None:
    one = await a_colleague(database, passwords, company=anna.company)
    for step, status, seconds in steps:
        match step:
            case "seen":
                await seen(database, one)
            case "gone":
                async with database.in_workspace(one.company) as tx:
                    await agent_gone(tx, agent_id=one.agent_id)
            case "status":
                await choose(database, one, status)
            case "wait":
                clock.forward(timedelta(seconds=seconds))
            case _:
                await close_lost_connections(database)
    agent = await as_now(database, one)
    statuses = await spans_of(database, one, "status")
    assert all(earlier.ended_at == later.started_at for earlier, later in pairwise(statuses))
    assert [span.value for span in statuses if span.ended_at is None] == ([agent.status] if statuses else [])
    connections = await spans_of(database, one, "connection")
    ends = [span.ended_at for span in connections[:-1]]
    assert all(end is not None and end <= later.started_at for end, later in zip(ends, connections[1:], strict=True))
    if agent.connected:
        assert connections[-1].ended_at is None
