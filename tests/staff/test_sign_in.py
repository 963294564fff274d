"""Signing in and out, on the real database."""

import asyncio
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from moorage.core.ids import WorkspaceId
from moorage.infra.database import Database, Tx
from moorage.staff.limits import (
    MOST_PER_ADDRESS,
    MOST_PER_EMAIL,
    WINDOW,
    TooManyAttempts,
    attempt_of,
    network_of,
    settle,
)
from moorage.staff.model import normalise_email
from moorage.staff.operations import add_person
from moorage.staff.passwords import Passwords
from moorage.staff.presence import set_status
from moorage.staff.sessions import ABSOLUTE, IDLE, LiveSession, find_session, session_lives
from moorage.staff.sign_in import NoWorkspace, WrongCredentials, sign_in, sign_out
from tests.conftest import MovableClock
from tests.staff.people import Colleague, a_colleague, an_address, as_now, signs_in, topics


async def a_wrong_try(database: Database, passwords: Passwords, colleague: Colleague, address: str) -> type[Exception]:
    try:
        await signs_in(database, passwords, colleague, password="not it", remote_address=address)
    except (WrongCredentials, TooManyAttempts) as error:
        return type(error)
    raise AssertionError("a wrong password was accepted")


async def left(database: Database, live: LiveSession, *, remote_address: str) -> None:
    """Sign out as the route does, in a transaction that is repeated if need be."""

    async def leave(tx: Tx) -> None:
        await sign_out(tx, live=live, remote_address=remote_address)

    await database.run(live.actor.workspace_id, leave)


async def test_signing_in_begins_a_session_with_the_persons_rights(
    database: Database, passwords: Passwords, anna: Colleague
) -> None:
    session = await signs_in(database, passwords, anna)
    live = await find_session(database, token=session.token)
    assert live is not None
    assert (live.session_id, live.csrf_token) == (session.id, session.csrf_token)
    assert (live.actor.agent_id, live.actor.workspace_id, live.actor.role) == (anna.agent_id, anna.company, "agent")
    assert len(live.actor.group_ids) == 1
    assert (live.person.email, live.workspace.name, live.operator) == (anna.email, "Harbour Tea", False)


async def test_the_spelling_of_an_address_does_not_matter(
    database: Database, passwords: Passwords, anna: Colleague
) -> None:
    session = await sign_in(
        database,
        passwords,
        email=f"  {anna.email.upper()} ",
        password=anna.password,
        remote_address=an_address(),
        user_agent="",
    )
    assert await find_session(database, token=session.token) is not None


async def test_only_the_digest_of_a_token_is_stored(database: Database, passwords: Passwords, anna: Colleague) -> None:
    session = await signs_in(database, passwords, anna)
    async with database.in_platform() as tx:
        row = await tx.value("SELECT row_to_json(s)::text FROM sessions s WHERE id = %s", [session.id])
    assert isinstance(row, str)
    assert session.token not in row
    assert session.token.encode().hex() not in row
    assert len(session.token) >= 43  # 256 bits in base64


@pytest.mark.parametrize(
    "email", ["nobody@example.org", "not an address", "", "a\0b@example.org", "\ud83d@example.org"]
)
async def test_an_unknown_address_is_told_nothing_more_than_a_wrong_password(
    database: Database, passwords: Passwords, email: str
) -> None:
    with pytest.raises(WrongCredentials):
        await sign_in(database, passwords, email=email, password="whatever", remote_address=an_address(), user_agent="")


async def test_a_person_without_a_company_is_told_so(database: Database, passwords: Passwords) -> None:
    await add_person(database, passwords, email="alone@example.org", name="Al", password="correct horse")
    with pytest.raises(NoWorkspace):
        await sign_in(
            database,
            passwords,
            email="alone@example.org",
            password="correct horse",
            remote_address=an_address(),
            user_agent="",
        )


async def test_parallel_guesses_are_told_no_more_outcomes_than_the_limit(
    database: Database, passwords: Passwords, anna: Colleague
) -> None:
    outcomes = await asyncio.gather(
        *(a_wrong_try(database, passwords, anna, an_address()) for _ in range(3 * MOST_PER_EMAIL))
    )
    assert outcomes.count(WrongCredentials) == MOST_PER_EMAIL
    assert outcomes.count(TooManyAttempts) == 2 * MOST_PER_EMAIL


async def test_outcomes_that_are_settled_at_once_are_counted_one_by_one(database: Database) -> None:
    async def was_told() -> bool:
        attempt = attempt_of(email="guessed@example.org", remote_address=an_address())
        async with database.in_platform() as tx:
            return await settle(tx, attempt, person_id=None, right=False) is None

    told = await asyncio.gather(*(was_told() for _ in range(3 * MOST_PER_EMAIL)))
    assert sum(told) == MOST_PER_EMAIL


async def test_even_the_right_password_waits_after_too_many_wrong_ones_and_works_again_later(
    database: Database, passwords: Passwords, anna: Colleague, clock: MovableClock
) -> None:
    for _ in range(MOST_PER_EMAIL):
        assert await a_wrong_try(database, passwords, anna, an_address()) is WrongCredentials
    with pytest.raises(TooManyAttempts) as limited:
        await signs_in(database, passwords, anna)
    assert 0 < limited.value.retry_after_s <= WINDOW.total_seconds()
    clock.forward(timedelta(seconds=limited.value.retry_after_s))
    await signs_in(database, passwords, anna)


