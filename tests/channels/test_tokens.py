"""One holder of a channel's token, whoever asks. The provider is a local server at the wire."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from moorage.channels.endpoints import open_endpoint
from moorage.channels.health.doctor import Doctor
from moorage.channels.health.model import Check
from moorage.channels.leases import CIRCUIT, FORCED_AT_MOST_EVERY, LEASE
from moorage.channels.model import Channel
from moorage.channels.operations import change_credentials
from moorage.channels.queries import read_channel
from moorage.connectors.content import Text
from moorage.connectors.contract import Endpoint, Outbound, TokenSource
from moorage.connectors.failures import AddressNotAllowed, CredentialsInvalid, TryLater, Unreachable
from moorage.connectors.registry import Connectors, ProviderUrls, open_connectors
from moorage.connectors.wechat_oa.manifest import MANIFEST
from moorage.core.ids import PersonId, WorkspaceId, new_id
from moorage.infra.database import Database
from moorage.infra.http_client import open_provider_client
from tests.channels.docking import BOX, a_channel
from tests.conftest import MovableClock
from tests.connectors.provider import WITHOUT_ANSWER, Call, Provider, answered, running_provider

SECRET_WRONG = {"errcode": 40125, "errmsg": "invalid appsecret"}
NOT_LISTED = {"errcode": 40164, "errmsg": "invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist rid: 1-2-3"}
TOKEN_OLD = {"errcode": 42001, "errmsg": "access_token expired"}


@dataclass
class Wechat:
    """WeChat's token endpoint: gives `token` until it is told to change, and counts."""

    token: str = "T1"
    lasts_s: int = 7200
    failure: Mapping[str, object] | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    issued: int = 0
    forced: int = 0
    good: set[str] | None = None
    """The tokens that a send is accepted with; None: any."""

    def __post_init__(self) -> None:
        self.gate.set()

    async def answer(self, call: Call) -> bytes:
        self.asked.set()
        await self.gate.wait()
        if call.path != "/cgi-bin/stable_token":
            refused = self.good is not None and call.query["access_token"] not in self.good
            return answered(TOKEN_OLD if refused else {"errcode": 0})
        self.issued += 1
        if self.failure is not None:
            return answered(self.failure) if self.failure else WITHOUT_ANSWER
        if call.asked.get("force_refresh"):
            self.forced += 1
            self.token = f"{self.token}+"
        return answered({"access_token": self.token, "expires_in": self.lasts_s})


@pytest.fixture
def wechat() -> Wechat:
    return Wechat()


@pytest.fixture
async def provider(wechat: Wechat) -> AsyncIterator[Provider]:
    async with running_provider(wechat.answer) as running:
        yield running


@pytest.fixture
async def connectors(provider: Provider) -> AsyncIterator[Connectors]:
    async with open_provider_client() as http:
        yield open_connectors(http=http, urls=ProviderUrls(wechat_api=provider.url))


@pytest.fixture
async def channel(database: Database, workspace: WorkspaceId) -> Channel:
    return await a_channel(database, workspace)


@pytest.fixture
async def opened(
    database: Database, workspace: WorkspaceId, connectors: Connectors, channel: Channel
) -> list[Endpoint]:
    """The channel as several senders see it."""
    return [
        await open_endpoint(database, box=BOX, connectors=connectors, workspace_id=workspace, channel_id=channel.id)
        for _ in range(5)
    ]


@pytest.fixture
def tokens(opened: list[Endpoint]) -> TokenSource:
    return opened[0].tokens


def soon(seconds: float = 5.0) -> float:
    return asyncio.get_running_loop().time() + seconds


StateNow = Callable[[], Awaitable[tuple[str, str | None]]]
ChecksNow = Callable[[], Awaitable[dict[str, Check]]]


@pytest.fixture
def state(database: Database, workspace: WorkspaceId, channel: Channel) -> StateNow:
    """Tells how the channel stands, and why."""

    async def now() -> tuple[str, str | None]:
        async with database.in_workspace(workspace) as tx:
            standing = await read_channel(tx, channel_id=channel.id)
        return standing.state, standing.state_reason

    return now


