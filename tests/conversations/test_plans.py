"""Lists, histories and the way of a message stay on their indexes when a company has grown, also under the policies.

The database itself tells the plan of each statement as it ran (`auto_explain`): with its parameters, in its role.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection, sql
from psycopg.errors import Diagnostic

from moorage.channels.health.facts import read_facts
from moorage.conversations.media_files import unsent_uploads
from moorage.conversations.media_upkeep import fetch_due_media
from moorage.conversations.people.queries import describe_customer
from moorage.conversations.queries import Scope, State, list_cards, list_messages, read_budget, read_card
from moorage.core.ids import ConversationId, CustomerId, GroupId, ThreadId, new_id
from moorage.infra.database import Database
from moorage.infra.events import EventReader, LoggedFact, Position
from moorage.infra.pool import open_pool
from moorage.reception.leaving import find_left_behind
from moorage.reception.pushes import find_waiting_threads
from moorage.reception.queue import find_waiting_queues, first_in_queue
from moorage.reception.settling import find_unsettled_channels
from moorage.staff.model import Actor, Role
from moorage.staff.presence import close_lost_connections, mark_away
from tests.channels.docking import BOX
from tests.conftest import Heard, MovableClock
from tests.conversations.delivery.chats import a_sender
from tests.conversations.desk import Desk, a_desk, an_openid
from tests.conversations.grown import BUSY_THREAD, grow
from tests.postgres import Server
from tests.reception.test_prompts import a_question

HISTORY = 6_000
GROWN = re.compile(  # a partition without a page, which costs nothing to read, is left aside
    r"Seq Scan on (?:\w+\.)?((?:customers|customer_identities|threads|conversations|messages|deliveries|budgets|prompts"
    r"|pushes|assignments|decisions|blobs|media_files|media_fetches|event_log)\w*)"
    r".*\(cost=(?!0\.00\.\.0\.00 )"
)
EXPLAINED: Mapping[str, str] = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_level": "notice",
}


@dataclass
class Plans:
    """The plans of what ran lately, as the database told them."""

    told: list[str] = field(default_factory=list[str])

    async def attend(self, connection: AsyncConnection) -> None:
        """Listen to a connection from now on."""
        connection.add_notice_handler(self._hear)

    def _hear(self, notice: Diagnostic) -> None:
        if "plan:" in (words := notice.message_primary or ""):
            self.told.append(words)

    def scans(self) -> list[str]:
        """Return the plans that read a grown table from one end to the other."""
        return [plan for plan in self.told if GROWN.search(plan)]


@dataclass
class Grown:
    """A company with many conversations, and one of its agents."""

    desk: Desk
    anna: Actor
    busy_group: GroupId
    plans: Plans

    def as_role(self, role: Role) -> Actor:
        """Return the agent with another role, and with the group in whose queue customers wait."""
        return replace(self.anna, role=role, group_ids=self.anna.group_ids | {self.busy_group})

    async def somebody_writes(self) -> tuple[str, ConversationId]:
        """Let a new customer write, and return them with their conversation."""
        customer = an_openid()
        await self.desk.hears(by=customer)
        found = await self.desk.value(
            "SELECT c.id FROM conversations c JOIN threads t ON t.workspace_id = c.workspace_id AND t.id = c.thread_id"
            " WHERE t.external_customer_id = %s AND t.channel_id = %s",
            customer,
            self.desk.channel.id,
        )
        return customer, ConversationId(found)  # pyright: ignore[reportArgumentType] -- an id


@pytest.fixture(scope="module")
async def grown(postgres: Server, database_name: str) -> AsyncIterator[Grown]:
    """A company that has grown, in the module's database, which tells its plans."""
    admin_url = postgres.url(database=database_name, login="postgres")
    await _explain(admin_url, database_name)
    plans = Plans()
    url = postgres.url(database=database_name, login="moorage_app")
    async with await open_pool(url, size=4, configure=plans.attend) as pool:
        database = Database(pool=pool, clock=MovableClock(), subscriptions=Heard())
        async with a_desk(database) as desk:
            anna = await desk.an_agent(most_conversations=100)
            busy_group = GroupId(new_id())
            async with database.in_workspace(desk.workspace_id) as tx:
                await tx.execute(
                    "INSERT INTO skill_groups (workspace_id, id, name, created_at) VALUES (%s, %s, 'Busy', %s)",
                    [tx.workspace_id, busy_group, tx.now],
                )
            values = {
                "workspace": desk.workspace_id,
                "channel": desk.channel.id,
                "agent": anna.agent_id,
                "busy_group": busy_group,
            }
            await grow(admin_url, values, history=HISTORY)
            yield Grown(desk=desk, anna=anna, busy_group=busy_group, plans=plans)


async def _explain(admin_url: str, name: str) -> None:
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as admin:
        for setting, value in EXPLAINED.items():
            await admin.execute(
                sql.SQL("ALTER DATABASE {} SET {} = {}").format(sql.Identifier(name), sql.SQL(setting), value)  # pyright: ignore[reportArgumentType] -- a name of ours
            )


# ---------------------------------------------------------------- what people look at


async def lists(grown: Grown) -> None:
    desk = grown.desk
    roles: tuple[Role, ...] = ("agent", "supervisor")
    scopes: tuple[Scope, ...] = ("mine", "queue", "all")
    states: tuple[State, ...] = ("open", "closed")
    for actor in map(grown.as_role, roles):
        for scope in scopes:
            for state in states:
                cursor: str | None = None
                for _ in range(2):
                    async with desk.database.in_workspace(desk.workspace_id) as tx:
                        page = await list_cards(
                            tx,
                            actor=actor,
                            scope=scope,
                            state=state,
                            cursor=cursor,
                            limit=20,
                            connectors=desk.connectors,
                        )
                    cursor = page.next_cursor


