"""Promises of the addresses that providers push to."""

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import httpx
import pytest
from structlog.testing import capture_logs

from moorage.connectors.contract import RawRequest
from moorage.infra.database import Database
from tests.connectors.wechat_requests import verification
from tests.entry.account import Account


async def refused(client: httpx.AsyncClient) -> dict[str, int]:
    return cast("dict[str, int]", (await client.get("/healthz")).json()["counters"])


async def test_address_is_verified_by_echoing_and_the_console_hears_of_it(account: Account) -> None:
    answer = await account.push(verification(echostr="5573618899206113843", at=datetime.now(UTC)))
    assert (answer.status_code, answer.text) == (200, "5573618899206113843")
    channels = (await account.owner.client.get("/api/channels")).json()["items"]
    assert channels[0]["server_verified_at"] is not None


async def test_genuine_push_shows_as_well_that_the_address_is_reached(account: Account) -> None:
    await account.push(account.message("你好"))
    channels = (await account.owner.client.get("/api/channels")).json()["items"]
    assert channels[0]["server_verified_at"] is not None


async def test_genuine_message_becomes_a_conversation_once(account: Account) -> None:
    message = account.message("你好")
    answers = [await account.push(message) for _ in range(3)]
    assert [(answer.status_code, answer.text) for answer in answers] == [(200, "success")] * 3
    [conversation] = await account.conversations()
    assert cast("dict[str, str]", conversation["last_message"])["preview"] == "你好"
    assert conversation["unread"] == 1


async def test_log_names_the_address_of_a_push_by_its_pattern_and_no_account(account: Account) -> None:
    with capture_logs() as lines:
        await account.push(account.message("你好"))
    assert [line["path"] for line in lines if line["event"] == "request_answered"] == ["/wechat/oa/{external_id}"]


def tampered(request: RawRequest) -> RawRequest:
    middle = len(request.body) // 2
    return replace(request, body=request.body[:middle] + b"AAAA" + request.body[middle + 4 :])


BOMB = (
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b"<xml><Encrypt>&b;</Encrypt></xml>"
)


def with_query(request: RawRequest, **changed: str) -> RawRequest:
    return replace(request, query={**request.query, **changed})


Forge = Callable[[RawRequest], RawRequest]
FORGERIES: Mapping[str, tuple[Forge, int | None, str | None]] = {
    "wrong signature": (lambda push: with_query(push, signature="0" * 40), 403, "invalid_signature"),
    "wrong signature of the body": (lambda push: with_query(push, msg_signature="0" * 40), 403, "invalid_signature"),
    "no query": (lambda push: replace(push, query={}), 400, "plaintext_not_allowed"),
    "tampered body": (tampered, 403, "invalid_signature"),
    "truncated body": (lambda push: replace(push, body=push.body[:-20]), None, None),
    "empty body": (lambda push: replace(push, body=b""), None, None),
    "entity bomb": (lambda push: replace(push, body=BOMB), None, None),
    "wrong content type": (lambda push: replace(push, content_type="image/png"), 415, "wrong_content_type"),
    "large body": (lambda push: replace(push, body=push.body + b" " * 200_000), 413, "body_too_large"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_bad_push_is_refused_and_counted_and_leaves_no_trace(
    account: Account, client: httpx.AsyncClient, forgery: str
) -> None:
    forge, status, reason = FORGERIES[forgery]
    before = await refused(client)
    answer = await account.push(forge(account.message()))
    assert answer.status_code == (status or answer.status_code), answer.text
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()["details"]["reason"]
    assert reason in (None, said)
    after = await refused(client)
    assert after[f"pushes_refused.{said}"] == before.get(f"pushes_refused.{said}", 0) + 1
    assert await account.conversations() == []
    assert (await account.push(account.message())).text == "success"


async def test_push_for_another_account_is_refused(account: Account) -> None:
    answer = await account.push(account.message(appid="wx0000000000000000"))
    assert 400 <= answer.status_code < 500
    assert await account.conversations() == []


async def test_old_push_is_refused(account: Account) -> None:
    answer = await account.push(account.message(at=datetime.now(UTC) - timedelta(minutes=11)))
    assert (answer.status_code, answer.json()["details"]["reason"]) == (403, "stale_timestamp")


async def test_unknown_account_has_no_address(account: Account, client: httpx.AsyncClient) -> None:
    answer = await account.push(account.message(), path="/wechat/oa/wxffffffffffffffff")
    assert (answer.status_code, answer.json()["code"]) == (404, "core.missing")
    assert (await refused(client))["pushes_refused.unknown_address"] >= 1
    for path in ("/wechat/oa/%00", "/wechat/oa/" + "x" * 5000, "/wechat/oa/%F0%28%8C%BC", "/wechat/oa/"):
        assert (await account.push(account.message(), path=path)).status_code in (404, 405, 422)


@pytest.mark.parametrize("chunked", [False, True])
async def test_ten_megabytes_are_refused_without_keeping_them(
    account: Account, client: httpx.AsyncClient, *, chunked: bool
) -> None:
    async def pieces() -> AsyncGenerator[bytes]:
        for _ in range(160):
            yield b"x" * 65536

    content = pieces() if chunked else b"x" * (160 * 65536)
    answer = await client.post(account.path, content=content, headers={"Content-Type": "text/xml"})
    assert (answer.status_code, answer.json()["code"]) == (413, "core.body_too_large")


async def test_answer_to_the_first_message_is_the_greeting_of_the_agent_who_takes_it(
    account: Account, database: Database
) -> None:
    agent = account.owner.colleague
    async with database.in_workspace(agent.workspace_id) as tx:
        await tx.execute(
            "UPDATE agents SET status = 'online', connected_until = %s WHERE workspace_id = %s AND id = %s",
            [tx.now + timedelta(minutes=1), agent.workspace_id, agent.agent_id],
        )
    answer = await account.push(account.message("在吗"))
    assert answer.status_code == 200
    assert b"<Encrypt>" in answer.content
    [conversation] = await account.conversations()
    assert cast("dict[str, str]", conversation["owner"])["agent_id"] == str(agent.agent_id)
    messages = await account.owner.client.get(f"/api/threads/{conversation['thread_id']}/messages")
    texts = [item["content"].get("text") for item in messages.json()["items"]]
    assert texts[0] == "在吗"
    assert "Lin" in texts[1]
    assert json.loads(messages.text)["items"][1]["delivery"]["state"] == "answered"
