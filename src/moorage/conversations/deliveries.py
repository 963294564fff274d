"""Messages on their way: claimed under a lease, handed over with no transaction open, recorded.

A lease is measured by the database's own clock, so that neither a process that lags behind nor a moved clock can end
one early. When to try again is data of ours, in our time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from moorage.channels.budget_watch import note_early_refusal
from moorage.connectors.content import CONTENT, Text
from moorage.connectors.contract import Outbound
from moorage.connectors.registry import Connectors
from moorage.conversations.audiences import audience_of_thread
from moorage.conversations.budgets import closed, given_back, spent
from moorage.conversations.changing import show_again
from moorage.conversations.link_words import Locale, locale_of
from moorage.conversations.merging import merged
from moorage.conversations.model import (
    Author,
    AuthorKind,
    ClaimedDelivery,
    DeliveryState,
    Message,
)
from moorage.conversations.open_thread import CONVERSATION, OpenThread, lock_known_thread, open_thread
from moorage.conversations.outcomes import BudgetEffect, Outcome, lease_ended
from moorage.conversations.views import message_changed, message_view
from moorage.conversations.writing import save
from moorage.core.errors import Missing
from moorage.core.ids import AgentId, ConversationId, DeliveryId, MessageId, new_id
from moorage.infra.database import Tx

LEASE = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Handover:
    """What is to be handed over and by which channel, and whether the customer follows as far as we know."""

    outbound: Outbound
    reachable: bool
    channel_kind: str
    channel_state: str
    locale: Locale
    time_zone: str
    choices_as_text: bool
    """The provider has refused choices of the account not long ago."""


async def claim_deliveries(tx: Tx, *, lease_id: UUID, most: int) -> list[ClaimedDelivery]:
    """Lease up to `most` deliveries, each the first unfinished one of its thread. Needs the system door.

    A thread's next delivery is not claimed before the one in front of it is finished: so its order is kept. `lease_id`
    is new for each call: only who holds it tells what became of what was leased. Lines that go along with another are
    leased with it (see `merging`).
    """
    claimed = await tx.rows(
        ClaimedDelivery,
        """
        WITH next AS (
          SELECT workspace_id, id FROM deliveries q
          WHERE state = 'queued' AND not_before <= %(now)s AND NOT EXISTS (
            SELECT FROM deliveries p
            WHERE p.workspace_id = q.workspace_id AND p.thread_id = q.thread_id AND p.seq < q.seq
              AND p.state IN ('queued', 'sending'))
            AND (merged_into IS NULL OR alone)
          ORDER BY not_before, id LIMIT %(most)s
          FOR UPDATE SKIP LOCKED
        )
        UPDATE deliveries d
        SET state = 'sending', lease_until = now() + %(lease)s, leased_by = %(lease_id)s, attempts = attempts + 1,
            first_tried_at = coalesce(first_tried_at, %(now)s)
        FROM next WHERE d.workspace_id = next.workspace_id AND d.id = next.id
        RETURNING d.workspace_id, d.id, d.thread_id, d.channel_id, d.message_id, d.budget_id, d.attempts,
                  d.leased_by AS lease_id, d.leads,
                  coalesce((SELECT sum((try ->> 'waits_s')::float8)
                            FROM jsonb_array_elements(d.history) AS try
                            WHERE (try ->> 'at')::timestamptz >= d.first_tried_at), 0) AS waited_s
        """,
        {"now": tx.now, "most": most, "lease": LEASE, "lease_id": lease_id},
    )
    leaders = [delivery.id for delivery in claimed if delivery.leads]
    if leaders:
        await _claim_led(tx, leaders=leaders, lease_id=lease_id)
    return claimed


async def _claim_led(tx: Tx, *, leaders: Sequence[DeliveryId], lease_id: UUID) -> None:
    """Lease what goes along with claimed deliveries. A second statement sees all that joined before the claim."""
    await tx.execute(
        """
        UPDATE deliveries
        SET state = 'sending', lease_until = now() + %(lease)s, leased_by = %(lease_id)s, attempts = attempts + 1,
            first_tried_at = coalesce(first_tried_at, %(now)s)
        WHERE merged_into = ANY(%(leaders)s) AND state = 'queued' AND NOT alone
        """,
        {"now": tx.now, "lease": LEASE, "lease_id": lease_id, "leaders": list(leaders)},
    )


async def find_lost_deliveries(tx: Tx, *, most: int) -> list[ClaimedDelivery]:
    """Return deliveries whose sender has not told within its lease. Needs the system door; locks nothing."""
    return await tx.rows(
        ClaimedDelivery,
        """
        SELECT workspace_id, id, thread_id, channel_id, message_id, budget_id, leased_by AS lease_id, attempts,
               0 AS waited_s
        FROM deliveries WHERE state = 'sending' AND lease_until < now() ORDER BY lease_until LIMIT %s
        """,
        [most],
    )


async def read_handover(tx: Tx, *, delivery: ClaimedDelivery) -> Handover:
    """Return what `delivery` is about. Raises Missing."""
    row = await tx.row(
        _HandoverRow,
        """
        SELECT m.content, t.external_customer_id, t.follow_state, h.kind AS channel_kind, h.state AS channel_state,
               h.settings ->> 'locale' AS locale, w.time_zone,
               coalesce(h.choices_refused_until > %s, false) AS choices_as_text
        FROM messages m
        JOIN threads t ON t.workspace_id = m.workspace_id AND t.id = m.thread_id
        JOIN channels h ON h.workspace_id = t.workspace_id AND h.id = t.channel_id
        JOIN workspaces w ON w.id = t.workspace_id
        WHERE m.workspace_id = %s AND m.id = %s
        """,
        [tx.now, tx.workspace_id, delivery.message_id],
    )
    if row is None:
        raise Missing(what="message")
    content = CONTENT.validate_python(row.content)
    outbound = Outbound(
        external_customer_id=row.external_customer_id,
        content=await _merged(tx, delivery, content) if delivery.leads and isinstance(content, Text) else content,
        message_id=delivery.message_id,
    )
    return Handover(
        outbound=outbound,
        reachable=row.follow_state != "unfollowed",
        channel_kind=row.channel_kind,
        channel_state=row.channel_state,
        locale=locale_of({"locale": row.locale}),
        time_zone=row.time_zone,
        choices_as_text=row.choices_as_text,
    )


async def _merged(tx: Tx, delivery: ClaimedDelivery, first: Text) -> Text:
    """Return the one text that a leased line and what goes along with it are."""
    rows = await tx.rows(
        _LedRow,
        """
        SELECT m.content ->> 'text' AS text
        FROM deliveries d JOIN messages m ON m.workspace_id = d.workspace_id AND m.id = d.message_id
        WHERE d.workspace_id = %s AND d.merged_into = %s AND d.leased_by = %s AND d.state = 'sending' ORDER BY d.seq
        """,
        [tx.workspace_id, delivery.id, delivery.lease_id],
    )
    return Text(text=merged([first.text, *(row.text for row in rows)]))


async def record_outcome(tx: Tx, *, delivery: ClaimedDelivery, outcome: Outcome, connectors: Connectors) -> bool:
    """Write what became of a try, and of all that went along; False if it is not the sender's to tell any more.

    A word that comes after the lease still counts if it is the last word: knowing beats not knowing. If a person has
    meanwhile decided to send the message again, the word that it had arrived takes that back, as long as it waits.
    """
    locked = await lock_known_thread(tx, thread_id=delivery.thread_id)
    rows = await tx.rows(
        _ChangedRow,
        _TRIED_BY_SENDER,
        {**_tried(tx, delivery, outcome), "lease_id": delivery.lease_id},
    )
    if not rows:
        return False
    for row in rows:
        _tell(tx, delivery, outcome, row)
    effects = _budget_effects(rows, delivery=delivery, outcome=outcome)
    if effects:
        opened = await open_thread(tx, locked=locked, connectors=connectors)
        for budget_id, effect in effects:
            if effect == "spent":
                await _watch(tx, opened, budget_id, connectors)
            _settle_budget(opened, budget_id, effect)
        await save(tx, opened=opened)
    return True


async def _watch(tx: Tx, opened: OpenThread, budget_id: UUID | None, connectors: Connectors) -> None:
    """Tell the channel that the provider calls a running budget spent: we never send more than we count."""
    budget = next((one for one in opened.budgets if one.id == budget_id and one.trigger == "message"), None)
    if budget is not None and budget.used <= budget.most:
        await note_early_refusal(
            tx,
            channel_id=opened.thread.channel_id,
            thread_id=opened.thread.id,
            most=budget.most,
            counted=max(0, budget.used - 1),
            manifest=connectors[opened.around.channel_kind].manifest,
        )


def _budget_effects(
    rows: Sequence["_ChangedRow"], *, delivery: ClaimedDelivery, outcome: Outcome
) -> list[tuple[UUID | None, BudgetEffect]]:
    """Return what becomes of the budgets: of the one that the try was charged to, and of each repetition's."""
    taken_back = [row for row in rows if row.was == DeliveryState.QUEUED]
    effects: list[tuple[UUID | None, BudgetEffect]] = [(row.budget_id, "given_back") for row in taken_back]
    if outcome.budget != "kept" and len(taken_back) < len(rows):
        effects.append((delivery.budget_id, outcome.budget))
    return effects


