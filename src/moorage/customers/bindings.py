"""Binding the company's own ids to customers. What is known is never overwritten by a link: an admin decides.

Whoever calls holds the lock of the customers' threads, and takes that of the channel's identities here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from moorage.core.errors import DomainError, Missing
from moorage.core.ids import ChannelId, CustomerId, PersonId, new_id
from moorage.customers.enterprise import lock_enterprise
from moorage.customers.identity_links import IdentityLink
from moorage.customers.model import CustomerRecord
from moorage.infra.database import Tx

BindingOutcome = Literal["bound", "again", "conflict"]
Decision = Literal["kept", "replaced"]
Cause = Literal["contradiction", "declined"]
"""Why a link is reported: it contradicts what is known, or who opened it says that they are somebody else."""
MOST_CONFLICTS = 200


@dataclass(eq=False)
class IdentityLinkUsed(DomainError):
    """Somebody else has used the link before: it says who one person is."""

    code: ClassVar[str] = "customers.identity_link_used"
    kind: ClassVar[str] = "conflict"


@dataclass(eq=False)
class ConflictSettled(DomainError):
    """Somebody has decided about the conflict already."""

    code: ClassVar[str] = "customers.conflict_settled"
    kind: ClassVar[str] = "conflict"


@dataclass(eq=False)
class NotThem(DomainError):
    """The customer has said that the link does not mean them, so that it cannot be put in the place of anything."""

    code: ClassVar[str] = "customers.conflict_declined"
    kind: ClassVar[str] = "conflict"


@dataclass(frozen=True, slots=True)
class Conflict:
    """A link that bound nobody, and who opened it. Names are as they are now."""

    id: UUID
    cause: Cause
    customer_id: CustomerId
    customer_name: str
    user_id: str
    attributes: Mapping[str, str]
    bound_user_id: str | None
    """Whom the customer is known as."""
    holder_id: CustomerId | None
    """The other customer who is known as the user."""
    holder_name: str | None
    state: Literal["open", "kept", "replaced"]
    created_at: datetime
    settled_at: datetime | None
    settled_by: str | None


async def bind(tx: Tx, *, customer: CustomerRecord, link: IdentityLink) -> BindingOutcome:
    """Write down whom a link says that the customer is, or that it contradicts what is known.

    Raises IdentityLinkUsed where somebody else has used it before.
    """
    await lock_enterprise(tx, channel_id=customer.channel_id)
    await _claim(tx, customer=customer, link=link)
    holder_id = await _holder_of(tx, channel_id=customer.channel_id, user_id=link.user_id)
    if customer.company_user_id == link.user_id:
        await _write(tx, customer_id=customer.id, user_id=link.user_id, attributes=link.attributes)
        return "again"
    if customer.company_user_id is None and holder_id is None:
        await _write(tx, customer_id=customer.id, user_id=link.user_id, attributes=link.attributes)
        return "bound"
    await _report(tx, customer=customer, link=link, holder_id=holder_id, cause="contradiction")
    return "conflict"


async def report_declined(tx: Tx, *, customer: CustomerRecord, link: IdentityLink) -> None:
    """Report that who opened a link says that it does not mean them. The link stays good for whom it means."""
    await lock_enterprise(tx, channel_id=customer.channel_id)
    holder_id = await _holder_of(tx, channel_id=customer.channel_id, user_id=link.user_id)
    await _report(tx, customer=customer, link=link, holder_id=holder_id, cause="declined")


async def check_unused(tx: Tx, *, customer: CustomerRecord, link: IdentityLink) -> None:
    """Return if nobody else has used the link. Raises IdentityLinkUsed."""
    owner = await tx.value(
        "SELECT customer_id FROM identity_link_uses WHERE workspace_id = %s AND channel_id = %s AND digest = %s",
        [tx.workspace_id, customer.channel_id, link.digest],
    )
    if owner not in (None, customer.id):
        raise IdentityLinkUsed


async def read_conflict(tx: Tx, *, channel_id: ChannelId, conflict_id: UUID) -> Conflict:
    """Return a conflict. Raises Missing."""
    for conflict in await list_conflicts(tx, channel_id=channel_id, conflict_id=conflict_id):
        return conflict
    raise Missing(what="conflict")


async def list_conflicts(tx: Tx, *, channel_id: ChannelId, conflict_id: UUID | None = None) -> Sequence[Conflict]:
    """Return the conflicts of a channel, open ones first, then the newest."""
    return await tx.rows(
        Conflict,
        """
        SELECT c.id, c.cause, c.customer_id, coalesce(u.remark_name, u.name) AS customer_name, c.user_id, c.attributes,
               c.bound_user_id, c.holder_id, coalesce(h.remark_name, h.name) AS holder_name, c.state, c.created_at,
               c.settled_at, p.name AS settled_by
        FROM identity_conflicts c
        JOIN customers u ON u.workspace_id = c.workspace_id AND u.id = c.customer_id
        LEFT JOIN customers h ON h.workspace_id = c.workspace_id AND h.id = c.holder_id
        LEFT JOIN persons p ON p.id = c.settled_by
        WHERE c.workspace_id = %(workspace_id)s AND c.channel_id = %(channel_id)s
          AND (%(conflict_id)s::uuid IS NULL OR c.id = %(conflict_id)s)
        ORDER BY c.state <> 'open', c.created_at DESC, c.id DESC LIMIT %(most)s
        """,
        {
            "workspace_id": tx.workspace_id,
            "channel_id": channel_id,
            "conflict_id": conflict_id,
            "most": MOST_CONFLICTS,
        },
    )


async def settle(
    tx: Tx, *, channel_id: ChannelId, conflict: Conflict, decision: Decision, by: PersonId
) -> CustomerId | None:
    """Leave what is known, or put what the link says in its place. Raises ConflictSettled or NotThem.

    Returns who is not known as that user any more.
    """
    if decision == "replaced" and conflict.cause == "declined":
        raise NotThem
    await lock_enterprise(tx, channel_id=channel_id)
    settled = await tx.execute(
        """
        UPDATE identity_conflicts SET state = %s, settled_at = %s, settled_by = %s
        WHERE workspace_id = %s AND id = %s AND state = 'open'
        """,
        [decision, tx.now, by, tx.workspace_id, conflict.id],
    )
    if not settled:
        raise ConflictSettled
    if decision == "kept":
        return None
    holder_id = await _holder_of(tx, channel_id=channel_id, user_id=conflict.user_id)
    if holder_id is not None and holder_id != conflict.customer_id:
        await _unbind(tx, customer_id=holder_id)
    await _write(tx, customer_id=conflict.customer_id, user_id=conflict.user_id, attributes=conflict.attributes)
    return holder_id if holder_id != conflict.customer_id else None


async def _claim(tx: Tx, *, customer: CustomerRecord, link: IdentityLink) -> None:
    """Give the link to whoever it binds first; to them it says the same however often."""
    await tx.execute(
        "DELETE FROM identity_link_uses WHERE workspace_id = %s AND expires_at < %s", [tx.workspace_id, tx.now]
    )
    owner = await tx.value(
        """
        INSERT INTO identity_link_uses AS known (workspace_id, channel_id, digest, customer_id, used_at, expires_at)
        VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (workspace_id, channel_id, digest) DO UPDATE SET used_at = known.used_at RETURNING customer_id
        """,
        [tx.workspace_id, customer.channel_id, link.digest, customer.id, tx.now, link.expires_at],
    )
    if owner != customer.id:
        raise IdentityLinkUsed


async def _holder_of(tx: Tx, *, channel_id: ChannelId, user_id: str) -> CustomerId | None:
    found = await tx.value(
        """
        SELECT customer_id FROM customer_identities
        WHERE workspace_id = %s AND channel_id = %s AND company_user_id = %s
        """,
        [tx.workspace_id, channel_id, user_id],
    )
    return CustomerId(found) if isinstance(found, UUID) else None


async def _write(tx: Tx, *, customer_id: CustomerId, user_id: str, attributes: Mapping[str, str]) -> None:
    await tx.execute(
        """
        UPDATE customer_identities
        SET company_bound_at = CASE WHEN company_user_id = %(user_id)s THEN company_bound_at ELSE %(now)s END,
            company_user_id = %(user_id)s, company_attributes = %(attributes)s
        WHERE workspace_id = %(workspace_id)s AND customer_id = %(customer_id)s
        """,
        {
            "user_id": user_id,
            "now": tx.now,
            "attributes": Jsonb(dict(attributes)),
            "workspace_id": tx.workspace_id,
            "customer_id": customer_id,
        },
    )
    await _touch(tx, customer_id=customer_id)


async def _unbind(tx: Tx, *, customer_id: CustomerId) -> None:
    await tx.execute(
        """
        UPDATE customer_identities SET company_user_id = NULL, company_attributes = '{}', company_bound_at = NULL
        WHERE workspace_id = %s AND customer_id = %s
        """,
        [tx.workspace_id, customer_id],
    )
    await _touch(tx, customer_id=customer_id)


async def _touch(tx: Tx, *, customer_id: CustomerId) -> None:
    await tx.execute(
        "UPDATE customers SET version = version + 1 WHERE workspace_id = %s AND id = %s",
        [tx.workspace_id, customer_id],
    )


async def _report(
    tx: Tx, *, customer: CustomerRecord, link: IdentityLink, holder_id: CustomerId | None, cause: Cause
) -> None:
    """Write the conflict down, once however often the link is opened."""
    await tx.execute(
        """
        INSERT INTO identity_conflicts AS known
               (workspace_id, id, channel_id, customer_id, user_id, attributes, bound_user_id, holder_id, cause,
                created_at)
        VALUES (%(workspace_id)s, %(id)s, %(channel_id)s, %(customer_id)s, %(user_id)s, %(attributes)s,
                %(bound_user_id)s, %(holder_id)s, %(cause)s, %(now)s)
        ON CONFLICT (workspace_id, channel_id, customer_id, user_id) WHERE state = 'open'
        DO UPDATE SET attributes = excluded.attributes, bound_user_id = excluded.bound_user_id,
                      holder_id = excluded.holder_id, cause = excluded.cause
        """,
        {
            "workspace_id": tx.workspace_id,
            "id": new_id(),
            "channel_id": customer.channel_id,
            "customer_id": customer.id,
            "user_id": link.user_id,
            "attributes": Jsonb(dict(link.attributes)),
            "bound_user_id": customer.company_user_id,
            "holder_id": holder_id,
            "cause": cause,
            "now": tx.now,
        },
    )
