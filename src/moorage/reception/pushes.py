"""Raw pushes: each stored once as it came, then taken in once, and answered by one way only."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from psycopg.types.json import Jsonb

from moorage.connectors.contract import Inbound
from moorage.conversations.open_thread import Whose
from moorage.core.errors import Missing
from moorage.core.ids import ChannelId, MessageId, PushId, WorkspaceId, new_id
from moorage.infra.database import Asked, Tx
from moorage.reception.applying import DecisionRecord

AnswerBy = Literal["open", "passive", "api"]


@dataclass(frozen=True, slots=True)
class StoredPush:
    """A push as it stands: taken in or not yet, and who carries its answer. `is_new`: it was stored just now."""

    id: PushId
    channel_id: ChannelId
    once_key: str
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
    channel_id: ChannelId
    external_customer_id: str
    body: bytes
    received_at: datetime
    attempts: int

    @property
    def whose(self) -> Whose:
        """Return whose push it is."""
        return Whose(channel_id=self.channel_id, external_customer_id=self.external_customer_id)


@dataclass(frozen=True, slots=True)
class Settlement:
    """A push that was taken in: what was decided about it, and the answer that its own request is to carry."""

    push: WaitingPush
    outcome: str
    decisions: Sequence[DecisionRecord]
    reply: bytes | None
    reply_message_id: MessageId | None
    """The first message that the reply carries."""

    def as_row(self) -> dict[str, object]:
        """Return the columns' values for JSON."""
        return {
            "id": self.push.id,
            "day": self.push.day,
            "outcome": self.outcome,
            "answer_by": "api" if self.reply is None else "passive",
            "reply": None if self.reply is None else b64encode(self.reply).decode(),
            "reply_message_id": self.reply_message_id,
        }


@dataclass(frozen=True, slots=True)
class WaitingThread:
    """A customer of whom pushes wait."""

    workspace_id: WorkspaceId
    channel_id: ChannelId
    external_customer_id: str

    @property
    def whose(self) -> Whose:
        """Return the customer."""
        return Whose(channel_id=self.channel_id, external_customer_id=self.external_customer_id)


async def ask_to_store(
    tx: Tx, *, arrivals: Sequence[tuple[ChannelId, Inbound]], not_before: datetime
) -> Asked[StoredPush]:
    """Store pushes in this order and ask how they stand. One that is stored already has no row, see `find_stored`.

    Once only is what the unique key says; it holds the day of the provider's time, so that a redelivery meets it in
    the same partition. The sweeper leaves the pushes until `not_before`.
    """
    return await tx.ask(
        StoredPush,
        """
        INSERT INTO pushes
               (workspace_id, id, day, channel_id, once_key, external_customer_id, body, received_at, not_before)
        SELECT %(workspace_id)s, a.id, a.day, a.channel_id, a.once_key, a.external_customer_id,
               decode(a.body, 'base64'), %(now)s, %(not_before)s
        FROM jsonb_to_recordset(%(arrivals)s)
             AS a(n int, id uuid, day date, channel_id uuid, once_key text, external_customer_id text, body text)
        ORDER BY a.n
        ON CONFLICT (workspace_id, channel_id, once_key, day) DO NOTHING
        RETURNING id, channel_id, once_key, true AS is_new, day, received_at, false AS taken_in, answer_by, reply
        """,
        {
            "workspace_id": tx.workspace_id,
            "now": tx.now,
            "not_before": not_before,
            "arrivals": Jsonb(
                [
                    {
                        "n": n,
                        "id": new_id(),
                        **_once(channel_id, inbound),
                        "external_customer_id": inbound.external_customer_id,
                        "body": b64encode(inbound.body).decode(),
                    }
                    for n, (channel_id, inbound) in enumerate(arrivals)
                ]
            ),
        },
    )


async def find_stored(tx: Tx, *, channel_id: ChannelId, inbound: Inbound) -> StoredPush:
    """Return how a push stands that came before. Raises Missing."""
    stored = await tx.row(
        StoredPush,
        """
        SELECT id, channel_id, once_key, false AS is_new, day, received_at, taken_in_at IS NOT NULL AS taken_in,
               answer_by, reply
        FROM pushes
        WHERE workspace_id = %(workspace_id)s AND channel_id = %(channel_id)s AND once_key = %(once_key)s
          AND day = %(day)s
        """,
        {"workspace_id": tx.workspace_id, **_once(channel_id, inbound)},
    )
    if stored is None:
        raise Missing(what="push")
    return stored


def _once(channel_id: ChannelId, inbound: Inbound) -> dict[str, object]:
    return {
        "channel_id": channel_id,
        "once_key": inbound.once_key,
        "day": inbound.happened_at.astimezone(UTC).date(),
    }


