"""Promises of the agents' socket: nothing missed, nothing foreign, nothing for who has left."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import cast

import psycopg
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI, WebSocket
from starlette.types import Message
from starlette.websockets import WebSocketState

from moorage.core.ids import WorkspaceId, new_id
from moorage.infra.database import Database, Tx
from moorage.realtime.hub import Hub
from moorage.realtime.model import CloseCode
from moorage.realtime.routes import router
from moorage.realtime.socket import AgentSocket
from moorage.staff.guard import StaffDoor
from moorage.staff.model import Role
from moorage.staff.operations import create_workspace
from moorage.staff.passwords import Passwords
from moorage.staff.queries import read_agent
from moorage.staff.sessions import LiveSession, find_session
from moorage.staff.sign_in import sign_out
from moorage.staff.views import agent_changed
from tests.conftest import MovableClock
from tests.postgres import Server
from tests.realtime.desk import Colleague, a_colleague, a_socket, say
from tests.serving import served


class Recorder:
    """The server's end of a socket whose client says nothing."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.websocket = WebSocket({"type": "websocket"}, receive=self.receive, send=self.send)
        self.websocket.client_state = self.websocket.application_state = WebSocketState.CONNECTED

    async def receive(self) -> Message:
        return await asyncio.get_running_loop().create_future()

    async def send(self, message: Message) -> None:
        self.sent.append(message)


@pytest.fixture
def most_waiting() -> int:
    return 1000


