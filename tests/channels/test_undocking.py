"""Undocking an account, and docking it again: what is freed, what is kept."""

import asyncio
from dataclasses import replace

import pytest

from moorage.channels.addresses import find_address
from moorage.channels.credentials import open_verification, read_credentials
from moorage.channels.docking import AlreadyDocked
from moorage.channels.events import AccountUndocked, ChannelDocked, ChannelStateChanged
from moorage.channels.model import Channel, ChannelSettings
from moorage.channels.operations import change_channel, change_credentials
from moorage.channels.queries import read_channel
from moorage.channels.states import mark_active, mark_deauthorized, mark_failing
from moorage.channels.undocking import ChannelUndocked, undock_channel
from moorage.connectors.wechat_oa.manifest import MANIFEST
from moorage.core.errors import Missing, StaleVersion
from moorage.core.ids import ChannelId, PersonId, WorkspaceId, new_id
from moorage.infra.database import Database
from tests.channels.docking import BOX, a_channel, some_credentials
from tests.conftest import Heard


async def undocked(
    database: Database, workspace: WorkspaceId, channel: Channel, *, version: int | None = None
) -> Channel:
    async with database.in_workspace(workspace) as tx:
        return await undock_channel(
            tx, channel_id=channel.id, version=version, by=PersonId(new_id()), remote_address="127.0.0.1"
        )


async def now_of(database: Database, workspace: WorkspaceId, channel: Channel) -> Channel:
    async with database.in_workspace(workspace) as tx:
        return await read_channel(tx, channel_id=channel.id)


async def test_undocked_account_is_free_for_another_company(
    database: Database, workspace: WorkspaceId, other_workspace: WorkspaceId
) -> None:
    credentials = some_credentials()
    channel = await a_channel(database, workspace, credentials=credentials)
    after = await undocked(database, workspace, channel)
    assert (after.state, after.undocked_at is not None) == ("undocked", True)
    async with database.in_platform() as tx:
        with pytest.raises(Missing):
            await find_address(tx, kind=channel.kind, external_id=channel.external_id)
    theirs = await a_channel(database, other_workspace, credentials=credentials)
    assert theirs.id != channel.id
    with pytest.raises(AlreadyDocked):
        await a_channel(database, workspace, credentials=credentials)
    assert (await now_of(database, workspace, channel)).state == "undocked"


async def test_undocking_is_told_and_audited(database: Database, workspace: WorkspaceId, heard: Heard) -> None:
    channel = await a_channel(database, workspace)
    heard.events.clear()
    await undocked(database, workspace, channel)
    state, undocking = heard.events
    assert state == ChannelStateChanged(channel_id=channel.id, state="undocked", reason=None)
    assert isinstance(undocking, AccountUndocked)
    async with database.in_workspace(workspace) as tx:
        acts = await tx.value("SELECT array_agg(act ORDER BY id) FROM audit_log WHERE object_id = %s", [channel.id])
        facts = await tx.value("SELECT array_agg(payload ->> 'state' ORDER BY seq) FROM event_log")
    assert acts == ["channel.docked", "channel.undocked"]
    assert facts == ["active", "undocked"]


async def test_nothing_but_docking_changes_an_undocked_channel(database: Database, workspace: WorkspaceId) -> None:
    channel = await a_channel(database, workspace)
    after = await undocked(database, workspace, channel)
    async with database.in_workspace(workspace) as tx:
        await mark_failing(tx, channel_id=channel.id, reason="invalid_secret")
        await mark_active(tx, channel_id=channel.id)
        await mark_deauthorized(tx, channel_id=channel.id, reason="authorization_gone")
        with pytest.raises(ChannelUndocked):
            await change_credentials(
                tx,
                channel_id=channel.id,
                manifest=MANIFEST,
                box=BOX,
                version=after.version,
                credentials={"secret": "f" * 32},
                by=PersonId(new_id()),
                remote_address="127.0.0.1",
            )
    with pytest.raises(ChannelUndocked):
        await undocked(database, workspace, channel)
    assert await now_of(database, workspace, channel) == after


async def test_undocking_needs_the_version_that_was_seen_and_a_channel_of_ours(
    database: Database, workspace: WorkspaceId, other_workspace: WorkspaceId
) -> None:
    channel = await a_channel(database, workspace)
    with pytest.raises(StaleVersion):
        await undocked(database, workspace, channel, version=channel.version + 1)
    for stranger in (replace(channel, id=ChannelId(new_id())), channel):
        with pytest.raises(Missing):
            await undocked(database, other_workspace, stranger)
    assert (await undocked(database, workspace, channel, version=channel.version)).state == "undocked"


async def test_docking_again_revives_the_channel_with_its_settings(
    database: Database, workspace: WorkspaceId, heard: Heard
) -> None:
    credentials = some_credentials()
    channel = await a_channel(database, workspace, credentials=credentials, name="Harbour")
    async with database.in_workspace(workspace) as tx:
        await change_channel(
            tx,
            channel_id=channel.id,
            manifest=MANIFEST,
            version=channel.version,
            name=None,
            settings=ChannelSettings(locale="en", budget_preset="2023"),
            by=PersonId(new_id()),
            remote_address="127.0.0.1",
        )
    left = await undocked(database, workspace, channel)
    heard.events.clear()
    renewed = {**credentials, "secret": "f" * 32}
    revived = await a_channel(database, workspace, credentials=renewed)
    assert (revived.id, revived.state, revived.name) == (channel.id, "active", "Harbour")
    assert (revived.settings, revived.undocked_at) == (left.settings, None)
    assert revived.version > left.version
    assert heard.events == [
        ChannelStateChanged(channel_id=channel.id, state="active", reason=None),
        ChannelDocked(channel_id=channel.id),
    ]
    async with database.in_workspace(workspace) as tx:
        assert (await read_credentials(tx, box=BOX, channel_id=channel.id))["secret"] == "f" * 32
    async with database.in_platform() as tx:
        address = await find_address(tx, kind=channel.kind, external_id=channel.external_id)
    assert address.channel_id == channel.id
    assert open_verification(BOX, address)["token"] == credentials["token"]


async def test_account_that_withdrew_its_authorization_is_docked_again_as_the_same_channel(
    database: Database, workspace: WorkspaceId
) -> None:
    credentials = some_credentials()
    channel = await a_channel(database, workspace, credentials=credentials)
    async with database.in_workspace(workspace) as tx:
        await mark_deauthorized(tx, channel_id=channel.id, reason="authorization_gone")
    revived = await a_channel(database, workspace, credentials=credentials)
    assert (revived.id, revived.state, revived.state_reason) == (channel.id, "active", None)


async def test_of_two_who_dock_an_undocked_account_again_one_revives_it(
    database: Database, workspace: WorkspaceId, other_workspace: WorkspaceId
) -> None:
    credentials = some_credentials()
    await undocked(database, workspace, await a_channel(database, workspace, credentials=credentials))
    places = (workspace, workspace, other_workspace)
    attempts = [a_channel(database, place, credentials=credentials) for place in places]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyDocked", "AlreadyDocked", "Channel"]
