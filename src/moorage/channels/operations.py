"""Docking channels and changing what is set for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from psycopg.types.json import Jsonb

from moorage.channels.agent_words import checked as checked_words
from moorage.channels.credentials import check_credentials, read_credentials, seal_credentials, seal_verification
from moorage.channels.events import ChannelDocked
from moorage.channels.model import AccountType, Channel, ChannelSettings, ChannelState, Locale, VoiceReply
from moorage.channels.queries import read_channel
from moorage.channels.states import mark_docked
from moorage.channels.undocking import ENDED_STATES, ChannelUndocked, forget_token
from moorage.channels.views import channel_changed
from moorage.connectors.authorization import PlatformReason
from moorage.connectors.manifest import Manifest
from moorage.core.errors import DomainError, Malformed, StaleVersion
from moorage.core.ids import ChannelId, PersonId, new_id
from moorage.core.templates import check_template
from moorage.infra.audit import write_audit
from moorage.infra.database import Tx
from moorage.infra.secrets import SecretBox

MOST_NAME_CHARACTERS = 80
MOST_VOICE_REPLY_CHARACTERS = 300


@dataclass(eq=False)
class AlreadyDocked(DomainError):
    """The account is docked in this installation, here or in a workspace that is not named."""

    code: ClassVar[str] = "channels.already_docked"
    kind: ClassVar[str] = "conflict"
    external_id: str


@dataclass(frozen=True, slots=True)
class DockedAccount:
    """An account as it is docked by its own credentials; what is None is not told. The last two are sealed."""

    external_id: str
    name: str | None
    account_type: AccountType | None
    verified: bool | None
    credentials: bytes
    verification: bytes


@dataclass(frozen=True, slots=True)
class _Earlier:
    id: ChannelId
    state: ChannelState


async def dock_with_credentials(
    tx: Tx,
    *,
    manifest: Manifest,
    box: SecretBox,
    name: str | None,
    credentials: Mapping[str, str],
    by: PersonId | None,
    remote_address: str,
    account_type: AccountType | None = None,
    verified: bool | None = None,
) -> Channel:
    """Dock an account by its own credentials and return the channel. `by` is None for the command line.

    An account that was docked in this workspace before is the same channel again, with its settings and history.
    Nothing is asked of the provider: the doctor in `health/` does that, with no transaction open. Raises Malformed for
    a field of the wrong form, AlreadyDocked for an account that is docked anywhere in the installation.
    """
    checked = check_credentials(manifest, credentials)
    external_id = checked[manifest.account_field]
    earlier = await find_ended_channel(tx, kind=manifest.kind, external_id=external_id)
    channel_id = ChannelId(new_id()) if earlier is None else earlier
    account = DockedAccount(
        external_id=external_id,
        name=None if not name else _name(name),
        account_type=account_type,
        verified=verified,
        credentials=seal_credentials(box, checked, channel_id=channel_id),
        verification=seal_verification(box, checked, manifest=manifest, external_id=external_id),
    )
    if earlier is None:
        await insert_channel(
            tx,
            channel_id=channel_id,
            manifest=manifest,
            external_id=external_id,
            name=account.name or external_id,
            account_type=account_type,
            verified=verified,
            credentials=account.credentials,
            by=by,
        )
    else:
        await _revive_channel(tx, channel_id=channel_id, account=account, by=by)
    await _claim_address(tx, channel_id=channel_id, kind=manifest.kind, account=account)
    docked = await read_channel(tx, channel_id=channel_id)
    await mark_docked(tx, channel_id=channel_id, limits=limits_of(manifest, verified=docked.verified))
    await write_audit(
        tx,
        by=by,
        remote_address=remote_address,
        act="channel.docked",
        object_kind="channel",
        object_id=channel_id,
        after={"kind": manifest.kind, "external_id": external_id, "credentials": sorted(checked)},
    )
    channel = await read_channel(tx, channel_id=channel_id)
    tx.record(channel_changed(channel))
    tx.publish(ChannelDocked(channel_id=channel_id))
    return channel


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
    after_name = before.name if name is None else _name(name)
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


_NESTED = ("greeting", "trans_to_agent", "voice_reply")
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


def _name(name: str) -> str:
    trimmed = name.strip()
    if not trimmed or len(trimmed) > MOST_NAME_CHARACTERS or not trimmed.isprintable():
        raise Malformed(field="name", reason="empty" if not trimmed else "mismatch")
    return trimmed


async def _workspace_locale(tx: Tx) -> Locale:
    locale = await tx.value("SELECT locale FROM workspaces WHERE id = %s", [tx.workspace_id])
    return "en" if locale == "en" else "zh-CN"


def limits_of(manifest: Manifest, *, verified: bool | None) -> tuple[str, ...]:
    """Return what keeps an account from being fully active, as far as its verification does."""
    return (PlatformReason.NOT_CERTIFIED,) if manifest.sends_only_if_verified and verified is False else ()


async def find_ended_channel(tx: Tx, *, kind: str, external_id: str) -> ChannelId | None:
    """Return, locked, the channel that an account was docked as in this workspace, or None if it never was.

    Raises AlreadyDocked if it still is.
    """
    earlier = await tx.row(
        _Earlier,
        """
        SELECT id, state FROM channels WHERE workspace_id = %s AND kind = %s AND external_id = %s FOR NO KEY UPDATE
        """,
        [tx.workspace_id, kind, external_id],
    )
    if earlier is not None and earlier.state not in ENDED_STATES:
        raise AlreadyDocked(external_id=external_id)
    return None if earlier is None else earlier.id


async def insert_channel(
    tx: Tx,
    *,
    channel_id: ChannelId,
    manifest: Manifest,
    external_id: str,
    name: str,
    account_type: AccountType | None,
    verified: bool | None,
    credentials: bytes,
    by: PersonId | None,
) -> None:
    """Add a channel with the product's defaults and sealed credentials. Raises AlreadyDocked if it is there."""
    settings = ChannelSettings(locale=await _workspace_locale(tx), budget_preset=manifest.default_preset)
    inserted = await tx.execute(
        """
        INSERT INTO channels (workspace_id, id, kind, external_id, name, account_type, verified, state, settings,
                              credentials, docked_at, docked_by)
        VALUES (%(workspace_id)s, %(id)s, %(kind)s, %(external_id)s, %(name)s, %(account_type)s, %(verified)s,
                'active', %(settings)s, %(credentials)s, %(now)s, %(by)s)
        ON CONFLICT (workspace_id, kind, external_id) DO NOTHING
        """,
        {
            "workspace_id": tx.workspace_id,
            "id": channel_id,
            "kind": manifest.kind,
            "external_id": external_id,
            "name": name,
            "account_type": account_type,
            "verified": verified,
            "settings": Jsonb(settings.model_dump(mode="json")),
            "credentials": credentials,
            "now": tx.now,
            "by": by,
        },
    )
    if not inserted:
        raise AlreadyDocked(external_id=external_id)
    await tx.execute(
        "INSERT INTO channel_tokens (workspace_id, channel_id) VALUES (%s, %s)", [tx.workspace_id, channel_id]
    )