async def histories(grown: Grown) -> None:
    desk = grown.desk
    for before in (None, HISTORY // 2):
        async with desk.database.in_workspace(desk.workspace_id) as tx:
            views, has_older = await list_messages(tx, thread_id=ThreadId(BUSY_THREAD), before=before, limit=50)
        assert (len(views), has_older) == (50, True)


async def a_conversation(grown: Grown) -> None:
    desk = grown.desk
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await read_card(
            tx,
            actor=grown.as_role("supervisor"),
            conversation_id=ConversationId(BUSY_THREAD),
            connectors=desk.connectors,
        )
        await read_budget(tx, thread_id=ThreadId(BUSY_THREAD), connectors=desk.connectors)


async def a_customer_and_who_else_they_are(grown: Grown) -> None:
    desk = grown.desk
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        actor = grown.as_role("supervisor")
        view = await describe_customer(tx, actor=actor, customer_id=CustomerId(BUSY_THREAD), connectors=desk.connectors)
        other = await describe_customer(
            tx, actor=actor, customer_id=CustomerId(UUID(int=2)), connectors=desk.connectors
        )
    assert (view.linked, len(other.linked)) == ([], 1)


async def the_health_of_a_channel(grown: Grown) -> None:
    desk = grown.desk
    connector = desk.connectors[desk.channel.kind]
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await read_facts(tx, box=BOX, connector=connector, channel=desk.channel)


class _Deaf:
    def facts(self, workspace_id: object, facts: object) -> None:
        pass

    def reset(self, workspace_id: object, position: Position) -> None:
        pass


async def what_a_browser_missed(grown: Grown) -> None:
    desk = grown.desk
    reader = EventReader(database=desk.database, url="", listener=_Deaf())
    newest = await reader.position(desk.workspace_id)
    missed: list[LoggedFact] = await reader.read_since(desk.workspace_id, seq=newest.seq - 200, limit=100)
    assert len(missed) == 100


# ---------------------------------------------------------------- the way of a message


async def messages_in(grown: Grown) -> None:
    customer, _ = await grown.somebody_writes()
    await grown.desk.hears("还有", by=customer)
    body = grown.desk.said("两次", by=customer)
    await asyncio.gather(grown.desk.push(body), grown.desk.push(body))
    await grown.desk.push(grown.desk.happened("CLICK", by=customer, EventKey="key"))
    await grown.desk.push(grown.desk.sent("image", by=customer, PicUrl="http://pic.example/1", MediaId="media"))


async def replies(grown: Grown) -> None:
    _, conversation_id = await grown.somebody_writes()
    await grown.desk.replies(grown.anna, conversation_id)
    await a_sender(grown.desk).send_waiting()
    await a_sender(grown.desk).let_go_of_lost()
    await grown.desk.ends(grown.anna, conversation_id)


async def merged_replies(grown: Grown) -> None:
    change = "UPDATE channels SET settings = settings || %s::jsonb WHERE id = %s RETURNING 1"
    await grown.desk.value(change, '{"merge_replies": {"on": true, "within_s": 3}}', grown.desk.channel.id)
    try:
        _, conversation_id = await grown.somebody_writes()
        for words in ("一", "二", "三"):
            await grown.desk.replies(grown.anna, conversation_id, words)
    finally:
        await grown.desk.value(change, '{"merge_replies": {"on": false, "within_s": 3}}', grown.desk.channel.id)
    await grown.desk.value("UPDATE deliveries SET not_before = now() WHERE leads AND state = 'queued' RETURNING 1")
    grown.plans.told.pop()  # the test's own
    await a_sender(grown.desk).send_waiting()


async def questions_and_answers(grown: Grown) -> None:
    customer, conversation_id = await grown.somebody_writes()
    await grown.desk.says(grown.anna, conversation_id, a_question())
    await grown.desk.says(grown.anna, conversation_id, a_question())
    await grown.desk.hears("1", by=customer)


# ---------------------------------------------------------------- what is looked for all the time


async def what_is_due(grown: Grown) -> None:
    database = grown.desk.database
    await fetch_due_media(database)
    await close_lost_connections(database)
    await mark_away(database)
    async with database.as_system() as tx:
        await find_waiting_threads(tx, most=100)
        await find_waiting_queues(tx)
        await find_left_behind(tx)
        await find_unsettled_channels(tx)
        await unsent_uploads(tx, older_than=timedelta(), most=100)
    async with database.in_workspace(grown.desk.workspace_id) as tx:
        assert await first_in_queue(tx, group_id=grown.busy_group) is not None


PATHS: tuple[Callable[[Grown], Awaitable[None]], ...] = (
    lists,
    histories,
    a_conversation,
    a_customer_and_who_else_they_are,
    the_health_of_a_channel,
    what_a_browser_missed,
    messages_in,
    replies,
    merged_replies,
    questions_and_answers,
    what_is_due,
)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
async def test_nothing_is_read_from_one_end_to_the_other(
    grown: Grown, path: Callable[[Grown], Awaitable[None]]
) -> None:
    grown.plans.told.clear()
    await path(grown)
    assert grown.plans.told
    assert [line for plan in grown.plans.scans() for line in plan.splitlines() if "Scan" in line] == []


async def test_plan_that_reads_everything_is_noticed(grown: Grown) -> None:
    grown.plans.told.clear()
    await grown.desk.value("SELECT count(*) FROM deliveries WHERE attempts > 3")
    assert len(grown.plans.scans()) == 1
