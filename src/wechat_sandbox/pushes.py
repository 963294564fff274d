"""Pushes on their way: one lane per follower and receiver, deliveries until answered or given up."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import structlog

from wechat_sandbox import chats
from wechat_sandbox.clock import SandboxClock
from wechat_sandbox.delivery import Answer, ask, http_client, push_request
from wechat_sandbox.destinations import Destination, destination_of
from wechat_sandbox.disorder import DisorderBoard
from wechat_sandbox.media.keeping import find_media
from wechat_sandbox.model import Delivery, Outcome, Push, State
from wechat_sandbox.replies import (
    MOST_ARTICLES,
    Acknowledged,
    Asked,
    Malformed,
    PassiveReply,
    Verdict,
    judge_answer,
    judge_notification_answer,
)
from wechat_sandbox.settings import Settings
from wechat_sandbox.storage import StateKeeper

log = structlog.stdlib.get_logger()

_FINISHED_KEPT = 5000
_ANSWER_KEPT_CHARS = 2000

Lane = tuple[str, str, str]


class PushEngine:
    """Delivers pushes; those of one follower in order, those of different followers in parallel."""

    def __init__(self, *, state: State, clock: SandboxClock, settings: Settings, keeper: StateKeeper) -> None:
        self._state = state
        self._clock = clock
        self._settings = settings
        self._keeper = keeper
        self._lanes: dict[Lane, deque[Push]] = {}
        self._held: dict[int, tuple[asyncio.Event, float]] = {}
        self._overtaken: dict[Lane, list[int]] = {}
        self._waiters: dict[int, asyncio.Event] = {}
        self.disorder = DisorderBoard()
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(settings.parallel_deliveries)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Deliver while the block runs, beginning with what an earlier run left over."""
        async with http_client() as client, asyncio.TaskGroup() as group:
            self._client, self._group = client, group
            for push in list(self._state.pushes.values()):
                if push.outcome is None:
                    self._enqueue(push, lane=_lane_of(push))
            try:
                yield
            finally:
                self._group = None
                for task in self._tasks:
                    task.cancel()

    @property
    def client(self) -> httpx.AsyncClient:
        """The client that reaches accounts' servers."""
        return self._client

    def submit(self, push: Push, *, held_s: float = 0.0) -> None:
        """Put a push at the end of its lane; one that is held waits for `release`, so many real seconds at most.

        Disorder that was ordered hits it here.
        """
        lane, order = _lane_of(push), self.disorder.take(push)
        if order is None:
            self._enqueue(push, lane=lane, held_s=held_s)
            return
        match order.kind:
            case "duplicate":
                self._enqueue(push, lane=lane)
                self._enqueue(self._copied(push), lane=lane)
            case "parallel":
                self._enqueue(push, lane=lane)
                self._enqueue(copy := self._copied(push), lane=_own_lane(copy))
            case "delayed":
                self._enqueue(push, lane=_own_lane(push), held_s=order.delay_s)
            case "out_of_order":
                self._overtaken.setdefault(lane, []).append(push.push_id)
                self._enqueue(push, lane=_own_lane(push), held_s=order.delay_s)

    def _enqueue(self, push: Push, *, lane: Lane, held_s: float = 0.0) -> None:
        if held_s:
            self._held[push.push_id] = (asyncio.Event(), held_s)
        self._state.pushes[push.push_id] = push
        self._forget_finished()
        self._keeper.changed()
        waiting = self._lanes.get(lane)
        if waiting is not None:
            waiting.append(push)
            return
        self._lanes[lane] = deque([push])
        if self._group is not None:
            task = self._group.create_task(self._drive(lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def repeat(self, push: Push) -> Push:
        """Send a push once more, as if it were new; return the copy."""
        copy = self._copied(push)
        self._enqueue(copy, lane=_lane_of(copy))
        return copy

    def _copied(self, push: Push) -> Push:
        self._state.last_push_id += 1
        return push.model_copy(
            update={
                "push_id": self._state.last_push_id,
                "copy_of": push.copy_of or push.push_id,
                "queued_at": self._clock.now_s(),
                "deliveries": list[Delivery](),
                "outcome": None,
                "reason": "",
            }
        )

    def release(self, push_id: int) -> bool:
        """Let a held push go now; return whether it was held."""
        held = self._held.get(push_id)
        if held is not None:
            held[0].set()
        return held is not None

    async def settled(self, push: Push, *, within_s: float) -> bool:
        """Return whether the push was answered or given up within so many real seconds."""
        if push.outcome is not None:
            return True
        waiter = self._waiters.setdefault(push.push_id, asyncio.Event())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await waiter.wait()
        return waiter.is_set()

    async def _drive(self, key: Lane) -> None:
        lane = self._lanes[key]
        while lane:
            push = lane.popleft()
            await self._wait_while_held(push)
            await self._deliver(push)
            for overtaken in self._overtaken.pop(key, []):
                self.release(overtaken)
        del self._lanes[key]

    async def _wait_while_held(self, push: Push) -> None:
        held = self._held.get(push.push_id)
        if held is None:
            return
        released, longest_s = held
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await released.wait()
        del self._held[push.push_id]

    async def _deliver(self, push: Push) -> None:
        loop = asyncio.get_running_loop()
        # A push that a restart interrupted gets at least one more delivery.
        remaining = max(1, self._settings.deliveries - len(push.deliveries))
        for turn in range(remaining):
            started = loop.time()
            destination = destination_of(self._state, push)
            if destination is None:
                self._finish(push, outcome="not_configured")
                return
            verdict = await self._attempt(push, destination=destination)
            if verdict is not None:
                self._conclude(push, verdict=verdict)
                return
            if turn + 1 < remaining:
                await asyncio.sleep(max(0.0, started + self._settings.retry_interval_s - loop.time()))
        self._show_failure(push)
        self._finish(push, outcome="gave_up", reason=push.deliveries[-1].error or "bad_status")

    async def _attempt(self, push: Push, *, destination: Destination) -> Verdict | None:
        """Deliver once; None means that the delivery failed and may be repeated."""
        async with self._slots:
            now_s = self._clock.now_s()
            request = push_request(destination, openid=push.openid, fields=push.fields, now_s=now_s)
            answer = await ask(self._client, url=request.url, body=request.body, deadline_s=self._settings.deadline_s)
        push.deliveries.append(_recorded(answer, push=push, url=destination.url, at=now_s))
        self._keeper.changed()
        if answer.status != 200:
            return None
        if push.target == "component_events":
            return judge_notification_answer(answer.body)
        return judge_answer(
            answer.body,
            mode=destination.mode,
            seal=destination.seal,
            asked=self._asked(push, now_s=now_s),
        )

    def _asked(self, push: Push, *, now_s: float) -> Asked:
        account = self._state.accounts[push.appid]
        return Asked(
            openid=push.openid,
            username=account.username,
            most_articles=MOST_ARTICLES if push.msg_id is None else 1,
            find_media=lambda media_id: find_media(account.media, media_id, now_s=now_s),
        )

    def _conclude(self, push: Push, *, verdict: Verdict) -> None:
        match verdict:
            case Acknowledged(empty=empty):
                self._finish(push, outcome="empty" if empty else "success")
            case PassiveReply():
                self._show_reply(push, reply=verdict)
                self._finish(push, outcome="reply")
            case Malformed(reason=reason):
                self._show_failure(push)
                self._finish(push, outcome="malformed", reason=reason)

    def _show_reply(self, push: Push, *, reply: PassiveReply) -> None:
        original = push.copy_of or push.push_id
        follower = self._state.accounts[push.appid].followers[push.openid]
        if not push.visible or reply.kind == "transfer_customer_service" or chats.has_reply(follower, push_id=original):
            return
        chats.write_entry(
            self._state,
            follower,
            direction="out",
            kind=reply.kind,
            text=reply.text,
            at=self._clock.now_s(),
            via="passive",
            push_id=original,
            data=reply.data,
        )

    def _show_failure(self, push: Push) -> None:
        if push.visible:
            follower = self._state.accounts[push.appid].followers[push.openid]
            chats.write_notice(self._state, follower, at=self._clock.now_s(), push_id=push.push_id)

    def _finish(self, push: Push, *, outcome: Outcome, reason: str = "") -> None:
        push.outcome, push.reason = outcome, reason
        self._keeper.changed()
        waiter = self._waiters.pop(push.push_id, None)
        if waiter is not None:
            waiter.set()
        log.info("push_finished", push_id=push.push_id, appid=push.appid, outcome=outcome, reason=reason)

    def _forget_finished(self) -> None:
        surplus = len(self._state.pushes) - _FINISHED_KEPT
        if surplus <= 0:
            return
        finished = [push_id for push_id, push in self._state.pushes.items() if push.outcome is not None]
        # A tenth more than needed, so that the search does not run for every push.
        for push_id in finished[: surplus + _FINISHED_KEPT // 10]:
            del self._state.pushes[push_id]


def _lane_of(push: Push) -> Lane:
    if push.target == "component_events":
        return (push.component_appid or "", "", str(push.fields.get("AuthorizerAppid", "")))
    return (push.component_appid or "", push.appid, push.openid)


def _own_lane(push: Push) -> Lane:
    """Return a lane that no other push is in, so that this one waits for none and none for it."""
    return (push.component_appid or "", push.appid, f"{push.openid} {push.push_id}")


def _recorded(answer: Answer, *, push: Push, url: str, at: float) -> Delivery:
    return Delivery(
        attempt=len(push.deliveries) + 1,
        at=at,
        url=url,
        status=answer.status,
        answer=answer.body.decode(errors="replace")[:_ANSWER_KEPT_CHARS],
        latency_ms=round(answer.latency_s * 1000, 1),
        error=answer.error,
    )
