"""The API of conversations as the console uses it, on the whole web process."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from moorage.core.ids import new_id
from moorage.infra.database import Database
from moorage.staff.model import Actor
from moorage.staff.sessions import begin_session
from tests.conversations.desk import Desk, an_openid
from tests.entry.web import web


@pytest.fixture(scope="module")
async def visitor(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who is not signed in."""
    async with web(database_url) as client:
        yield client


@dataclass(frozen=True, slots=True)
class Workbench:
    """An agent's browser, and the customer they have."""

    client: httpx.AsyncClient
    desk: Desk
    anna: Actor
    customer: str
    id: str
    thread_id: str

    async def post(self, path: str, json: object = None, *, key: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key or str(new_id())}
        return await self.client.post(f"/api/conversations/{self.id}/{path}", json=json, headers=headers)

    async def reply(self, text: str = "您好", *, key: str | None = None) -> httpx.Response:
        return await self.post("messages", {"content": {"type": "text", "text": text}}, key=key)


@pytest.fixture
async def workbench(visitor: httpx.AsyncClient, database: Database, desk: Desk) -> AsyncIterator[Workbench]:
    """Anna, with one customer who has written."""
    anna = await desk.an_agent()
    customer = an_openid()
    await desk.hears("你好", by=customer)
    conversation = await desk.conversation_of(customer)
    async with database.in_workspace(desk.workspace_id) as tx:
        session = await begin_session(
            tx, person_id=anna.person_id, agent_id=anna.agent_id, remote_address="127.0.0.1", user_agent="test"
        )
    async with httpx.AsyncClient(
        base_url=visitor.base_url,
        trust_env=False,
        timeout=20,
        cookies={"moorage_session": session.token},
        headers={"X-CSRF-Token": session.csrf_token},
    ) as client:
        yield Workbench(
            client=client,
            desk=desk,
            anna=anna,
            customer=customer,
            id=str(conversation.id),
            thread_id=str(conversation.thread_id),
        )


async def test_agent_lists_reads_replies_and_ends(workbench: Workbench) -> None:
    listed = (await workbench.client.get("/api/conversations", params={"scope": "mine"})).json()
    assert [item["id"] for item in listed["items"]] == [workbench.id]
    assert listed["items"][0]["last_message"]["preview"] == "你好"  # a greeting does not hide it
    epoch, _, seq = listed["event_cursor"].partition(":")
    assert epoch
    assert int(seq) > 0
    history = (await workbench.client.get(f"/api/threads/{workbench.thread_id}/messages")).json()
    assert [message["author"]["kind"] for message in history["items"]] == ["customer", "agent"]
    assert history["items"][1]["delivery"]["state"] == "answered"
    assert (await workbench.post("read", {"seq": 1})).status_code == 204
    replied = await workbench.reply("请问有什么需要？")
    assert replied.status_code == 201
    assert replied.json()["delivery"]["state"] == "queued"
    budget = (await workbench.client.get(f"/api/threads/{workbench.thread_id}/budget")).json()
    assert (budget["open"], budget["left"], budget["most"]) == (True, 19, 20)
    ended = await workbench.post("end")
    assert (ended.json()["state"], ended.json()["end_reason"]) == ("closed", "agent_ended")
    shown = (await workbench.client.get(f"/api/conversations/{workbench.id}")).json()
    assert {**shown, "event_cursor": None} == ended.json()


async def test_reply_that_is_sent_again_is_said_once(workbench: Workbench) -> None:
    first = await workbench.reply(key="a line of Anna's")
    again = await workbench.reply(key="a line of Anna's")
    assert first.json() == again.json()
    assert len(await workbench.desk.messages_of(workbench.customer)) == 3


async def test_reply_after_the_end_belongs_to_the_thread_alone(workbench: Workbench) -> None:
    ended = await workbench.post("end")
    assert (ended.json()["after_session"], ended.json()["budget"]["left"]) == (True, 20)
    said = (await workbench.reply("还有一件事")).json()
    assert (said["conversation_id"], said["after_session"], said["author"]["why"]) == (None, True, None)
    assert said["delivery"]["state"] == "queued"
    shown = (await workbench.client.get(f"/api/conversations/{workbench.id}")).json()
    assert (shown["state"], shown["budget"]["left"]) == ("closed", 19)