async def read_push(tx: Tx, *, push_id: PushId, day: date) -> StoredPush:
    """Return how a push stands now. Raises Missing."""
    stored = await tx.row(
        StoredPush,
        """
        SELECT id, channel_id, once_key, false AS is_new, day, received_at, taken_in_at IS NOT NULL AS taken_in,
               answer_by, reply
        FROM pushes
        WHERE workspace_id = %s AND id = %s AND day = %s
        """,
        [tx.workspace_id, push_id, day],
    )
    if stored is None:
        raise Missing(what="push")
    return stored


async def ask_for_waiting(tx: Tx, *, up_to: Sequence[tuple[Whose, StoredPush]]) -> Asked[WaitingPush]:
    """Ask for the pushes of customers that wait, each customer's in order of storing, as far as one of theirs.

    Ask after the threads' locks.
    """
    return await tx.ask(
        WaitingPush,
        """
        SELECT waiting.* FROM jsonb_to_recordset(%(up_to)s)
               AS u(channel_id uuid, external_customer_id text, received_at timestamptz, id uuid)
        CROSS JOIN LATERAL (
          SELECT id, day, channel_id, external_customer_id, body, received_at, attempts FROM pushes
          WHERE workspace_id = %(workspace_id)s AND channel_id = u.channel_id
            AND external_customer_id = u.external_customer_id AND taken_in_at IS NULL
            AND (received_at, id) <= (u.received_at, u.id)
          ORDER BY received_at, id
        ) AS waiting
        ORDER BY waiting.received_at, waiting.id
        """,
        {
            "workspace_id": tx.workspace_id,
            "up_to": Jsonb(
                [{**whose.as_row(), "received_at": push.received_at, "id": push.id} for whose, push in up_to]
            ),
        },
    )


async def oldest_waiting_push(tx: Tx, *, whose: Whose) -> list[WaitingPush]:
    """Return the customer's push that was stored first of those that wait, or nothing."""
    return await tx.rows(
        WaitingPush,
        """
        SELECT id, day, channel_id, external_customer_id, body, received_at, attempts FROM pushes
        WHERE workspace_id = %s AND channel_id = %s AND external_customer_id = %s AND taken_in_at IS NULL
        ORDER BY received_at, id LIMIT 1
        """,
        [tx.workspace_id, whose.channel_id, whose.external_customer_id],
    )


_SETTLE = """
    WITH decided AS (
      INSERT INTO decisions
             (workspace_id, id, thread_id, conversation_id, event, rule, reason, effects, decided_at)
      SELECT %(workspace_id)s, id, thread_id, conversation_id, event, rule, reason, effects, %(now)s
      FROM jsonb_populate_recordset(NULL::decisions, %(decisions)s)
    )
    UPDATE pushes p SET
      taken_in_at = %(now)s, outcome = s.outcome,
      answer_by = CASE WHEN p.answer_by = 'open' THEN s.answer_by ELSE p.answer_by END,
      reply = CASE WHEN p.answer_by = 'open' THEN decode(s.reply, 'base64') ELSE p.reply END,
      reply_message_id = CASE WHEN p.answer_by = 'open' THEN s.reply_message_id ELSE p.reply_message_id END
    FROM jsonb_to_recordset(%(settlements)s)
         AS s(id uuid, day date, outcome text, answer_by text, reply text, reply_message_id uuid)
    WHERE p.workspace_id = %(workspace_id)s AND p.id = s.id AND p.day = s.day
      AND p.id = ANY(%(ids)s) AND p.day = ANY(%(days)s)  -- by the key, whatever the planner believes of a young table
    RETURNING p.answer_by
"""


async def settle_pushes(tx: Tx, *, settlements: Sequence[Settlement]) -> None:
    """Mark pushes as taken in, and keep what was decided about them; what is said about them goes through the API."""
    if settlements:
        await tx.send(_SETTLE, _settling(tx, settlements))


async def settle_answered(tx: Tx, *, settlement: Settlement) -> AnswerBy:
    """Mark a push as taken in whose request is to carry the reply, and return who carries it.

    That holds only if nobody has given it up meanwhile, and is never changed again.
    """
    return "passive" if await tx.value(_SETTLE, _settling(tx, [settlement])) == "passive" else "api"


def _settling(tx: Tx, settlements: Sequence[Settlement]) -> dict[str, object]:
    return {
        "workspace_id": tx.workspace_id,
        "now": tx.now,
        "ids": [one.push.id for one in settlements],
        "days": [one.push.day for one in settlements],
        "settlements": Jsonb([one.as_row() for one in settlements]),
        "decisions": Jsonb([record.as_row() for one in settlements for record in one.decisions]),
    }


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
