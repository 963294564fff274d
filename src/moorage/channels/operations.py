"""Changing what is set for a channel, and what it calls its provider with."""

from collections.abc import Mapping

from psycopg.types.json import Jsonb

from moorage.channels.agent_words import checked as checked_words
from moorage.channels.credentials import check_credentials, read_credentials, seal_credentials, seal_verification
from moorage.channels.model import Channel, ChannelSettings, VoiceReply, checked_name
from moorage.channels.queries import read_channel
from moorage.channels.undocking import ChannelUndocked
from moorage.channels.views import channel_changed
from moorage.connectors.manifest import Manifest
from moorage.core.errors import Malformed, StaleVersion
from moorage.core.ids import ChannelId, PersonId
from moorage.core.templates import check_template
from moorage.infra.audit import write_audit
from moorage.infra.database import Tx
from moorage.infra.secrets import SecretBox

MOST_VOICE_REPLY_CHARACTERS = 300


async def change_channel(
    tx: Tx,
    *,
    channel_id: ChannelId,
    manifest: Manifest,
    version: int,
    name: str | None,
    settings: ChannelSettings | None,
    by: PersonId,
    remote_address: str,
) -> Channel:
    """Return the channel with what is given changed; what is None, or not set in `settings`, stays.

    Raises Missing, StaleVersion, Malformed or TemplateInvalid.
    """
    before = await read_channel(tx, channel_id=channel_id)
    after_name = before.name if name is None else checked_name(name)
    after = before.settings if settings is None else _checked(_merged(before.settings, settings), manifest=manifest)
    changed = await tx.execute(
        """
        UPDATE channels SET name = %(name)s, settings = %(settings)s, version = version + 1
        WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND version = %(version)s
        """,
        {
            "name": after_name,
            "settings": Jsonb(after.model_dump(mode="json")),
            "workspace_id": tx.workspace_id,
            "id": channel_id,
            "version": version,
        },
    )
    if not changed:
        raise StaleVersion(version=(await read_channel(tx, channel_id=channel_id)).version)
    await write_audit(
        tx,
        by=by,
        remote_address=remote_address,
        act="channel.changed",
        object_kind="channel",
        object_id=channel_id,
        before={"name": before.name, "settings": before.settings.model_dump(mode="json")},
        after={"name": after_name, "settings": after.model_dump(mode="json")},
    )
    channel = await read_channel(tx, channel_id=channel_id)
    tx.record(channel_changed(channel))
    return channel


async def change_credentials(
    tx: Tx,
    *,
    channel_id: ChannelId,
    manifest: Manifest,
    box: SecretBox,
    version: int,
    credentials: Mapping[str, str],
    by: PersonId,
    remote_address: str,
) -> Channel:
    """Return the channel with the given credentials in place of the old; those left out stay.

    The next token is asked for with the new ones, also if the old ones had opened the circuit. Raises Missing,
    StaleVersion, ChannelUndocked, or Malformed, also for another account: that is a channel of its own.
    """
    if (await read_channel(tx, channel_id=channel_id)).state == "undocked":
        raise ChannelUndocked
    if (await read_channel(tx, channel_id=channel_id)).docked_by == "authorization":
        raise Malformed(field="credentials", reason="docked_by_authorization")
    before = await read_credentials(tx, box=box, channel_id=channel_id)
    checked = check_credentials(manifest, {**before, **credentials})
    external_id = checked[manifest.account_field]
    if external_id != before[manifest.account_field]:
        raise Malformed(field=f"credentials.{manifest.account_field}", reason="other_account")
    await _replace_credentials(
        tx,
        channel_id=channel_id,
        version=version,
        credentials=seal_credentials(box, checked, channel_id=channel_id),
        verification=seal_verification(box, checked, manifest=manifest, external_id=external_id),
    )
    await write_audit(
        tx,
        by=by,
        remote_address=remote_address,
        act="channel.credentials_changed",
        object_kind="channel",
        object_id=channel_id,
        after={"credentials": sorted(name for name in checked if checked[name] != before.get(name))},
    )
    channel = await read_channel(tx, channel_id=channel_id)
    tx.record(channel_changed(channel))
    return channel


async def _replace_credentials(
    tx: Tx, *, channel_id: ChannelId, version: int, credentials: bytes, verification: bytes
) -> None:
    changed = await tx.execute(
        """
        UPDATE channels SET credentials = %s, version = version + 1
        WHERE workspace_id = %s AND id = %s AND version = %s
        """,
        [credentials, tx.workspace_id, channel_id, version],
    )
    if not changed:
        raise StaleVersion(version=(await read_channel(tx, channel_id=channel_id)).version)
    await tx.execute(
        "UPDATE channel_addresses SET verification = %s WHERE workspace_id = %s AND channel_id = %s",
        [verification, tx.workspace_id, channel_id],
    )
    # A renewal that is under way with the old ones finds another version and stores nothing.
    await tx.execute(
        """
        UPDATE channel_tokens
        SET version = version + 1, renewing_until = NULL, renewing_by = NULL, failures = 0, circuit_until = NULL
        WHERE workspace_id = %s AND channel_id = %s
        """,
        [tx.workspace_id, channel_id],
    )


def _merged(before: ChannelSettings, given: ChannelSettings) -> ChannelSettings:
    told = given.model_dump(exclude_unset=True)
    parts = {part: {**getattr(before, part).model_dump(), **told.get(part, {})} for part in _NESTED}
    return ChannelSettings.model_validate({**before.model_dump(), **told, **parts})


_NESTED = ("greeting", "merge_replies", "trans_to_agent", "voice_reply")
"""Parts of the settings of which each field stays that is left out."""


def _checked(settings: ChannelSettings, *, manifest: Manifest) -> ChannelSettings:
    """Return the settings as they are stored. Raises Malformed or TemplateInvalid."""
    if settings.budget_preset is not None and settings.budget_preset not in manifest.budget_presets:
        raise Malformed(field="settings.budget_preset", reason="unknown")
    if settings.greeting.text is not None:
        check_template(settings.greeting.text, field="settings.greeting.text")
    return settings.model_copy(
        update={
            "trans_to_agent": checked_words(settings.trans_to_agent),
            "voice_reply": _checked_voice_reply(settings.voice_reply),
        }
    )


def _checked_voice_reply(reply: VoiceReply) -> VoiceReply:
    text = (reply.text or "").strip() or None
    if text is not None and len(text) > MOST_VOICE_REPLY_CHARACTERS:
        raise Malformed(field="settings.voice_reply.text", reason="too_long")
    return reply.model_copy(update={"text": text})
