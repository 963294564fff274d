"""Founding a workspace and letting people in."""

import asyncio

import pytest

from moorage.core.errors import Malformed
from moorage.core.ids import PersonId, WorkspaceId
from moorage.infra.database import Database
from moorage.staff.operations import (
    AlreadyMember,
    EmailTaken,
    add_agent,
    add_operator,
    add_person,
    create_workspace,
    find_person,
)
from moorage.staff.passwords import Passwords
from moorage.staff.queries import agent_names, list_agents, list_groups
from moorage.staff.sessions import find_session
from tests.staff.people import Colleague, a_colleague, signs_in, topics


@pytest.mark.parametrize(("locale", "name"), [("zh-CN", "默认技能组"), ("en", "Default group")])
async def test_a_new_workspace_has_a_default_group_and_an_event_log(database: Database, locale: str, name: str) -> None:
    company = await create_workspace(database, name="Tea", locale=locale)  # pyright: ignore[reportArgumentType] -- parametrized
    async with database.in_workspace(company) as tx:
        assert [(group.name, group.is_default) for group in await list_groups(tx)] == [(name, True)]
        assert await topics(tx) == []


async def test_one_address_belongs_to_one_person_even_when_two_ask_at_once(
    database: Database, passwords: Passwords
) -> None:
    outcomes = await asyncio.gather(
        *(
            add_person(database, passwords, email=email, name="Zoe", password="correct horse")
            for email in ("zoe@example.org", "ZOE@example.org ", "Zoe@Example.org")
        ),
        return_exceptions=True,
    )
    [person_id] = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert [type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)] == [EmailTaken, EmailTaken]
    async with database.in_platform() as tx:
        assert await find_person(tx, email="zoe@example.org") == person_id


async def test_what_is_no_address_is_refused(database: Database, passwords: Passwords) -> None:
    with pytest.raises(Malformed):
        await add_person(database, passwords, email="zoe", name="Zoe", password="correct horse")


async def test_a_person_is_an_agent_of_a_workspace_once(database: Database, anna: Colleague) -> None:
    async with database.in_workspace(anna.company) as tx:
        with pytest.raises(AlreadyMember):
            await add_agent(tx, person_id=anna.person_id, name="Anna", role="agent")
        assert [agent.id for agent in await list_agents(tx)] == [anna.agent_id]
        assert await agent_names(tx, agent_ids=[anna.agent_id]) == {anna.agent_id: "Anna"}
        assert await topics(tx) == ["agent.changed"]
        assert await tx.value("SELECT act FROM audit_log WHERE object_id = %s", [anna.agent_id]) == "staff.agent_added"


async def test_a_person_can_work_for_two_companies_and_signs_in_to_the_first(
    database: Database, passwords: Passwords, anna: Colleague
) -> None:
    second = await create_workspace(database, name="Second")
    async with database.in_workspace(second) as tx:
        await add_agent(tx, person_id=anna.person_id, name="Ann", role="owner")
    live = await find_session(database, token=(await signs_in(database, passwords, anna)).token)
    assert live is not None
    assert live.workspace.id == anna.company


async def test_running_the_installation_is_no_company_role(
    database: Database, passwords: Passwords, company: WorkspaceId
) -> None:
    owner = await a_colleague(database, passwords, company=company, role="owner")
    assert await is_operator(database, passwords, owner) is False
    async with database.in_platform() as tx:
        await add_operator(tx, person_id=PersonId(owner.person_id))
        await add_operator(tx, person_id=PersonId(owner.person_id))
    assert await is_operator(database, passwords, owner) is True


async def is_operator(database: Database, passwords: Passwords, colleague: Colleague) -> bool:
    live = await find_session(database, token=(await signs_in(database, passwords, colleague)).token)
    assert live is not None
    return live.operator