async def _revive_channel(tx: Tx, *, channel_id: ChannelId, account: DockedAccount, by: PersonId | None) -> None:
    """Give an undocked or deauthorized channel new credentials; what is not told anew stays as it was."""
    await tx.execute(
        """
        UPDATE channels
        SET name = coalesce(%(name)s, name), account_type = coalesce(%(account_type)s, account_type),
            verified = coalesce(%(verified)s, verified), credentials = %(credentials)s, docked_by_way = 'credentials',
            docked_at = %(now)s, docked_by = %(by)s, undocked_at = NULL
        WHERE workspace_id = %(workspace_id)s AND id = %(id)s
        """,
        {
            "name": account.name,
            "account_type": account.account_type,
            "verified": account.verified,
            "credentials": account.credentials,
            "now": tx.now,
            "by": by,
            "workspace_id": tx.workspace_id,
            "id": channel_id,
        },
    )
    await forget_token(tx, channel_id=channel_id)


async def _claim_address(tx: Tx, *, channel_id: ChannelId, kind: str, account: DockedAccount) -> None:
    """Take the account's address for this channel. The key holds one per account over the whole installation."""
    claimed = await tx.execute(
        """
        INSERT INTO channel_addresses AS known (kind, external_id, workspace_id, channel_id, verification)
        VALUES (%(kind)s, %(external_id)s, %(workspace_id)s, %(channel_id)s, %(verification)s)
        ON CONFLICT (kind, external_id) DO UPDATE SET verification = excluded.verification, verified_at = NULL
          WHERE known.workspace_id = excluded.workspace_id AND known.channel_id = excluded.channel_id
        """,
        {
            "kind": kind,
            "external_id": account.external_id,
            "workspace_id": tx.workspace_id,
            "channel_id": channel_id,
            "verification": account.verification,
        },
    )
    if not claimed:
        raise AlreadyDocked(external_id=account.external_id)
