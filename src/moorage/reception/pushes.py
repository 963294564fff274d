"""Raw pushes: each stored once as it came, then taken in once, and answered by one way only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from psycopg.types.json import Jsonb

from moorage.connectors.contract import Inbound
from moorage.core.errors import Missing
from moorage.core.ids import ChannelId, MessageId, PushId, WorkspaceId, new_id
from moorage.infra.database import Asked, Tx
from moorage.reception.applying import DecisionRecord

AnswerBy = Literal["open", "passive", "api"]


@dataclass(frozen=True, slots=True)
class StoredPush:
    """A push as it stands: taken in or not yet, and who carries its answer. `is_new`: it was stored just now."""

    id: PushId
    is_new: bool
    day: date
    received_at: datetime
    taken_in: bool
    answer_by: AnswerBy
    reply: bytes | None


@dataclass(frozen=True, slots=True)
class WaitingPush:
    """A push that was stored and not taken in."""

    id: PushId
    day: date
    body: bytes
    received_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class WaitingThread:
    """A customer of whom pushes wait."""

    workspace_id: WorkspaceId
    channel_id: ChannelId
    external_customer_id: str


async def ask_to_store(tx: Tx, *, channel_id: ChannelId, inbound: Inbound, not_before: datetime) -> Asked[StoredPush]:
    """Store `inbound` and ask how it stands: no row tells that it is stored already, see `find_stored`.

    Once only is what the unique key says; it holds the day of the provider's time, so that a redelivery meets it in
    the same partition. The sweeper leaves the push until `not_before`.
    """
    return await tx.ask(
        StoredPush,
        """
        INSERT INTO pushes
               (workspace_id, id, day, channel_id, once_key, external_customer_id, body, received_at, not_before)
        VALUES (%(workspace_id)s, %(id)s, %(day)s, %(channel_id)s, %(once_key)s, %(external_customer_id)s, %(body)s,
                %(now)s, %(not_before)s)
        ON CONFLICT (workspace_id, channel_id, once_key, day) DO NOTHING
        RETURNING id, true AS is_new, day, received_at, false AS taken_in, answer_by, reply
        """,
        {
            **_once(tx, channel_id, inbound),
            "id": PushId(new_id()),
            "external_customer_id": inbound.external_customer_id,
            "body": inbound.body,
            "now": tx.now,
            "not_before": not_before,
        },
    )


async def find_stored(tx: Tx, *, channel_id: ChannelId, inbound: Inbound) -> StoredPush:
    """Return how a push stands that came before. Raises Missing."""
    stored = await tx.row(
        StoredPush,
        """
        SELECT id, false AS is_new, day, received_at, taken_in_at IS NOT NULL AS taken_in, answer_by, reply
        FROM pushes
        WHERE workspace_id = %(workspace_id)s AND channel_id = %(channel_id)s AND once_key = %(once_key)s
          AND day = %(day)s
        """,
        _once(tx, channel_id, inbound),
    )
    if stored is None:
        raise Missing(what="push")
    return stored


def _once(tx: Tx, channel_id: ChannelId, inbound: Inbound) -> dict[str, object]:
    return {
        "workspace_id": tx.workspace_id,
        "channel_id": channel_id,
        "once_key": inbound.once_key,
        "day": inbound.happened_at.astimezone(UTC).date(),
    }


async def read_push(tx: Tx, *, push_id: PushId, day: date) -> StoredPush:
    """Return how a push stands now. Raises Missing."""
    stored = await tx.row(
        StoredPush,
        """
        SELECT id, false AS is_new, day, received_at, taken_in_at IS NOT NULL AS taken_in, answer_by, reply
        FROM pushes
        WHERE workspace_id = %s AND id = %s AND day = %s
        """,
        [tx.workspace_id, push_id, day],
    )
    if stored is None:
        raise Missing(what="push")
    return stored


async def ask_for_waiting(
    tx: Tx, *, channel_id: ChannelId, external_customer_id: str, up_to: StoredPush
) -> Asked[WaitingPush]:
    """Ask for the customer's pushes that wait, in order of storing, as far as `up_to`. Ask after the thread's lock."""
    return await tx.ask(
        WaitingPush,
        """
        SELECT id, day, body, received_at, attempts FROM pushes
        WHERE workspace_id = %s AND channel_id = %s AND external_customer_id = %s AND taken_in_at IS NULL
          AND (received_at, id) <= (%s, %s)
        ORDER BY received_at, id
        """,
        [tx.workspace_id, channel_id, external_customer_id, up_to.received_at, up_to.id],
    )


async def oldest_waiting_push(tx: Tx, *, channel_id: ChannelId, external_customer_id: str) -> list[WaitingPush]:
    """Return the customer's push that was stored first of those that wait, or nothing."""
    return await tx.rows(
        WaitingPush,
        """
        SELECT id, day, body, received_at, attempts FROM pushes
        WHERE workspace_id = %s AND channel_id = %s AND external_customer_id = %s AND taken_in_at IS NULL
        ORDER BY received_at, id LIMIT 1
        """,
        [tx.workspace_id, channel_id, external_customer_id],
    )


