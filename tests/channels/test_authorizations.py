"""Docking by authorization: whichever way back comes first, the account is docked once, by who began it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from moorage.channels.attempts import FINISHED_WITHIN, LEASE, how_it_stands, take_attempt
from moorage.channels.authorization_errors import (
    AttemptExpired,
    AttemptForeign,
    AttemptUnknown,
    AuthorizationFailed,
    CodeRefused,
    OtherAccount,
)
from moorage.channels.credentials import read_credentials
from moorage.channels.docking import AlreadyDocked
from moorage.channels.model import Channel
from moorage.channels.operations import change_credentials
from moorage.channels.unclaimed import dismiss_unclaimed, list_unclaimed
from moorage.channels.undocking import undock_channel
from moorage.connectors.wechat_oa.manifest import MANIFEST
from moorage.core.errors import Malformed, Missing
from moorage.core.ids import PersonId, WorkspaceId
from moorage.infra.database import Database
from moorage.staff.model import Actor
from moorage.staff.passwords import Passwords
from tests.channels.docking import BOX, a_channel, some_credentials
from tests.channels.platform_world import Desk, a_desk, an_actor, an_appid, attempt_code_of, state_of
from tests.conftest import Heard, MovableClock, a_workspace
from tests.connectors.platform_requests import authorized


@pytest.fixture
async def desk(database: Database, heard: Heard, tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(database, heard, tmp_path) as opened:
        await opened.ticket()
        yield opened


@pytest.fixture
async def actor(database: Database, passwords: Passwords, workspace: WorkspaceId) -> Actor:
    return await an_actor(database, passwords, workspace)


async def refresh_token_of(database: Database, channel: Channel, workspace: WorkspaceId) -> str | None:
    async with database.in_workspace(workspace) as tx:
        return (await read_credentials(tx, box=BOX, channel_id=channel.id)).get("refresh_token")


# ---------------------------------------------------------------- the ways back


async def test_the_browser_alone_docks_the_account(desk: Desk, actor: Actor) -> None:
    appid = an_appid()
    channel = await desk.dock(actor, appid)
    assert (channel.name, channel.external_id, channel.state) == ("码头茶馆", appid, "active")
    assert (channel.account_type, channel.verified, channel.docked_by) == ("service", True, "authorization")
    assert (channel.principal_name, channel.external_account_id) == ("码头茶馆有限公司", f"gh_{appid[-12:]}")
    assert channel.avatar_blob_id is not None
    kept = await refresh_token_of(desk.database, channel, actor.workspace_id)
    assert kept == desk.wechat.grants[appid].refresh_token


async def test_the_push_alone_docks_the_account(desk: Desk, actor: Actor) -> None:
    appid, begun = an_appid(), await desk.begin(actor)
    await desk.pushed(begun, desk.wechat.authorize(appid), appid)
    assert await desk.channels(actor.workspace_id) == []  # nothing is asked of WeChat while it waits for an answer
    await desk.work(actor.workspace_id)
    (channel,) = await desk.channels(actor.workspace_id)
    assert (channel.external_id, channel.state) == (appid, "active")
    assert (await desk.attempt(begun, actor.workspace_id)).state == "done"


async def test_the_browser_first_then_the_push(desk: Desk, actor: Actor) -> None:
    appid, begun = an_appid(), await desk.begin(actor)
    code = desk.wechat.authorize(appid)
    channel_id = await desk.authorizations.complete(actor=actor, state=state_of(begun), code=code)
    await desk.pushed(begun, code, appid)
    await desk.work(actor.workspace_id)
    assert [one.id for one in await desk.channels(actor.workspace_id)] == [channel_id]
    assert desk.wechat.calls["api_query_auth"] == 1


async def test_the_push_first_then_the_browser(desk: Desk, actor: Actor) -> None:
    appid, begun = an_appid(), await desk.begin(actor)
    code = desk.wechat.authorize(appid)
    await desk.pushed(begun, code, appid)
    await desk.work(actor.workspace_id)
    channel_id = await desk.authorizations.complete(actor=actor, state=state_of(begun), code=code)
    assert [one.id for one in await desk.channels(actor.workspace_id)] == [channel_id]
    assert desk.wechat.calls["api_query_auth"] == 1


async def test_both_twice_and_all_at_once_exchange_one_code(
    desk: Desk, actor: Actor, database: Database, heard: Heard, tmp_path: Path
) -> None:
    appid, begun = an_appid(), await desk.begin(actor)
    code = desk.wechat.authorize(appid)
    gate = desk.wechat.gates["api_query_auth"] = asyncio.Event()
    asked = desk.wechat.asked["api_query_auth"] = asyncio.Event()
    for _ in range(2):
        await desk.pushed(begun, code, appid)
    async with asyncio.TaskGroup() as tasks:
        browsers = [
            tasks.create_task(desk.authorizations.complete(actor=actor, state=state_of(begun), code=code))
            for _ in range(2)
        ]
        for _ in range(2):
            tasks.create_task(desk.authorizations.settle_pushed(workspace_id=actor.workspace_id, attempt_id=begun.id))
        await asked.wait()
        gate.set()
    (channel,) = await desk.channels(actor.workspace_id)
    assert {browser.result() for browser in browsers} == {channel.id}
    assert desk.wechat.calls["api_query_auth"] == 1


async def test_who_waits_for_another_process_sees_the_accounts_name(desk: Desk, actor: Actor) -> None:
    begun = await desk.begin(actor)
    code = desk.wechat.authorize(an_appid())
    async with asyncio.TaskGroup() as tasks:
        both = [
            tasks.create_task(desk.authorizations.complete(actor=actor, state=state_of(begun), code=code))
            for _ in range(2)
        ]
    (channel,) = await desk.channels(actor.workspace_id)
    assert {one.result() for one in both} == {channel.id}
    assert channel.name == "码头茶馆"


async def test_a_process_that_died_while_exchanging_is_taken_over(
    desk: Desk, actor: Actor, clock: MovableClock
) -> None:
    appid, begun = an_appid(), await desk.begin(actor)
    code = desk.wechat.authorize(appid)
    async with desk.database.in_platform() as tx:
        died_with = await take_attempt(tx, attempt_id=begun.id, code=code)
    assert died_with.lease is not None
    clock.forward(LEASE)
    await desk.pushed(begun, code, appid)
    await desk.work(actor.workspace_id)
    assert [one.external_id for one in await desk.channels(actor.workspace_id)] == [appid]


# ---------------------------------------------------------------- who may finish it, and when


async def test_another_persons_browser_is_refused(
    desk: Desk, actor: Actor, database: Database, passwords: Passwords, other_workspace: WorkspaceId
) -> None:
    begun = await desk.begin(actor)
    code = desk.wechat.authorize(an_appid())
    colleague = await an_actor(database, passwords, actor.workspace_id)
    elsewhere = Actor(
        person_id=actor.person_id,
        agent_id=actor.agent_id,
        workspace_id=other_workspace,
        role="admin",
        group_ids=frozenset(),
        name="Anna",
    )
    for foreign in (colleague, elsewhere):
        with pytest.raises(AttemptForeign):
            await desk.authorizations.complete(actor=foreign, state=state_of(begun), code=code)
    assert desk.wechat.calls["api_query_auth"] == 0
    assert await desk.authorizations.complete(actor=actor, state=state_of(begun), code=code)


async def test_an_attempt_that_nobody_began_is_unknown(desk: Desk, actor: Actor, other_workspace: WorkspaceId) -> None:
    with pytest.raises(AttemptUnknown):
        await desk.authorizations.complete(actor=actor, state="made-up", code="code")
    begun = await desk.begin(actor)
    with pytest.raises(Missing):
        await desk.attempt(begun, other_workspace)


async def test_an_attempt_of_long_ago_is_expired(desk: Desk, actor: Actor, clock: MovableClock) -> None:
    begun = await desk.begin(actor)
    code = desk.wechat.authorize(an_appid())
    clock.forward(timedelta(minutes=10) + FINISHED_WITHIN)
    with pytest.raises(AttemptExpired):
        await desk.authorizations.complete(actor=actor, state=state_of(begun), code=code)
    attempt = await desk.attempt(begun, actor.workspace_id)
    assert how_it_stands(attempt, now=clock.now()) == ("failed", "attempt_expired")


async def test_neither_state_nor_codes_can_be_read_from_the_table(desk: Desk, actor: Actor) -> None:
    begun = await desk.begin(actor)
    code = desk.wechat.authorize(an_appid())
    await desk.pushed(begun, code, "wx0000000000000001")
    async with desk.database.in_platform() as tx:
        row = str(await tx.value("SELECT docking_attempts::text FROM docking_attempts WHERE id = %s", [begun.id]))
    for secret in (state_of(begun), attempt_code_of(begun), code):
        assert secret not in row
        assert secret.encode().hex() not in row


# ---------------------------------------------------------------- what the provider refuses


async def test_a_replayed_code_ends_in_a_word_and_a_new_one_mends_it(desk: Desk, actor: Actor) -> None:
    appid, begun = an_appid(), await desk.begin(actor)
    with pytest.raises(CodeRefused, match="code_invalid"):
        await desk.authorizations.complete(actor=actor, state=state_of(begun), code="queryauthcode@@@used")
    attempt = await desk.attempt(begun, actor.workspace_id)
    assert (attempt.state, attempt.reason) == ("failed", "code_invalid")
    with pytest.raises(CodeRefused, match="code_invalid"):
        await desk.authorizations.complete(actor=actor, state=state_of(begun), code="queryauthcode@@@used")
    assert desk.wechat.calls["api_query_auth"] == 1  # WeChat is not asked about it again
    await desk.pushed(begun, desk.wechat.authorize(appid), appid)
    await desk.work(actor.workspace_id)
    assert [one.external_id for one in await desk.channels(actor.workspace_id)] == [appid]


async def test_a_code_of_another_attempt_that_was_used_docks_nothing(desk: Desk, actor: Actor) -> None:
    first, second = await desk.begin(actor), await desk.begin(actor)
    code = desk.wechat.authorize(an_appid())
    await desk.authorizations.complete(actor=actor, state=state_of(first), code=code)
    with pytest.raises(CodeRefused):
        await desk.authorizations.complete(actor=actor, state=state_of(second), code=code)
    assert len(await desk.channels(actor.workspace_id)) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"<html><h1>502 Bad Gateway</h1></html>", "provider_unreachable"),
        ({"errcode": 61003, "errmsg": "component is not authorized"}, "authorization_gone"),
        ({"errcode": 61007, "errmsg": "api is unauthorized to component"}, "permission_missing"),
        ({"errcode": 61023, "errmsg": "refresh_token is invalid"}, "authorization_gone"),
        ({"errcode": 40164, "errmsg": "invalid ip 203.0.113.9, not in whitelist"}, "platform_address_not_allowed"),
    ],
)
async def test_each_answer_of_wechats_ends_in_a_word_and_can_be_tried_again(
    answer: object, reason: str, desk: Desk, actor: Actor
) -> None:
    begun = await desk.begin(actor)
    code = desk.wechat.authorize(an_appid())
    desk.wechat.failures["api_query_auth"] = answer
    with pytest.raises(AuthorizationFailed) as caught:
        await desk.authorizations.complete(actor=actor, state=state_of(begun), code=code)
    assert caught.value.reason == reason
    assert (await desk.attempt(begun, actor.workspace_id)).reason == reason
    desk.wechat.failures.clear()
    assert await desk.authorizations.complete(actor=actor, state=state_of(begun), code=code)


async def test_without_a_ticket_nothing_begins(
    fresh_database: Database, heard: Heard, tmp_path: Path, passwords: Passwords, clock: MovableClock
) -> None:
    async with a_desk(fresh_database, heard, tmp_path) as desk:
        workspace = await a_workspace(fresh_database)
        actor = await an_actor(fresh_database, passwords, workspace)
        with pytest.raises(AuthorizationFailed, match="ticket_missing"):
            await desk.begin(actor)
        await desk.ticket()
        assert await desk.begin(actor)
        clock.forward(timedelta(hours=13))
        with pytest.raises(AuthorizationFailed, match="ticket_old"):
            await desk.begin(actor)
        assert desk.wechat.calls["api_component_token"] == 1


async def test_without_a_platform_nothing_begins(
    fresh_database: Database, heard: Heard, tmp_path: Path, passwords: Passwords
) -> None:
    async with a_desk(fresh_database, heard, tmp_path, configured=False) as desk:
        actor = await an_actor(fresh_database, passwords, await a_workspace(fresh_database))
        with pytest.raises(AuthorizationFailed, match="not_configured"):
            await desk.begin(actor)


# ---------------------------------------------------------------- one workspace, one channel


async def test_an_account_of_another_workspace_stays_there_and_goes_on_working(
    desk: Desk, actor: Actor, database: Database, passwords: Passwords, other_workspace: WorkspaceId
) -> None:
    appid = an_appid()
    first = await desk.dock(actor, appid)
    theirs = await an_actor(database, passwords, other_workspace)
    begun = await desk.begin(theirs)
    with pytest.raises(AlreadyDocked) as caught:
        await desk.authorizations.complete(actor=theirs, state=state_of(begun), code=desk.wechat.authorize(appid))
    assert str(actor.workspace_id) not in f"{caught.value} {caught.value.details()}"
    assert await desk.channels(other_workspace) == []
    attempt = await desk.attempt(begun, other_workspace)
    assert (attempt.state, attempt.reason, attempt.channel_id) == ("failed", "already_docked", None)
    # The new authorization made the old refresh token void: the channel that works with the account has the new one.
    kept = await refresh_token_of(database, first, actor.workspace_id)
    assert kept == desk.wechat.grants[appid].refresh_token


async def test_the_same_account_again_is_the_same_channel_with_its_settings(desk: Desk, actor: Actor) -> None:
    appid = an_appid()
    first = await desk.dock(actor, appid)
    async with desk.database.in_workspace(actor.workspace_id) as tx:
        await tx.execute(
            """UPDATE channels SET name = 'Ours', settings = settings || '{"locale": "en"}' WHERE id = %s""", [first.id]
        )
    await desk.withdraw(appid, at=desk.database.clock.now() + timedelta(seconds=1))
    assert (await desk.channel(actor.workspace_id, first.id)).state == "deauthorized"
    again = await desk.dock(actor, appid)
    assert (again.id, again.state, again.name, again.settings.locale) == (first.id, "active", "Ours", "en")


async def test_an_undocked_account_may_go_elsewhere_and_comes_back_as_the_same_channel(
    desk: Desk, actor: Actor, database: Database, passwords: Passwords, other_workspace: WorkspaceId
) -> None:
    appid = an_appid()
    first = await desk.dock(actor, appid)
    theirs = await an_actor(database, passwords, other_workspace)
    await undocked(desk, first, actor.workspace_id, actor.person_id)
    second = await desk.dock(theirs, appid)
    assert second.id != first.id
    with pytest.raises(AlreadyDocked):
        await desk.dock(actor, appid)
    await undocked(desk, second, other_workspace, theirs.person_id)
    assert (await desk.dock(actor, appid)).id == first.id


async def undocked(desk: Desk, channel: Channel, workspace: WorkspaceId, by: PersonId) -> None:
    async with desk.database.in_workspace(workspace) as tx:
        await undock_channel(tx, channel_id=channel.id, version=None, by=by, remote_address="127.0.0.1")


async def test_an_account_with_its_own_credentials_becomes_authorized_as_the_same_channel(
    desk: Desk, actor: Actor, database: Database
) -> None:
    credentials = some_credentials()
    before = await a_channel(database, actor.workspace_id, credentials=credentials, name="Ours")
    after = await desk.dock(actor, credentials["appid"])
    assert (after.id, after.docked_by, after.name) == (before.id, "authorization", "Ours")


async def test_to_authorize_again_takes_the_same_account(desk: Desk, actor: Actor) -> None:
    appid, other = an_appid(), an_appid()
    channel = await desk.dock(actor, appid)
    begun = await desk.begin(actor, channel_id=channel.id)
    assert f"biz_appid={appid}" in begun.url
    with pytest.raises(OtherAccount):
        await desk.authorizations.complete(actor=actor, state=state_of(begun), code=desk.wechat.authorize(other))
    assert (await desk.attempt(begun, actor.workspace_id)).reason == "other_account"
    async with desk.database.in_platform() as tx:
        assert other in {one.external_id for one in await list_unclaimed(tx)}
    assert len(await desk.channels(actor.workspace_id)) == 1


# ---------------------------------------------------------------- limits, changes, withdrawal


async def test_a_missing_required_set_restricts_and_granting_it_mends(desk: Desk, actor: Actor) -> None:
    appid = an_appid()
    channel = await desk.dock(actor, appid, sets=(1, 3))
    assert channel.state == "restricted"
    assert channel.state_reasons == ("set_missing_menu", "set_missing_users")
    desk.wechat.grants[appid].sets = (1, 2, 15)
    now = desk.database.clock.now()
    await desk.told(authorized(appid, "code", "preauthcode@@@elsewhere", at=now, kind="updateauthorized"))
    await desk.work(actor.workspace_id)
    after = await desk.channel(actor.workspace_id, channel.id)
    assert (after.state, after.state_reasons) == ("active", ())


async def test_an_account_that_is_not_certified_is_restricted(desk: Desk, actor: Actor) -> None:
    desk.wechat.about["verify_type_info"] = {"id": -1}
    desk.wechat.gives_tokens = False
    channel = await desk.dock(actor, an_appid())
    assert (channel.state, channel.state_reasons, channel.verified) == ("restricted", ("not_certified",), False)


async def test_a_withdrawal_that_is_older_than_the_authorization_is_ignored(desk: Desk, actor: Actor) -> None:
    appid = an_appid()
    channel = await desk.dock(actor, appid)
    assert channel.authorized_at is not None
    await desk.withdraw(appid, at=channel.authorized_at - timedelta(seconds=5))
    assert (await desk.channel(actor.workspace_id, channel.id)).state == "active"
    for _ in range(2):
        await desk.withdraw(appid, at=channel.authorized_at + timedelta(seconds=5))
    after = await desk.channel(actor.workspace_id, channel.id)
    assert (after.state, after.state_reason) == ("deauthorized", "authorization_gone")


async def test_a_withdrawal_by_nobody_we_know_changes_nothing(desk: Desk, actor: Actor) -> None:
    channel = await desk.dock(actor, an_appid())
    await desk.withdraw(an_appid())
    assert (await desk.channel(actor.workspace_id, channel.id)).state == "active"


async def test_an_authorization_that_nobody_began_waits_for_the_operator(desk: Desk, actor: Actor) -> None:
    appid = an_appid()
    code = desk.wechat.authorize(appid)
    now = desk.database.clock.now()
    for _ in range(2):
        await desk.told(authorized(appid, code, "preauthcode@@@unknown", at=now))
    await desk.work(actor.workspace_id)
    assert await desk.channels(actor.workspace_id) == []
    assert desk.wechat.calls["api_query_auth"] == 0
    async with desk.database.in_platform() as tx:
        (mine,) = [one for one in await list_unclaimed(tx) if one.external_id == appid]
        assert await dismiss_unclaimed(tx, unclaimed_id=mine.id, by=actor.person_id) == appid
        assert appid not in {one.external_id for one in await list_unclaimed(tx)}
        with pytest.raises(Missing):
            await dismiss_unclaimed(tx, unclaimed_id=mine.id, by=actor.person_id)


async def test_a_push_for_a_deauthorized_account_without_an_attempt_does_not_bring_it_back(
    desk: Desk, actor: Actor
) -> None:
    appid = an_appid()
    channel = await desk.dock(actor, appid)
    await desk.withdraw(appid, at=desk.database.clock.now() + timedelta(seconds=1))
    code = desk.wechat.authorize(appid)
    await desk.told(authorized(appid, code, "preauthcode@@@unknown", at=desk.database.clock.now()))
    await desk.work(actor.workspace_id)
    assert (await desk.channel(actor.workspace_id, channel.id)).state == "deauthorized"
    async with desk.database.in_platform() as tx:
        assert appid in {one.external_id for one in await list_unclaimed(tx)}


async def test_the_release_checks_accounts_leave_nothing_behind(desk: Desk, actor: Actor) -> None:
    appid = "wx570bc396a51b8ff8"
    now = desk.database.clock.now()
    await desk.told(authorized(appid, "code", "preauthcode@@@unknown", at=now))
    await desk.withdraw(appid)
    async with desk.database.in_platform() as tx:
        assert appid not in {one.external_id for one in await list_unclaimed(tx)}


async def test_a_profile_that_cannot_be_read_does_not_keep_an_account_from_being_docked(
    desk: Desk, actor: Actor
) -> None:
    appid = an_appid()
    desk.wechat.failures["api_get_authorizer_info"] = b"<html>"
    desk.wechat.failures["avatar.png"] = b"<html>"
    channel = await desk.dock(actor, appid)
    assert (channel.name, channel.state, channel.avatar_blob_id) == (appid, "active", None)
    desk.wechat.failures.pop("api_get_authorizer_info")
    await desk.work(actor.workspace_id)
    after = await desk.channel(actor.workspace_id, channel.id)
    assert (after.name, after.avatar_blob_id) == ("码头茶馆", None)  # what came as a picture was none


async def test_docking_is_audited_without_secrets(desk: Desk, actor: Actor) -> None:
    appid = an_appid()
    channel = await desk.dock(actor, appid)
    await desk.withdraw(appid, at=desk.database.clock.now() + timedelta(seconds=1))
    await desk.dock(actor, appid)
    async with desk.database.in_workspace(actor.workspace_id) as tx:
        acts = await tx.value("SELECT array_agg(act ORDER BY at) FROM audit_log WHERE object_id = %s", [channel.id])
        told = str(await tx.value("SELECT string_agg(after::text, '') FROM audit_log"))
    assert acts == ["channel.docked", "channel.authorization_withdrawn", "channel.authorized_again"]
    assert "refreshtoken@@@" not in told


async def test_an_authorized_channel_takes_no_credentials(desk: Desk, actor: Actor) -> None:
    channel = await desk.dock(actor, an_appid())
    async with desk.database.in_workspace(actor.workspace_id) as tx:
        with pytest.raises(Malformed, match="docked_by_authorization"):
            await change_credentials(
                tx,
                channel_id=channel.id,
                manifest=MANIFEST,
                box=BOX,
                version=channel.version,
                credentials=some_credentials(appid=channel.external_id),
                by=actor.person_id,
                remote_address="127.0.0.1",
            )
