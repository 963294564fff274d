"""A console without a screen: it reads snapshots, hears facts, and applies both by the rules of the real one.

The rules are those of `console/src/features/workbench/replica.ts`, `state/readings.ts` and `realtime/catch-up.ts`: by
the id of an object and its version, and nothing else.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

import httpx

from moorage.conversations.budgets import MUTE_CHANNEL_STATES
from moorage.staff.model import SUPERVISING, Actor
from tests.realtime.desk import Socket, a_socket

Json = dict[str, object]
LISTS = [(scope, state) for scope in ("mine", "queue", "all") for state in ("open", "closed")]
CHANNEL_FACTS = ("id", "kind", "name", "state", "state_reason", "state_reasons", "avatar_url", "server_verified_at")
OUTDATED = -1
"""The version of what was read before a resync: whatever is read or heard from then on is newer."""


@dataclass
class Console:
    """What one page of one person holds."""

    actor: Actor
    api: httpx.AsyncClient
    conversations: dict[str, Json] = field(default_factory=dict[str, Json])
    threads: dict[str, dict[int, Json]] = field(default_factory=dict[str, dict[int, Json]])
    agents: dict[str, Json] = field(default_factory=dict[str, Json])
    channels: dict[str, Json] = field(default_factory=dict[str, Json])

    # ------------------------------------------------------------ snapshots

    async def read_everything(self) -> str:
        """Read every list, and every thread that is to be seen there; return where in the log that began."""
        cursor = ""
        for scope, state in LISTS:
            page = await self._read_list(scope, state)
            cursor = cursor or page
        for conversation in list(self.conversations.values()):
            await self.open_thread(str(conversation["thread_id"]))
        for agent in await self._items("/api/agents"):
            self._take_newer(self.agents, agent)
        for channel in await self._items("/api/channels"):
            self._take_newer(self.channels, channel)
        return cursor

    async def _read_list(self, scope: str, state: str) -> str:
        first, cursor = "", None
        while True:
            after = {} if cursor is None else {"cursor": cursor}
            page = await self._read("/api/conversations", scope=scope, state=state, limit="100", **after)
            assert page is not None
            for conversation in cast("list[Json]", page["items"]):
                self._take_newer(self.conversations, conversation)
            first, cursor = first or str(page["event_cursor"]), cast("str | None", page["next_cursor"])
            if cursor is None:
                return first

    async def open_thread(self, thread_id: str) -> None:
        """Read the newest page of a thread, if this person may."""
        page = await self._read(f"/api/threads/{thread_id}/messages", limit="100")
        if page is None:
            return
        held = self.threads.setdefault(thread_id, {})
        for message in cast("list[Json]", page["items"]):
            _merge(held, message)

    async def _items(self, path: str) -> list[Json]:
        page = await self._read(path)
        assert page is not None
        return cast("list[Json]", page["items"])

    async def _read(self, path: str, **query: str) -> Json | None:
        answer = await self.api.get(path, params=query)
        if answer.status_code == 404:
            return None
        assert answer.status_code == 200, answer.text
        return cast("Json", answer.json())

    async def read_again(self) -> None:
        """Read everything again: what was there is old, and what does not come back goes."""
        for held in (self.conversations, self.agents, self.channels):
            for key, value in held.items():
                held[key] = {**value, "version": OUTDATED}
        opened = list(self.threads)
        self.threads.clear()
        await self.read_everything()
        for thread_id in opened:
            if thread_id not in self.threads:
                await self.open_thread(thread_id)
        self.conversations = {key: value for key, value in self.conversations.items() if value["version"] != OUTDATED}

    def copy_of(self, other: "Console") -> None:
        """Hold what another page of the same person has just read."""
        self.conversations, self.agents, self.channels = {**other.conversations}, {**other.agents}, {**other.channels}
        self.threads = {thread_id: {**held} for thread_id, held in other.threads.items()}

    # ------------------------------------------------------------ facts

    def take(self, fact: Json) -> bool:
        """Take in a fact; return whether what is there must be read again."""
        payload = cast("Json", fact["payload"])
        match fact["topic"]:
            case "conversation.changed":
                self._take_newer(self.conversations, payload)
            case "message.added" | "message.changed":
                if (held := self.threads.get(str(payload["thread_id"]))) is not None:
                    _merge(held, payload)
            case "agent.changed":
                self._take_newer(self.agents, payload)
            case "channel.changed":
                self._take_newer(self.channels, payload)
                return any(_contradicts(payload, each) for each in self.conversations.values())
            case _:
                pass
        return False

    def _take_newer(self, held: dict[str, Json], value: Json) -> None:
        known = held.get(str(value["id"]))
        if known is None or cast("int", value["version"]) > cast("int", known["version"]):
            held[str(value["id"])] = value

    # ------------------------------------------------------------ what it shows

    def shown(self, *, now: datetime) -> Json:
        """Return everything that this page shows at an instant, to be compared with another's."""
        return {
            **{f"{scope} {state}": self._listed(scope, state, now) for scope, state in LISTS},
            "unread": sum(cast("int", each["unread"]) for each in self._standing("mine", "open")),
            "agents": self.agents,
            "channels": {
                key: {name: channel[name] for name in CHANNEL_FACTS} for key, channel in self.channels.items()
            },
        }

    def timeline(self, thread_id: str) -> list[Json]:
        """Return the messages of an opened thread in their order."""
        return [message for _, message in sorted(self.threads[thread_id].items())]

    def _listed(self, scope: str, state: str, now: datetime) -> list[Json]:
        found = self._standing(scope, state)
        if scope == "queue" and state == "open":
            found.sort(key=lambda one: (one["queue_priority"], one["queued_at"] or "", one["id"]))
        else:
            found.sort(key=lambda one: (str(one["last_message_at"]), str(one["id"])), reverse=True)
        return [_as_shown(conversation, now=now) for conversation in found]

    def _standing(self, scope: str, state: str) -> list[Json]:
        return [each for each in self.conversations.values() if each["state"] == state and self._stands_in(each, scope)]

    def _stands_in(self, conversation: Json, scope: str) -> bool:
        owner = cast("Json", conversation["owner"])
        mine = owner["kind"] == "agent" and owner["agent_id"] == str(self.actor.agent_id)
        supervises = self.actor.role in SUPERVISING
        groups = {str(group_id) for group_id in self.actor.group_ids}
        waits = owner["kind"] == "queue" and (supervises or conversation["group_id"] in {None, *groups})
        match scope:
            case "mine":
                return mine
            case "queue":
                return waits
            case _:
                return supervises or mine or waits