_SETTLE = """
    WITH decided AS (
      INSERT INTO decisions
             (workspace_id, id, thread_id, conversation_id, event, rule, reason, effects, decided_at)
      SELECT %(workspace_id)s, id, thread_id, conversation_id, event, rule, reason, effects, %(now)s
      FROM jsonb_populate_recordset(NULL::decisions, %(decisions)s)
    )
    UPDATE pushes SET
      taken_in_at = %(now)s, outcome = %(outcome)s,
      answer_by = CASE WHEN answer_by = 'open' THEN %(answer_by)s ELSE answer_by END,
      reply = CASE WHEN answer_by = 'open' THEN %(reply)s ELSE reply END,
      reply_message_id = CASE WHEN answer_by = 'open' THEN %(reply_message_id)s ELSE reply_message_id END
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND day = %(day)s
    RETURNING answer_by
"""


async def settle_push(
    tx: Tx,
    *,
    push: WaitingPush,
    outcome: str,
    decisions: Sequence[DecisionRecord],
    reply: bytes | None,
    reply_message_id: MessageId,
) -> AnswerBy:
    """Mark a push as taken in, keep what was decided about it, and return who carries its answer.

    With a `reply` the push's own request is to carry it; that holds only if nobody has given it up meanwhile, and is
    never changed again.
    """
    marking = {
        "workspace_id": tx.workspace_id,
        "now": tx.now,
        "decisions": Jsonb([record.as_row() for record in decisions]),
        "outcome": outcome,
        "answer_by": "api" if reply is None else "passive",
        "reply": reply,
        "reply_message_id": None if reply is None else reply_message_id,
        "id": push.id,
        "day": push.day,
    }
    if reply is None:
        await tx.send(_SETTLE, marking)
        return "api"
    return "passive" if await tx.value(_SETTLE, marking) == "passive" else "api"


async def leave_to_api(tx: Tx, *, push_id: PushId, day: date) -> None:
    """Give up the request's own answer to a push, if nobody has settled it: what is said goes through the API.

    If it was not taken in either, the sweeper need not wait any longer.
    """
    await tx.execute(
        """
        UPDATE pushes SET answer_by = 'api', not_before = %(now)s
        WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND day = %(day)s AND answer_by = 'open'
        """,
        {"now": tx.now, "workspace_id": tx.workspace_id, "id": push_id, "day": day},
    )


async def find_waiting_threads(tx: Tx, *, most: int) -> list[WaitingThread]:
    """Return customers with pushes that should have been taken in by now. Needs the system door; locks nothing."""
    return await tx.rows(
        WaitingThread,
        """
        SELECT workspace_id, channel_id, external_customer_id FROM (
          SELECT workspace_id, channel_id, external_customer_id FROM pushes
          WHERE taken_in_at IS NULL AND not_before <= %s ORDER BY not_before LIMIT %s
        ) AS waiting
        GROUP BY workspace_id, channel_id, external_customer_id
        """,
        [tx.now, most],
    )


async def put_off(tx: Tx, *, thread: WaitingThread, failed: WaitingPush, until: datetime) -> None:
    """Count a failure on the push that failed, and let it and all behind it rest."""
    await tx.execute(
        """
        UPDATE pushes SET not_before = %(until)s, attempts = attempts + (id = %(failed)s)::int
        WHERE workspace_id = %(workspace_id)s AND channel_id = %(channel_id)s
          AND external_customer_id = %(external_customer_id)s AND taken_in_at IS NULL
        """,
        {
            "until": until,
            "failed": failed.id,
            "workspace_id": tx.workspace_id,
            "channel_id": thread.channel_id,
            "external_customer_id": thread.external_customer_id,
        },
    )
