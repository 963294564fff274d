"""Docking an account by its own credentials, and finding it again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from moorage.channels.addresses import callback_url, find_address, mark_verified
from moorage.channels.credentials import open_verification, read_credentials
from moorage.channels.docking import AlreadyDocked
from moorage.channels.events import ChannelDocked, ChannelStateChanged
from moorage.channels.model import Channel, ChannelSettings, Greeting
from moorage.channels.operations import change_channel
from moorage.channels.queries import list_channels, read_channel
from moorage.channels.replays import REMEMBERED, refuse_replayed
from moorage.channels.states import mark_active, mark_deauthorized, mark_failing, mark_reachable, mark_restricted
from moorage.connectors.contract import UncoveredBody
from moorage.connectors.failures import MalformedInput
from moorage.connectors.wechat_oa.manifest import MANIFEST
from moorage.core.errors import Malformed, Missing, StaleVersion
from moorage.core.ids import PersonId, WorkspaceId, new_id
from moorage.core.templates import TemplateInvalid
from moorage.infra.database import Database, Tx
from moorage.infra.secrets import SecretBox, SecretUnreadable
from tests.channels.docking import BOX, a_channel, some_credentials
from tests.conftest import Heard, MovableClock


async def changed(
    database: Database, channel: Channel, *, version: int | None = None, name: str | None = None, **settings: object
) -> Channel:
    async with database.in_workspace(await workspace_of(database, channel)) as tx:
        return await change_channel(
            tx,
            channel_id=channel.id,
            manifest=MANIFEST,
            version=channel.version if version is None else version,
            name=name,
            settings=ChannelSettings.model_validate(settings) if settings else None,
            by=PersonId(new_id()),
            remote_address="127.0.0.1",
        )


async def workspace_of(database: Database, channel: Channel) -> WorkspaceId:
    async with database.in_platform() as tx:
        return (await find_address(tx, kind=channel.kind, external_id=channel.external_id)).workspace_id


async def facts_of(database: Database, workspace: WorkspaceId) -> list[tuple[str, int]]:
    async with database.in_workspace(workspace) as tx:
        found = await tx.value(
            "SELECT array_agg(topic || ':' || object_version ORDER BY seq) FROM event_log WHERE workspace_id = %s",
            [workspace],
        )
    assert isinstance(found, list | None)
    return [(str(line).partition(":")[0], int(str(line).partition(":")[2])) for line in found or []]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] -- rows of text


# ---------------------------------------------------------------- docking


async def test_a_docked_account_is_found_by_its_address(database: Database, workspace: WorkspaceId) -> None:
    credentials = some_credentials()
    channel = await a_channel(database, workspace, credentials=credentials, name=" Harbour Tea ")
    assert (channel.name, channel.state, channel.external_id) == ("Harbour Tea", "active", credentials["appid"])
    async with database.in_platform() as tx:
        address = await find_address(tx, kind="wechat_oa", external_id=credentials["appid"])
    assert (address.workspace_id, address.channel_id) == (workspace, channel.id)
    verification = open_verification(BOX, address)
    assert verification["token"] == credentials["token"]
    assert verification["mode"] == "secure"
    assert "secret" not in verification


async def test_docking_is_told_and_audited(database: Database, workspace: WorkspaceId, heard: Heard) -> None:
    channel = await a_channel(database, workspace)
    assert heard.events == [ChannelDocked(channel_id=channel.id)]
    assert await facts_of(database, workspace) == [("channel.changed", 1)]
    async with database.in_workspace(workspace) as tx:
        acts = await tx.value("SELECT array_agg(act) FROM audit_log WHERE workspace_id = %s", [workspace])
        told = str(await tx.value("SELECT after::text FROM audit_log WHERE workspace_id = %s", [workspace]))
    assert acts == ["channel.docked"]
    assert "Kf7tokenXq2LmZ" not in told


async def test_credentials_are_sealed_for_one_channel(database: Database, workspace: WorkspaceId) -> None:
    credentials = some_credentials()
    channel = await a_channel(database, workspace, credentials=credentials)
    async with database.in_workspace(workspace) as tx:
        assert (await read_credentials(tx, box=BOX, channel_id=channel.id))["secret"] == credentials["secret"]
        sealed = await tx.value("SELECT credentials FROM channels WHERE id = %s", [channel.id])
        assert isinstance(sealed, bytes)
        assert credentials["secret"].encode() not in sealed
        with pytest.raises(SecretUnreadable):
            await read_credentials(tx, box=SecretBox([b"x" * 32]), channel_id=channel.id)


async def test_the_verification_of_another_address_cannot_be_put_in_place(
    database: Database, workspace: WorkspaceId
) -> None:
    one, other = await a_channel(database, workspace), await a_channel(database, workspace)
    async with database.in_platform() as tx:
        mine = await find_address(tx, kind="wechat_oa", external_id=one.external_id)
        theirs = await find_address(tx, kind="wechat_oa", external_id=other.external_id)
    with pytest.raises(SecretUnreadable):
        open_verification(BOX, replace(mine, verification=theirs.verification))


async def test_an_account_is_docked_once_in_an_installation(
    database: Database, workspace: WorkspaceId, other_workspace: WorkspaceId
) -> None:
    credentials = some_credentials()
    await a_channel(database, workspace, credentials=credentials)
    for again in (workspace, other_workspace):
        with pytest.raises(AlreadyDocked):
            await a_channel(database, again, credentials=credentials)
    async with database.in_workspace(other_workspace) as tx:
        assert (await list_channels(tx)).items == []


async def test_of_two_who_dock_an_account_at_once_one_has_it(
    database: Database, workspace: WorkspaceId, other_workspace: WorkspaceId
) -> None:
    credentials = some_credentials()
    attempts = [a_channel(database, where, credentials=credentials) for where in (workspace, other_workspace)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyDocked", "Channel"]


@pytest.mark.parametrize(
    ("changed_to", "field", "reason"),
    [
        ({"appid": "gh_5b8e21a7c4d9"}, "appid", "mismatch"),
        ({"secret": "short"}, "secret", "mismatch"),
        ({"token": "ab"}, "token", "mismatch"),
        ({"token": "with space"}, "token", "mismatch"),
        ({"aes_key": "A" * 42}, "aes_key", "mismatch"),
        ({"mode": "clear"}, "mode", "mismatch"),
        ({"aes_key": "  "}, "aes_key", "missing"),
        ({"colour": "#ff0000"}, "colour", "unknown"),
    ],
)
async def test_a_field_of_the_wrong_form_is_named(
    changed_to: dict[str, str], field: str, reason: str, database: Database, workspace: WorkspaceId
) -> None:
    with pytest.raises(Malformed) as caught:
        await a_channel(database, workspace, credentials=some_credentials(**changed_to))
    assert (caught.value.field, caught.value.reason) == (f"credentials.{field}", reason)
    assert all(value not in str(caught.value) for value in changed_to.values() if value.strip())


async def test_spaces_around_pasted_credentials_do_no_harm(database: Database, workspace: WorkspaceId) -> None:
    credentials = some_credentials()
    padded = {name: f" {value}\n" for name, value in credentials.items()}
    channel = await a_channel(database, workspace, credentials=padded)
    assert channel.external_id == credentials["appid"]


async def test_a_channel_is_of_its_workspace_alone(
    database: Database, workspace: WorkspaceId, other_workspace: WorkspaceId
) -> None:
    channel = await a_channel(database, workspace)
    async with database.in_workspace(other_workspace) as tx:
        with pytest.raises(Missing):
            await read_channel(tx, channel_id=channel.id)
        with pytest.raises(Missing):
            await read_credentials(tx, box=BOX, channel_id=channel.id)


def test_the_callback_address_is_known_before_docking() -> None:
    url = callback_url(MANIFEST, public_url="https://desk.example.org/", external_id="wx7c1e5a90b2d4f683")
    assert url == "https://desk.example.org/wechat/oa/wx7c1e5a90b2d4f683"


async def test_an_unknown_address_is_missing(database: Database) -> None:
    async with database.in_platform() as tx:
        with pytest.raises(Missing):
            await find_address(tx, kind="wechat_oa", external_id="wx0000000000000000")


async def test_the_providers_question_is_remembered_and_told(
    database: Database, workspace: WorkspaceId, clock: MovableClock
) -> None:
    channel = await a_channel(database, workspace)
    assert channel.server_verified_at is None
    for _ in range(2):
        async with database.in_workspace(workspace) as tx:
            await mark_verified(tx, channel_id=channel.id)
    async with database.in_workspace(workspace) as tx:
        assert (await read_channel(tx, channel_id=channel.id)).server_verified_at is not None
    assert await facts_of(database, workspace) == [("channel.changed", 1), ("channel.changed", 2)]


# ---------------------------------------------------------------- settings


async def test_settings_begin_with_the_products_defaults(database: Database, workspace: WorkspaceId) -> None:
    settings = (await a_channel(database, workspace)).settings
    assert settings == ChannelSettings(
        locale="zh-CN", greeting=Greeting(mode="once_per_conversation", text=None), budget_preset="guide"
    )


async def test_only_what_is_given_changes(database: Database, workspace: WorkspaceId) -> None:
    channel = await a_channel(database, workspace)
    first = await changed(database, channel, greeting={"text": "你好，{customer}"}, locale="en")
    second = await changed(database, first, name="New name", greeting={"mode": "off"})
    assert second.name == "New name"
    assert second.settings == ChannelSettings(
        locale="en", greeting=Greeting(mode="off", text="你好，{customer}"), budget_preset="guide"
    )
    third = await changed(database, second, greeting={"text": None}, budget_preset="2023")
    assert third.settings.greeting == Greeting(mode="off", text=None)
    assert third.settings.budget_preset == "2023"


async def test_a_change_of_what_somebody_else_has_changed_is_refused(
    database: Database, workspace: WorkspaceId
) -> None:
    channel = await a_channel(database, workspace)
    await changed(database, channel, name="Mine")
    with pytest.raises(StaleVersion) as caught:
        await changed(database, channel, name="Theirs")
    assert caught.value.version == 2


async def test_settings_that_cannot_work_are_refused(database: Database, workspace: WorkspaceId) -> None:
    channel = await a_channel(database, workspace)
    with pytest.raises(TemplateInvalid, match="unknown_placeholder"):
        await changed(database, channel, greeting={"text": "Hello {custmer}"})
    with pytest.raises(Malformed, match="budget_preset"):
        await changed(database, channel, budget_preset="1999")
    with pytest.raises(Malformed, match="name"):
        await changed(database, channel, name="  ")
    assert await changed(database, channel, name="Still at version 1") is not None


# ---------------------------------------------------------------- states

Mark = Callable[[Tx, Channel], Awaitable[None]]


async def test_states_change_once_and_are_told(database: Database, workspace: WorkspaceId, heard: Heard) -> None:
    channel = await a_channel(database, workspace)
    heard.events.clear()
    for _ in range(2):
        async with database.in_workspace(workspace) as tx:
            await mark_failing(tx, channel_id=channel.id, reason="invalid_secret")
    assert heard.events == [ChannelStateChanged(channel_id=channel.id, state="failing", reason="invalid_secret")]
    async with database.in_workspace(workspace) as tx:
        await mark_active(tx, channel_id=channel.id)
        now = await read_channel(tx, channel_id=channel.id)
    assert (now.state, now.state_reason, now.version) == ("active", None, 3)


async def test_a_good_token_does_not_heal_what_only_a_send_can_tell(database: Database, workspace: WorkspaceId) -> None:
    channel = await a_channel(database, workspace)
    async with database.in_workspace(workspace) as tx:
        await mark_failing(tx, channel_id=channel.id, reason="daily_limit")
        await mark_reachable(tx, channel_id=channel.id)
        assert (await read_channel(tx, channel_id=channel.id)).state == "failing"
        await mark_restricted(tx, channel_id=channel.id, reason="api_not_allowed")
        await mark_reachable(tx, channel_id=channel.id)
        assert (await read_channel(tx, channel_id=channel.id)).state == "restricted"
        await mark_failing(tx, channel_id=channel.id, reason="invalid_secret")
        await mark_reachable(tx, channel_id=channel.id)
        assert (await read_channel(tx, channel_id=channel.id)).state == "active"


async def test_a_withdrawn_authorization_is_not_healed_by_anything_but_docking(
    database: Database, workspace: WorkspaceId
) -> None:
    channel = await a_channel(database, workspace)
    async with database.in_workspace(workspace) as tx:
        await mark_deauthorized(tx, channel_id=channel.id, reason="authorization_gone")
        await mark_active(tx, channel_id=channel.id)
        await mark_failing(tx, channel_id=channel.id, reason="invalid_secret")
        assert (await read_channel(tx, channel_id=channel.id)).state == "deauthorized"


# ---------------------------------------------------------------- replays


async def sees(database: Database, workspace: WorkspaceId, channel: Channel, *, nonce: str, digest: bytes) -> None:
    uncovered = UncoveredBody(timestamp="1767225600", nonce=nonce, digest=digest)
    async with database.in_workspace(workspace) as tx:
        await refuse_replayed(tx, channel_id=channel.id, uncovered=uncovered)


async def test_a_signature_brings_one_body_only(
    database: Database, workspace: WorkspaceId, clock: MovableClock
) -> None:
    channel, other = await a_channel(database, workspace), await a_channel(database, workspace)
    await sees(database, workspace, channel, nonce="1", digest=b"a")
    await sees(database, workspace, channel, nonce="1", digest=b"a")  # a redelivery
    await sees(database, workspace, channel, nonce="2", digest=b"b")
    await sees(database, workspace, other, nonce="1", digest=b"b")
    with pytest.raises(MalformedInput, match="replayed_signature"):
        await sees(database, workspace, channel, nonce="1", digest=b"b")
    clock.forward(REMEMBERED * 2)
    await sees(database, workspace, channel, nonce="1", digest=b"b")


async def test_of_two_bodies_at_once_one_is_taken(database: Database, workspace: WorkspaceId) -> None:
    channel = await a_channel(database, workspace)
    attempts = [sees(database, workspace, channel, nonce="9", digest=bytes([n])) for n in range(6)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(MalformedInput) == 5
