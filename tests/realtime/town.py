"""A company in which anything happens: every act that changes what a console shows, chosen by a seed."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import SecretStr

from moorage.channels.account_statements import state_account
from moorage.channels.model import ChannelSettings
from moorage.channels.operations import change_channel
from moorage.channels.queries import read_channel
from moorage.channels.states import mark_active, mark_deauthorized, mark_docked, mark_failing, mark_restricted
from moorage.conversations.open_thread import lock_known_thread, open_thread
from moorage.conversations.owners import give_to_queue
from moorage.conversations.queries import Card
from moorage.conversations.reading import mark_read
from moorage.conversations.writing import save
from moorage.core.errors import DomainError
from moorage.core.ids import ConversationId, GroupId, MessageId
from moorage.entry.container import Container, open_container
from moorage.entry.http import create_app
from moorage.entry.worker import work
from moorage.infra.database import Database, Tx
from moorage.infra.settings import Settings
from moorage.reception.leaving import HandedOver
from moorage.reception.resending import agent_leaves_message, agent_resends
from moorage.staff.model import Actor, Role
from moorage.staff.presence import agent_gone, agent_seen, set_status
from moorage.staff.sessions import begin_session
from tests.connectors.provider import WITHOUT_ANSWER, Call, answered, running_provider
from tests.conversations.delivery.chats import SENT, Wechat, code
from tests.conversations.desk import Desk, a_desk, an_openid
from tests.entry.web import SECRET_KEY
from tests.pictures import a_picture
from tests.serving import served
from tests.staff.people import a_group

CUSTOMERS = 7
WATCHING = ("Anna", "Cora", "Sun")
QUIET_WITHIN_S = 30.0
ANSWERS = [SENT, SENT, SENT, code(-1), WITHOUT_ANSWER, code(40003), code(45015), code(45047), code(45002), code(45009)]
FILES = [
    answered(a_picture(), content_type="image/jpeg"),
    answered({"errcode": 40007, "errmsg": "invalid media_id"}),
    answered(b"no picture", content_type="image/jpeg"),
]
MINUTES_5 = 300


@dataclass
class Provider(Wechat):
    """Answers by chance, out of everything that a provider may say."""

    chance: random.Random = field(default_factory=random.Random)

    async def answer(self, call: Call) -> bytes:
        if call.path.endswith("media/get"):
            return self.chance.choice(FILES)
        if not call.path.endswith("message/custom/send"):
            return await super().answer(call)
        return self.chance.choice(ANSWERS)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a session."""

    actor: Actor
    token: str