@pytest.fixture
def checks(database: Database, workspace: WorkspaceId, connectors: Connectors, channel: Channel) -> ChecksNow:
    """Runs the channel's checks."""

    async def now() -> dict[str, Check]:
        doctor = Doctor(database=database, box=BOX, connectors=connectors)
        found = await doctor.ask(workspace_id=workspace, channel_id=channel.id, parts=("access",), deadline=soon())
        return {check.name: check for check in found}

    return now


# ---------------------------------------------------------------- one renewal


async def test_all_who_ask_at_once_share_one_renewal(opened: list[Endpoint], wechat: Wechat) -> None:
    got = await asyncio.gather(*(endpoint.tokens.token(deadline=soon()) for endpoint in opened))
    assert set(got) == {"T1"}
    assert wechat.issued == 1


async def test_a_fresh_token_is_not_asked_for_again(tokens: TokenSource, wechat: Wechat, clock: MovableClock) -> None:
    await tokens.token(deadline=soon())
    clock.forward(timedelta(minutes=114))
    assert await tokens.token(deadline=soon()) == "T1"
    assert wechat.issued == 1


async def test_a_due_token_is_renewed_before_it_ends(tokens: TokenSource, wechat: Wechat, clock: MovableClock) -> None:
    await tokens.token(deadline=soon())
    clock.forward(timedelta(minutes=116))
    wechat.token = "T2"
    assert await tokens.token(deadline=soon()) == "T2"
    assert wechat.issued == 2


async def test_while_one_renews_the_others_go_on_with_the_old_token(
    opened: list[Endpoint], wechat: Wechat, clock: MovableClock
) -> None:
    await opened[0].tokens.token(deadline=soon())
    clock.forward(timedelta(minutes=116))
    wechat.token = "T2"
    wechat.gate.clear()
    wechat.asked.clear()
    async with asyncio.TaskGroup() as tasks:
        renewing = tasks.create_task(opened[0].tokens.token(deadline=soon()))
        await wechat.asked.wait()
        others = [await endpoint.tokens.token(deadline=soon()) for endpoint in opened[1:]]
        wechat.gate.set()
    assert set(others) == {"T1"}
    assert renewing.result() == "T2"
    assert wechat.issued == 2


async def test_who_has_no_token_waits_for_the_holder_until_the_deadline(opened: list[Endpoint], wechat: Wechat) -> None:
    wechat.gate.clear()
    async with asyncio.TaskGroup() as tasks:
        holders = [tasks.create_task(endpoint.tokens.token(deadline=soon())) for endpoint in opened[:2]]
        await wechat.asked.wait()
        late = tasks.create_task(refused_after(opened[2].tokens, seconds=0.4))
        await late
        wechat.gate.set()
    assert {holder.result() for holder in holders} == {"T1"}
    assert wechat.issued == 1


async def refused_after(tokens: TokenSource, *, seconds: float) -> None:
    with pytest.raises((TryLater, Unreachable)):
        await tokens.token(deadline=soon(seconds))


async def test_a_holder_that_died_is_replaced_when_its_lease_ends(
    database: Database, workspace: WorkspaceId, channel: Channel, tokens: TokenSource, clock: MovableClock
) -> None:
    async with database.in_workspace(workspace) as tx:
        await tx.execute(
            "UPDATE channel_tokens SET renewing_until = %s, renewing_by = channel_id WHERE channel_id = %s",
            [tx.now + LEASE, channel.id],
        )
    with pytest.raises(TryLater):
        await tokens.token(deadline=soon(0.2))
    clock.forward(LEASE)
    assert await tokens.token(deadline=soon()) == "T1"


