"""Reading and writing what is known of customers. Who changes a name holds the lock of the customer's thread."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from psycopg.types.json import Jsonb

from moorage.connectors.people import CustomerProfile
from moorage.core.errors import Missing
from moorage.core.ids import ChannelId, CustomerId
from moorage.customers.model import CustomerRecord, KnownProfile, RemarkState
from moorage.infra.database import Tx

PROFILE_EVERY = timedelta(days=1)
"""A profile is read at the first contact, and later at most so often."""
MOST_NAME_CHARACTERS = 80


async def read_customer(tx: Tx, *, customer_id: CustomerId) -> CustomerRecord:
    """Return a customer. Raises Missing."""
    row = await tx.row(
        _Row,
        """
        SELECT u.id, i.channel_id, i.external_customer_id, u.name, i.own_name, u.remark_name, u.remark_set_at,
               i.remark_state, i.remark_reason, i.union_id, i.avatar_url, i.avatar_blob_id, i.profile,
               i.profile_read_at, i.company_user_id, i.company_attributes, i.company_bound_at, u.erased_at, u.version
        FROM customers u
        JOIN customer_identities i ON i.workspace_id = u.workspace_id AND i.customer_id = u.id
        WHERE u.workspace_id = %s AND u.id = %s ORDER BY i.created_at LIMIT 1
        """,
        [tx.workspace_id, customer_id],
    )
    if row is None:
        raise Missing(what="customer")
    return row.record()


async def put_off_profile(tx: Tx, *, customer_id: CustomerId) -> None:
    """Have the profile asked for again in a day, because it is asked for now."""
    await tx.send(
        "UPDATE customer_identities SET profile_due_at = %s WHERE workspace_id = %s AND customer_id = %s",
        [tx.now + PROFILE_EVERY, tx.workspace_id, customer_id],
    )


async def store_profile(
    tx: Tx, *, before: CustomerRecord, profile: CustomerProfile, fallback: str, avatar_blob_id: UUID | None
) -> None:
    """Write down what the provider tells of a customer now. A name that it does not tell any more stays.

    The account's remark at the provider is taken over where nobody here has ever set one.
    """
    taken = profile.remark if before.remark_set_at is None and before.remark_name is None else None
    known = KnownProfile(
        language=profile.language,
        followed_at=profile.followed_at,
        came_by=profile.came_by,
        scene=profile.scene,
        tags=profile.tags,
    )
    await tx.execute(
        """
        UPDATE customer_identities
        SET profile = %(profile)s, union_id = coalesce(%(union_id)s, union_id), own_name = coalesce(%(name)s, own_name),
            avatar_url = coalesce(%(avatar_url)s, avatar_url), avatar_blob_id = coalesce(%(blob)s, avatar_blob_id),
            profile_read_at = %(now)s,
            remark_state = CASE WHEN %(remark)s::text IS NULL THEN remark_state ELSE 'saved' END
        WHERE workspace_id = %(workspace_id)s AND customer_id = %(customer_id)s
        """,
        {
            "profile": Jsonb((before.profile if not profile.follows else known).model_dump(mode="json")),
            "union_id": profile.union_id,
            "name": _short(profile.name),
            "avatar_url": profile.avatar_url if avatar_blob_id else None,
            "blob": avatar_blob_id,
            "remark": taken,
            "now": tx.now,
            "workspace_id": tx.workspace_id,
            "customer_id": before.id,
        },
    )
    name = _short(profile.name) or before.own_name or fallback
    await _rename(tx, customer_id=before.id, name=name, remark=taken or before.remark_name)


async def forget_profile(tx: Tx, *, before: CustomerRecord, fallback: str) -> None:
    """Forget what a customer is called and looks like, because they have withdrawn it."""
    await tx.execute(
        """
        UPDATE customer_identities SET own_name = NULL, avatar_url = NULL, avatar_blob_id = NULL
        WHERE workspace_id = %s AND customer_id = %s
        """,
        [tx.workspace_id, before.id],
    )
    await _rename(tx, customer_id=before.id, name=fallback, remark=before.remark_name)


async def forget_customer(tx: Tx, *, before: CustomerRecord, fallback: str) -> None:
    """Forget everything that is known of a customer beside their id on the channel, and say since when."""
    await tx.execute(
        """
        UPDATE customer_identities
        SET profile = '{}', own_name = NULL, avatar_url = NULL, avatar_blob_id = NULL, union_id = NULL,
            remark_state = 'none', remark_reason = NULL, company_user_id = NULL, company_attributes = '{}',
            company_bound_at = NULL
        WHERE workspace_id = %s AND customer_id = %s
        """,
        [tx.workspace_id, before.id],
    )
    await tx.execute(
        """
        UPDATE customers SET name = %s, remark_name = NULL, erased_at = %s, version = version + 1
        WHERE workspace_id = %s AND id = %s
        """,
        [fallback, tx.now, tx.workspace_id, before.id],
    )


async def set_remark(tx: Tx, *, customer_id: CustomerId, remark: str | None, state: RemarkState) -> None:
    """Call a customer `remark` from now on; None: by their own name again."""
    await tx.execute(
        """
        UPDATE customers SET remark_name = %s, remark_set_at = %s, version = version + 1
        WHERE workspace_id = %s AND id = %s
        """,
        [remark, tx.now, tx.workspace_id, customer_id],
    )
    await tx.execute(
        """
        UPDATE customer_identities SET remark_state = %s, remark_reason = NULL
        WHERE workspace_id = %s AND customer_id = %s
        """,
        [state, tx.workspace_id, customer_id],
    )


async def settle_remark(
    tx: Tx, *, customer_id: CustomerId, remark: str | None, state: RemarkState, reason: str | None
) -> bool:
    """Write down what the provider said to a remark name; False if it is another one by now."""
    settled = await tx.execute(
        """
        UPDATE customer_identities i SET remark_state = %s, remark_reason = %s
        FROM customers u
        WHERE i.workspace_id = %s AND i.customer_id = %s AND u.workspace_id = i.workspace_id AND u.id = i.customer_id
          AND u.remark_name IS NOT DISTINCT FROM %s
        """,
        [state, reason, tx.workspace_id, customer_id, remark],
    )
    if settled:
        await tx.execute(
            "UPDATE customers SET version = version + 1 WHERE workspace_id = %s AND id = %s",
            [tx.workspace_id, customer_id],
        )
    return bool(settled)


async def _rename(tx: Tx, *, customer_id: CustomerId, name: str, remark: str | None) -> None:
    await tx.execute(
        """
        UPDATE customers SET name = %s, remark_name = %s, version = version + 1 WHERE workspace_id = %s AND id = %s
        """,
        [name, remark, tx.workspace_id, customer_id],
    )


def _short(name: str | None) -> str | None:
    return None if name is None else name[:MOST_NAME_CHARACTERS]


@dataclass(frozen=True, slots=True)
class _Row:
    id: CustomerId
    channel_id: ChannelId
    external_customer_id: str
    name: str
    own_name: str | None
    remark_name: str | None
    remark_set_at: datetime | None
    remark_state: str
    remark_reason: str | None
    union_id: str | None
    avatar_url: str | None
    avatar_blob_id: UUID | None
    profile: Mapping[str, object]
    profile_read_at: datetime | None
    company_user_id: str | None
    company_attributes: Mapping[str, str]
    company_bound_at: datetime | None
    erased_at: datetime | None
    version: int

    def record(self) -> CustomerRecord:
        return CustomerRecord(
            id=self.id,
            channel_id=self.channel_id,
            external_customer_id=self.external_customer_id,
            name=self.name,
            own_name=self.own_name,
            remark_name=self.remark_name,
            remark_set_at=self.remark_set_at,
            remark_state=cast("RemarkState", self.remark_state),
            remark_reason=self.remark_reason,
            union_id=self.union_id,
            avatar_url=self.avatar_url,
            avatar_blob_id=self.avatar_blob_id,
            profile=KnownProfile.model_validate(self.profile),
            profile_read_at=self.profile_read_at,
            company_user_id=self.company_user_id,
            company_attributes=self.company_attributes,
            company_bound_at=self.company_bound_at,
            erased_at=self.erased_at,
            version=self.version,
        )
