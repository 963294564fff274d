"""Requests that are signed without their body: the same signature must not bring another body.

The memory is a table, because several web processes serve one address. It outlives the time within which a signed
request is accepted at all.
"""

from datetime import timedelta

from moorage.connectors.contract import UncoveredBody
from moorage.connectors.failures import MalformedInput
from moorage.core.ids import ChannelId
from moorage.infra.database import Tx

REMEMBERED = timedelta(minutes=30)
"""Longer than signed requests are accepted, ten minutes early or late, with room for clocks that disagree."""


async def refuse_replayed(tx: Tx, *, channel_id: ChannelId, uncovered: UncoveredBody) -> None:
    """Return if this is the first request with its time and nonce, or the same one again. Raises MalformedInput.

    Two processes that get both at once agree, because the row can be inserted once only.
    """
    await tx.execute(
        "DELETE FROM push_nonces WHERE workspace_id = %s AND channel_id = %s AND seen_at < %s",
        [tx.workspace_id, channel_id, tx.now - REMEMBERED],
    )
    first = await tx.value(
        """
        INSERT INTO push_nonces AS known (workspace_id, channel_id, signed_at, nonce, digest, seen_at)
        VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (workspace_id, channel_id, signed_at, nonce) DO UPDATE SET digest = known.digest
        RETURNING digest
        """,
        [tx.workspace_id, channel_id, uncovered.timestamp, uncovered.nonce, uncovered.digest, tx.now],
    )
    if first != uncovered.digest:
        raise MalformedInput(reason="replayed_signature")