class Server:
    """A web process that can be restarted: the database stays, everything else is new."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running = AsyncExitStack()
        self.address = ""

    async def start(self) -> None:
        self.address = await self._running.enter_async_context(served(create_app(self._settings), lifespan=True))

    async def stop(self) -> None:
        await self._running.aclose()


@dataclass
class Town:
    """The company, its people, its customers and what may happen among them."""

    desk: Desk
    seed: int
    chance: random.Random
    clock_file: Path
    other_group: GroupId
    people: Sequence[Person]
    watching: Sequence[Person]
    """One of each who may see different things."""
    customers: Sequence[str]
    steady: Server
    restarted: Server
    done: list[str] = field(default_factory=list[str])
    """What happened, for who has to find out why a page differs."""

    async def live(self, *, acts: int) -> None:
        """Let that many things happen, some of them two at once."""
        for _ in range(acts):
            at_once = self.chance.choice([1, 1, 2])
            await asyncio.gather(*(self._tolerated(self.chance.choice(self._acts())) for _ in range(at_once)))

    def _acts(self) -> Sequence[Callable[[], Awaitable[object]]]:
        often = [self.customer_writes, self.agent_replies]
        usual = [self.customer_sends_a_picture, self.event_happens, self.agent_ends, self.somebody_takes]
        seldom = [
            self.is_read,
            self.decides_about_a_message,
            self.writes_after,
            self.presence_changes,
            self.channel_changes,
            self.settings_change,
            self.goes_to_another_group,
        ]
        return [*often * 5, *usual * 2, *seldom]

    async def _tolerated(self, act: Callable[[], Awaitable[object]]) -> None:
        name = act.__name__
        try:
            await act()
        except DomainError as refused:
            name += f" ({type(refused).__name__})"
        self.done.append(name)

    # ------------------------------------------------------------ customers

    async def customer_writes(self) -> None:
        body = self.desk.said(f"line {len(self.done)}", by=self.chance.choice(self.customers))
        await asyncio.gather(*(self.desk.push(body) for _ in range(self.chance.choice([1, 1, 2]))))

    async def customer_sends_a_picture(self) -> None:
        customer, number = self.chance.choice(self.customers), f"M{len(self.done)}"
        await self.desk.push(self.desk.sent("image", by=customer, PicUrl="http://127.0.0.1:9/p", MediaId=number))

    async def event_happens(self) -> None:
        event = self.chance.choice(["subscribe", "unsubscribe", "CLICK", "VIEW"])
        await self.desk.push(self.desk.happened(event, by=self.chance.choice(self.customers), EventKey="k"))

    # ------------------------------------------------------------ staff

    async def agent_replies(self) -> None:
        actor = self._somebody().actor
        if card := await self._one_of(actor, own=True):
            await self.desk.replies(actor, ConversationId(card.conversation.id), f"answer {len(self.done)}")

    async def agent_ends(self) -> None:
        actor = self._somebody().actor
        if card := await self._one_of(actor):
            await self.desk.ends(actor, ConversationId(card.conversation.id))

    async def somebody_takes(self) -> None:
        actor = self._somebody().actor
        if card := await self._one_of(actor):
            await self.desk.takes(actor, ConversationId(card.conversation.id))

    async def writes_after(self) -> None:
        actor = self._somebody().actor
        cards = await self.desk.cards(actor, state="closed")
        if cards:
            card = self.chance.choice(cards)
            await self.desk.replies(actor, ConversationId(card.conversation.id), f"after {len(self.done)}")

    async def is_read(self) -> None:
        actor = self._somebody().actor
        if card := await self._one_of(actor, own=True):
            seq = self.chance.randrange(1, 30)

            async def mark(tx: Tx) -> None:
                await mark_read(
                    tx,
                    actor=actor,
                    conversation_id=ConversationId(card.conversation.id),
                    seq=seq,
                    connectors=self.desk.connectors,
                )

            await self.desk.database.run(self.desk.workspace_id, mark)

    async def decides_about_a_message(self) -> None:
        query = "SELECT id FROM messages WHERE delivery_state IN ('failed', 'unconfirmed') ORDER BY id DESC LIMIT 1"
        found = await self.desk.value(query)
        if found is None:
            return
        decide = self.chance.choice([agent_resends, agent_resends, agent_leaves_message])
        actor = self._somebody().actor

        async def decided(tx: Tx) -> None:
            message_id = MessageId(found)  # pyright: ignore[reportArgumentType] -- an id, as the query says
            await decide(tx, actor=actor, message_id=message_id, connectors=self.desk.connectors)

        await self.desk.database.run(self.desk.workspace_id, decided)

    async def presence_changes(self) -> None:
        agent_id = self._somebody().actor.agent_id
        how = self.chance.choice(["seen", "seen", "gone", "busy", "online", "leaves"])

        async def change(tx: Tx) -> None:
            match how:
                case "seen":
                    await agent_seen(tx, agent_id=agent_id)
                case "gone":
                    await agent_gone(tx, agent_id=agent_id)
                case "leaves":
                    tx.publish(HandedOver(agent_id=agent_id, at=tx.now))
                case _:
                    await set_status(tx, agent_id=agent_id, status="busy" if how == "busy" else "online")

        await self.desk.database.run(self.desk.workspace_id, change)

    async def goes_to_another_group(self) -> None:
        """Put somebody who waits into the other group's queue, or back."""
        query = "SELECT thread_id FROM conversations WHERE owner_kind = 'queue' ORDER BY random() LIMIT 1"
        thread_id = await self.desk.value(query)
        if thread_id is None:
            return
        group_id = self.chance.choice([self.other_group, self.desk.group_id])

        async def move(tx: Tx) -> None:
            locked = await lock_known_thread(tx, thread_id=thread_id)  # pyright: ignore[reportArgumentType] -- an id
            opened = await open_thread(tx, locked=locked, connectors=self.desk.connectors)
            if opened.conversation is not None and opened.conversation.owner_kind == "queue":
                give_to_queue(opened, group_id=group_id, reason="nobody_free")
                await save(tx, opened=opened)

        await self.desk.database.run(self.desk.workspace_id, move)

    # ------------------------------------------------------------ the account

    async def channel_changes(self, how: str | None = None) -> None:
        channel_id = self.desk.channel.id
        told = how or self.chance.choice(["deauthorized", "docked", "docked", "failing", "restricted", "active"])

        async def change(tx: Tx) -> None:
            match told:
                case "deauthorized":
                    await mark_deauthorized(tx, channel_id=channel_id, reason="token_refused")
                case "docked":
                    await mark_docked(tx, channel_id=channel_id, limits=())
                case "failing":
                    await mark_failing(tx, channel_id=channel_id, reason="token_refused")
                case "restricted":
                    await mark_restricted(tx, channel_id=channel_id, reason="not_authorized")
                case _:
                    await mark_active(tx, channel_id=channel_id)

        await self.desk.database.run(self.desk.workspace_id, change)

    async def settings_change(self) -> None:
        chief = self.people[-1].actor
        name = self.chance.choice([None, "Harbour", "Harbour Tea House"])
        verified = self.chance.choice([None, None, True, False])
        hours = self.chance.choice([0, 24])
        manifest = self.desk.connectors[self.desk.channel.kind].manifest

        async def change(tx: Tx) -> None:
            now = await read_channel(tx, channel_id=self.desk.channel.id)
            if verified is not None:
                await state_account(
                    tx,
                    channel_id=now.id,
                    manifest=manifest,
                    stated={"verified": verified},
                    by=chief.person_id,
                    remote_address="127.0.0.1",
                )
            await change_channel(
                tx,
                channel_id=now.id,
                manifest=manifest,
                version=(await read_channel(tx, channel_id=now.id)).version,
                name=name,
                settings=ChannelSettings(after_session_hours=hours),
                by=chief.person_id,
                remote_address="127.0.0.1",
            )

        await self.desk.database.run(self.desk.workspace_id, change)

    def move_clock(self, seconds: float) -> None:
        """Let it be so much later than it is, for every process."""
        self.clock_file.write_text(str(seconds))

    async def until_everybody_is_away(self) -> None:
        """Return when the worker has found that nobody has been there for minutes."""
        async with asyncio.timeout(QUIET_WITHIN_S):
            while await self.desk.value("SELECT count(*) FROM agents WHERE NOT away") != 0:
                await asyncio.sleep(0.05)

    async def everybody_is_seen(self) -> None:
        """Bring every agent back to their workbench."""
        for person in self.people:
            async with self.desk.database.in_workspace(self.desk.workspace_id) as tx:
                await agent_seen(tx, agent_id=person.actor.agent_id)

    # ------------------------------------------------------------ what is to be known of it

    def _somebody(self) -> Person:
        return self.chance.choice(self.people)

    async def _one_of(self, actor: Actor, *, own: bool = False) -> Card | None:
        cards = await self.desk.cards(actor, scope="mine" if own else "all")
        return self.chance.choice(cards) if cards else None

    async def until_quiet(self) -> None:
        """Return when nothing waits to be taken in, sent or run."""
        async with asyncio.timeout(QUIET_WITHIN_S):
            while await self.desk.value(_BUSY) != 0:
                await asyncio.sleep(0.02)

    async def position(self) -> int:
        """Return how far the log is."""
        return int(str(await self.desk.value("SELECT seq FROM event_counters")))


