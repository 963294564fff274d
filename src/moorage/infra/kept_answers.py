"""The answers that are kept for commands which may be sent again. Who keeps and gives them is `entry.idempotency`."""

from collections.abc import Sequence
from uuid import UUID

from moorage.infra.database import Tx


async def forget_answers(tx: Tx, *, mentioning: Sequence[UUID]) -> None:
    """Forget every kept answer in which one of the ids stands. A repetition is told that its command was carried out.

    The answers of commands that have just been carried out are on their way, and nobody knows what they say: they are
    given once and not kept.
    """
    await tx.execute(
        """
        UPDATE idempotency_keys k
        SET status = NULL, body = NULL, carried_out_at = coalesce(carried_out_at, created_at),
            lease_until = least(lease_until, %s)
        WHERE (status IS NULL AND carried_out_at IS NOT NULL)
           OR EXISTS (SELECT 1 FROM unnest(%s::text[]) AS named(id)
                      WHERE position(convert_to(named.id, 'UTF8') IN k.body) > 0)
        """,
        [tx.now, [str(one) for one in mentioning]],
    )
