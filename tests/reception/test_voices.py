"""Voices that came without their text: what their customers are told, while no person has them."""

import json
from collections.abc import AsyncIterator

import pytest

from moorage.connectors.content import Notice
from moorage.infra.database import Database
from moorage.reception.texts import VOICE_UNRECOGNIZED
from tests.conversations.desk import Desk, a_desk, an_openid
from tests.reception.answers import words_of
from tests.reception.test_intake import taken_in_too_late

TOLD = VOICE_UNRECOGNIZED["zh-CN"]


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with a_desk(database) as opened:
        yield opened


async def switched_on(desk: Desk, **settings: object) -> None:
    """Let customers who wait be told when their voice was not understood."""
    told = json.dumps({"voice_reply": {"on": True, **settings}})
    await desk.value("UPDATE channels SET settings = settings || %s RETURNING id", told)


async def speaks(desk: Desk, *, by: str, text: str | None = None) -> str | None:
    """Let a customer send a voice, and return the words that the push was answered with."""
    voice = {"MediaId": "v1", "Format": "amr"} | ({} if text is None else {"Recognition": text})
    body = desk.sent("voice", by=by, at=None, **voice)
    return words_of(desk, await desk.push(body))


async def told(desk: Desk, customer: str) -> int:
    return sum(message.author.why == "voice_unrecognized" for message in await desk.messages_of(customer))


async def test_who_waits_is_told_once_for_each_voice_and_it_costs_nothing(desk: Desk) -> None:
    await switched_on(desk)
    customer = an_openid()
    assert await speaks(desk, by=customer) == TOLD
    assert await speaks(desk, by=customer, text="  ") == TOLD
    assert await speaks(desk, by=customer, text="我要退款。") is None
    assert await told(desk, customer) == 2
    again = desk.sent("voice", by=customer, MediaId="v2", Format="amr")
    assert words_of(desk, await desk.push(again)) == words_of(desk, await desk.push(again)) == TOLD
    assert await told(desk, customer) == 3
    assert await desk.value("SELECT sum(used)::int FROM budgets") == 0
    assert (await desk.conversation_of(customer)).owner.kind == "queue"


async def test_nothing_is_said_where_it_is_off_or_a_person_has_the_customer(desk: Desk) -> None:
    await desk.an_agent(most_conversations=1)
    await switched_on(desk, text="请打字")
    greeting = await speaks(desk, by=(served := an_openid()))
    assert greeting is not None
    assert greeting != "请打字"
    assert await speaks(desk, by=served) is None
    assert await told(desk, served) == 0
    assert await speaks(desk, by=an_openid()) == "请打字"
    await switched_on(desk, on=False)
    assert await speaks(desk, by=an_openid()) is None


async def test_what_is_kept_for_people_is_left_to_them(desk: Desk) -> None:
    await switched_on(desk)
    await desk.value("""UPDATE channels SET settings = settings || '{"budget_preset": "2023"}' RETURNING id""")
    customer = an_openid()
    await speaks(desk, by=customer)
    # What comes now opens no budget anew, and its request can carry no answer.
    await desk.value("UPDATE budgets SET used = 4, opened_at = opened_at + interval '1 minute' RETURNING id")
    voice = desk.sent("voice", by=customer, MediaId="v2", Format="amr")
    await taken_in_too_late(desk, desk.pushed(voice))
    assert await told(desk, customer) == 1
    notices = [m.content for m in await desk.messages_of(customer) if isinstance(m.content, Notice)]
    assert any(notice.key == "not_said" and notice.values["why"] == "voice_unrecognized" for notice in notices)
    assert await desk.value("SELECT used FROM budgets") == 4


async def test_an_account_that_only_answers_answers_too(database: Database) -> None:
    async with a_desk(database, verified=False) as desk:
        await switched_on(desk)
        assert await speaks(desk, by=an_openid()) == TOLD
