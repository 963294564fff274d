"""What becomes of a push: stored once, taken in in order, answered in time."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from moorage.channels.reports import Report, list_reports
from moorage.connectors.content import Notice, Text
from moorage.connectors.contract import Inbound
from moorage.connectors.registry import required_answering_power
from moorage.connectors.wechat_oa import crypto
from moorage.connectors.wechat_oa.fields import read_fields
from moorage.infra.database import Tx
from moorage.reception.intake import PushNotStored
from moorage.reception.pushes import StoredPush, ask_to_store, find_stored
from moorage.reception.sweeper import Sweeper
from moorage.reception.taking_in import MOST_ATTEMPTS, Request, take_in_request
from tests.conftest import StatementCounter
from tests.conversations.desk import Desk, an_openid
from tests.links import OUTGOING

MOST_STATEMENTS = 12
SUCCESS = b"success"
A_MINUTE = timedelta(minutes=1)


async def stored(desk: Desk, inbound: Inbound) -> StoredPush:
    """Store a push as intake does first, and leave it there as a process does that dies then."""
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        asked = await ask_to_store(tx, arrivals=[(desk.channel.id, inbound)], not_before=tx.now)
        return await asked.row() or await find_stored(tx, channel_id=desk.channel.id, inbound=inbound)


async def taken_in_too_late(desk: Desk, inbound: Inbound) -> StoredPush:
    """Take a push in when its request can carry no answer any more."""
    push = await stored(desk, inbound)
    request = Request(push=push, inbound=inbound, may_answer=lambda: False, links=OUTGOING)

    async def take_in(tx: Tx) -> StoredPush:
        return await take_in_request(tx, connectors=desk.connectors, request=request)

    return await desk.database.run(desk.workspace_id, take_in)


def opened(desk: Desk, body: bytes) -> str:
    """Return the words of a sealed answer."""
    encrypt = str(read_fields(body)["Encrypt"])
    plain = crypto.unseal(
        encrypt, key=crypto.decode_aes_key(desk.credentials["aes_key"]), appid=desk.credentials["appid"]
    )
    return str(read_fields(plain)["Content"])


# ---------------------------------------------------------------- taking in


async def test_first_message_opens_a_conversation_of_the_free_agent(desk: Desk) -> None:
    anna = await desk.an_agent()
    customer = an_openid()
    await desk.hears("你好", by=customer)
    conversation = await desk.conversation_of(customer)
    assert (conversation.owner.kind, conversation.owner.agent_id) == ("agent", anna.agent_id)
    assert conversation.unread == 1
    assert conversation.waiting_since is not None
    assert conversation.queued_at is None  # it never stood in the queue
    assert [message.author.kind for message in await desk.messages_of(customer)] == ["customer", "agent"]


async def test_customer_without_a_nickname_is_named_after_account_and_identity(desk: Desk) -> None:
    customer = an_openid()
    await desk.hears(by=customer)
    assert (await desk.conversation_of(customer)).customer.name == f"Harbour_{customer}"


async def test_push_of_a_known_customer_costs_at_most_twelve_statements(
    desk: Desk, statements: StatementCounter
) -> None:
    await desk.an_agent()
    customer = an_openid()
    for _ in range(2):
        await desk.hears(by=customer)
    statements.reset()
    await desk.hears(by=customer)
    address_is_looked_up = 1  # by the route, before the push is known to be genuine
    assert len(statements) + address_is_looked_up <= MOST_STATEMENTS, statements.statements


async def test_parallel_copies_of_a_push_add_one_message_and_get_one_answer(desk: Desk) -> None:
    await desk.an_agent(name="Anna")
    customer = an_openid()
    body = desk.said("你好", by=customer)
    answers = await asyncio.gather(*(desk.push(body) for _ in range(20)))
    assert [message.author.kind for message in await desk.messages_of(customer)] == ["customer", "agent"]
    assert {opened(desk, answer.body) for answer in answers} == {"您好，我是Anna，请问有什么可以帮您？"}


async def test_fifty_first_messages_at_once_make_one_conversation_with_all_of_them(desk: Desk) -> None:
    await desk.an_agent()
    customer = an_openid()
    texts = [f"第{n}句" for n in range(50)]
    await asyncio.gather(*(desk.hears(text, by=customer) for text in texts))
    messages = await desk.messages_of(customer)
    heard = [message.content.model_dump()["text"] for message in messages if message.author.kind == "customer"]
    assert sorted(heard) == sorted(texts)
    assert [message.seq for message in messages] == list(range(1, len(messages) + 1))
    assert len({message.conversation_id for message in messages}) == 1
    assert await desk.value("SELECT count(*) FROM threads WHERE external_customer_id = %s", customer) == 1
    assert await desk.value("SELECT count(*) FROM customers") == 1


async def test_older_stored_pushes_are_taken_in_first_and_in_order_of_storing(desk: Desk) -> None:
    await desk.an_agent()
    customer = an_openid()
    for text in ("一", "二"):
        await stored(desk, desk.pushed(desk.said(text, by=customer)))
    answer = await desk.hears("三", by=customer)
    heard = [message for message in await desk.messages_of(customer) if message.author.kind == "customer"]
    assert [message.content.model_dump()["text"] for message in heard] == ["一", "二", "三"]
    assert answer.body == SUCCESS  # the greeting answers the first of them, whose request is gone
    greeting = (await desk.messages_of(customer))[1]
    assert greeting.delivery is not None
    assert greeting.delivery.state == "queued"


async def test_message_older_than_its_neighbour_is_marked_as_late(desk: Desk) -> None:
    customer, now = an_openid(), desk.database.clock.now()
    for seconds in (0, -2, -3):
        await desk.push(desk.said(by=customer, at=now + timedelta(seconds=seconds)))
    heard = [message for message in await desk.messages_of(customer) if message.author.kind == "customer"]
    assert [message.arrived_late for message in heard] == [False, False, True]


async def test_message_of_an_unknown_kind_is_kept_whole_and_shown(desk: Desk) -> None:
    customer = an_openid()
    await desk.push(desk.sent("hologram", by=customer, Shape="boat"))
    (message,) = await desk.messages_of(customer)
    assert message.content.type == "unsupported"
    assert "boat" in message.content.model_dump_json()
    assert (await desk.conversation_of(customer)).unread == 1


# ---------------------------------------------------------------- events


async def test_follow_and_other_events_leave_a_line_and_open_no_conversation(desk: Desk) -> None:
    customer = an_openid()
    await desk.push(desk.happened("subscribe", by=customer, EventKey="qrscene_door"))
    await desk.push(desk.happened("CLICK", by=customer, EventKey="PRICES"))
    messages = await desk.messages_of(customer)
    assert [message.content.model_dump()["key"] for message in messages] == ["followed", "menu_used"]
    assert messages[0].content.model_dump()["values"]["scene"] == "door"
    assert "PRICES" in messages[1].content.model_dump_json()
    assert await desk.value("SELECT count(*) FROM conversations") == 0
    assert await desk.value("SELECT follow_state FROM threads WHERE external_customer_id = %s", customer) == "following"


async def test_unfollowing_ends_what_waits_and_locks_what_an_agent_has(desk: Desk) -> None:
    waiting, served = an_openid(), an_openid()
    await desk.hears(by=waiting)
    await desk.push(desk.happened("unsubscribe", by=waiting))
    assert (await desk.conversation_of(waiting)).end_reason == "unfollowed"
    await desk.an_agent()
    await desk.hears(by=served)
    await desk.push(desk.happened("unsubscribe", by=served))
    conversation = await desk.conversation_of(served)
    assert conversation.state == "open"
    assert (conversation.follow_state, conversation.budget.reason) == ("unfollowed", "unfollowed")


async def test_late_news_of_leaving_does_not_undo_that_the_customer_is_back(desk: Desk) -> None:
    customer, now = an_openid(), desk.database.clock.now()
    await desk.push(desk.happened("subscribe", by=customer, at=now))
    await desk.push(desk.happened("unsubscribe", by=customer, at=now - A_MINUTE))
    assert await desk.value("SELECT follow_state FROM threads WHERE external_customer_id = %s", customer) == "following"


async def test_writing_again_after_leaving_means_that_the_customer_is_back(desk: Desk) -> None:
    customer = an_openid()
    await desk.push(desk.happened("unsubscribe", by=customer))
    await desk.hears(by=customer)
    assert (await desk.conversation_of(customer)).follow_state == "following"


# ---------------------------------------------------------------- who carries the answer


async def test_passive_answer_is_shown_as_answered_and_spends_nothing(desk: Desk) -> None:
    await desk.an_agent(name="Anna")
    customer = an_openid()
    answer = await desk.hears(by=customer)
    assert opened(desk, answer.body) == "您好，我是Anna，请问有什么可以帮您？"
    greeting = (await desk.messages_of(customer))[-1]
    assert greeting.delivery is not None
    assert greeting.delivery.state == "answered"
    assert (await desk.conversation_of(customer)).budget.left == 20
    assert await desk.value("SELECT count(*) FROM deliveries") == 0


async def test_redelivery_gets_the_same_passive_answer_sealed_anew(desk: Desk) -> None:
    await desk.an_agent()
    body = desk.said(by=an_openid())
    first, again = await desk.push(body), await desk.push(body)
    assert opened(desk, first.body) == opened(desk, again.body)
    assert first.body != again.body


async def test_redelivery_of_what_the_api_answers_gets_success(desk: Desk) -> None:
    await desk.an_agent()
    inbound = desk.pushed(body := desk.said(by=an_openid()))
    push = await taken_in_too_late(desk, inbound)
    assert push.answer_by == "api"
    assert (await desk.push(body)).body == SUCCESS
    assert await desk.value("SELECT count(*) FROM deliveries") == 1


async def test_redelivery_takes_in_what_was_stored_and_left(desk: Desk) -> None:
    await desk.an_agent(name="Anna")
    customer = an_openid()
    body = desk.said(by=customer)
    await stored(desk, desk.pushed(body))
    answer = await desk.push(body)
    assert "Anna" in opened(desk, answer.body)
    assert len(await desk.messages_of(customer)) == 2


async def test_redelivery_that_waited_in_vain_leaves_the_answer_to_the_api(desk: Desk) -> None:
    body = desk.said(by=an_openid())
    push = await stored(desk, desk.pushed(body))
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute("UPDATE pushes SET taken_in_at = %s WHERE id = %s", [tx.now, push.id])
    assert (await desk.push(body, within_s=0.3)).body == SUCCESS
    assert await desk.value("SELECT answer_by FROM pushes WHERE id = %s", push.id) == "api"


async def test_redelivery_that_waits_gets_the_answer_when_it_is_there(desk: Desk) -> None:
    inbound = desk.pushed(body := desk.said(by=an_openid()))
    push = await stored(desk, inbound)
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute("UPDATE pushes SET taken_in_at = %s WHERE id = %s", [tx.now, push.id])
    waiting = asyncio.ensure_future(desk.push(body))
    reply = required_answering_power(desk.connectors["wechat_oa"]).passive_reply(
        inbound=inbound,
        content=Text(text="你好"),
        now=desk.database.clock.now(),
    )
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute("UPDATE pushes SET answer_by = 'passive', reply = %s WHERE id = %s", [reply, push.id])
    assert opened(desk, (await waiting).body) == "你好"


async def test_push_behind_a_held_lock_is_acknowledged_and_swept_at_once(desk: Desk) -> None:
    desk.be_impatient()
    await desk.an_agent()
    customer = an_openid()
    await desk.push(desk.happened("subscribe", by=customer))
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute("SELECT FROM threads WHERE external_customer_id = %s FOR UPDATE", [customer])
        assert (await desk.hears(by=customer)).body == SUCCESS
    assert len(await desk.messages_of(customer)) == 1
    await Sweeper(database=desk.database, connectors=desk.connectors).sweep_pushes()
    messages = await desk.messages_of(customer)
    assert [message.author.kind for message in messages] == ["system", "customer", "agent"]
    assert messages[-1].delivery is not None
    assert messages[-1].delivery.state == "queued"  # nobody waits for the answer any more


async def test_redelivery_behind_a_held_lock_waits_until_its_own_deadline(desk: Desk) -> None:
    desk.be_impatient()
    customer = an_openid()
    await desk.push(desk.happened("subscribe", by=customer))
    push = await stored(desk, desk.pushed(body := desk.said(by=customer)))
    answer_by = "SELECT answer_by FROM pushes WHERE id = %s"
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute("SELECT FROM threads WHERE external_customer_id = %s FOR UPDATE", [customer])
        began = asyncio.get_running_loop().time()
        assert (await desk.push(body, within_s=0.5)).body == SUCCESS
        assert asyncio.get_running_loop().time() - began >= 0.5
    assert await desk.value(answer_by, push.id) == "api"


async def test_stored_push_that_nobody_can_read_is_shown_and_blocks_nothing(desk: Desk) -> None:
    customer = an_openid()
    push = await stored(desk, desk.pushed(desk.said(by=customer)))
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute("UPDATE pushes SET body = %s WHERE id = %s", [b"<xml>", push.id])
    await desk.hears("二", by=customer)
    assert [message.content.type for message in await desk.messages_of(customer)] == ["unsupported", "text"]


async def test_push_that_always_fails_is_shown_in_the_end_and_blocks_nothing(desk: Desk) -> None:
    customer = an_openid()
    push = await stored(desk, desk.pushed(desk.said(by=customer)))
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute("UPDATE pushes SET attempts = %s WHERE id = %s", [MOST_ATTEMPTS, push.id])
    await desk.hears("二", by=customer)
    assert [message.content.type for message in await desk.messages_of(customer)] == ["unsupported", "text"]
    assert await desk.value("SELECT outcome FROM pushes WHERE id = %s", push.id) == "unreadable"


async def test_customer_whose_push_fails_rests_and_the_others_go_on(desk: Desk) -> None:
    broken, fine = an_openid(), an_openid()
    for customer in (broken, fine):
        await stored(desk, desk.pushed(desk.said(by=customer)))
        await desk.hears(by=customer)
        await stored(desk, desk.pushed(desk.said(by=customer)))
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute(
            """
            UPDATE conversations SET engine_state = '{"version": 99}' WHERE thread_id =
              (SELECT id FROM threads WHERE external_customer_id = %s)
            """,
            [broken],
        )
    sweeper = Sweeper(database=desk.database, connectors=desk.connectors)
    await sweeper.sweep_pushes()
    assert [len(await desk.messages_of(customer)) for customer in (broken, fine)] == [2, 3]
    assert await desk.value("SELECT array_agg(attempts) FROM pushes WHERE taken_in_at IS NULL") == [1]
    assert await sweeper.sweep_pushes() == 0


async def test_push_that_cannot_be_stored_is_not_acknowledged(desk: Desk) -> None:
    desk.be_impatient()
    body = desk.said(by=an_openid())
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await tx.execute("LOCK TABLE pushes IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(PushNotStored):
            await desk.push(body)


# ---------------------------------------------------------------- what is written beside


async def test_every_decision_and_owner_is_kept_with_its_reason(desk: Desk) -> None:
    anna = await desk.an_agent()
    customer = an_openid()
    await desk.hears(by=customer)
    thread_id = (await desk.conversation_of(customer)).thread_id
    rules = await desk.value(
        "SELECT array_agg(rule ORDER BY decided_at, id) FROM decisions WHERE thread_id = %s", thread_id
    )
    assert rules == ["message.opens", "assign.routed"]
    spans = await desk.value("SELECT array_agg(agent_id) FROM assignments WHERE ended_at IS NULL")
    assert spans == [anna.agent_id]


async def test_two_free_seats_and_ten_customers_leave_eight_in_the_queue(desk: Desk) -> None:
    await desk.an_agent(name="Anna", most_conversations=1)
    await desk.an_agent(name="Ben", most_conversations=1)
    await asyncio.gather(*(desk.hears(by=an_openid()) for _ in range(10)))
    owners = await desk.value("SELECT array_agg(owner_kind ORDER BY owner_kind) FROM conversations")
    assert owners == ["agent"] * 2 + ["queue"] * 8
    assert await desk.value("SELECT max(open_conversations) FROM agents") == 1


# ---------------------------------------------------------------- events about the account


async def threads_of(desk: Desk, sender: str) -> object:
    return await desk.value("SELECT count(*) FROM threads WHERE external_customer_id = %s", sender)


@pytest.mark.parametrize("event", ["MASSSENDJOBFINISH", "PUBLISHJOBFINISH", "verify_expired", "debug_demo"])
async def test_event_about_the_account_makes_no_customer(desk: Desk, event: str) -> None:
    helper = an_openid()
    body = desk.happened(event, by=helper)
    for _ in range(2):
        assert (await desk.push(body)).body == SUCCESS
    assert await threads_of(desk, helper) == 0
    assert await desk.value("SELECT outcome FROM pushes WHERE external_customer_id = %s", helper) == "account.noted"


async def test_event_about_the_account_that_stayed_makes_no_customer_either(desk: Desk) -> None:
    helper = an_openid()
    await stored(desk, desk.pushed(desk.happened("MASSSENDJOBFINISH", by=helper, Status="send success")))
    sweeper = Sweeper(database=desk.database, connectors=desk.connectors)
    assert await sweeper.sweep_pushes() == 1
    assert await threads_of(desk, helper) == 0
    await desk.hears("你好", by=helper)  # who writes is a customer, whatever came before
    assert await threads_of(desk, helper) == 1


async def test_what_is_reported_of_the_account_is_kept_in_order_and_changes_what_it_says(desk: Desk) -> None:
    helper = an_openid()
    for event in ("qualification_verify_fail", "verify_expired", "verify_expired", "qualification_verify_success"):
        at = desk.database.clock.now() - timedelta(seconds=60 - 10 * len(await reports(desk)))
        await desk.push(desk.happened(event, by=helper, at=at, ExpiredTime="1893456000", FailReason="资料不全"))
    assert [(one.line["how"], one.effect) for one in await reports(desk)] == [
        ("qualification_passed", "verified"),
        ("verification_expired", None),
        ("verification_expired", "not_verified"),
        ("qualification_failed", None),
    ]
    assert await desk.value("SELECT verified FROM channels WHERE id = %s", desk.channel.id) is True
    assert await desk.value("SELECT count(*) FROM threads WHERE external_customer_id = %s", helper) == 0


async def reports(desk: Desk) -> Sequence[Report]:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        return await list_reports(tx, channel_id=desk.channel.id)


async def test_event_about_the_account_leaves_a_line_where_its_sender_is_a_customer(desk: Desk) -> None:
    customer = an_openid()
    await desk.hears("你好", by=customer)
    await desk.push(
        desk.happened("MASSSENDJOBFINISH", by=customer, Status="send success", SentCount="9", TotalCount="10")
    )
    line = (await desk.messages_of(customer))[-1].content
    assert isinstance(line, Notice)
    assert (line.key, line.values["how"], line.values["sent"]) == ("event_seen", "mass_sent", "9")


async def test_result_of_a_template_message_belongs_to_its_customer(desk: Desk) -> None:
    customer = an_openid()
    await desk.push(desk.happened("TEMPLATESENDJOBFINISH", by=customer, Status="failed: system failed"))
    line = (await desk.messages_of(customer))[-1].content
    assert isinstance(line, Notice)
    assert line.values["how"] == "template_failed"


async def test_event_without_words_leaves_a_line_with_its_name(desk: Desk) -> None:
    customer = an_openid()
    await desk.push(desk.happened("poi_check_notify", by=customer))
    line = (await desk.messages_of(customer))[-1].content
    assert isinstance(line, Notice)
    assert line.values == {"event": "poi_check_notify"}
