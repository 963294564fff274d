"""Seats under concurrency: nobody gets more conversations than their cap, and none is lost."""

import asyncio
from datetime import timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.core.ids import WorkspaceId
from moorage.infra.database import Database, Tx
from moorage.staff.events import AgentAvailable
from moorage.staff.operations import add_agent, add_person
from moorage.staff.passwords import Passwords
from moorage.staff.presence import GRACE, set_status
from moorage.staff.queries import default_group
from moorage.staff.seats import Candidate, eligible_agents, release_seat, take_seat, take_seat_beyond_cap
from tests.conftest import Heard, MovableClock
from tests.staff.people import Colleague, a_colleague, a_group, as_now, at_work


async def takes(database: Database, colleague: Colleague) -> bool:
    return await database.run(colleague.company, lambda tx: take_seat(tx, agent_id=colleague.agent_id))


async def releases(database: Database, colleague: Colleague) -> None:
    await database.run(colleague.company, lambda tx: release_seat(tx, agent_id=colleague.agent_id))


async def candidates(database: Database, company: WorkspaceId) -> list[Candidate]:
    async with database.in_workspace(company) as tx:
        return await eligible_agents(tx, group_id=await default_group(tx))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cap=st.integers(min_value=1, max_value=4), customers=st.integers(min_value=1, max_value=16))
async def test_two_customers_never_take_the_last_seat(
    database: Database, passwords: Passwords, company: WorkspaceId, cap: int, customers: int
) -> None:
    one = await a_colleague(database, passwords, company=company, most_conversations=cap)
    await at_work(database, one)
    seated = await asyncio.gather(*(takes(database, one) for _ in range(customers)))
    assert sum(seated) == min(cap, customers)
    assert (await as_now(database, one)).open_conversations == min(cap, customers)


async def test_a_seat_taken_and_undone_is_free_again(
    database: Database, passwords: Passwords, company: WorkspaceId
) -> None:
    one = await a_colleague(database, passwords, company=company, most_conversations=1)
    await at_work(database, one)

    class ChangedItsMind(Exception):
        pass

    async def take_and_fail(tx: Tx) -> None:
        assert await take_seat(tx, agent_id=one.agent_id)
        raise ChangedItsMind

    outcomes = await asyncio.gather(*(database.run(company, take_and_fail) for _ in range(4)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ChangedItsMind] * 4
    assert await takes(database, one)


async def test_seats_taken_and_given_back_at_once_add_up(
    database: Database, passwords: Passwords, company: WorkspaceId
) -> None:
    one = await a_colleague(database, passwords, company=company, most_conversations=3)
    await at_work(database, one)

    async def serve_a_customer() -> int:
        if not await takes(database, one):
            return 0
        await releases(database, one)
        return 1

    served = sum(await asyncio.gather(*(serve_a_customer() for _ in range(24))))
    assert served >= 3
    agent = await as_now(database, one)
    assert agent.open_conversations == 0


@pytest.mark.parametrize("status", ["busy", "break", "offline"])
async def test_only_who_is_online_is_given_customers(database: Database, anna: Colleague, status: str) -> None:
    await at_work(database, anna)
    async with database.in_workspace(anna.company) as tx:
        await set_status(tx, agent_id=anna.agent_id, status=status)  # pyright: ignore[reportArgumentType] -- parametrized
    assert await candidates(database, anna.company) == []
    assert not await takes(database, anna)


async def test_only_who_is_connected_is_given_customers(
    database: Database, anna: Colleague, clock: MovableClock
) -> None:
    await at_work(database, anna)
    clock.forward(GRACE)
    assert await candidates(database, anna.company) == []
    assert not await takes(database, anna)


async def test_who_is_full_or_in_another_group_is_no_candidate(
    database: Database, passwords: Passwords, anna: Colleague
) -> None:
    full = await a_colleague(database, passwords, company=anna.company, most_conversations=1)
    person_id = await add_person(
        database, passwords, email=f"{anna.agent_id}@example.org", name="Other", password="correct horse"
    )
    async with database.in_workspace(anna.company) as tx:
        elsewhere = await add_agent(
            tx, person_id=person_id, name="Other", role="agent", group_ids=[await a_group(tx, name="Sales")]
        )
    other = Colleague(anna.company, person_id, elsewhere, "", "")
    for one in (anna, full, other):
        await at_work(database, one)
    assert await takes(database, full)
    assert [candidate.agent_id for candidate in await candidates(database, anna.company)] == [anna.agent_id]


async def test_a_candidate_tells_load_and_idleness(database: Database, anna: Colleague, clock: MovableClock) -> None:
    await at_work(database, anna)
    [fresh] = await candidates(database, anna.company)
    assert (fresh.open, fresh.most, fresh.last_assigned_at) == (0, 10, None)
    assert fresh.idle_since is not None
    await takes(database, anna)
    [serving] = await candidates(database, anna.company)
    assert (serving.open, serving.idle_since) == (1, None)
    assert serving.last_assigned_at is not None
    clock.forward(timedelta(seconds=10))
    await releases(database, anna)
    [free] = await candidates(database, anna.company)
    assert free.idle_since is not None
    assert free.idle_since >= serving.last_assigned_at + timedelta(seconds=10)


async def test_a_seat_given_back_is_published_only_by_who_can_use_it(
    database: Database, anna: Colleague, heard: Heard
) -> None:
    await at_work(database, anna)
    await takes(database, anna)
    await takes(database, anna)
    heard.events.clear()
    await releases(database, anna)
    assert heard.events == [AgentAvailable(agent_id=anna.agent_id)]
    async with database.in_workspace(anna.company) as tx:
        await set_status(tx, agent_id=anna.agent_id, status="break")
    await releases(database, anna)
    assert len(heard.events) == 1


async def test_giving_back_a_seat_nobody_took_is_a_defect_that_shows(database: Database, anna: Colleague) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        await releases(database, anna)


async def test_who_helps_themselves_may_go_beyond_their_cap(
    database: Database, passwords: Passwords, company: WorkspaceId
) -> None:
    one = await a_colleague(database, passwords, company=company, most_conversations=1)
    await database.run(company, lambda tx: take_seat_beyond_cap(tx, agent_id=one.agent_id))
    await database.run(company, lambda tx: take_seat_beyond_cap(tx, agent_id=one.agent_id))
    assert (await as_now(database, one)).open_conversations == 2


async def test_seats_of_another_company_are_out_of_reach(
    database: Database, passwords: Passwords, anna: Colleague, other_workspace: WorkspaceId
) -> None:
    await at_work(database, anna)
    async with database.in_workspace(other_workspace) as tx:
        assert not await take_seat(tx, agent_id=anna.agent_id)
