"""After an erasure no table holds a word of the customer: every column of every table is looked through."""

import re
from dataclasses import replace
from pathlib import Path
from typing import cast

import psycopg
import pytest
from psycopg import sql

from moorage.connectors.content import Text
from moorage.connectors.people import CustomerProfile
from moorage.conversations.people.profiles import Profiles
from moorage.conversations.views import ConversationView, MessageView
from moorage.core.ids import CustomerId, new_id
from moorage.customers.bindings import bind
from moorage.customers.identity_links import IdentityLink
from moorage.customers.questions import add_question
from moorage.customers.records import read_customer
from moorage.infra.blobs import open_blob_folder
from moorage.infra.database import Tx
from moorage.infra.events import LoggedFact
from moorage.reception.erasing import Wishes
from tests.channels.docking import BOX
from tests.connectors.provider import answered
from tests.conversations.desk import an_openid
from tests.conversations.shop import SEND, Shop
from tests.conversations.test_customer_files import Phone, asks, the_link
from tests.postgres import Server

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "what-is-erased.md"
MARK, OTHER = "zanzibar-7f3a", "bystander-41c9"
HOLDING = {
    "conversations",
    "customer_identities",
    "customers",
    "decisions",
    "deliveries",
    "event_log",
    "idempotency_keys",
    "identity_conflicts",
    "identity_questions",
    "media_files",
    "messages",
    "prompts",
    "pushes",
}
"""Where the words of a customer come to stand. A table that is missing here holds none, and the test says so."""


def tables_of(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
        "AND NOT relispartition"
    ).fetchall()
    return [cast("str", name) for (name,) in rows]


def tables_with(url: str, word: str) -> set[str]:
    """Return the tables that have a word in any row, as text, JSON or bytes."""
    found: set[str] = set()
    with psycopg.connect(url) as connection:
        for table in tables_of(connection):
            query = sql.SQL("SELECT EXISTS (SELECT 1 FROM {} t WHERE strpos(t::text, %s) + strpos(t::text, %s) > 0)")
            row = connection.execute(query.format(sql.Identifier(table)), [word, word.encode().hex()]).fetchone()
            if row is not None and row[0]:
                found.add(table)
    return found


@pytest.fixture
def admin_url(postgres: Server, shop: Shop) -> str:
    """The way into the shop's database past every policy."""
    with psycopg.connect(str(shop.desk.database.pool.conninfo)) as connection:
        return postgres.url(database=connection.info.dbname, login="postgres")


async def id_of(shop: Shop, openid: str) -> CustomerId:
    return cast(
        "CustomerId",
        await shop.desk.value("SELECT customer_id FROM threads WHERE external_customer_id = %s", openid),
    )


async def bound(shop: Shop, openid: str, *, user: str, name: str) -> None:
    """Let a company's link say who a customer is, who has not answered the question yet."""
    customer_id = await id_of(shop, openid)

    async def bind_them(tx: Tx) -> None:
        link = IdentityLink(
            user_id=user,
            attributes={"name": name},
            expires_at=tx.now,
            customer_token=None,
            digest=new_id().bytes,
        )
        customer = await read_customer(tx, customer_id=customer_id)
        await add_question(tx, customer=customer, link=link)
        await bind(tx, customer=customer, link=link)

    await shop.desk.database.run(shop.desk.workspace_id, bind_them)


async def leaves_marks(shop: Shop) -> None:
    """Let one customer's words and names come in by every way there is."""
    desk, customer = shop.desk, shop.customer
    await desk.hears(f"我住在 {MARK}", by=customer)
    await desk.push(desk.sent("location", by=customer, Location_X="1", Location_Y="2", Scale="1", Label=MARK))
    await desk.push(desk.sent("link", by=customer, Title=MARK, Description=MARK, Url=f"https://a.example/{MARK}"))
    await desk.push(desk.sent("voice", by=customer, MediaId=MARK, Format="amr", Recognition=MARK))
    await desk.push(desk.happened("CLICK", by=customer, EventKey=MARK))
    await desk.push(desk.happened("SCAN", by=customer, EventKey=MARK, Ticket=MARK))
    await desk.push(desk.happened("unheard_of", by=customer, Words=MARK))
    await shop.sender.send_waiting()
    await asks(shop, title=f"{MARK}.pdf")
    phone = Phone(shop, await the_link(shop, "upload"))
    assert (await phone.hands_in(MARK.encode(), name=f"{MARK}.pdf")).status_code == 201
    shop.wechat.answers[SEND] = [answered({"errcode": 45002, "errmsg": f"too long: {MARK}"})]
    await shop.anna.sends(
        shop.conversation, await shop.an_upload(MARK.encode(), kind="file", name=f"{MARK}.txt"), kind="file"
    )
    await shop.an_upload(name=f"{MARK}.jpg")  # and never sends it
    await says(shop, {"type": "text", "text": f"寄到 {MARK}"})
    await shop.sender.send_waiting()
    await says(shop, {"type": "choices", "text": MARK, "items": [MARK, "别的"], "tail": MARK})
    await is_named(shop)


async def says(shop: Shop, content: dict[str, object]) -> None:
    path = f"/api/conversations/{shop.conversation.id}/messages"
    headers = {"Idempotency-Key": str(new_id())}
    answer = await shop.anna.client.post(path, json={"content": content}, headers=headers)
    assert answer.status_code == 201, answer.text