@pytest.fixture
async def hub(database: Database, database_url: str, most_waiting: int) -> AsyncIterator[Hub]:
    hub = Hub(database=database, url=database_url, most_waiting=most_waiting)
    running = asyncio.create_task(hub.run())
    yield hub
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def address(database: Database, hub: Hub) -> AsyncIterator[str]:
    app = FastAPI()
    passwords = Passwords(hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    app.state.staff_door = StaffDoor(database=database, passwords=passwords, public_url="http://desk.example")
    app.state.hub = hub
    app.include_router(router, prefix="/api")
    async with asyncio.timeout(30), served(app) as address:
        yield address


@pytest.fixture
async def desk(database: Database) -> WorkspaceId:
    return await create_workspace(database, name="Harbour Tea")


@pytest.fixture
async def lin(database: Database, desk: WorkspaceId) -> Colleague:
    return await a_colleague(database, workspace_id=desk)


def texts(facts: list[dict[str, object]]) -> list[str]:
    return [str(cast("dict[str, object]", fact["payload"])["text"]) for fact in facts]


async def cursor_now(address: str, colleague: Colleague) -> str:
    async with a_socket(address, token=colleague.session.token) as socket:
        return str((await socket.next())["cursor"])


async def signed_out(database: Database, live: LiveSession, *, remote_address: str) -> None:
    async def leave(tx: Tx) -> None:
        await sign_out(tx, live=live, remote_address=remote_address)

    await database.run(live.actor.workspace_id, leave)


async def test_new_socket_is_told_the_cursor_and_then_every_fact(
    database: Database, address: str, lin: Colleague
) -> None:
    async with a_socket(address, token=lin.session.token) as socket:
        hello = await socket.next()
        await say(database, lin.workspace_id, "all", text="one")
        await say(database, lin.workspace_id, "all", text="two")
        got = await socket.facts_until(lambda facts: len(facts) == 2)
    assert hello["type"] == "hello"
    assert texts(got) == ["one", "two"]
    assert [fact["seq"] for fact in got] == [int(str(hello["cursor"]).rpartition(":")[2]) + n for n in (1, 2)]


async def test_fact_arrives_by_notification_long_before_the_safety_poll(
    database: Database, address: str, lin: Colleague
) -> None:
    loop = asyncio.get_running_loop()
    async with a_socket(address, token=lin.session.token) as socket:
        await socket.next()
        took: list[float] = []
        for _ in range(5):
            began = loop.time()
            await say(database, lin.workspace_id, "all")
            await socket.next()
            took.append(loop.time() - began)
    assert min(took) < 0.25


async def test_returning_socket_gets_exactly_what_it_missed(database: Database, address: str, lin: Colleague) -> None:
    cursor = await cursor_now(address, lin)
    await say(database, lin.workspace_id, "all", text="missed", count=1203)
    async with a_socket(address, token=lin.session.token, cursor=cursor) as socket:
        assert (await socket.next()) == {"type": "hello", "cursor": cursor}
        await say(database, lin.workspace_id, "all", text="new")
        got = await socket.facts_until(lambda facts: len(facts) == 1204)
    first = int(cursor.rpartition(":")[2]) + 1
    assert [fact["seq"] for fact in got] == list(range(first, first + 1204))
    assert texts(got)[-1] == "new"


async def test_facts_written_while_sockets_join_reach_each_of_them_once(
    database: Database, address: str, lin: Colleague
) -> None:
    cursor = await cursor_now(address, lin)
    first = int(cursor.rpartition(":")[2]) + 1

    async def follow() -> list[object]:
        async with a_socket(address, token=lin.session.token, cursor=cursor) as socket:
            return [fact["seq"] for fact in await socket.facts_until(lambda facts: len(facts) >= 60)]

    async with asyncio.TaskGroup() as tasks:
        following = [tasks.create_task(follow()) for _ in range(8)]
        for _ in range(60):
            await say(database, lin.workspace_id, "all")
    assert [task.result() for task in following] == [list(range(first, first + 60))] * 8


@pytest.mark.parametrize(
    ("role", "expected"),
    [("agent", ["all", "mine", "group"]), ("supervisor", ["all", "mine", "group", "supervisors"])],
)
async def test_facts_reach_only_those_they_are_for(
    database: Database, address: str, desk: WorkspaceId, role: Role, expected: list[str]
) -> None:
    lin = await a_colleague(database, workspace_id=desk, role=role)
    async with a_socket(address, token=lin.session.token) as socket:
        await socket.next()
        await say(database, desk, f"agent:{new_id()}", text="another's")
        await say(database, desk, "all", text="all")
        await say(database, desk, f"agent:{lin.agent_id}", "role:supervisor", text="mine")
        await say(database, desk, "role:supervisor", text="supervisors")
        await say(database, desk, f"group:{new_id()}", text="another group's")
        await say(database, desk, f"group:{lin.group_id}", text="group")
        got = await socket.facts_until(lambda facts: len(facts) == len(expected))
    assert sorted(texts(got)) == sorted(expected)


async def test_other_workspaces_facts_never_arrive(database: Database, address: str, lin: Colleague) -> None:
    other = await create_workspace(database, name="Other Tea")
    stranger = await a_colleague(database, workspace_id=other)
    async with (
        a_socket(address, token=stranger.session.token) as theirs,
        a_socket(address, token=lin.session.token) as ours,
    ):
        await theirs.next()
        await ours.next()
        await say(database, other, "all", text="theirs")
        await say(database, lin.workspace_id, "all", text="ours")
        assert texts(await ours.facts_until(bool)) == ["ours"]


async def test_cursor_moves_over_facts_that_are_not_for_the_reader(
    database: Database, address: str, lin: Colleague
) -> None:
    async with a_socket(address, token=lin.session.token) as socket:
        start = str((await socket.next())["cursor"])
        await say(database, lin.workspace_id, "role:supervisor", count=3)
        await say(database, lin.workspace_id, "all")
        frame = await socket.next()
        assert str(frame["cursor"]).rpartition(":")[2] == str(int(start.rpartition(":")[2]) + 4)


@pytest.mark.parametrize(
    ("cursor", "reason"),
    [
        ("00000000-0000-4000-8000-000000000000:0", "unknown_epoch"),
        ("nonsense", "unknown_epoch"),
        ("{epoch}:99999", "unknown_position"),
    ],
)
async def test_cursor_of_another_log_ends_in_resync(address: str, lin: Colleague, cursor: str, reason: str) -> None:
    now = await cursor_now(address, lin)
    epoch = now.partition(":")[0]
    async with a_socket(address, token=lin.session.token, cursor=cursor.format(epoch=epoch)) as socket:
        assert (await socket.next()) == {"type": "resync", "cursor": now, "reason": reason}


async def test_cursor_older_than_what_is_kept_ends_in_resync(
    database: Database, address: str, postgres: Server, database_name: str, lin: Colleague
) -> None:
    cursor = await cursor_now(address, lin)
    await say(database, lin.workspace_id, "all", count=3)
    await forget_facts(postgres.url(database=database_name, login="postgres"), lin.workspace_id)
    async with a_socket(address, token=lin.session.token, cursor=cursor) as socket:
        frames = [await socket.next(), await socket.next()]
        assert [frame["type"] for frame in frames] == ["hello", "resync"]
        assert frames[1]["reason"] == "too_old"
        await say(database, lin.workspace_id, "all", text="next")
        assert texts(await socket.facts_until(bool)) == ["next"]


async def forget_facts(admin_url: str, workspace_id: WorkspaceId) -> None:
    async with await psycopg.AsyncConnection.connect(admin_url) as connection:
        deleted = await connection.execute("DELETE FROM event_log WHERE workspace_id = %s", [workspace_id])
        assert deleted.rowcount > 0


async def test_restored_log_makes_every_open_socket_read_again(
    database: Database, address: str, lin: Colleague
) -> None:
    async with a_socket(address, token=lin.session.token) as socket:
        await socket.next()
        epoch = new_id()
        async with database.in_workspace(lin.workspace_id) as tx:
            await tx.execute("UPDATE event_counters SET epoch = %s WHERE workspace_id = %s", [epoch, lin.workspace_id])
        frame = await socket.next()
        assert frame["type"] == "resync"
        assert str(frame["cursor"]).startswith(str(epoch))


async def test_ping_is_answered(address: str, lin: Colleague) -> None:
    async with a_socket(address, token=lin.session.token) as socket:
        await socket.next()
        await socket.say(type="ping")
        assert (await socket.next()) == {"type": "pong"}


async def agent_is_connected(database: Database, colleague: Colleague) -> bool:
    async with database.in_workspace(colleague.workspace_id) as tx:
        return (await read_agent(tx, agent_id=colleague.agent_id)).connected


async def test_agent_is_connected_only_while_the_workbench_is_open(
    database: Database, address: str, lin: Colleague
) -> None:
    async with a_socket(address, token=lin.session.token) as socket:
        await socket.next()
        await socket.say(type="ping")
        await socket.next()
        assert not await agent_is_connected(database, lin)
        await socket.say(type="presence", workbench=True)
        await socket.facts_until(bool)
        assert await agent_is_connected(database, lin)
        await socket.say(type="presence", workbench=False)
        await socket.facts_until(bool)
        assert not await agent_is_connected(database, lin)


async def test_second_workbench_keeps_the_agent_connected(database: Database, address: str, lin: Colleague) -> None:
    async with a_socket(address, token=lin.session.token) as one, a_socket(address, token=lin.session.token) as two:
        for socket in (one, two):
            await socket.next()
            await socket.say(type="presence", workbench=True)
            await socket.say(type="ping")
            while (await socket.next())["type"] != "pong":
                pass
        await one.say(type="presence", workbench=False)
        await one.say(type="ping")
        while (await one.next())["type"] != "pong":
            pass
        assert await agent_is_connected(database, lin)


async def test_lost_socket_leaves_the_agent_connected_for_the_grace_time(
    database: Database, address: str, lin: Colleague, clock: MovableClock
) -> None:
    async with a_socket(address, token=lin.session.token) as socket:
        await socket.next()
        await socket.say(type="presence", workbench=True)
        await socket.facts_until(bool)
    assert await agent_is_connected(database, lin)
    clock.forward(timedelta(seconds=46))
    assert not await agent_is_connected(database, lin)


async def test_stranger_and_foreign_page_are_turned_away_with_their_codes(address: str, lin: Colleague) -> None:
    async with a_socket(address, token=None) as socket:
        assert await socket.close_code() == 4401
    async with a_socket(address, token="made up") as socket:
        assert await socket.close_code() == 4401
    async with a_socket(address, token=lin.session.token, origin="http://elsewhere.example") as socket:
        assert await socket.close_code() == 4403
    async with a_socket(address, token=lin.session.token, origin="http://desk.example") as socket:
        assert (await socket.next())["type"] == "hello"


async def test_signing_out_closes_the_sessions_sockets_and_no_others(
    database: Database, address: str, lin: Colleague
) -> None:
    colleague = await a_colleague(database, workspace_id=lin.workspace_id)
    live = await find_session(database, token=lin.session.token)
    assert live is not None
    async with (
        a_socket(address, token=lin.session.token) as socket,
        a_socket(address, token=colleague.session.token) as other,
    ):
        await socket.next()
        await other.next()
        await signed_out(database, live, remote_address="127.0.0.1")
        assert await socket.close_code() == 4401
        await say(database, lin.workspace_id, "all", text="still here")
        got = await other.facts_until(lambda facts: "test.said" in [fact["topic"] for fact in facts])
        assert got


async def test_session_that_ended_while_the_socket_joined_is_sent_nothing(
    database: Database, address: str, hub: Hub, lin: Colleague
) -> None:
    live = await find_session(database, token=lin.session.token)
    assert live is not None
    await signed_out(database, live, remote_address="127.0.0.1")
    async with hub.joined(actor=live.actor, session_id=live.session_id, cursor=None) as joined:
        recorder = Recorder()
        await AgentSocket(websocket=recorder.websocket, hub=hub, database=database, joined=joined).serve()
    assert recorder.sent == [{"type": "websocket.close", "code": 4401, "reason": ""}]


async def test_hub_that_stops_sends_its_sockets_away_with_their_cursors(
    database: Database, database_url: str, lin: Colleague
) -> None:
    live = await find_session(database, token=lin.session.token)
    assert live is not None
    hub = Hub(database=database, url=database_url)
    running = asyncio.create_task(hub.run())
    async with hub.joined(actor=live.actor, session_id=live.session_id, cursor=None) as joined:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert joined.member.outbox.closing is CloseCode.COME_AGAIN


async def test_expired_session_is_closed_at_the_next_heartbeat(
    address: str, lin: Colleague, clock: MovableClock
) -> None:
    async with a_socket(address, token=lin.session.token) as socket:
        await socket.next()
        clock.forward(timedelta(hours=13))
        await socket.say(type="ping")
        assert await socket.close_code() == 4401


async def test_changed_role_ends_in_resync_and_a_new_connection(
    database: Database, address: str, lin: Colleague
) -> None:
    async with a_socket(address, token=lin.session.token) as socket:
        await socket.next()
        async with database.in_workspace(lin.workspace_id) as tx:
            await tx.execute(
                "UPDATE agents SET role = 'supervisor', version = version + 1 WHERE workspace_id = %s AND id = %s",
                [lin.workspace_id, lin.agent_id],
            )
            tx.record(agent_changed(await read_agent(tx, agent_id=lin.agent_id)))
        frame = await socket.next()
        assert (frame["type"], frame["reason"]) == ("resync", "rights_changed")
        assert await socket.close_code() == 1012


@pytest.mark.parametrize(
    "frame", ["{", '{"type":"dance"}', '{"type":"presence"}', "[1]", '"' + "x" * 2000 + '"', b"ping"]
)
async def test_frame_that_nobody_understands_closes_the_socket(
    address: str, lin: Colleague, frame: str | bytes
) -> None:
    async with a_socket(address, token=lin.session.token) as socket:
        await socket.next()
        await socket.connection.send(frame)
        assert await socket.close_code() == 1008


@pytest.mark.parametrize("most_waiting", [20])
async def test_slow_client_is_dropped_and_can_catch_up(database: Database, address: str, lin: Colleague) -> None:
    colleague = await a_colleague(database, workspace_id=lin.workspace_id)
    cursor = await cursor_now(address, lin)
    async with (
        a_socket(address, token=lin.session.token) as slow,
        a_socket(address, token=colleague.session.token) as quick,
    ):
        await slow.next()
        await quick.next()
        for _ in range(20):
            await say(database, lin.workspace_id, "all", text="x" * 100_000, count=10)
            await quick.facts_until(lambda facts: len(facts) == 10)
        assert await slow.close_code() == 4408
    async with a_socket(address, token=lin.session.token, cursor=cursor) as socket:
        assert len(await socket.facts_until(lambda facts: len(facts) >= 200)) == 200


async def test_socket_that_left_is_forgotten(address: str, hub: Hub, lin: Colleague) -> None:
    async with a_socket(address, token=lin.session.token) as socket:
        await socket.next()
        assert hub.sockets == 1
    async with asyncio.timeout(5):
        while hub.sockets:
            await asyncio.sleep(0.01)
