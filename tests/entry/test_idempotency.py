"""Promises of `Idempotency-Key`, over HTTP and with real rows."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from moorage.core.ids import PersonId, WorkspaceId, new_id
from moorage.entry.idempotency import Idempotency
from moorage.entry.request_log import RequestLog
from moorage.infra.database import Database, Fact
from tests.conftest import MovableClock
from tests.serving import served


class Desk:
    """A server with one command that tells how often it ran, and people to send it."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        person_id: PersonId,
        other_id: PersonId,
        change_something: Callable[[], Awaitable[None]],
    ) -> None:
        self.client = client
        self.change_something = change_something
        self.person_id = person_id
        self.other_id = other_id
        self.runs = 0
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def command(self, request: Request) -> Response:
        self.runs += 1
        body = await request.body()
        await self.go_on.wait()
        match body:
            case b"defect":
                raise RuntimeError("a defect")
            case b"visible":
                await self.change_something()
                return JSONResponse({"run": self.runs}, status_code=201)
            case b"later":
                return Response(status_code=429)
            case b"nothing":
                return Response(status_code=204)
            case b"wrong":
                return JSONResponse({"code": "x.wrong"}, status_code=409, media_type="application/problem+json")
            case _:
                return JSONResponse({"run": self.runs, "said": body.decode()}, status_code=201)

    async def send(
        self, body: str = "hello", *, key: str | None = "k1", path: str = "/command", person_id: PersonId | None = None
    ) -> httpx.Response:
        headers = {"X-Person": str(person_id or self.person_id)}
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self.client.post(path, content=body, headers=headers)


async def person_of(connection: HTTPConnection) -> PersonId | None:

    said = connection.headers.get("x-person")
    return PersonId(UUID(said)) if said and said != "nobody" else None


@pytest.fixture
async def desk(database: Database, workspace: WorkspaceId) -> AsyncGenerator[Desk]:
    people: list[PersonId] = []
    for _ in range(2):
        person_id = PersonId(new_id())
        async with database.in_platform() as tx:
            await tx.execute(
                "INSERT INTO persons (id, email, name, password_hash, created_at) VALUES (%s, %s, 'Lin', 'none', %s)",
                [person_id, f"{person_id}@harbour.example", tx.now],
            )
        people.append(person_id)

    async def command(request: Request) -> Response:
        return await desk.command(request)

    async def change_something() -> None:
        async with database.in_workspace(workspace) as tx:
            tx.record(Fact(topic="x.changed", object_id=new_id(), version=1, audience=("all",), payload={}))

    app = Starlette(
        routes=[Route(path, command, methods=["POST"]) for path in ("/command", "/other")],
        middleware=[
            Middleware(RequestLog),
            Middleware(Idempotency, database=lambda: database, whose=person_of),
        ],
    )
    async with (
        served(app) as address,
        httpx.AsyncClient(base_url=f"http://{address}", trust_env=False, timeout=20) as client,
    ):
        desk = Desk(client, people[0], people[1], change_something)
        yield desk


async def test_repeated_command_runs_once_and_gets_the_same_answer(desk: Desk) -> None:
    first, second = await desk.send(), await desk.send()
    assert desk.runs == 1
    assert (
        (first.status_code, first.json())
        == (second.status_code, second.json())
        == (
            201,
            {"run": 1, "said": "hello"},
        )
    )
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["content-type"] == "application/json"


async def test_without_a_key_every_command_runs(desk: Desk) -> None:
    await desk.send(key=None)
    await desk.send(key=None)
    assert desk.runs == 2


async def test_empty_answer_and_refusal_are_repeated_as_they_were(desk: Desk) -> None:
    nothing = [await desk.send("nothing", key="a") for _ in range(2)]
    wrong = [await desk.send("wrong", key="b") for _ in range(2)]
    assert [(answer.status_code, answer.content) for answer in nothing] == [(204, b"")] * 2
    assert [(answer.status_code, answer.json()["code"]) for answer in wrong] == [(409, "x.wrong")] * 2
    assert {answer.headers["content-type"] for answer in wrong} == {"application/problem+json"}
    assert desk.runs == 2


@pytest.mark.parametrize("changed", ["body", "path", "query"])
async def test_same_key_for_another_request_is_refused(desk: Desk, changed: str) -> None:
    await desk.send("hello")
    path = {"path": "/other", "query": "/command?more=1"}.get(changed, "/command")
    answer = await desk.send("other" if changed == "body" else "hello", path=path)
    assert (answer.status_code, answer.json()["code"]) == (409, "core.idempotency_conflict")
    assert desk.runs == 1


async def test_two_people_may_use_the_same_key(desk: Desk) -> None:
    await desk.send()
    await desk.send("another body", person_id=desk.other_id)
    assert desk.runs == 2


async def test_repetition_waits_for_the_first_and_gets_its_answer(desk: Desk) -> None:
    desk.go_on.clear()
    async with asyncio.TaskGroup() as tasks:
        answers = [tasks.create_task(desk.send()) for _ in range(6)]
        while not desk.runs:
            await asyncio.sleep(0.01)
        desk.go_on.set()
    assert desk.runs == 1
    assert {answer.result().text for answer in answers} == {'{"run":1,"said":"hello"}'}


async def test_answers_that_may_change_are_not_kept(desk: Desk) -> None:
    for body in ("defect", "later"):
        for _ in range(2):
            assert (await desk.send(body, key=body)).status_code >= 429
    assert desk.runs == 4


async def test_key_is_free_again_after_a_day(desk: Desk, clock: MovableClock) -> None:
    await desk.send()
    clock.forward(timedelta(hours=23))
    await desk.send()
    assert desk.runs == 1
    clock.forward(timedelta(hours=2))
    assert (await desk.send("something else")).status_code == 201
    assert desk.runs == 2


async def test_command_whose_answer_was_lost_with_its_process_is_not_done_again(
    desk: Desk, database: Database, clock: MovableClock
) -> None:
    await desk.send("visible")
    async with database.in_platform() as tx:
        await tx.execute(
            "UPDATE idempotency_keys SET status = NULL, body = NULL WHERE person_id = %s", [desk.person_id]
        )
    clock.forward(timedelta(seconds=61))
    answer = await desk.send("visible")
    assert (answer.status_code, answer.json()["code"]) == (409, "core.already_carried_out")
    assert desk.runs == 1


async def test_key_of_a_process_that_died_is_taken_over_when_its_lease_ends(
    desk: Desk, database: Database, clock: MovableClock
) -> None:
    await desk.send()
    async with database.in_platform() as tx:
        await tx.execute(
            "UPDATE idempotency_keys SET status = NULL, body = NULL WHERE person_id = %s", [desk.person_id]
        )
    clock.forward(timedelta(seconds=61))
    assert (await desk.send()).json()["run"] == 2


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\there"])
async def test_unusable_key_is_refused(desk: Desk, key: str) -> None:
    answer = await desk.send(key=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "core.malformed")
    assert desk.runs == 0


async def test_nobodys_keys_are_not_kept(desk: Desk) -> None:
    for _ in range(2):
        await desk.client.post("/command", headers={"Idempotency-Key": "k", "X-Person": "nobody"})
    assert desk.runs == 2
