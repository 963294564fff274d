"""Accounts that authorized our platform without an attempt of ours: shown to the operator, docked by nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from moorage.channels.platforms import Platform
from moorage.core.errors import Missing
from moorage.core.ids import PersonId, new_id
from moorage.infra.database import Tx

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """One such account."""

    id: UUID
    kind: str
    external_id: str
    authorized_at: datetime
    received_at: datetime


async def add_unclaimed(tx: Tx, *, platform: Platform, external_id: str, authorized_at: datetime) -> None:
    """Write the account down, once; a newer authorization brings a dismissed one back."""
    await tx.execute(
        """
        INSERT INTO unclaimed_authorizations AS known
               (id, kind, platform_id, external_id, authorized_at, received_at)
        VALUES (%(id)s, %(kind)s, %(platform_id)s, %(external_id)s, %(authorized_at)s, %(now)s)
        ON CONFLICT (kind, platform_id, external_id) DO UPDATE
        SET authorized_at = %(authorized_at)s, received_at = %(now)s, dismissed_at = NULL, dismissed_by = NULL
        WHERE known.authorized_at < %(authorized_at)s
        """,
        {
            "id": new_id(),
            "kind": platform.kind,
            "platform_id": platform.id,
            "external_id": external_id,
            "authorized_at": authorized_at,
            "now": tx.now,
        },
    )


async def remove_unclaimed(tx: Tx, *, kind: str, platform_id: str, external_id: str) -> None:
    """Forget the account: it has been docked, or has taken its authorization back."""
    await tx.execute(
        "DELETE FROM unclaimed_authorizations WHERE kind = %s AND platform_id = %s AND external_id = %s",
        [kind, platform_id, external_id],
    )


async def list_unclaimed(tx: Tx) -> Sequence[Unclaimed]:
    """Return the accounts that nobody has dismissed, the newest first, at most 200."""
    return await tx.rows(
        Unclaimed,
        """
        SELECT id, kind, external_id, authorized_at, received_at FROM unclaimed_authorizations
        WHERE dismissed_at IS NULL ORDER BY received_at DESC, id DESC LIMIT %s
        """,
        [MOST_SHOWN],
    )


async def dismiss_unclaimed(tx: Tx, *, unclaimed_id: UUID, by: PersonId) -> str:
    """Take the account off the list and return its id at the provider. Raises Missing."""
    external_id = await tx.value(
        """
        UPDATE unclaimed_authorizations SET dismissed_at = %s, dismissed_by = %s
        WHERE id = %s AND dismissed_at IS NULL RETURNING external_id
        """,
        [tx.now, by, unclaimed_id],
    )
    if not isinstance(external_id, str):
        raise Missing(what="unclaimed authorization")
    return external_id
