"""The accounts of a soak, and the customers who write to them in every way that there is."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import cast

import httpx

from tests.browser.demo import Demo
from tests.kill.stage import Json, Person

ANSWERED_WITHIN_S = 60
LEAVES_AGAIN_AFTER_S = 3.0

# How often each kind is written. A message is known again by a field that is its own.
KINDS: Mapping[str, int] = {
    "text": 45, "image": 4, "voice": 3, "video": 2, "shortvideo": 1, "location": 7, "link": 7, "file": 5,
    "CLICK": 9, "SCAN": 5, "VIEW": 4, "LOCATION": 4, "leave": 4,
}  # fmt: skip
FILES: Mapping[str, int] = {"image": 1, "voice": 1}
EVENTS = frozenset({"CLICK", "SCAN", "VIEW", "LOCATION", "subscribe", "unsubscribe"})
NAMED_BY: Mapping[str, str] = {
    "text": "Content", "image": "MediaId", "voice": "MediaId", "video": "MediaId", "shortvideo": "MediaId",
    "location": "Label", "link": "Title", "file": "Title",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Account:
    """An account that the company has docked. Without `credentials` it is docked by authorization."""

    appid: str
    channel_id: str
    credentials: Mapping[str, str] | None = None
    answers_only: bool = False


@dataclass(slots=True)
class Written:
    """What a customer sent: `name` is the value by which the message is known again, empty for an event."""

    appid: str
    openid: str
    kind: str
    push_id: int
    in_order: bool
    msg_id: int | None = None
    name: str = ""
    outcome: str = ""


@dataclass(slots=True)
class Customer:
    """A follower of an account."""

    account: Account
    openid: str
    left_at: float = 0.0
    busy: bool = False
    written: list[Written] = field(default_factory=list[Written])


@dataclass
class Town:
    """The sandbox with the accounts and everybody who follows them."""

    demo: Demo
    sandbox: httpx.AsyncClient
    chance: random.Random
    accounts: list[Account] = field(default_factory=list[Account])
    customers: list[Customer] = field(default_factory=list[Customer])
    kinds: Mapping[str, int] = field(default_factory=lambda: KINDS)
    """What people write at present, and how often each."""
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    # ------------------------------------------------------------ accounts

    async def dock_all(self, owner: Person) -> None:
        """Dock accounts of several types: by credentials, in both sealed modes, and by authorization."""
        known = self.demo.oa
        credentials = {"appid": known.appid, "secret": known.secret, "token": known.token, "aes_key": known.aes_key}
        self.accounts.append(await self._docked(owner, credentials))
        self.accounts.append(await self._docked(owner, await self._compatible_account()))
        listed = cast("list[Json]", (await self.sandbox.get("/sandbox/api/accounts")).json())
        for account in listed:
            grants_messages = account["permission_sets"] is None
            if account["administrator"] and account["appid"] != known.appid and grants_messages:
                self.accounts.append(await self._authorized(owner, account))

    async def _compatible_account(self) -> Mapping[str, str]:
        made = await self.sandbox.post(
            "/sandbox/api/accounts", json={"name": "兼容模式", "type": "subscription", "quota_policy": "2023"}
        )
        account = made.json()
        credentials = {"appid": account["appid"], "secret": account["secret"], "token": "compatible0token"}
        return credentials | {"aes_key": self.demo.oa.aes_key}

    async def _docked(self, owner: Person, credentials: Mapping[str, str]) -> Account:
        answer = await owner.call("POST", "/api/channels", kind="wechat_oa", credentials=dict(credentials))
        assert answer.status_code == 201, answer.text
        appid = credentials["appid"]
        if appid != self.demo.oa.appid:
            server = {"url": f"{self.demo.console_url}/wechat/oa/{appid}", "mode": "compatible"}
            server |= {"token": credentials["token"], "aes_key": credentials["aes_key"]}
            saved = await self.sandbox.post(f"/sandbox/api/accounts/{appid}/server", json=server)
            assert saved.json()["verified"], saved.text
        return Account(appid=appid, channel_id=str(answer.json()["id"]), credentials=credentials)

    async def _authorized(self, owner: Person, account: Json) -> Account:
        appid = str(account["appid"])
        channel_id = await self.authorize(owner, appid)
        return Account(appid=appid, channel_id=channel_id, answers_only=not account["verified"])

    async def authorize(self, owner: Person, appid: str) -> str:
        """Let the account's administrator grant it to us, the first time or again; return its channel."""
        begun = await owner.call("POST", "/api/authorizations", kind="wechat_oa")
        assert begun.status_code == 201, begun.text
        page = httpx.URL(begun.json()["url"])
        form = {"pre_auth_code": page.params["pre_auth_code"], "redirect_uri": page.params["redirect_uri"]}
        path = f"/sandbox/api/components/{self.demo.component.appid}/authorize"
        granted = await self.sandbox.post(path, json=form | {"account_appid": appid})
        back = httpx.URL(granted.raise_for_status().json()["redirect_url"])
        done = await owner.call(
            "POST", "/api/authorizations/complete", state=back.params["state"], auth_code=back.params["auth_code"]
        )
        assert done.status_code == 200, done.text
        return str(done.json()["id"])

    async def dock_again(self, owner: Person) -> int:
        """Dock again what has lost its authorization; return how many accounts that were."""
        states = {one["id"]: one["state"] for one in (await owner.call("GET", "/api/channels")).json()["items"]}
        lost = [account for account in self.accounts if states[account.channel_id] == "deauthorized"]
        for account in lost:
            if account.credentials:
                again = await owner.call(
                    "POST", "/api/channels", kind="wechat_oa", credentials=dict(account.credentials)
                )
                assert again.is_success, again.text
            else:
                await self.authorize(owner, account.appid)
        return len(lost)

    async def end_tokens(self) -> None:
        """Let somebody else ask for a new token of each account that has a secret, so that ours is dead."""
        for account in self.accounts:
            if account.credentials:
                asked = {"grant_type": "client_credential", "appid": account.appid}
                asked["secret"] = account.credentials["secret"]
                await self.sandbox.post("/cgi-bin/stable_token", json=asked | {"force_refresh": True})

    # ------------------------------------------------------------ customers

    async def come(self, count_each: int) -> None:
        """Let so many people follow each account."""
        async with asyncio.TaskGroup() as arrivals:
            for account in self.accounts:
                arrivals.create_task(self._come(account, count_each))

    async def _come(self, account: Account, how_many: int) -> None:
        for number in range(how_many):
            made = await self.sandbox.post(_people(account), json={"nickname": f"customer {number}"})
            customer = Customer(account=account, openid=str(made.json()["openid"]))
            await self._answered([await self._follows(customer, scene=None)])
            self.customers.append(customer)

    async def write(self, how_many: int, *, writers: int, in_order: bool) -> None:
        """Let people write so many pushes. `in_order`: whether they arrive as they were written."""
        left = [how_many]
        async with asyncio.TaskGroup() as tasks:
            for _ in range(writers):
                tasks.create_task(self._write(left, in_order=in_order))

    async def _write(self, left: list[int], *, in_order: bool) -> None:
        while left[0] > 0:
            customer = self.chance.choice([one for one in self.customers if not one.busy])
            customer.busy = True
            burst = min(left[0], self.chance.choice([1, 1, 2, 3]))
            left[0] -= burst
            sent: list[Written] = []
            while len(sent) < burst:
                sent += await self._acts(customer, in_order=in_order)
            left[0] -= len(sent) - burst
            await self._answered(sent)
            customer.busy = False

    async def _acts(self, customer: Customer, *, in_order: bool) -> list[Written]:
        """Let the customer do one thing; return the pushes it became."""
        kind = self.chance.choices(list(self.kinds), list(self.kinds.values()))[0]
        now = asyncio.get_running_loop().time()
        if kind != "leave":
            return [await self._says(customer, kind, in_order=in_order)]
        # Leaving has nothing but its second to be known by, and only in order does coming back come after it.
        if not in_order or now - customer.left_at < LEAVES_AGAIN_AFTER_S:
            return [await self._says(customer, "text", in_order=in_order)]
        customer.left_at = now
        left = await self._post(customer, "/unfollow", {}, kind="unsubscribe", in_order=True)
        return [left, await self._follows(customer, scene=f"scene{next(self._numbers)}")]

    async def _follows(self, customer: Customer, *, scene: str | None) -> Written:
        return await self._post(customer, "/follow", {"scene": scene}, kind="subscribe", in_order=True)

    async def _says(self, customer: Customer, kind: str, *, in_order: bool) -> Written:
        number = next(self._numbers)
        return await self._post(customer, "/message", _described(kind, number), kind=kind, in_order=in_order)

    async def _post(self, customer: Customer, path: str, body: Json, *, kind: str, in_order: bool) -> Written:
        place = f"{_people(customer.account)}/{customer.openid}{path}"
        answer = await self.sandbox.post(place, json=body)
        assert answer.is_success, answer.text
        push_id = int(answer.json()["push_id"])
        written = Written(customer.account.appid, customer.openid, kind, push_id, in_order, answer.json()["msg_id"])
        customer.written.append(written)
        return written

    async def _answered(self, sent: Sequence[Written]) -> None:
        """Return when each was answered or given up."""
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            for written in sent:
                while (push := await self._push(written))["outcome"] is None:
                    await asyncio.sleep(0.05)
                fields = cast("Json", push["fields"])
                written.outcome = str(push["outcome"])
                written.name = str(fields.get(NAMED_BY.get(written.kind, ""), ""))

    async def _push(self, written: Written) -> Json:
        return cast("Json", (await self.sandbox.get(f"/sandbox/api/pushes/{written.push_id}")).json())

    # ------------------------------------------------------------ what came of it

    def all_written(self) -> list[Written]:
        """Return everything that customers sent."""
        return [written for customer in self.customers for written in customer.written]

    async def shown_to(self, customer: Customer) -> list[Json]:
        """Return what the account's answers show on the customer's phone."""
        chat = await self.sandbox.get(f"{_people(customer.account)}/{customer.openid}/chat")
        return [entry for entry in cast("list[Json]", chat.json()) if entry["direction"] == "out"]


def _people(account: Account) -> str:
    return f"/sandbox/api/accounts/{account.appid}/followers"


def _described(kind: str, number: int) -> Json:
    """Return a message or event of this kind that no other is like. Files of every message are its own anyway."""
    event = {"type": "event", "event": kind}
    described: Mapping[str, Json] = {
        "text": {"type": "text", "content": f"words {number} 我的订单 /::)"},
        "location": {"type": "location", "label": f"place {number}"},
        "link": {"type": "link", "title": f"link {number}"},
        "file": {"type": "file", "title": f"file {number}"},
        "LOCATION": event | {"latitude": number / 1000},
        "VIEW": event | {"event_key": f"https://shop.example.com/{number}"},
        "CLICK": event | {"event_key": f"key{number}"},
        "SCAN": event | {"event_key": f"key{number}"},
    }
    return described.get(kind, {"type": kind})
