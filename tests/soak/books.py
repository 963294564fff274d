"""What must hold after a soak, read from the product's database and from the phones, beside what was sent."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString, cast

import psycopg
from psycopg.rows import dict_row, tuple_row

from moorage.infra.embedded import Engine
from moorage.infra.postgres_cluster import keep_logins, socket_folder
from tests.concurrency.installation import every_invariant_holds
from tests.conversations.reason_texts import LOCALES, explained_reasons, texts_of
from tests.kill.stage import ANSWERED, Json
from tests.soak.town import EVENTS, Customer, Town, Written

ARRIVED = frozenset({"sent", "answered"})
SETTLED = ARRIVED | {"failed", "unconfirmed", "waiting"}
EXPLAINED = frozenset({"failed", "unconfirmed"})
MEDIA = frozenset({"image", "voice", "video", "short_video"})
_MESSAGE_ID = re.compile(rb"<MsgId>(?:<!\[CDATA\[)?(\d+)")
_EVENT = re.compile(rb"<Event>(?:<!\[CDATA\[)?(\w+)")

Row = Mapping[str, object]


@dataclass
class Books:
    """The database of the demo, read by a login that no policy restricts."""

    connection: psycopg.AsyncConnection[object]

    @classmethod
    @asynccontextmanager
    async def opened(cls, folder: Path) -> "AsyncGenerator[Books]":
        """Yield the books of the demo whose data is in `folder`."""
        cluster = folder / "data" / "postgres"
        engine = Engine(sockets=socket_folder(cluster), passwords=keep_logins(cluster), process=None)
        async with await psycopg.AsyncConnection[object].connect(engine.url(login="postgres"), autocommit=True) as one:
            yield cls(connection=one)

    async def value(self, query: LiteralString) -> object:
        """Return the one value that `query` asks for."""
        async with self.connection.cursor(row_factory=tuple_row) as cursor:
            row = await (await cursor.execute(query)).fetchone()
        return None if row is None else row[0]

    async def rows(self, query: LiteralString) -> list[Row]:
        """Return what `query` asks for, by name."""
        async with self.connection.cursor(row_factory=dict_row) as cursor:
            return cast("list[Row]", await (await cursor.execute(query)).fetchall())

    async def underway(self) -> int:
        """Return how much still waits to be taken in or sent."""
        return cast(
            "int",
            await self.value("""
            SELECT (SELECT count(*) FROM pushes WHERE taken_in_at IS NULL)
                 + (SELECT count(*) FROM deliveries WHERE state IN ('queued', 'sending'))"""),
        )

    async def fetching(self) -> int:
        """Return how many files are on their way to us."""
        return cast("int", await self.value("SELECT count(*) FROM messages WHERE content ->> 'state' = 'fetching'"))


# ---------------------------------------------------------------- nothing lost


async def every_push_is_taken_in(books: Books, written: Sequence[Written]) -> None:
    """Assert that each push was answered, stored once and taken in."""
    assert [one for one in written if one.outcome not in ANSWERED] == []
    stored = await books.rows("SELECT external_customer_id AS openid, taken_in_at, outcome, body FROM pushes")
    assert [row for row in stored if row["taken_in_at"] is None or row["outcome"] == "unreadable"] == []
    messages, events = Counter[tuple[str, int]](), Counter[tuple[str, str]]()
    for row in stored:
        openid, body = str(row["openid"]), cast("bytes", row["body"])
        if found := _MESSAGE_ID.search(body):
            messages[openid, int(found[1])] += 1
        elif found := _EVENT.search(body):
            events[openid, found[1].decode()] += 1
    assert messages == Counter((one.openid, one.msg_id) for one in written if one.msg_id is not None)
    assert events == Counter((one.openid, one.kind) for one in written if one.msg_id is None)


async def every_message_is_there_once_and_in_order(books: Books, customers: Sequence[Customer]) -> None:
    """Assert that each thread holds what its customer wrote, once, in order wherever it came in order."""
    rows = await books.rows("""
        SELECT t.external_customer_id AS openid, m.content FROM messages m
        JOIN threads t ON t.workspace_id = m.workspace_id AND t.id = m.thread_id
        WHERE m.author_kind = 'customer' ORDER BY m.thread_id, m.seq""")
    heard: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        heard[str(row["openid"])].append(_name_of(cast("Json", row["content"])))
    for customer in customers:
        said = [one for one in customer.written if one.kind not in EVENTS]
        assert Counter(heard[customer.openid]) == Counter(one.name for one in said)
        in_order = [one.name for one in said if one.in_order]
        told = set(in_order)
        assert [name for name in heard[customer.openid] if name in told] == in_order


def _name_of(content: Json) -> str:
    """Return the value by which a message is known again."""
    for key in ("external_media_id", "text", "label", "title", "name"):
        if content.get(key):
            return str(content[key])
    raise AssertionError(f"a message that cannot be told from others: {json.dumps(content)}")


# ---------------------------------------------------------------- every failure explained


async def every_delivery_is_explained(books: Books) -> Counter[str]:
    """Assert that nothing is underway and each failure has a reason with words; return how often each outcome came."""
    rows = await books.rows("""
        SELECT m.delivery_state AS state, m.delivery_reason AS reason, count(*) AS count FROM messages m
        WHERE m.delivery_state IS NOT NULL GROUP BY 1, 2""")
    known = _in_every_language(lambda locale: explained_reasons(locale, kind="wechat_oa"))
    outcomes = Counter[str]()
    for row in rows:
        state, reason = str(row["state"]), row["reason"]
        assert state in SETTLED, row
        if state in EXPLAINED:
            assert reason in known, row
        outcomes[state if reason is None else f"{state}:{reason}"] += cast("int", row["count"])
    return outcomes


async def every_file_is_kept_or_explained(books: Books) -> Counter[str]:
    """Assert that each file a customer sent is ours or says why not; return how often each came."""
    rows = await books.rows("""
        SELECT content ->> 'type' AS kind, content ->> 'state' AS state, content ->> 'reason' AS reason,
               content ->> 'blob_id' AS blob, count(*) OVER () AS total
        FROM messages WHERE author_kind = 'customer'""")
    known = _in_every_language(lambda locale: texts_of(locale, "media.reason"))
    states = Counter[str]()
    for row in rows:
        if row["kind"] not in MEDIA:
            continue
        state, reason = str(row["state"]), row["reason"]
        if state == "kept":
            assert row["blob"], row
        else:
            assert reason in known, row
        states[state if state == "kept" else f"{state}:{reason}"] += 1
    return states


def _in_every_language(words_of: Callable[[str], Iterable[str]]) -> frozenset[str]:
    first, *others = (frozenset(words_of(locale)) for locale in LOCALES)
    return first.intersection(*others)


# ---------------------------------------------------------------- nothing doubled


async def phones_show_what_was_sent(books: Books, town: Town, *, said: Sequence[str]) -> int:
    """Assert that every phone shows what was sent to it once, what may have arrived at most once, and no more.

    Return how many answers the phones show.
    """
    rows = await books.rows("""
        SELECT t.external_customer_id AS openid, m.delivery_state AS state, m.why, m.author_kind AS author, m.content
        FROM messages m JOIN threads t ON t.workspace_id = m.workspace_id AND t.id = m.thread_id
        WHERE m.delivery_state IS NOT NULL""")
    by_agents = Counter(_words_of(row) for row in rows if _is_reply(row))
    assert by_agents == Counter(said)
    rows_of: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        rows_of[str(row["openid"])].append(row)
    shown_in_all = 0
    for customer in town.customers:
        shown = await town.shown_to(customer)
        assert [entry for entry in shown if entry["via"] == "notice"] == []
        shown_in_all += len(shown)
        _compare(rows_of[customer.openid], shown, joined=customer.account.answers_only)
    return shown_in_all


def _compare(rows: Sequence[Row], shown: Sequence[Json], *, joined: bool) -> None:
    """Compare messages with what a phone shows. Where answers are `joined`, several texts may stand in one."""
    on_the_phone = "\n".join(str(entry["text"]) for entry in shown)
    for row in rows:
        if _is_reply(row):
            times = on_the_phone.count(_words_of(row))
            assert times <= 1, row
            assert times == 1 or row["state"] not in ARRIVED, row
            assert times == 0 or row["state"] != "failed", row
    arrived = sum(row["state"] in ARRIVED for row in rows)
    perhaps = sum(row["state"] == "unconfirmed" for row in rows)
    told = [(row["state"], row["author"], _words_of(row)) for row in rows]
    seen = [(entry["via"], entry["kind"], entry["text"]) for entry in shown]
    assert len(shown) <= arrived + perhaps, (told, seen)
    assert joined or len(shown) >= arrived, (told, seen)


def _is_reply(row: Row) -> bool:
    """Return whether a person wrote these words, which then are like no others."""
    return row["author"] == "agent" and row["why"] is None and bool(_words_of(row))


def _words_of(row: Row) -> str:
    return str(cast("Json", row["content"]).get("text", ""))


async def the_books_balance(books: Books) -> None:
    """Assert what nothing may break: seats, owners, order, budgets and the log."""
    await every_invariant_holds(books)
