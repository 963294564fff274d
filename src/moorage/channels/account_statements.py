"""What is stated about an account: its type and whether it is verified, by an admin or by its provider's reports."""

from typing import TypedDict

from moorage.channels.docking import limits_of
from moorage.channels.events import ChannelVerificationChanged
from moorage.channels.model import AccountType, Channel
from moorage.channels.queries import read_channel
from moorage.channels.states import mark_limited
from moorage.channels.views import channel_changed
from moorage.connectors.manifest import Manifest
from moorage.core.errors import Malformed
from moorage.core.ids import ChannelId, PersonId
from moorage.infra.audit import write_audit
from moorage.infra.database import Tx


class Statement(TypedDict, total=False):
    """What an admin says of an account. None takes back what was said; what is left out stays as it is."""

    account_type: AccountType | None
    verified: bool | None


async def state_account(
    tx: Tx,
    *,
    channel_id: ChannelId,
    manifest: Manifest,
    stated: Statement,
    by: PersonId,
    remote_address: str,
) -> Channel:
    """Return the channel with what is stated.

    Whether the account is verified decides how messages reach its customers, which is published. Raises Missing, or
    Malformed for an account that was docked by authorization: its provider tells.
    """
    before = await read_channel(tx, channel_id=channel_id)
    if before.docked_by == "authorization":
        raise Malformed(field="account_type" if "account_type" in stated else "verified", reason="told_by_provider")
    await tx.execute(
        """
        UPDATE channels
        SET account_type = %(account_type)s, verified = %(verified)s, version = version + 1
        WHERE workspace_id = %(workspace_id)s AND id = %(id)s
        """,
        {
            "account_type": stated.get("account_type", before.account_type),
            "verified": stated.get("verified", before.verified),
            "workspace_id": tx.workspace_id,
            "id": channel_id,
        },
    )
    after = await read_channel(tx, channel_id=channel_id)
    tx.record(channel_changed(after))
    if after.verified != before.verified:
        await _limit(tx, channel=after, manifest=manifest)
    await write_audit(
        tx,
        by=by,
        remote_address=remote_address,
        act="channel.account_stated",
        object_kind="channel",
        object_id=channel_id,
        before={"account_type": before.account_type, "verified": before.verified},
        after={"account_type": after.account_type, "verified": after.verified},
    )
    return await read_channel(tx, channel_id=channel_id)


async def note_verification(tx: Tx, *, channel_id: ChannelId, manifest: Manifest, verified: bool) -> bool:
    """Take over what the provider reports about an account's verification; False where that was known."""
    changed = await tx.execute(
        """
        UPDATE channels SET verified = %(verified)s, version = version + 1
        WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND verified IS DISTINCT FROM %(verified)s
        """,
        {"verified": verified, "workspace_id": tx.workspace_id, "id": channel_id},
    )
    if not changed:
        return False
    channel = await read_channel(tx, channel_id=channel_id)
    tx.record(channel_changed(channel))
    await _limit(tx, channel=channel, manifest=manifest)
    return True


async def _limit(tx: Tx, *, channel: Channel, manifest: Manifest) -> None:
    await mark_limited(tx, channel_id=channel.id, limits=limits_of(manifest, verified=channel.verified))
    tx.publish(ChannelVerificationChanged(channel_id=channel.id))