async def test_one_place_cannot_try_many_people(database: Database, passwords: Passwords, company: WorkspaceId) -> None:
    address = an_address()
    victims = [
        await a_colleague(database, passwords, company=company)
        for _ in range(-(-MOST_PER_ADDRESS // (MOST_PER_EMAIL - 1)))
    ]
    outcomes = [
        await a_wrong_try(database, passwords, victim, address) for victim in victims for _ in range(MOST_PER_EMAIL - 1)
    ]
    assert outcomes.count(WrongCredentials) == MOST_PER_ADDRESS
    with pytest.raises(TooManyAttempts):
        await signs_in(database, passwords, victims[0], remote_address=address)
    await signs_in(database, passwords, victims[0])


async def test_many_people_of_one_office_sign_in_at_once(
    database: Database, passwords: Passwords, company: WorkspaceId
) -> None:
    office = an_address()
    staff = [await a_colleague(database, passwords, company=company) for _ in range(20)]
    sessions = await asyncio.gather(*(signs_in(database, passwords, one, remote_address=office) for one in staff * 3))
    assert len({session.token for session in sessions}) == 60


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_an_ipv6_line_counts_as_one_place(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize("email", ["", "a", "a@", "@b", "a b@c", "a@b@c", "a@b\n@", f"{'a' * 250}@b.org"])
def test_what_is_no_address_is_not_looked_up(email: str) -> None:
    assert normalise_email(email) is None


async def test_a_session_ends_after_half_a_day_without_use(
    database: Database, passwords: Passwords, anna: Colleague, clock: MovableClock
) -> None:
    session = await signs_in(database, passwords, anna)
    clock.forward(IDLE - timedelta(minutes=1))
    assert await find_session(database, token=session.token) is not None
    clock.forward(IDLE - timedelta(minutes=1))
    assert await session_lives(database, session_id=session.id)
    clock.forward(timedelta(minutes=2))
    assert await find_session(database, token=session.token) is None
    assert not await session_lives(database, session_id=session.id)


async def test_a_session_in_daily_use_ends_after_two_weeks(
    database: Database, passwords: Passwords, anna: Colleague, clock: MovableClock
) -> None:
    session = await signs_in(database, passwords, anna)
    used = timedelta()
    while used + timedelta(hours=11) < ABSOLUTE:
        used += timedelta(hours=11)
        clock.forward(timedelta(hours=11))
        assert await find_session(database, token=session.token) is not None
    clock.forward(ABSOLUTE - used)
    assert await find_session(database, token=session.token) is None


async def test_an_unknown_or_hostile_token_is_no_session(database: Database) -> None:
    for token in ("x", "é", "\ud83d", "\0", "x" * 10_000):
        assert await find_session(database, token=token) is None


async def test_signing_in_puts_an_offline_agent_online_and_leaves_a_break_alone(
    database: Database, passwords: Passwords, anna: Colleague
) -> None:
    await signs_in(database, passwords, anna)
    assert (await as_now(database, anna)).status == "online"
    async with database.in_workspace(anna.company) as tx:
        await set_status(tx, agent_id=anna.agent_id, status="break")
    await signs_in(database, passwords, anna)
    assert (await as_now(database, anna)).status == "break"


async def test_signing_out_ends_the_session_takes_the_agent_offline_and_tells_sockets_once(
    database: Database, passwords: Passwords, anna: Colleague
) -> None:
    session = await signs_in(database, passwords, anna)
    live = await find_session(database, token=session.token)
    assert live is not None
    await asyncio.gather(*(left(database, live, remote_address="192.0.2.7") for _ in range(2)))
    assert await find_session(database, token=session.token) is None
    assert (await as_now(database, anna)).status == "offline"
    async with database.in_workspace(anna.company) as tx:
        assert (await topics(tx)).count("session.ended") == 1


async def test_signing_in_and_out_is_in_the_audit_log(
    database: Database, passwords: Passwords, anna: Colleague
) -> None:
    session = await signs_in(database, passwords, anna, remote_address="192.0.2.77")
    live = await find_session(database, token=session.token)
    assert live is not None
    await left(database, live, remote_address="192.0.2.78")
    async with database.in_workspace(anna.company) as tx:
        lines = await tx.value(
            "SELECT array_agg(act || ' ' || remote_address ORDER BY at) FROM audit_log WHERE object_id = %s"
            " AND person_id = %s",
            [session.id, anna.person_id],
        )
    assert lines == ["staff.signed_in 192.0.2.77", "staff.signed_out 192.0.2.78"]


async def test_signing_in_renews_an_outdated_hash(database: Database, passwords: Passwords, anna: Colleague) -> None:
    stronger = Passwords(hasher=PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    await signs_in(database, stronger, anna)
    async with database.in_platform() as tx:
        renewed = await tx.value("SELECT password_hash FROM persons WHERE id = %s", [anna.person_id])
    assert isinstance(renewed, str)
    assert not stronger.is_outdated(renewed)
    await signs_in(database, stronger, anna)
    stronger.close()