async def record_lost(tx: Tx, *, delivery: ClaimedDelivery, connectors: Connectors) -> bool:
    """Write that a delivery's lease has ended and its sender never told; False if it has told meanwhile."""
    await lock_known_thread(tx, thread_id=delivery.thread_id)
    kind = await tx.value(
        "SELECT kind FROM channels WHERE workspace_id = %s AND id = %s", [tx.workspace_id, delivery.channel_id]
    )
    manifest = connectors[str(kind)].manifest
    outcome = lease_ended(attempts=delivery.attempts, drops_repetitions=manifest.drops_repetitions)
    row = await tx.row(_ChangedRow, _TRIED_IN_VAIN, _tried(tx, delivery, outcome))
    if row is None:
        return False
    _tell(tx, delivery, outcome, row)
    return True


@dataclass(frozen=True, slots=True)
class _LedRow:
    text: str


@dataclass(frozen=True, slots=True)
class _HandoverRow:
    content: Mapping[str, object]
    external_customer_id: str
    follow_state: str
    channel_kind: str
    channel_state: str
    locale: str | None
    time_zone: str
    choices_as_text: bool


@dataclass(frozen=True, slots=True)
class _ChangedRow:
    message_id: MessageId
    seq: int
    conversation_id: ConversationId | None
    author_kind: AuthorKind
    author_agent_id: AgentId | None
    why: str | None
    content: Mapping[str, object]
    arrived_late: bool
    sent_at: datetime
    created_at: datetime
    version: int
    attempts: int
    was: str
    budget_id: UUID | None
    agent_name: str | None
    newest: Mapping[str, object] | None
    """The newest conversation of its thread."""
    served_by: Sequence[AgentId]


