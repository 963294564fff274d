"""People who write: who they are, by which name staff knows them."""

from moorage.core.ids import ChannelId, CustomerId, new_id
from moorage.infra.database import Tx


def fallback_name(*, channel_name: str, external_customer_id: str) -> str:
    """Return the name of a customer who has told none, which providers have made the normal case."""
    return f"{channel_name}_{external_customer_id}"


async def add_customer(
    tx: Tx, *, customer_id: CustomerId, channel_id: ChannelId, external_customer_id: str, name: str
) -> None:
    """Add a customer with their identity on one channel. The caller holds the lock of that identity's thread."""
    await tx.execute(
        """
        WITH customer AS (
          INSERT INTO customers (workspace_id, id, name, created_at)
          VALUES (%(workspace_id)s, %(customer_id)s, %(name)s, %(now)s)
        )
        INSERT INTO customer_identities
               (workspace_id, id, customer_id, channel_id, external_customer_id, created_at)
        VALUES (%(workspace_id)s, %(id)s, %(customer_id)s, %(channel_id)s, %(external_customer_id)s, %(now)s)
        """,
        {
            "workspace_id": tx.workspace_id,
            "id": new_id(),
            "customer_id": customer_id,
            "channel_id": channel_id,
            "external_customer_id": external_customer_id,
            "name": name,
            "now": tx.now,
        },
    )
