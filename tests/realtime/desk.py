"""People with sessions, facts in the log, and sockets that speak JSON."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from moorage.core.ids import AgentId, GroupId, PersonId, WorkspaceId, new_id
from moorage.infra.database import Database, Fact
from moorage.staff.model import Role
from moorage.staff.operations import add_agent
from moorage.staff.queries import default_group
from moorage.staff.sessions import NewSession, begin_session


@dataclass(frozen=True, slots=True)
class Colleague:
    """An agent with a session."""

    workspace_id: WorkspaceId
    agent_id: AgentId
    person_id: PersonId
    group_id: GroupId
    session: NewSession


async def a_colleague(database: Database, *, workspace_id: WorkspaceId, role: Role = "agent") -> Colleague:
    """Return somebody who has just signed in. Their password is of no account here, so no time is spent on hashing."""
    person_id = PersonId(new_id())
    async with database.in_platform() as tx:
        await tx.execute(
            "INSERT INTO persons (id, email, name, password_hash, created_at) VALUES (%s, %s, 'Lin', 'none', %s)",
            [person_id, f"{person_id}@harbour.example", tx.now],
        )
    async with database.in_workspace(workspace_id) as tx:
        agent_id = await add_agent(tx, person_id=person_id, name="Lin", role=role)
        session = await begin_session(
            tx, person_id=person_id, agent_id=agent_id, remote_address="127.0.0.1", user_agent="test"
        )
        group_id = await default_group(tx)
    return Colleague(workspace_id, agent_id, person_id, group_id, session)


async def say(database: Database, workspace_id: WorkspaceId, *audience: str, text: str = "", count: int = 1) -> None:
    """Record `count` facts for `audience` in one transaction."""
    async with database.in_workspace(workspace_id) as tx:
        for n in range(count):
            tx.record(
                Fact(
                    topic="test.said", object_id=new_id(), version=1, audience=audience, payload={"n": n, "text": text}
                )
            )


class Socket:
    """A client's end of a socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def next(self) -> dict[str, object]:
        """Return the next frame."""
        return cast("dict[str, object]", json.loads(await self.connection.recv()))

    async def say(self, **frame: object) -> None:
        """Send a frame."""
        await self.connection.send(json.dumps(frame))

    async def facts_until(self, enough: Callable[[list[dict[str, object]]], bool]) -> list[dict[str, object]]:
        """Return the facts that come, until there are enough."""
        got: list[dict[str, object]] = []
        while not enough(got):
            frame = await self.next()
            if frame["type"] == "facts":
                got += cast("list[dict[str, object]]", frame["facts"])
        return got

    async def close_code(self) -> int | None:
        """Read whatever comes until the server closes, and return its code."""
        try:
            while True:
                await self.connection.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


@asynccontextmanager
async def a_socket(
    address: str, *, token: str | None, cursor: str | None = None, origin: str | None = None
) -> AsyncGenerator[Socket]:
    """Open a socket as a browser with this session would."""
    query = f"?cursor={cursor}" if cursor is not None else ""
    headers = {"Cookie": f"moorage_session={token}"} if token else {}
    async with connect(
        f"ws://{address}/api/socket{query}",
        additional_headers=headers,
        origin=Origin(origin) if origin else None,
        proxy=None,
        close_timeout=1,
        max_queue=2,
        max_size=None,
        compression=None,  # what is slow to read must not shrink
    ) as connection:
        yield Socket(connection)
