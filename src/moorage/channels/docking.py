"""Docking an account by its own credentials, and what every way of docking shares: one channel per account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from psycopg.types.json import Jsonb

from moorage.channels.credentials import check_credentials, seal_credentials, seal_verification
from moorage.channels.events import ChannelDocked
from moorage.channels.model import AccountType, Channel, ChannelSettings, ChannelState, Locale, checked_name
from moorage.channels.queries import read_channel
from moorage.channels.states import mark_docked
from moorage.channels.undocking import ENDED_STATES, forget_token
from moorage.channels.views import channel_changed
from moorage.connectors.authorization import PlatformReason
from moorage.connectors.manifest import Manifest
from moorage.core.errors import DomainError
from moorage.core.ids import ChannelId, PersonId, new_id
from moorage.infra.audit import write_audit
from moorage.infra.database import Tx
from moorage.infra.secrets import SecretBox


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
        name=None if not name else checked_name(name),
        account_type=account_type,
        verified=verified,
        credentials=seal_credentials(box, checked, channel_id=channel_id),
        verification=seal_verification(box, checked, manifest=manifest, external_id=external_id),
    )
    if earlier is None:
        await _add_channel(tx, channel_id=channel_id, manifest=manifest, account=account, by=by)
    else:
        await _revive_channel(tx, channel_id=channel_id, account=account, by=by)
    await _claim_address(tx, channel_id=channel_id, kind=manifest.kind, account=account)
    docked = await read_channel(tx, channel_id=channel_id)
    await mark_docked(tx, channel_id=channel_id, limits=limits_of(manifest, verified=docked.verified))
    return await _tell_docked(
        tx, channel_id=channel_id, credential_names=sorted(checked), by=by, remote_address=remote_address
    )


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


async def _workspace_locale(tx: Tx) -> Locale:
    locale = await tx.value("SELECT locale FROM workspaces WHERE id = %s", [tx.workspace_id])
    return "en" if locale == "en" else "zh-CN"


async def _add_channel(
    tx: Tx, *, channel_id: ChannelId, manifest: Manifest, account: DockedAccount, by: PersonId | None
) -> None:
    await insert_channel(
        tx,
        channel_id=channel_id,
        manifest=manifest,
        external_id=account.external_id,
        name=account.name or account.external_id,
        account_type=account.account_type,
        verified=account.verified,
        credentials=account.credentials,
        by=by,
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


async def _tell_docked(
    tx: Tx, *, channel_id: ChannelId, credential_names: Sequence[str], by: PersonId | None, remote_address: str
) -> Channel:
    """Tell the audit log, open consoles and other rooms that a channel is docked, and return it as it is now."""
    channel = await read_channel(tx, channel_id=channel_id)
    await write_audit(
        tx,
        by=by,
        remote_address=remote_address,
        act="channel.docked",
        object_kind="channel",
        object_id=channel_id,
        after={"kind": channel.kind, "external_id": channel.external_id, "credentials": list(credential_names)},
    )
    tx.record(channel_changed(channel))
    tx.publish(ChannelDocked(channel_id=channel_id))
    return channel