_TRIED_HEAD: Final[LiteralString] = """
  WITH before AS (
    SELECT id, state AS was FROM deliveries
    WHERE workspace_id = %(workspace_id)s AND (id = %(id)s OR merged_into = %(id)s)
  ), tried AS (
    UPDATE deliveries d
    SET state = %(state)s, lease_until = NULL, not_before = coalesce(%(not_before)s, not_before),
        history = history || %(entry)s
    FROM before
    WHERE d.workspace_id = %(workspace_id)s AND d.id = before.id AND
"""
_TRIED_TAIL: Final[LiteralString] = """
    RETURNING message_id, attempts, was, budget_id
  ), changed AS (
    UPDATE messages m
    SET delivery_state = %(state)s, delivery_reason = %(reason)s, version = m.version + 1,
        content = m.content || %(content)s,
        external_message_id = coalesce(%(external_message_id)s, m.external_message_id)
    FROM tried WHERE m.workspace_id = %(workspace_id)s AND m.id = tried.message_id
    RETURNING m.*, tried.attempts, tried.was, tried.budget_id
  )
  SELECT m.id AS message_id, m.seq, m.conversation_id, m.author_kind, m.author_agent_id, m.why, m.content,
         m.arrived_late, m.sent_at, m.created_at, m.version, m.attempts, m.was, m.budget_id, a.name AS agent_name,
         to_jsonb(c) AS newest,
         ARRAY(SELECT DISTINCT o.owner_agent_id FROM conversations o
               WHERE o.workspace_id = m.workspace_id AND o.thread_id = m.thread_id AND o.owner_kind = 'agent'
              ) AS served_by
  FROM changed m
  LEFT JOIN agents a ON a.workspace_id = m.workspace_id AND a.id = m.author_agent_id
  LEFT JOIN LATERAL (
    SELECT * FROM conversations
    WHERE workspace_id = m.workspace_id AND thread_id = m.thread_id
    ORDER BY opened_at DESC, id DESC LIMIT 1
  ) c ON true
  ORDER BY m.seq
"""
_TRIED_BY_SENDER: Final[LiteralString] = (
    _TRIED_HEAD
    + """
      leased_by = %(lease_id)s
      AND (state = 'sending' OR (state = 'unconfirmed' AND %(state)s IN ('sent', 'failed'))
           OR (state = 'queued' AND %(state)s = 'sent'))
    """
    + _TRIED_TAIL
)
_TRIED_IN_VAIN: Final[LiteralString] = (
    _TRIED_HEAD + "d.id = %(id)s AND state = 'sending' AND lease_until < now()" + _TRIED_TAIL
)


