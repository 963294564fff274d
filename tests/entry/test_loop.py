"""Nothing of ours holds the loop up: a push, what the workbench asks for, its socket, and a picture on its way.

What counts is the processor time of each step on the loop's own thread, so that a busy machine accuses nobody.
"""

import asyncio
import gc
import time
from asyncio import Handle
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import pytest

from tests.entry.account import Account
from tests.entry.test_story import the_fact
from tests.pictures import a_noisy_picture
from tests.realtime.desk import Socket, a_socket

LIMIT_S = 0.05
"""Five times what a step may take (house style §7): debug mode alone makes steps slower."""


@dataclass
class Steps:
    """How much processor time the slowest steps of the loop took, and what they were."""

    slow: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    count: int = 0

    def note(self, handle: Handle, took_s: float) -> None:
        self.count += 1
        if took_s > LIMIT_S:
            self.slow.append((took_s, repr(handle)))


@contextmanager
def watched_loop(monkeypatch: pytest.MonkeyPatch) -> Generator[Steps]:
    """Measure every step of the running loop, in debug mode; the collector of garbage waits meanwhile."""
    loop, steps, run = asyncio.get_running_loop(), Steps(), Handle._run  # pyright: ignore[reportPrivateUsage] -- asyncio's own debug mode tells wall time only

    def measured(handle: Handle) -> None:
        began = time.thread_time()
        run(handle)
        steps.note(handle, time.thread_time() - began)

    with monkeypatch.context() as patch:
        patch.setattr(Handle, "_run", measured)
        loop.set_debug(True)
        gc.collect()
        gc.disable()
        try:
            yield steps
        finally:
            gc.enable()
            loop.set_debug(False)


@asynccontextmanager
async def at_the_desk(account: Account) -> AsyncGenerator[Socket]:
    """Yield the socket of the owner, who is at the workbench."""
    client = account.owner.client
    async with a_socket(client.base_url.netloc.decode(), token=account.owner.colleague.session.token) as socket:
        await socket.next()
        await client.put("/api/me/status", json={"status": "online"})
        await socket.say(type="presence", workbench=True)
        await the_fact(socket, "agent.changed", connected=True)
        yield socket


async def a_day_at_the_desk(account: Account, socket: Socket, *, photograph: bytes) -> None:
    """Let a customer write, and let the owner read, answer and upload a photograph that is too large for WeChat."""
    client = account.owner.client
    for words in ("在吗？", "有人吗？", "喂"):
        assert (await account.push(account.message(words))).is_success
        await the_fact(socket, "message.added")
    [conversation] = await account.conversations()
    path = f"/api/conversations/{conversation['id']}"
    for asked in (path, f"/api/threads/{conversation['thread_id']}/messages", "/api/channels", "/api/session"):
        assert (await client.get(asked)).is_success, asked
    uploaded = await client.post(f"{path}/uploads", files={"file": ("photo.jpg", photograph, "image/jpeg")})
    assert uploaded.status_code == 201, uploaded.text
    reply = {"content": {"type": "text", "text": "您好"}}
    answer = await client.post(f"{path}/messages", json=reply)
    await the_fact(socket, "message.added", id=answer.json()["id"])


async def test_nothing_holds_the_loop_up(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    photograph = a_noisy_picture(size=(2000, 1500))
    async with at_the_desk(account) as socket:
        await a_day_at_the_desk(account, socket, photograph=photograph)  # the first time, modules are still being read
        with watched_loop(monkeypatch) as steps:
            await a_day_at_the_desk(account, socket, photograph=photograph)
            async with a_socket(
                account.owner.client.base_url.netloc.decode(), token=account.owner.colleague.session.token
            ) as second:
                await second.next()
    assert steps.count > 100
    assert steps.slow == []  # the log of asyncio's debug mode names the task


async def test_step_that_computes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    with watched_loop(monkeypatch) as steps:
        await asyncio.create_task(_computes())
    assert len(steps.slow) == 1


async def _computes() -> None:
    until = time.thread_time() + 2 * LIMIT_S
    while time.thread_time() < until:
        pass