_BUSY = """
  SELECT (SELECT count(*) FROM pushes WHERE taken_in_at IS NULL)
       + (SELECT count(*) FROM deliveries WHERE state = 'sending' OR (state = 'queued' AND not_before <= now()))
       + (SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND scheduled_at IS NULL)
"""


@asynccontextmanager
async def a_town(database: Database, *, folder: Path, seed: int) -> AsyncGenerator[Town]:
    """Yield a company with two web processes and a worker, in a database where nobody else is."""
    chance = random.Random(seed)
    clock_file = folder / "clock"
    clock_file.write_text("0")
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(running_provider(Provider(chance=random.Random(seed + 1)).answer))
        base = await stack.enter_async_context(a_desk(database, provider_url=provider.url))
        settings = Settings(
            database_url=SecretStr(str(database.pool.conninfo)),
            secret_keys=SecretStr(SECRET_KEY),
            data_dir=folder,
            wechat_api_url=provider.url,
            clock_file=clock_file,
            pool_size=6,
        )
        parts = await stack.enter_async_context(open_container(settings))
        desk = replace(base, database=parts.database, connectors=parts.connectors)
        async with parts.database.in_workspace(desk.workspace_id) as tx:
            other_group = await a_group(tx, name="Returns")
        servers = [Server(settings), Server(settings)]
        people = await _people(desk, other_group, chief="supervisor" if seed % 2 else "admin")
        for server in servers:
            await server.start()
            stack.push_async_callback(server.stop)
        await stack.enter_async_context(_working(parts))
        yield Town(
            desk=desk,
            seed=seed,
            chance=chance,
            clock_file=clock_file,
            other_group=other_group,
            people=people,
            watching=[person for person in people if person.actor.name in WATCHING],
            customers=[an_openid() for _ in range(CUSTOMERS)],
            steady=servers[0],
            restarted=servers[1],
        )


@asynccontextmanager
async def _working(parts: Container) -> AsyncGenerator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as loops:
        loops.create_task(work(parts, stop=stop))
        try:
            yield
        finally:
            stop.set()


async def _people(desk: Desk, other_group: GroupId, *, chief: Role) -> Sequence[Person]:
    """Return two agents of the group that serves, one of another group, and who may see everything."""
    roles: Sequence[tuple[str, Role, Sequence[GroupId]]] = (
        ("Anna", "agent", [desk.group_id]),
        ("Ben", "agent", [desk.group_id]),
        ("Cora", "agent", [other_group]),
        ("Sun", chief, []),
    )
    people: list[Person] = []
    for name, role, groups in roles:
        actor = await desk.an_agent(name=name, role=role, group_ids=groups, most_conversations=2)
        async with desk.database.in_workspace(desk.workspace_id) as tx:
            session = await begin_session(
                tx, person_id=actor.person_id, agent_id=actor.agent_id, remote_address="127.0.0.1", user_agent="test"
            )
        people.append(Person(actor, session.token))
    return people
