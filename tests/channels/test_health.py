"""What the doctor finds: each way to ail is provoked at the wire, named with its cause, and gone once it is mended."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from moorage.channels.addresses import find_address
from moorage.channels.health.doctor import Doctor
from moorage.channels.health.findings import clock_check, quota_check
from moorage.channels.health.model import Check, CheckName, health_of
from moorage.channels.health.visits import AFTER_FAILURE, Visits, look_soon
from moorage.channels.health.watch import PushWatch
from moorage.channels.model import Channel
from moorage.channels.states import mark_failing, mark_restricted
from moorage.connectors.examining import Quota
from moorage.connectors.failures import Refused
from moorage.core.errors import Malformed
from moorage.core.ids import WorkspaceId
from moorage.infra.database import Database
from moorage.infra.limits import TooOften
from moorage.staff.model import Actor
from moorage.staff.passwords import Passwords
from tests.channels.docking import BOX, a_channel
from tests.channels.platform_world import ALL_SETS, KIND, Desk, a_desk, an_actor, an_appid
from tests.conftest import Heard, MovableClock, a_workspace

NOT_LISTED = {"errcode": 61004, "errmsg": "access clientip is not registered ip: 203.0.113.9 rid: 1-2-3"}
SEND = "/cgi-bin/message/custom/send"


@dataclass(frozen=True)
class Refusal:
    """What WeChat refuses, and where and how it is to be told."""

    call: str
    errcode: int
    check: CheckName
    reason: str


@pytest.fixture
async def database(fresh_database: Database) -> Database:
    return fresh_database


@pytest.fixture
async def workspace(database: Database) -> WorkspaceId:
    return await a_workspace(database)


@pytest.fixture
async def desk(database: Database, heard: Heard, tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(database, heard, tmp_path) as opened:
        await opened.ticket()
        yield opened


@pytest.fixture
async def actor(database: Database, passwords: Passwords, workspace: WorkspaceId) -> Actor:
    return await an_actor(database, passwords, workspace)


@pytest.fixture
async def channel(desk: Desk, actor: Actor) -> Channel:
    return await desk.dock(actor, an_appid())


@pytest.fixture
def doctor(desk: Desk) -> Doctor:
    return Doctor(database=desk.database, box=BOX, connectors=desk.connectors)


def soon(seconds: float = 10.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def looked(doctor: Doctor, workspace: WorkspaceId, channel: Channel) -> dict[CheckName, Check]:
    found = await doctor.ask(
        workspace_id=workspace, channel_id=channel.id, parts=("access", "quotas", "voice"), deadline=soon()
    )
    return {check.name: check for check in found}


async def state_of(desk: Desk, channel: Channel, workspace: WorkspaceId) -> tuple[str, str | None, str | None]:
    after = await desk.channel(workspace, channel.id)
    return after.state, after.health, after.health_check


# ---------------------------------------------------------------- what the provider says


async def test_a_sound_channel_is_sound_in_every_respect(
    doctor: Doctor, desk: Desk, channel: Channel, workspace: WorkspaceId
) -> None:
    found = await looked(doctor, workspace, channel)
    assert {name: check.state for name, check in found.items() if check.state not in {"ok", "unknown"}} == {
        "other_platforms": "not_applicable"
    }
    assert found["quotas"].details == {"send": "3/500", "menu": "1/1000"}
    assert await state_of(desk, channel, workspace) == ("active", "ok", None)


async def test_an_address_that_is_not_listed_is_named_and_forgotten_once_it_is(
    doctor: Doctor, desk: Desk, channel: Channel, workspace: WorkspaceId
) -> None:
    desk.wechat.failures["api_authorizer_token"] = NOT_LISTED
    found = await looked(doctor, workspace, channel)
    assert (found["ip_allowed"].state, found["ip_allowed"].mend) == ("failing", "allow_address")
    assert found["ip_allowed"].details["ip"] == "203.0.113.9"
    assert found["ip_allowed"].details["external_code"] == "61004"
    assert found["token"].state == "unknown"
    assert await state_of(desk, channel, workspace) == ("failing", "failing", "ip_allowed")
    desk.wechat.failures.clear()
    assert (await looked(doctor, workspace, channel))["ip_allowed"].state == "ok"
    assert await state_of(desk, channel, workspace) == ("active", "ok", None)


async def test_an_authorization_that_is_gone_is_mended_by_authorizing(
    doctor: Doctor, desk: Desk, channel: Channel, workspace: WorkspaceId
) -> None:
    desk.wechat.grants.pop(channel.external_id)
    found = await looked(doctor, workspace, channel)
    assert (found["token"].reason, found["token"].mend) == ("authorization_gone", "authorize")
    assert (await state_of(desk, channel, workspace))[:2] == ("deauthorized", "failing")


async def test_a_right_that_the_provider_misses_is_named_though_it_was_granted(
    doctor: Doctor, desk: Desk, channel: Channel, workspace: WorkspaceId
) -> None:
    async with desk.database.in_workspace(workspace) as tx:  # as the sender does after 61007
        await mark_restricted(tx, channel_id=channel.id, reason="set_missing_messages")
    check = (await looked(doctor, workspace, channel))["permissions"]
    assert (check.state, check.reason, check.mend) == ("failing", "set_missing_messages", "authorize")
    assert check.details["required"] == "messages"


async def test_a_used_up_quota_is_told_reset_and_over(
    doctor: Doctor, desk: Desk, channel: Channel, workspace: WorkspaceId
) -> None:
    desk.wechat.quotas[SEND] = (500, 500)
    async with desk.database.in_workspace(workspace) as tx:  # as the sender does after 45009
        await mark_failing(tx, channel_id=channel.id, reason="daily_limit")
    found = await looked(doctor, workspace, channel)
    assert (found["quotas"].state, found["quotas"].reason, found["quotas"].mend) == (
        "failing",
        "daily_limit",
        "reset_quotas",
    )
    assert found["quotas"].details["empty"] == "send"
    assert (await state_of(desk, channel, workspace))[0] == "failing"
    await doctor.reset_quotas(workspace_id=workspace, channel_id=channel.id, deadline=soon())
    assert (await looked(doctor, workspace, channel))["quotas"].state == "ok"
    assert await state_of(desk, channel, workspace) == ("active", "ok", None)


async def test_resets_that_are_used_up_are_named(
    doctor: Doctor, desk: Desk, channel: Channel, workspace: WorkspaceId
) -> None:
    desk.wechat.failures["clear_quota"] = {"errcode": 48006, "errmsg": "forbid to clear quota"}
    with pytest.raises(Refused, match="quota_resets_used"):
        await doctor.reset_quotas(workspace_id=workspace, channel_id=channel.id, deadline=soon())


@pytest.mark.parametrize(
    "refused",
    [
        Refusal("get_api_domain_ip", 48001, "token", "api_not_allowed"),
        Refusal("get_api_domain_ip", 45009, "token", "daily_limit"),
        Refusal("get", 61007, "quotas", "permission_missing"),
        Refusal("get_authorizer_option", 61025, "voice_recognition", "other"),
    ],
)
async def test_a_refused_question_is_told_at_its_check_with_the_code_in_the_details(
    doctor: Doctor, desk: Desk, channel: Channel, workspace: WorkspaceId, refused: Refusal
) -> None:
    desk.wechat.failures[refused.call] = {"errcode": refused.errcode, "errmsg": "refused rid: 1-2-3"}
    found = (await looked(doctor, workspace, channel))[refused.check]
    assert (found.state, found.reason) == ("failing", refused.reason)
    assert found.details["external_code"] == str(refused.errcode)


async def test_an_answer_that_is_none_is_a_warning_as_it_may_pass(
    doctor: Doctor, desk: Desk, channel: Channel, workspace: WorkspaceId
) -> None:
    desk.wechat.failures["get"] = b"<html>"
    found = (await looked(doctor, workspace, channel))["quotas"]
    assert (found.state, found.reason) == ("warning", "provider_unreachable")


async def test_voice_recognition_is_shown_and_switched_on(
    doctor: Doctor, desk: Desk, channel: Channel, workspace: WorkspaceId
) -> None:
    desk.wechat.voice = "0"
    found = await looked(doctor, workspace, channel)
    assert (found["voice_recognition"].reason, found["voice_recognition"].mend) == ("voice_off", "switch_on_voice")
    assert (await state_of(desk, channel, workspace))[1] == "ok"  # a choice, and no trouble
    await doctor.switch_voice_recognition(workspace_id=workspace, channel_id=channel.id, on=True, deadline=soon())
    assert desk.wechat.voice == "1"
    assert (await looked(doctor, workspace, channel))["voice_recognition"].state == "ok"


async def test_the_older_option_call_is_asked_where_the_present_one_wants_the_platforms_token(
    doctor: Doctor, desk: Desk, channel: Channel, workspace: WorkspaceId
) -> None:
    desk.wechat.failures["get_authorizer_option"] = {"errcode": 61014, "errmsg": "must use component token"}
    desk.wechat.failures["api_get_authorizer_option"] = {"option_name": "voice_recognize", "option_value": "0"}
    assert (await looked(doctor, workspace, channel))["voice_recognition"].reason == "voice_off"


async def test_an_account_docked_by_hand_is_told_where_to_switch_voices_on(
    doctor: Doctor, database: Database, workspace: WorkspaceId
) -> None:
    found = await doctor.read(workspace_id=workspace, channel_id=(await a_channel(database, workspace)).id)
    voice = next(check for check in found if check.name == "voice_recognition")
    assert (voice.state, voice.reason) == ("not_applicable", "voice_elsewhere")


# ---------------------------------------------------------------- what the facts say


async def test_missing_sets_say_what_is_missing_and_how_grave_it_is(
    doctor: Doctor, desk: Desk, actor: Actor, workspace: WorkspaceId
) -> None:
    async def permissions(*sets: int) -> Check:
        channel = await desk.dock(actor, an_appid(), sets=sets)
        return (await looked(doctor, workspace, channel))["permissions"]

    assert (await permissions(*ALL_SETS)).details == {}
    optional = await permissions(1, 2, 15)
    assert (optional.state, optional.details["optional"]) == ("ok", "account,web,mass,material")
    menu = await permissions(1, 2)
    assert (menu.state, menu.reason, menu.mend) == ("warning", "set_missing_menu", "authorize")
    assert (await permissions(2, 15)).state == "failing"


async def test_an_old_ticket_is_told_before_it_is_too_old(
    doctor: Doctor, channel: Channel, workspace: WorkspaceId, clock: MovableClock
) -> None:
    async def ticket() -> tuple[str, str | None]:
        found = await doctor.read(workspace_id=workspace, channel_id=channel.id)
        check = next(one for one in found if one.name == "ticket")
        return check.state, check.reason

    assert await ticket() == ("ok", None)
    clock.forward(timedelta(minutes=31))
    assert await ticket() == ("warning", "ticket_late")
    clock.forward(timedelta(hours=12))
    assert await ticket() == ("failing", "ticket_old")


async def test_refused_pushes_are_told_by_what_is_wrong_until_a_genuine_one_comes(
    doctor: Doctor, database: Database, workspace: WorkspaceId, clock: MovableClock
) -> None:
    channel = await a_channel(database, workspace)
    async with database.in_platform() as tx:
        address = await find_address(tx, kind=KIND, external_id=channel.external_id)
    watch = PushWatch(doctor)

    async def keys() -> Check:
        await watch.write()
        found = await doctor.read(workspace_id=workspace, channel_id=channel.id)
        return next(one for one in found if one.name == "push_keys")

    for _ in range(3):
        watch.refused(address, reason="invalid_signature", now=clock.now())
    found = await keys()
    assert (found.state, found.reason, found.details["refused"]) == ("failing", "push_token_wrong", "3")
    clock.forward(timedelta(minutes=1))
    watch.refused(address, reason="invalid_padding", now=clock.now())
    assert (await keys()).reason == "push_key_wrong"
    clock.forward(timedelta(minutes=1))
    watch.arrived(address, mode="secure", now=clock.now())
    found = await keys()
    assert (found.state, found.details) == ("ok", {"seen": "secure", "set": "secure", "refused": "4"})
    watch.refused(address, reason="invalid_signature", now=clock.now() + timedelta(seconds=1))
    assert (await keys()).state == "warning"  # anybody can send an unsigned request
    clock.forward(timedelta(hours=2))
    assert (await keys()).details == {"seen": "secure", "set": "secure"}


async def test_another_mode_than_the_one_that_is_set_is_named(
    doctor: Doctor, database: Database, workspace: WorkspaceId, clock: MovableClock
) -> None:
    channel = await a_channel(database, workspace)
    async with database.in_platform() as tx:
        address = await find_address(tx, kind=KIND, external_id=channel.external_id)
    watch = PushWatch(doctor)
    watch.arrived(address, mode="compatible", now=clock.now())
    await watch.write()
    found = await doctor.read(workspace_id=workspace, channel_id=channel.id)
    keys = next(one for one in found if one.name == "push_keys")
    assert (keys.state, keys.reason) == ("warning", "mode_differs")
    assert keys.details == {"seen": "compatible", "set": "secure"}


def test_a_clock_that_is_off_is_a_warning_long_before_nothing_arrives() -> None:
    assert clock_check(difference=timedelta(seconds=-2)).state == "ok"
    assert clock_check(difference=timedelta(seconds=-90)).state == "warning"
    assert clock_check(difference=timedelta(minutes=6)).state == "failing"


def test_the_fullest_quota_counts() -> None:
    assert quota_check([Quota("send", 100, 50), Quota("menu", 100, 95)]).reason == "quota_low"
    assert quota_check([Quota("send", 100, 120), Quota("menu", 100, 95)]).reason == "daily_limit"
    assert quota_check([]).state == "ok"


def test_what_a_customer_or_a_choice_explains_makes_no_channel_ill() -> None:
    assert health_of([Check("last_send", "warning"), Check("voice_recognition", "failing")]).state == "ok"
    assert health_of([Check("account", "warning"), Check("token", "failing")]).check == "token"


# ---------------------------------------------------------------- looking without being asked


async def test_every_channel_is_looked_at_in_half_an_hour_and_a_failing_one_sooner(
    doctor: Doctor, desk: Desk, channel: Channel, workspace: WorkspaceId, clock: MovableClock
) -> None:
    visits = Visits(doctor)

    async def due() -> bool:
        async with desk.database.in_platform() as tx:
            return bool(await tx.value("SELECT examine_at <= %s FROM channel_addresses", [clock.now()]))

    async def jobs() -> object:
        async with desk.database.in_platform() as tx:
            return await tx.value("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'channels.examine'")

    clock.forward(timedelta(minutes=1))
    await visits.examine_due()
    assert await jobs() == 1
    await visits.examine_due()
    assert (await jobs(), await due()) == (1, False)
    clock.forward(timedelta(minutes=37))
    assert await due()
    await visits.examine_due()
    async with desk.database.in_workspace(workspace) as tx:
        await mark_failing(tx, channel_id=channel.id, reason="provider_unreachable")
        for event in tx.events:
            await look_soon(tx, event)  # pyright: ignore[reportArgumentType] -- the only event of a change of state
    clock.forward(AFTER_FAILURE)
    assert await due()
    await visits.examine_by_job(workspace_id=workspace, channel_id=channel.id)
    assert await state_of(desk, channel, workspace) == ("active", "warning", "ticket")  # 40 minutes without one


async def test_a_visit_renews_no_token_that_is_good(
    doctor: Doctor, desk: Desk, channel: Channel, workspace: WorkspaceId
) -> None:
    before = desk.wechat.calls["api_authorizer_token"]
    await Visits(doctor).examine_by_job(workspace_id=workspace, channel_id=channel.id)
    assert desk.wechat.calls["api_authorizer_token"] == before


async def _workspace(desk: Desk, channel: Channel):
    async with desk.database.in_platform() as tx:
        return await find_address(tx, kind=KIND, external_id=channel.external_id)


async def test_people_cannot_have_a_provider_asked_without_end(doctor: Doctor, channel: Channel) -> None:
    for _ in range(30):
        await doctor.count_asking(channel_id=channel.id)
    with pytest.raises(TooOften):
        await doctor.count_asking(channel_id=channel.id)


# ---------------------------------------------------------------- what is asked by hand alone

RID = "6773ef0a-0b1c2d3e-4f5a6b7c"


async def pinged(doctor: Doctor, desk: Desk, channel: Channel, workspace: WorkspaceId, answer: object) -> Check:
    desk.wechat.failures["stable_token"] = {"access_token": "T", "expires_in": 7200}
    desk.wechat.failures["check"] = answer
    found = await doctor.ask(workspace_id=workspace, channel_id=channel.id, parts=("network",), deadline=soon())
    return next(check for check in found if check.name == "network")


@pytest.fixture
async def by_hand(database: Database, workspace: WorkspaceId) -> Channel:
    return await a_channel(database, workspace)


async def test_the_provider_is_asked_how_it_finds_this_server(
    doctor: Doctor, desk: Desk, by_hand: Channel, workspace: WorkspaceId
) -> None:
    def told(loss: str) -> object:
        ping = {"ip": "203.0.113.7", "from_operator": "UNICOM", "package_loss": loss, "time": "23.079ms"}
        return {"dns": [{"ip": "203.0.113.7", "real_operator": "UNICOM"}], "ping": [ping]}

    fine = await pinged(doctor, desk, by_hand, workspace, told("0%"))
    assert (fine.state, fine.details) == ("ok", {"addresses": "203.0.113.7", "took_ms": "23"})
    silent = await pinged(doctor, desk, by_hand, workspace, told("100%"))
    assert (silent.state, silent.reason) == ("warning", "address_silent")
    unknown = await pinged(doctor, desk, by_hand, workspace, {"dns": [], "ping": []})
    assert (unknown.state, unknown.reason) == ("failing", "address_unresolved")
    not_set = await pinged(doctor, desk, by_hand, workspace, {"errcode": 40201, "errmsg": "invalid url"})
    assert (not_set.state, not_set.reason, not_set.mend) == ("failing", "address_not_set", "enter_address")
    odd = await pinged(
        doctor, desk, by_hand, workspace, {"dns": "none", "ping": [1, {"ip": "203.0.113.7", "time": "nan"}]}
    )
    assert odd.reason == "address_silent"


async def test_an_account_of_a_platform_has_no_address_of_its_own_to_ask_about(
    doctor: Doctor, desk: Desk, channel: Channel, workspace: WorkspaceId
) -> None:
    found = await doctor.ask(workspace_id=workspace, channel_id=channel.id, parts=("network",), deadline=soon())
    assert "network" not in {check.name for check in found}
    assert desk.wechat.calls["check"] == 0


async def test_a_refused_call_is_explained_without_what_was_asked(
    doctor: Doctor, desk: Desk, by_hand: Channel, workspace: WorkspaceId
) -> None:
    refused = {"errcode": 48001, "errmsg": f"api unauthorized rid: {RID}"}
    check = await pinged(doctor, desk, by_hand, workspace, refused)
    assert check.details["request"] == RID
    said = check.details["detail"]
    answer = '{"errcode":48001,"access_token":"secret"}'
    about = {"invoke_time": 1735651082, "cost_in_ms": 30, "request_url": "access_token=***", "request_body": "secret"}
    told = {"errcode": 0, "request": {**about, "response_body": answer, "client_ip": "203.0.113.7"}}
    desk.wechat.failures["get"] = told
    call = await doctor.explain(workspace_id=workspace, channel_id=by_hand.id, said=said, deadline=soon())
    assert (call.from_address, call.took_ms) == ("203.0.113.7", 30)
    assert "secret" not in repr(call)
    desk.wechat.failures["get"] = {"errcode": 76001, "errmsg": "rid not found"}
    with pytest.raises(Refused) as forgotten:
        await doctor.explain(workspace_id=workspace, channel_id=by_hand.id, said=said, deadline=soon())
    assert forgotten.value.reason == "request_unknown"
    with pytest.raises(Malformed):
        await doctor.explain(workspace_id=workspace, channel_id=by_hand.id, said="no call", deadline=soon())
