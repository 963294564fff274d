"""Deciding about a link that contradicts what is known of a customer."""

from uuid import UUID

from moorage.conversations.people.telling import lock_customer, tell_of_customer
from moorage.core.ids import ChannelId, CustomerId, PersonId
from moorage.customers.bindings import Conflict, Decision, read_conflict, settle
from moorage.infra.database import Tx


async def settle_conflict(
    tx: Tx, *, channel_id: ChannelId, conflict_id: UUID, decision: Decision, by: PersonId
) -> Conflict:
    """Leave what is known, or put what the link says in its place, and return what it was about.

    Raises Missing or ConflictSettled.
    """
    conflict = await read_conflict(tx, channel_id=channel_id, conflict_id=conflict_id)
    concerned = {conflict.customer_id, *_holders(conflict)}
    for customer_id in sorted(concerned):
        await lock_customer(tx, customer_id=customer_id)
    unbound = await settle(tx, channel_id=channel_id, conflict=conflict, decision=decision, by=by)
    if decision == "replaced":
        for customer_id in sorted(concerned | ({unbound} if unbound is not None else set())):
            await tell_of_customer(tx, customer_id=customer_id)
    return conflict


def _holders(conflict: Conflict) -> set[CustomerId]:
    return set() if conflict.holder_id is None else {conflict.holder_id}
