"""Telling browsers that something about a customer has changed."""

from collections.abc import Mapping
from dataclasses import dataclass

from moorage.conversations.audiences import audience_of
from moorage.conversations.open_thread import CONVERSATION, lock_known_thread
from moorage.core.errors import Missing
from moorage.core.ids import ChannelId, CustomerId, ThreadId
from moorage.customers.model import avatar_address
from moorage.customers.records import read_customer
from moorage.infra.database import Fact, Tx

TOPIC = "customer.changed"
IDENTITIES_TOPIC = "channel.identity_changed"


async def lock_customer(tx: Tx, *, customer_id: CustomerId) -> ThreadId:
    """Lock the thread of a customer, so that nobody writes their old name meanwhile. Raises Missing."""
    found = await tx.row(
        _ThreadRow,
        "SELECT id FROM threads WHERE workspace_id = %s AND customer_id = %s ORDER BY created_at LIMIT 1",
        [tx.workspace_id, customer_id],
    )
    if found is None:
        raise Missing(what="customer")
    await lock_known_thread(tx, thread_id=found.id)
    return found.id


async def tell_of_customer(tx: Tx, *, customer_id: CustomerId) -> None:
    """Tell everybody who may see a conversation of the customer what they are called now, and how they look.

    The conversations get a new version, because both are part of how they are shown.
    """
    customer = await read_customer(tx, customer_id=customer_id)
    rows = await tx.rows(
        _ConversationRow,
        """
        WITH c AS (
          UPDATE conversations SET version = version + 1 WHERE workspace_id = %s AND customer_id = %s RETURNING *
        )
        SELECT to_jsonb(c) AS conversation FROM c
        """,
        [tx.workspace_id, customer_id],
    )
    audience = {"role:supervisor"}
    for row in rows:
        audience |= audience_of(CONVERSATION.validate_python(row.conversation))
    tx.record(
        Fact(
            topic=TOPIC,
            object_id=customer_id,
            version=customer.version,
            audience=tuple(sorted(audience)),
            payload={
                "id": str(customer_id),
                "name": customer.shown_name,
                "avatar_url": avatar_address(customer_id=customer.id, blob_id=customer.avatar_blob_id),
                "version": customer.version,
            },
        )
    )


def tell_of_identities(tx: Tx, *, channel_id: ChannelId) -> None:
    """Tell browsers that there is something new about the identities of a channel's customers."""
    tx.record(Fact(topic=IDENTITIES_TOPIC, object_id=channel_id, version=0, audience=("role:supervisor",), payload={}))


@dataclass(frozen=True, slots=True)
class _ThreadRow:
    id: ThreadId


@dataclass(frozen=True, slots=True)
class _ConversationRow:
    conversation: Mapping[str, object]