def _merge(held: dict[int, Json], message: Json) -> None:
    seq = cast("int", message["seq"])
    if seq not in held or cast("int", message["version"]) > cast("int", held[seq]["version"]):
        held[seq] = message


def _contradicts(channel: Json, conversation: Json) -> bool:
    """Tell whether a conversation shows its channel as it was."""
    ref = cast("Json", conversation["channel"])
    if ref["id"] != channel["id"]:
        return False
    mute = [each["state"] in MUTE_CHANNEL_STATES for each in (channel, ref)]
    return mute[0] != mute[1] or any(ref[name] != channel[name] for name in ("name", "verified"))


def _as_shown(conversation: Json, *, now: datetime) -> Json:
    """Return a conversation as a screen shows it: what may be said ends by the clock, with no word from anybody."""
    budget = cast("Json", conversation["budget"])
    ends_at = cast("str | None", budget["ends_at"])
    if ends_at is not None and datetime.fromisoformat(ends_at) <= now:
        budget = {"open": False, "left": 0, "most": 0, "ends_at": None, "reason": "no_window"}
    if budget["reason"] in ("no_window", "spent"):
        budget = {**budget, "reason": "closed"}  # a spent budget ends too, and nothing is different for it
    channel = {key: value for key, value in cast("Json", conversation["channel"]).items() if key != "state"}
    return {**conversation, "budget": budget, "channel": channel, "event_cursor": None}


@dataclass
class Page:
    """A page that is open for long: one snapshot, and a socket that comes and goes."""

    name: str
    console: Console
    token: str
    cursor: str | None = None
    resyncs: int = 0
    socket: Socket | None = None
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def connect(self, address: str) -> None:
        """Come (back) online at a server, with the cursor if there is one."""
        await self.disconnect()
        self.console.api.base_url = httpx.URL(f"http://{address}")
        self.socket = await self._open.enter_async_context(a_socket(address, token=self.token, cursor=self.cursor))
        await self._hear(await self.socket.next())

    async def disconnect(self) -> None:
        """Lose the line."""
        self.socket = None
        await self._open.aclose()

    async def catch_up(self, seq: int) -> None:
        """Take in what comes until everything up to `seq` is there."""
        if self.socket is None:
            return
        while self.position < seq:
            await self.socket.say(type="ping")
            while (frame := await self.socket.next())["type"] != "pong":
                await self._hear(frame)

    @property
    def position(self) -> int:
        """Return how far in the log this page is."""
        return int(str(self.cursor).rpartition(":")[2])

    async def _hear(self, frame: Json) -> None:
        match frame["type"]:
            case "hello":
                if self.cursor is None or str(frame["cursor"]) != self.cursor:
                    self.cursor = str(frame["cursor"])
            case "resync":
                self.cursor = str(frame["cursor"])
                await self._read_again()
            case "facts":
                facts = cast("list[Json]", frame["facts"])
                self._in_order(facts)
                contradicted = [self.console.take(fact) for fact in facts]
                if any(contradicted):
                    await self._read_again()
                self.cursor = str(frame["cursor"])
            case _:
                pass

    def _in_order(self, facts: list[Json]) -> None:
        seqs = [self.position, *(cast("int", fact["seq"]) for fact in facts)]
        assert seqs == sorted(set(seqs)), f"{self.name} heard {seqs}"

    async def _read_again(self) -> None:
        self.resyncs += 1
        await self.console.read_again()


@asynccontextmanager
async def a_console(*, actor: Actor, token: str, address: str) -> AsyncGenerator[Console]:
    """Open somebody's page that has read nothing yet."""
    async with httpx.AsyncClient(
        base_url=f"http://{address}", trust_env=False, timeout=20, cookies={"moorage_session": token}
    ) as api:
        yield Console(actor=actor, api=api)


def differences(held: object, fresh: object, *, at: str = "") -> list[str]:
    """Return where two values differ, one line a place."""
    if isinstance(held, Mapping) and isinstance(fresh, Mapping):
        ours, theirs = cast("Mapping[str, object]", held), cast("Mapping[str, object]", fresh)
        return [
            line
            for key in sorted({*ours, *theirs})
            for line in differences(ours.get(key, "-"), theirs.get(key, "-"), at=f"{at}/{key}")
        ]
    if isinstance(held, list) and isinstance(fresh, list):
        ours, theirs = cast("list[object]", held), cast("list[object]", fresh)
        if len(ours) == len(theirs):
            return [
                line
                for n, pair in enumerate(zip(ours, theirs, strict=True))
                for line in differences(*pair, at=f"{at}[{n}]")
            ]
        return [f"{at}: {_names(ours)} instead of {_names(theirs)}"]
    return [] if held == fresh else [f"{at}: {held!r} instead of {fresh!r}"]


def _names(values: list[object]) -> list[object]:
    return [cast("Json", value)["id"] if isinstance(value, dict) and "id" in value else value for value in values]
