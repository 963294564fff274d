"""Copying settings from one channel to others: all of them or none, and told as what it is."""

import asyncio
from collections.abc import Sequence

import pytest

from moorage.channels.copying import Copied, SettingsPart, copy_settings
from moorage.channels.model import Channel, ChannelSettings, Greeting
from moorage.channels.operations import change_channel
from moorage.channels.queries import read_channel
from moorage.connectors.wechat_oa.manifest import MANIFEST
from moorage.core.errors import Malformed, Missing
from moorage.core.ids import ChannelId, PersonId, WorkspaceId, new_id
from moorage.infra.database import Database
from tests.channels.docking import a_channel
from tests.conftest import StatementCounter

SET = ChannelSettings(
    locale="en",
    greeting=Greeting(mode="every_connection", text="Ahoy"),
    budget_preset="2023",
    after_session_hours=0,
    last_served_hours=5,
)
PARTS: Sequence[SettingsPart] = ("greeting", "locale", "budget_preset", "after_session_hours", "last_served_hours")


async def a_set_channel(database: Database, workspace: WorkspaceId) -> Channel:
    channel = await a_channel(database, workspace, name="Source")
    async with database.in_workspace(workspace) as tx:
        return await change_channel(
            tx,
            channel_id=channel.id,
            manifest=MANIFEST,
            version=channel.version,
            name=None,
            settings=SET,
            by=PersonId(new_id()),
            remote_address="127.0.0.1",
        )


async def copied(
    database: Database, workspace: WorkspaceId, source: Channel, to: Sequence[ChannelId], parts: Sequence[SettingsPart]
) -> list[Copied]:
    async with database.in_workspace(workspace) as tx:
        return await copy_settings(
            tx,
            channel_id=source.id,
            to=to,
            parts=parts,
            manifests={MANIFEST.kind: MANIFEST},
            by=PersonId(new_id()),
            remote_address="127.0.0.1",
        )


async def settings_of(database: Database, workspace: WorkspaceId, channel: Channel) -> ChannelSettings:
    async with database.in_workspace(workspace) as tx:
        return (await read_channel(tx, channel_id=channel.id)).settings


async def test_only_the_chosen_parts_are_copied_and_told(database: Database, workspace: WorkspaceId) -> None:
    source = await a_set_channel(database, workspace)
    target = await a_channel(database, workspace, name="Target")
    changed = await copied(database, workspace, source, [target.id, target.id], ("greeting",))
    assert changed == [Copied(channel_id=target.id, name="Target", parts=["greeting"], version=target.version + 1)]
    assert await settings_of(database, workspace, target) == target.settings.model_copy(
        update={"greeting": SET.greeting}
    )
    async with database.in_workspace(workspace) as tx:
        audit = await tx.value("SELECT array_agg(act ORDER BY id) FROM audit_log WHERE object_id = %s", [target.id])
        facts = await tx.value(
            "SELECT array_agg(object_version ORDER BY seq) FROM event_log WHERE object_id = %s", [target.id]
        )
    assert audit == ["channel.docked", "channel.settings_copied"]
    assert facts == [1, 2]


async def test_channels_that_are_so_already_stay_as_they_are(database: Database, workspace: WorkspaceId) -> None:
    source = await a_set_channel(database, workspace)
    targets = [await a_channel(database, workspace, name=name) for name in ("B", "A")]
    first = await copied(database, workspace, source, [target.id for target in targets], PARTS)
    assert [(one.name, one.parts) for one in first] == [("A", list(PARTS)), ("B", list(PARTS))]
    assert await copied(database, workspace, source, [target.id for target in targets], PARTS) == []


async def test_an_unknown_channel_or_the_source_itself_changes_nothing(
    database: Database, workspace: WorkspaceId, other_workspace: WorkspaceId
) -> None:
    source = await a_set_channel(database, workspace)
    target = await a_channel(database, workspace)
    foreign = await a_channel(database, other_workspace)
    for wrong, error in (
        (foreign.id, Missing),
        (ChannelId(new_id()), Missing),
        (source.id, Malformed),
    ):
        with pytest.raises(error):
            await copied(database, workspace, source, [target.id, wrong], PARTS)
    assert await settings_of(database, workspace, target) == target.settings


async def test_two_who_copy_at_once_do_not_stop_each_other(database: Database, workspace: WorkspaceId) -> None:
    source = await a_set_channel(database, workspace)
    ids = [(await a_channel(database, workspace)).id for _ in range(6)]
    outcomes = await asyncio.gather(
        copied(database, workspace, source, ids, PARTS), copied(database, workspace, source, ids[::-1], PARTS)
    )
    assert sorted(len(outcome) for outcome in outcomes) == [0, 6]


async def test_copying_to_many_costs_one_statement_a_channel_for_its_audit_and_no_more(
    database: Database, workspace: WorkspaceId, statements: StatementCounter
) -> None:
    source = await a_set_channel(database, workspace)
    ids = [(await a_channel(database, workspace)).id for _ in range(20)]
    statements.reset()
    await copied(database, workspace, source, ids, PARTS)
    assert len(statements) <= len(ids) + 6