async def test_tokens_are_sealed_at_rest(
    database: Database, workspace: WorkspaceId, channel: Channel, tokens: TokenSource, wechat: Wechat
) -> None:
    wechat.token = "36_plain-as-day"
    await tokens.token(deadline=soon())
    async with database.in_workspace(workspace) as tx:
        sealed = await tx.value("SELECT token FROM channel_tokens WHERE channel_id = %s", [channel.id])
    assert isinstance(sealed, bytes)
    assert b"plain-as-day" not in sealed


# ---------------------------------------------------------------- refused tokens


async def test_a_newer_stored_token_is_used_instead_of_renewing(tokens: TokenSource, wechat: Wechat) -> None:
    await tokens.token(deadline=soon())
    assert await tokens.after_refusal(failed="T0", deadline=soon()) == "T1"
    assert wechat.issued == 1


async def test_all_who_were_refused_share_one_renewal(opened: list[Endpoint], wechat: Wechat) -> None:
    await opened[0].tokens.token(deadline=soon())
    wechat.token = "T2"
    got = await asyncio.gather(*(e.tokens.after_refusal(failed="T1", deadline=soon()) for e in opened))
    assert set(got) == {"T2"}
    assert (wechat.issued, wechat.forced) == (2, 0)


async def test_a_renewal_is_forced_only_if_the_same_token_came_back_and_rarely(
    tokens: TokenSource, wechat: Wechat, clock: MovableClock
) -> None:
    await tokens.token(deadline=soon())
    assert await tokens.after_refusal(failed="T1", deadline=soon()) == "T1+"
    assert (wechat.issued, wechat.forced) == (3, 1)
    with pytest.raises(CredentialsInvalid, match="token_refused"):
        await tokens.after_refusal(failed="T1+", deadline=soon())
    assert wechat.forced == 1
    clock.forward(FORCED_AT_MOST_EVERY)
    assert await tokens.after_refusal(failed="T1+", deadline=soon()) == "T1++"


async def test_a_send_survives_a_token_that_has_died(
    connectors: Connectors, opened: list[Endpoint], wechat: Wechat
) -> None:
    await opened[0].tokens.token(deadline=soon())
    wechat.token, wechat.good = "T2", {"T2"}
    message = Outbound(external_customer_id="oCustomer", content=Text(text="你好"))
    for endpoint in opened:
        await connectors["wechat_oa"].send(endpoint, message, deadline=soon())
    assert (wechat.issued, wechat.forced) == (2, 0)


# ---------------------------------------------------------------- failures


async def test_wrong_credentials_are_shown_on_the_channel_at_once_and_heal(
    state: StateNow, tokens: TokenSource, wechat: Wechat
) -> None:
    wechat.failure = SECRET_WRONG
    with pytest.raises(CredentialsInvalid, match="invalid_secret"):
        await tokens.token(deadline=soon())
    assert await state() == ("failing", "invalid_secret")
    wechat.failure = None
    await tokens.token(deadline=soon())
    assert await state() == ("active", None)


async def test_three_failures_in_a_row_open_the_circuit_for_five_minutes(
    state: StateNow, tokens: TokenSource, wechat: Wechat, clock: MovableClock
) -> None:
    wechat.failure = {}
    for _ in range(2):
        with pytest.raises(Unreachable):
            await tokens.token(deadline=soon())
    assert await state() == ("active", None)
    with pytest.raises(Unreachable):
        await tokens.token(deadline=soon())
    assert await state() == ("failing", "provider_unreachable")
    with pytest.raises(TryLater) as caught:
        await tokens.token(deadline=soon())
    assert timedelta(minutes=4) < caught.value.retry_after <= CIRCUIT
    assert wechat.issued == 3
    wechat.failure = None
    clock.forward(CIRCUIT)
    assert await tokens.token(deadline=soon()) == "T1"
    assert await state() == ("active", None)


async def test_an_open_circuit_repeats_why(tokens: TokenSource, wechat: Wechat) -> None:
    wechat.failure = NOT_LISTED
    for _ in range(4):
        with pytest.raises(AddressNotAllowed) as caught:
            await tokens.token(deadline=soon())
        assert (caught.value.address, caught.value.external_code) == ("203.0.113.9", 40164)
    assert wechat.issued == 3


