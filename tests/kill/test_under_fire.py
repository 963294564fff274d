"""Processes are killed while customers write and agents answer: nothing lost, nothing twice, nothing stuck."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httpx
import pytest

from tests.browser.demo import Demo, running_demo
from tests.kill.killing import Killer, kill, kill_database, processes_of, until_replaced, until_serving
from tests.kill.stage import (
    ANSWERED,
    Answering,
    Customers,
    Json,
    Person,
    author_of,
    state_of,
    text_of,
    threads_once_settled,
)

pytestmark = [pytest.mark.kill, pytest.mark.server]

SEED = "MOORAGE_KILL_SEED"
CUSTOMERS = 40
MESSAGES_EACH = 50
LEFT_TO_SEND = {"sent", "failed", "unconfirmed"}
SEND_PATH = "/cgi-bin/message/custom/send"


@dataclass
class Stage:
    """A demo with its account docked, the people at it, and the chance that rules the run."""

    demo: Demo
    folder: Path
    owner: Person
    agents: list[Answering]
    customers: Customers
    chance: random.Random

    async def serve_customers(self, *, each: int, pause_s: float, over: asyncio.Event) -> None:
        """Let customers write and agents answer; `over` is set when the last message is written."""
        async with asyncio.TaskGroup() as people:
            for agent in self.agents:
                people.create_task(agent.answer_until(over, chance=random.Random(self.chance.random())))
            await self.customers.write(each=each, pause_s=pause_s, chance=self.chance)
            over.set()


@asynccontextmanager
async def a_stage(folder: Path, *, customers: int) -> AsyncGenerator[Stage]:
    seed = os.environ.get(SEED) or str(random.SystemRandom().randrange(10**6))
    print(f"{SEED}={seed}")  # noqa: T201 -- shown when the test fails, so that the same moments can be tried again
    async with (
        running_demo(folder=folder) as demo,
        Person.signed_in(demo, demo.owner) as owner,
        httpx.AsyncClient(base_url=demo.sandbox_url, trust_env=False, timeout=30) as sandbox,
        AsyncExitStack() as people,
    ):
        oa = demo.oa
        credentials = {"appid": oa.appid, "secret": oa.secret, "token": oa.token, "aes_key": oa.aes_key}
        docked = await owner.call("POST", "/api/channels", kind="wechat_oa", credentials=credentials)
        assert docked.status_code == 201, docked.text
        agents: list[Answering] = []
        for number, who in enumerate(demo.agents):
            agent = await people.enter_async_context(Person.signed_in(demo, who))
            await people.enter_async_context(agent.at_the_workbench())
            agents.append(Answering(agent=agent, name=f"agent {number}"))
        writing = Customers(sandbox=sandbox, appid=oa.appid)
        await writing.come(customers)
        yield Stage(demo=demo, folder=folder, owner=owner, agents=agents, customers=writing, chance=random.Random(seed))


# ---------------------------------------------------------------- what must hold afterwards


def assert_each_message_once_and_in_order(
    pushes: Sequence[Json], threads: Sequence[Sequence[Json]], *, customers: Sequence[str]
) -> None:
    """Raise unless what was answered stands there once and in order, and what was given up at most once."""
    heard = {
        texts[0].partition(":")[0]: texts
        for messages in threads
        if (texts := [text_of(message) for message in messages if author_of(message) == "customer"])
    }
    for openid in customers:
        written = [push for push in pushes if push["openid"] == openid and push["kind"] == "text"]
        given_up = {_words_of(push) for push in written if push["outcome"] not in ANSWERED}
        all_of_them = [_words_of(push) for push in written]
        stored = heard.get(openid, [])
        assert set(all_of_them) - set(stored) <= given_up
        assert stored == [words for words in all_of_them if words in set(stored)]


def assert_no_push_failed_while_somebody_served(pushes: Sequence[Json]) -> None:
    """Raise if a push was given up though a web process answered it: only an absent one may make WeChat give up."""
    for push in pushes:
        if push["outcome"] in ANSWERED:
            continue
        deliveries = cast("list[Json]", push["deliveries"])
        assert push["outcome"] == "gave_up", push
        assert len(deliveries) == 3, push
        assert all(delivery["status"] in {None, 503} for delivery in deliveries), push


def assert_replies_once(said: Sequence[str], threads: Sequence[Sequence[Json]], shown: Sequence[str]) -> None:
    """Raise unless every reply stands in its thread once, came to an end, and shows at most once on the phone."""
    replies = [message for messages in threads for message in messages if text_of(message).startswith("answer ")]
    assert Counter(text_of(reply) for reply in replies) == Counter(said)
    assert {state_of(reply) for reply in replies} <= LEFT_TO_SEND
    on_the_phone = Counter(text for text in shown if text.startswith("answer "))
    assert all(count == 1 for count in on_the_phone.values())
    for reply in replies:
        if state_of(reply) == "sent":
            assert on_the_phone[text_of(reply)] == 1
        if state_of(reply) == "failed":
            assert on_the_phone[text_of(reply)] == 0


async def assert_nothing_lost(stage: Stage, *, messages: int) -> None:
    pushes = await stage.customers.pushes_once_quiet()
    answered = [_words_of(push) for push in pushes if push["kind"] == "text" and push["outcome"] in ANSWERED]
    threads = await threads_once_settled(stage.owner, heard=answered)
    said = [words for agent in stage.agents for words in agent.said]
    assert said
    assert len([push for push in pushes if push["kind"] == "text"]) == messages
    assert_each_message_once_and_in_order(pushes, threads, customers=stage.customers.openids)
    assert_no_push_failed_while_somebody_served(pushes)
    assert_replies_once(said, threads, await stage.customers.shown())


def _words_of(push: Json) -> str:
    return str(cast("Json", push["fields"])["Content"])


# ---------------------------------------------------------------- the tests


async def test_nothing_is_lost_doubled_or_stuck_while_web_and_worker_are_killed(tmp_path: Path) -> None:
    async with a_stage(tmp_path, customers=CUSTOMERS) as stage:
        over = asyncio.Event()
        killer = Killer(demo=stage.demo, folder=tmp_path, chance=stage.chance, every_s=3)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(killer.kill_until(over))
            await stage.serve_customers(each=MESSAGES_EACH, pause_s=1.2, over=over)
        assert killer.kills >= 6
        await assert_nothing_lost(stage, messages=CUSTOMERS * MESSAGES_EACH)


async def test_nothing_is_lost_doubled_or_stuck_while_the_database_is_killed(tmp_path: Path) -> None:
    async with a_stage(tmp_path, customers=20) as stage:
        over = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_kill_database_until(over, folder=tmp_path, chance=stage.chance))
            await stage.serve_customers(each=15, pause_s=1, over=over)
        await until_serving(stage.demo)
        await assert_nothing_lost(stage, messages=20 * 15)


async def _kill_database_until(over: asyncio.Event, *, folder: Path, chance: random.Random) -> None:
    while not over.is_set():
        await kill_database(folder)
        await asyncio.sleep(chance.uniform(2, 6))  # the moments of the kills


async def test_reply_whose_sender_was_killed_in_the_middle_is_never_sent_again(tmp_path: Path) -> None:
    async with a_stage(tmp_path, customers=1) as stage:
        await stage.customers.write(each=1, pause_s=0, chance=stage.chance)
        agent = stage.agents[0]
        conversation = (await _until_there(stage.owner))["id"]
        taken = await agent.agent.call("POST", f"/api/conversations/{conversation}/take")
        assert taken.is_success, taken.text
        fault = {"endpoint": SEND_PATH, "kind": "timeout", "applied": True, "timeout_s": 60}
        (await stage.customers.sandbox.post("/sandbox/api/faults", json=fault)).raise_for_status()
        content = {"type": "text", "text": "answer 0"}
        path = f"/api/conversations/{conversation}/messages"
        assert (await agent.agent.call("POST", path, key="answer-0", content=content)).status_code == 201
        async with asyncio.timeout(30):
            while "answer 0" not in await stage.customers.shown():
                await asyncio.sleep(0.05)
        for process in processes_of(tmp_path, "work"):
            kill(process)
            await until_replaced(tmp_path, "work", process)
        threads = await threads_once_settled(stage.owner)
        replies = [message for messages in threads for message in messages if text_of(message) == "answer 0"]
        assert [state_of(reply) for reply in replies] == ["unconfirmed"]
        assert list(await stage.customers.shown()).count("answer 0") == 1


async def _until_there(owner: Person) -> Json:
    async with asyncio.timeout(30):
        while not (found := await owner.conversations("all")):
            await asyncio.sleep(0.1)
    return found[0]