def _tried(tx: Tx, delivery: ClaimedDelivery, outcome: Outcome) -> dict[str, object]:
    entry = {"at": tx.now.isoformat(), "outcome": outcome.state, **outcome.note}
    return {
        "workspace_id": tx.workspace_id,
        "id": delivery.id,
        "state": outcome.state,
        "reason": outcome.reason,
        "not_before": None if outcome.wait is None else tx.now + outcome.wait,
        "entry": Jsonb([entry]),
        "content": Jsonb({} if outcome.sent_as is None else {"sent_as": outcome.sent_as}),
        "external_message_id": outcome.external_message_id,
    }


def _settle_budget(opened: OpenThread, budget_id: UUID | None, effect: BudgetEffect) -> None:
    if effect == "closed":
        opened.budgets = closed(opened.budgets, now=opened.now)
    elif budget_id is not None and effect == "spent":
        opened.budgets = spent(opened.budgets, budget_id=budget_id, new_id=new_id())
    elif budget_id is not None:
        opened.budgets = given_back(opened.budgets, budget_id=budget_id)
    show_again(opened)


def _tell(tx: Tx, delivery: ClaimedDelivery, outcome: Outcome, row: _ChangedRow) -> None:
    message = Message(
        id=row.message_id,
        seq=row.seq,
        conversation_id=row.conversation_id,
        author=Author(kind=row.author_kind, agent_id=row.author_agent_id, why=row.why),
        content=CONTENT.validate_python(row.content),
        delivery_state=DeliveryState(outcome.state),
        delivery_reason=outcome.reason,
        arrived_late=row.arrived_late,
        sent_at=row.sent_at,
        created_at=row.created_at,
        version=row.version,
    )
    view = message_view(
        message,
        thread_id=delivery.thread_id,
        author_name=row.agent_name,
        attempts=row.attempts,
        details=outcome.note or None,
    )
    newest = None if row.newest is None else CONVERSATION.validate_python(row.newest)
    audience = audience_of_thread(newest=newest, served_by=row.served_by)
    tx.record(message_changed(view, audience=frozenset(audience)))
