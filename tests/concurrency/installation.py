"""An installation of several processes in one: each with a pool, a clock and connections of its own."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import LiteralString, Protocol

from pydantic import SecretStr

from moorage.entry.container import Container, open_container
from moorage.entry.worker import work
from moorage.infra.database import Database
from moorage.infra.settings import Settings
from tests.connectors.provider import running_provider
from tests.conversations.delivery.chats import Wechat
from tests.conversations.desk import Desk, a_desk
from tests.entry.web import SECRET_KEY

QUIET_WITHIN_S = 60.0


@dataclass
class Installation:
    """A company as each of the web processes serves it, and the provider that all processes share."""

    url: str
    folder: Path
    wechat: Wechat
    provider_url: str
    webs: list[Desk] = field(default_factory=list[Desk])

    @property
    def desk(self) -> Desk:
        """Return the company as the first web process serves it."""
        return self.webs[0]

    def settings(self) -> Settings:
        """Return what each process is started with."""
        return Settings(
            database_url=SecretStr(self.url),
            secret_keys=SecretStr(SECRET_KEY),
            data_dir=self.folder,
            wechat_api_url=self.provider_url,
            pool_size=6,
        )

    @asynccontextmanager
    async def working(self, *, workers: int = 2) -> AsyncGenerator[None]:
        """Run that many workers while the block runs."""
        stop = asyncio.Event()
        async with AsyncExitStack() as stack:
            opened = [await stack.enter_async_context(open_container(self.settings())) for _ in range(workers)]
            async with asyncio.TaskGroup() as loops:
                for parts in opened:
                    loops.create_task(work(parts, stop=stop))
                try:
                    yield
                finally:
                    stop.set()

    async def deadlocks(self) -> int:
        """Return how many deadlocks PostgreSQL has ended in this database."""
        count = await self.desk.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        assert isinstance(count, int)
        return count

    async def until_quiet(self) -> None:
        """Return when nothing waits to be taken in, sent or run."""
        async with asyncio.timeout(QUIET_WITHIN_S):
            for query in (
                "SELECT count(*) FROM pushes WHERE taken_in_at IS NULL",
                "SELECT count(*) FROM deliveries WHERE state IN ('queued', 'sending')",
                "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND scheduled_at IS NULL",
            ):
                while await self.desk.value(query) != 0:
                    await asyncio.sleep(0.05)


@asynccontextmanager
async def an_installation(
    database: Database, *, folder: Path, webs: int = 2, url: str | None = None
) -> AsyncGenerator[Installation]:
    """Yield a new company, docked at a provider of the test's, in a database where nobody else is."""
    wechat = Wechat()
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(running_provider(wechat.answer))
        base = await stack.enter_async_context(a_desk(database, provider_url=provider.url))
        made = Installation(
            url=url or str(database.pool.conninfo), folder=folder, wechat=wechat, provider_url=provider.url
        )
        for _ in range(webs):
            parts = await stack.enter_async_context(open_container(made.settings()))
            made.webs.append(served_by(base, parts))
        yield made


def served_by(desk: Desk, parts: Container) -> Desk:
    """Return the company as this process serves it."""
    return replace(desk, database=parts.database, connectors=parts.connectors)


# ---------------------------------------------------------------- what must hold whatever happened


class Asks(Protocol):
    """Whoever can ask the database of a company that is alone in it."""

    async def value(self, query: LiteralString) -> object:
        """Return the one value that `query` asks for."""
        ...


async def every_invariant_holds(company: Asks) -> None:
    """Assert what no storm may break: seats, owners, order, budgets and the log."""
    for name, query in _BROKEN.items():
        assert await company.value(query) == 0, name


_BROKEN: Mapping[str, LiteralString] = {
    "seats are not what agents have": """
        SELECT count(*) FROM agents a WHERE open_conversations <>
          (SELECT count(*) FROM conversations c WHERE c.state = 'open' AND c.owner_agent_id = a.id)""",
    "a thread has two open conversations": """
        SELECT count(*) FROM (
          SELECT 1 FROM conversations WHERE state = 'open' GROUP BY thread_id HAVING count(*) > 1) AS twice""",
    "an open conversation has no owner, or another one than its history says": """
        SELECT count(*) FROM conversations c
        LEFT JOIN assignments s ON s.conversation_id = c.id AND s.ended_at IS NULL
        WHERE CASE c.state WHEN 'open' THEN s.owner_kind IS DISTINCT FROM c.owner_kind
                                         OR s.agent_id IS DISTINCT FROM c.owner_agent_id
                           ELSE s.id IS NOT NULL END""",
    "a thread's messages have a gap": """
        SELECT count(*) FROM threads t WHERE seq <> (SELECT count(*) FROM messages m WHERE m.thread_id = t.id)
          OR seq <> (SELECT coalesce(max(m.seq), 0) FROM messages m WHERE m.thread_id = t.id)""",
    "the event log has a gap": """
        SELECT count(*) FROM event_counters n WHERE n.seq <>
          (SELECT count(*) FROM event_log e) OR n.seq <> (SELECT coalesce(max(e.seq), 0) FROM event_log e)""",
    "a budget was overdrawn": "SELECT count(*) FROM budgets WHERE used > most OR used < 0",
    "a customer has two threads": """
        SELECT count(*) FROM (
          SELECT 1 FROM threads GROUP BY channel_id, external_customer_id HAVING count(*) > 1) AS twice""",
    "a customer waits though a seat is free": """
        SELECT count(*) FROM conversations c
        WHERE c.owner_kind = 'queue' AND c.state = 'open' AND EXISTS (
          SELECT FROM agents a JOIN skill_group_members m ON m.agent_id = a.id AND m.group_id = c.group_id
          WHERE a.status = 'online' AND a.connected_until > now() AND a.open_conversations < a.most_conversations)""",
}
