"""The first word over the wire: a push, the agent's socket, the agent's commands."""

import asyncio
from typing import cast

from tests.entry.account import Account
from tests.realtime.desk import Socket, a_socket


async def the_fact(socket: Socket, topic: str, **payload: object) -> dict[str, object]:
    """Return the payload of the next fact of `topic` whose payload has these values."""
    async with asyncio.timeout(10):
        while True:
            frame = await socket.next()
            for fact in cast("list[dict[str, object]]", frame.get("facts", [])):
                said = cast("dict[str, object]", fact["payload"])
                if fact["topic"] == topic and payload.items() <= said.items():
                    return said


async def test_customer_writes_and_an_agent_answers_and_ends(account: Account) -> None:
    owner = account.owner
    address = owner.client.base_url.netloc.decode()
    async with a_socket(address, token=owner.colleague.session.token) as socket:
        await socket.next()
        status = await owner.client.put("/api/me/status", json={"status": "online"})
        assert status.json()["status"] == "online"
        await socket.say(type="presence", workbench=True)
        await the_fact(socket, "agent.changed", connected=True)

        await account.push(account.message("你好"))
        message = await the_fact(socket, "message.added")
        assert cast("dict[str, object]", message["content"])["text"] == "你好"
        [conversation] = await account.conversations()
        assert cast("dict[str, str]", conversation["owner"])["kind"] == "agent"

        reply = {"content": {"type": "text", "text": "您好"}}
        path = f"/api/conversations/{conversation['id']}"
        answers = [
            await owner.client.post(f"{path}/messages", json=reply, headers={"Idempotency-Key": "one"})
            for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()
        await the_fact(socket, "message.added", id=answers[0].json()["id"])

        ended = await owner.client.post(f"{path}/end")
        assert (ended.json()["state"], ended.json()["end_reason"]) == ("closed", "agent_ended")
        await the_fact(socket, "conversation.changed", state="closed")
        late = (await owner.client.post(f"{path}/messages", json=reply)).json()
        assert (late["conversation_id"], late["after_session"]) == (None, True)
        assert (await owner.client.post(f"{path}/end")).json()["code"] == "conversations.closed"


async def test_snapshot_and_facts_join_without_a_gap(account: Account) -> None:
    owner = account.owner
    listed = (await owner.client.get("/api/conversations?scope=all")).json()
    await account.push(account.message("between"))
    address = owner.client.base_url.netloc.decode()
    async with a_socket(address, token=owner.colleague.session.token, cursor=listed["event_cursor"]) as socket:
        message = await the_fact(socket, "message.added")
        assert cast("dict[str, object]", message["content"])["text"] == "between"


async def test_signing_out_over_http_closes_the_socket(account: Account) -> None:
    owner = account.owner
    address = owner.client.base_url.netloc.decode()
    async with a_socket(address, token=owner.colleague.session.token) as socket:
        await socket.next()
        assert (await owner.client.delete("/api/session")).status_code == 204
        assert await socket.close_code() == 4401