async def test_a_token_that_is_still_good_outlives_a_failed_renewal(
    tokens: TokenSource, wechat: Wechat, clock: MovableClock
) -> None:
    await tokens.token(deadline=soon())
    wechat.failure = {}
    clock.forward(timedelta(minutes=116))
    for _ in range(5):
        assert await tokens.token(deadline=soon()) == "T1"
    assert wechat.issued == 4  # the circuit keeps the fourth and fifth from asking
    clock.forward(timedelta(minutes=4, seconds=10))
    with pytest.raises(TryLater):
        await tokens.token(deadline=soon())


async def test_a_send_whose_token_cannot_be_had_was_surely_not_made(
    connectors: Connectors, opened: list[Endpoint], wechat: Wechat, provider: Provider
) -> None:
    wechat.failure = {}
    message = Outbound(external_customer_id="oCustomer", content=Text(text="你好"))
    with pytest.raises(Unreachable) as caught:
        await connectors["wechat_oa"].send(opened[0], message, deadline=soon())
    assert not caught.value.written
    assert provider.calls_of("/cgi-bin/message/custom/send") == []


async def test_new_credentials_are_used_at_once(
    database: Database, workspace: WorkspaceId, connectors: Connectors, channel: Channel, wechat: Wechat
) -> None:
    async def tokens() -> TokenSource:
        endpoint = await open_endpoint(
            database, box=BOX, connectors=connectors, workspace_id=workspace, channel_id=channel.id
        )
        return endpoint.tokens

    wechat.failure = SECRET_WRONG
    for _ in range(3):
        with pytest.raises(CredentialsInvalid):
            await (await tokens()).token(deadline=soon())
    wechat.failure = None
    async with database.in_workspace(workspace) as tx:
        changed = await change_credentials(
            tx,
            channel_id=channel.id,
            manifest=MANIFEST,
            box=BOX,
            version=(await read_channel(tx, channel_id=channel.id)).version,
            credentials={"secret": "e" * 32},
            by=PersonId(new_id()),
            remote_address="127.0.0.1",
        )
    assert changed.state == "failing"  # until a token has been had with them
    assert await (await tokens()).token(deadline=soon()) == "T1"
    async with database.in_workspace(workspace) as tx:
        assert (await read_channel(tx, channel_id=channel.id)).state == "active"


# ---------------------------------------------------------------- checks


async def test_checks_of_a_good_account(checks: ChecksNow) -> None:
    found = await checks()
    states = {name: found[name].state for name in ("server_verified", "token", "ip_allowed")}
    assert states == {"server_verified": "unknown", "token": "ok", "ip_allowed": "ok"}
    assert found["server_verified"].reason == "not_asked_yet"


async def test_checks_name_the_address_to_allow(checks: ChecksNow, wechat: Wechat) -> None:
    wechat.failure = NOT_LISTED
    found = await checks()
    assert found["ip_allowed"].state == "failing"
    assert found["ip_allowed"].details["ip"] == "203.0.113.9"
    assert found["ip_allowed"].details["external_code"] == "40164"
    assert found["token"].state == "unknown"


async def test_checks_tell_a_wrong_secret_from_an_unreachable_provider(checks: ChecksNow, wechat: Wechat) -> None:
    wechat.failure = SECRET_WRONG
    token = (await checks())["token"]
    assert (token.state, token.reason) == ("failing", "invalid_secret")
    wechat.failure = {}
    token = (await checks())["token"]
    assert (token.state, token.reason) == ("warning", "provider_unreachable")


async def test_a_check_asks_the_provider_even_while_the_circuit_is_open(
    checks: ChecksNow, tokens: TokenSource, wechat: Wechat
) -> None:
    wechat.failure = SECRET_WRONG
    for _ in range(3):
        with pytest.raises(CredentialsInvalid):
            await tokens.token(deadline=soon())
    wechat.failure = None
    assert (await checks())["token"].state == "ok"
    assert await tokens.token(deadline=soon()) == "T1"