async def is_named(shop: Shop) -> None:
    """Let WeChat, staff and the company say who the customer is, and another one be known as the same."""
    database, customer_id = shop.desk.database, await id_of(shop, shop.customer)
    profiles = Profiles(
        database=database, connectors=shop.desk.connectors, box=BOX, blobs=open_blob_folder(shop.folder)
    )
    profile = CustomerProfile(follows=True, union_id=MARK, name=MARK, scene=MARK, tags=(MARK,))
    await profiles.keep(workspace_id=shop.desk.workspace_id, customer_id=customer_id, profile=profile)
    renamed = await shop.anna.client.put(
        f"/api/customers/{customer_id}/remark",
        json={"name": f"{MARK} 女士"},
        headers={"Idempotency-Key": str(new_id())},
    )
    assert renamed.status_code == 200
    await shop.desk.hears(f"我是 {MARK}", by=shop.customer)
    await bound(shop, shop.customer, user=f"u-{MARK}", name=MARK)
    other = an_openid()
    await shop.desk.hears(f"我是 {OTHER}", by=other)
    await bound(shop, other, user=f"u-{OTHER}", name=OTHER)
    await bound(shop, other, user=f"u-{MARK}", name=OTHER)


async def wishes(shop: Shop, wish: str) -> None:
    worker = Wishes(
        database=shop.desk.database,
        blobs=open_blob_folder(shop.folder),
        profiles=Profiles(
            database=shop.desk.database,
            connectors=shop.desk.connectors,
            box=BOX,
            blobs=open_blob_folder(shop.folder),
        ),
    )
    customer_id = await id_of(shop, shop.customer)
    await worker.carry_out(workspace_id=shop.desk.workspace_id, customer_id=customer_id, wish=wish)


async def test_no_table_and_no_file_holds_a_word_of_who_was_erased(shop: Shop, admin_url: str) -> None:
    await leaves_marks(shop)
    assert tables_with(admin_url, MARK) == HOLDING
    others_before = tables_with(admin_url, OTHER)
    await wishes(shop, "erase")
    assert tables_with(admin_url, MARK) == set()
    assert [path for path in shop.folder.rglob("*") if path.is_file() and MARK.encode() in path.read_bytes()] == []
    assert tables_with(admin_url, OTHER) == others_before - {"identity_conflicts"}


async def test_a_name_that_was_withdrawn_stands_nowhere_any_more(shop: Shop, admin_url: str) -> None:
    profiles = Profiles(
        database=shop.desk.database, connectors=shop.desk.connectors, box=BOX, blobs=open_blob_folder(shop.folder)
    )
    customer_id = await id_of(shop, shop.customer)
    profile = CustomerProfile(follows=True, name=MARK)
    await profiles.keep(workspace_id=shop.desk.workspace_id, customer_id=customer_id, profile=profile)
    await shop.desk.hears("还有吗", by=shop.customer)
    await says(shop, {"type": "text", "text": "有的"})
    assert tables_with(admin_url, MARK) == {"customers", "customer_identities", "event_log"}
    await wishes(shop, "forget_profile")
    assert tables_with(admin_url, MARK) == set()
    assert "还有吗" in [
        one.content.text for one in await shop.desk.messages_of(shop.customer) if one.content.type == "text"
    ]


def test_the_page_about_erasing_names_every_table(owner_url: str) -> None:
    named = set(re.findall(r"`([a-z_]+)`", PAGE.read_text("utf-8")))
    with psycopg.connect(owner_url) as connection:
        assert set(tables_of(connection)) - named == set()


async def facts(shop: Shop) -> list[LoggedFact]:
    async with shop.desk.database.in_workspace(shop.desk.workspace_id) as tx:
        return await tx.rows(
            LoggedFact,
            "SELECT seq, topic, object_id, object_version, audience, payload FROM event_log "
            "WHERE workspace_id = %s ORDER BY seq",
            [tx.workspace_id],
        )


async def test_who_catches_up_over_an_erasure_hears_the_same_facts_without_the_words(shop: Shop) -> None:
    await leaves_marks(shop)
    told = await facts(shop)
    await wishes(shop, "erase")
    after = await facts(shop)
    assert [replace(fact, payload={}) for fact in after[: len(told)]] == [replace(fact, payload={}) for fact in told]
    assert [fact.seq for fact in after] == list(range(1, len(after) + 1))
    shown = [one.payload for one in after if one.object_id == shop.conversation.id]
    messages = [MessageView.model_validate(one.payload) for one in after if one.topic.startswith("message.")]
    heard_last = ConversationView.model_validate(shown[-1])
    read_now = await shop.desk.conversation_of(shop.customer)
    assert (heard_last.customer, heard_last.last_message) == (read_now.customer, read_now.last_message)
    read = {message.id: message for message in await shop.desk.messages_of(shop.customer)}
    heard = {message.id: message for message in messages if message.id in read}
    assert heard.keys() == read.keys()
    for message_id, message in heard.items():
        assert message.content == read[message_id].content
        assert message.author == read[message_id].author


async def test_a_command_whose_answer_was_erased_is_not_carried_out_again(shop: Shop) -> None:
    path, key = f"/api/conversations/{shop.conversation.id}/messages", str(new_id())
    said = {"content": {"type": "text", "text": MARK}}
    first = await shop.anna.client.post(path, json=said, headers={"Idempotency-Key": key})
    assert first.status_code == 201
    await wishes(shop, "erase")
    again = await shop.anna.client.post(path, json=said, headers={"Idempotency-Key": key})
    assert (again.status_code, again.json()["code"]) == (409, "core.already_carried_out")


async def test_a_question_that_was_erased_waits_for_no_answer(shop: Shop) -> None:
    await says(shop, {"type": "choices", "text": "哪一种？", "items": ["红茶", "绿茶"]})
    await wishes(shop, "erase")
    await shop.desk.hears("1", by=shop.customer)
    newest = (await shop.desk.messages_of(shop.customer))[-1]
    assert isinstance(newest.content, Text)
    assert (newest.content.text, newest.content.choice_id) == ("1", None)
