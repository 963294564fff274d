"""Copying what is set for one channel to others, all of them or none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from psycopg.types.json import Jsonb

from moorage.channels.follow_replies.storing import copy_follow_reply
from moorage.channels.model import ChannelSettings, SettingsField, SettingsPart
from moorage.channels.queries import read_channel, read_channels
from moorage.channels.views import channel_changed
from moorage.connectors.manifest import Manifest
from moorage.core.errors import Malformed, Missing
from moorage.core.ids import ChannelId, PersonId
from moorage.infra.audit import write_audit
from moorage.infra.database import Tx


@dataclass(frozen=True, slots=True)
class Copied:
    """A channel whose settings have changed, and in which parts."""

    channel_id: ChannelId
    name: str
    parts: Sequence[SettingsPart]
    version: int


@dataclass(frozen=True, slots=True)
class _Target:
    id: ChannelId
    kind: str
    settings: Mapping[str, object]


async def copy_settings(
    tx: Tx,
    *,
    channel_id: ChannelId,
    to: Sequence[ChannelId],
    parts: Sequence[SettingsPart],
    manifests: Mapping[str, Manifest],
    by: PersonId,
    remote_address: str,
) -> list[Copied]:
    """Copy `parts` of a channel's settings to others and return those that changed, in the order of their names.

    Raises Missing for an unknown channel, Malformed for the channel itself among the others, or for a budget preset or
    a follow reply that another's kind does not have; then nothing is changed anywhere.
    """
    source = (await read_channel(tx, channel_id=channel_id)).settings
    if channel_id in to:
        raise Malformed(field="to", reason="same_channel")
    targets = await _lock(tx, to)
    changes: dict[ChannelId, tuple[ChannelSettings, ChannelSettings]] = {}
    for target in targets:
        _check(source, parts, manifests[target.kind])
        before = ChannelSettings.model_validate(target.settings)
        fields = [field for field in _FIELDS if field in parts]
        after = before.model_copy(update={field: getattr(source, field) for field in fields})
        if after != before:
            changes[target.id] = (before, after)
    await _write(tx, {target_id: after for target_id, (_, after) in changes.items()})
    told = await _told(tx, channel_id=channel_id, changes=changes, by=by, remote_address=remote_address)
    if "follow_reply" not in parts:
        return told
    replied = [
        target.id
        for target in targets
        if await copy_follow_reply(tx, source=channel_id, target=target.id, by=by, remote_address=remote_address)
    ]
    return await _with_replies(tx, told, replied)


async def _lock(tx: Tx, to: Sequence[ChannelId]) -> list[_Target]:
    """Return the channels, locked in the order of their ids: two who copy at once then do not block each other."""
    wanted = set(to)
    targets = await tx.rows(
        _Target,
        """
        SELECT id, kind, settings FROM channels WHERE workspace_id = %s AND id = ANY(%s) ORDER BY id FOR NO KEY UPDATE
        """,
        [tx.workspace_id, list(wanted)],
    )
    if len(targets) != len(wanted):
        raise Missing(what="channel")
    return targets


def _check(source: ChannelSettings, parts: Sequence[SettingsPart], manifest: Manifest) -> None:
    preset = source.budget_preset
    if "budget_preset" in parts and preset is not None and preset not in manifest.budget_presets:
        raise Malformed(field="parts", reason="budget_preset_unknown")
    if "follow_reply" in parts and not manifest.tells_of_followers:
        raise Malformed(field="parts", reason="follow_reply_unknown")


async def _write(tx: Tx, settings: Mapping[ChannelId, ChannelSettings]) -> None:
    rows = [
        {"id": str(channel_id), "settings": after.model_dump(mode="json")} for channel_id, after in settings.items()
    ]
    await tx.execute(
        """
        UPDATE channels c SET settings = copied.settings, version = c.version + 1
        FROM jsonb_to_recordset(%s) AS copied(id uuid, settings jsonb)
        WHERE c.workspace_id = %s AND c.id = copied.id
        """,
        [Jsonb(rows), tx.workspace_id],
    )


async def _told(
    tx: Tx,
    *,
    channel_id: ChannelId,
    changes: Mapping[ChannelId, tuple[ChannelSettings, ChannelSettings]],
    by: PersonId,
    remote_address: str,
) -> list[Copied]:
    """Record and audit each change, and return them."""
    copied: list[Copied] = []
    for channel in await read_channels(tx, channel_ids=list(changes)):
        before, after = changes[channel.id]
        parts: list[SettingsPart] = [part for part in _FIELDS if getattr(before, part) != getattr(after, part)]
        copied.append(Copied(channel_id=channel.id, name=channel.name, parts=parts, version=channel.version))
        tx.record(channel_changed(channel))
        await write_audit(
            tx,
            by=by,
            remote_address=remote_address,
            act="channel.settings_copied",
            object_kind="channel",
            object_id=channel.id,
            before={"settings": before.model_dump(mode="json")},
            after={"settings": after.model_dump(mode="json"), "copied_from": str(channel_id)},
        )
    return copied


async def _with_replies(tx: Tx, told: Sequence[Copied], replied: Sequence[ChannelId]) -> list[Copied]:
    """Return what was copied, with the channels whose follow reply has changed too."""
    by_id = {copied.channel_id: copied for copied in told}
    for channel in await read_channels(tx, channel_ids=replied):
        parts = () if channel.id not in by_id else by_id[channel.id].parts
        by_id[channel.id] = Copied(
            channel_id=channel.id, name=channel.name, parts=[*parts, "follow_reply"], version=channel.version
        )
    return sorted(by_id.values(), key=lambda copied: (copied.name, copied.channel_id))


_FIELDS: tuple[SettingsField, ...] = get_args(SettingsField)