async def test_reply_to_the_conversation_before_is_a_conflict_with_its_code(workbench: Workbench) -> None:
    await workbench.post("end")
    await workbench.desk.hears("还在吗", by=workbench.customer)
    before = (await workbench.client.get(f"/api/conversations/{workbench.id}")).json()
    assert before["after_session"] is False
    refused = await workbench.reply()
    assert (refused.status_code, refused.json()["code"]) == (409, "conversations.newer_conversation")


async def test_reply_to_a_customer_who_left_is_a_conflict_with_its_code(workbench: Workbench) -> None:
    await workbench.desk.push(workbench.desk.happened("unsubscribe", by=workbench.customer))
    refused = await workbench.reply()
    assert (refused.status_code, refused.json()["code"]) == (409, "conversations.unfollowed")


async def test_text_that_is_too_long_is_malformed_and_says_how_long_it_may_be(workbench: Workbench) -> None:
    refused = await workbench.reply("一" * 1000)
    assert refused.status_code == 422
    assert refused.json()["details"] == {"bytes": 3000, "most_bytes": 2048}


async def test_what_does_not_exist_is_missing(workbench: Workbench) -> None:
    nothing = new_id()
    for path in (f"conversations/{nothing}", f"threads/{nothing}/messages", f"threads/{nothing}/budget"):
        assert (await workbench.client.get(f"/api/{path}")).status_code == 404


async def test_whoever_is_not_signed_in_sees_nothing(workbench: Workbench, visitor: httpx.AsyncClient) -> None:
    assert (await visitor.get(f"/api/conversations/{workbench.id}")).status_code == 401
    assert (await visitor.post(f"/api/conversations/{workbench.id}/end")).status_code == 401


async def test_command_without_the_sessions_token_is_refused(workbench: Workbench) -> None:
    workbench.client.headers.pop("X-CSRF-Token")
    assert (await workbench.reply()).status_code == 403
    assert len(await workbench.desk.messages_of(workbench.customer)) == 2


async def an_unconfirmed_reply(workbench: Workbench) -> str:
    """Return the id of a reply whose sender never told what became of it."""
    reply = (await workbench.reply("一")).json()
    async with workbench.desk.database.in_workspace(workbench.desk.workspace_id) as tx:
        await tx.execute(
            "UPDATE deliveries SET state = 'unconfirmed', attempts = 1 WHERE message_id = %s", [reply["id"]]
        )
        await tx.execute(
            "UPDATE messages SET delivery_state = 'unconfirmed', delivery_reason = 'no_answer' WHERE id = %s",
            [reply["id"]],
        )
    return str(reply["id"])


async def decide(workbench: Workbench, path: str, *, key: str | None = None) -> httpx.Response:
    return await workbench.client.post(f"/api/messages/{path}", headers={"Idempotency-Key": key or str(new_id())})


async def test_message_is_sent_again_once_however_often_the_browser_asks(workbench: Workbench) -> None:
    message_id = await an_unconfirmed_reply(workbench)
    listed = (await workbench.client.get(f"/api/threads/{workbench.thread_id}/messages")).json()["items"][-1]
    assert listed["delivery"]["may_resend"] is True
    first = await decide(workbench, f"{message_id}/resend", key="once more")
    again = await decide(workbench, f"{message_id}/resend", key="once more")
    assert (first.status_code, first.json()) == (202, again.json())
    delivery = first.json()["delivery"]
    assert (delivery["state"], delivery["reason"], delivery["may_resend"]) == ("queued", None, False)
    refused = await decide(workbench, f"{message_id}/resend")
    assert (refused.status_code, refused.json()["code"]) == (409, "conversations.nothing_to_resend")
    assert refused.json()["details"] == {"state": "queued"}


async def test_message_is_left_as_it_is(workbench: Workbench) -> None:
    message_id = await an_unconfirmed_reply(workbench)
    left = await decide(workbench, f"{message_id}/leave")
    assert (left.status_code, left.json()["delivery"]["reason"]) == (200, "left")
    listed = (await workbench.client.get(f"/api/threads/{workbench.thread_id}/messages")).json()["items"][-1]
    assert listed == left.json()


async def test_unknown_message_is_missing(workbench: Workbench) -> None:
    for what in ("resend", "leave"):
        assert (await decide(workbench, f"{new_id()}/{what}")).status_code == 404
