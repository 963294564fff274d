"""What a change of a channel means for its customers: one short transaction for each, through the engine.

A channel may have thousands of open conversations, and each thread is locked before anything of it is touched. So the
change itself is one transaction, and this follows it by a job; the sweeper finds what a job has missed.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from moorage.connectors.failures import ChannelReason
from moorage.connectors.registry import Connectors
from moorage.conversations.changing import show_again
from moorage.conversations.open_thread import OpenThread, lock_known_thread, open_thread
from moorage.conversations.waiting import give_up_waiting, send_waiting
from moorage.conversations.writing import save
from moorage.core.ids import ChannelId, ThreadId, WorkspaceId
from moorage.infra.database import Database, Tx
from moorage.reception.applying import begin_turn, keep_decisions, react, say_words
from moorage.reception.model import ChannelMuted, ChannelRestored

AT_ONCE = 100
FIRST: Final = UUID(int=0)

Settle = Callable[[Tx, OpenThread], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ChannelStanding:
    """How a channel stands, and how many of its conversations are open in all, in a queue, and with agents."""

    open_conversations: int
    waiting: int
    with_agents: int


@dataclass(frozen=True, slots=True)
class UnsettledChannel:
    """A channel that fell silent and still has conversations that nobody can serve."""

    workspace_id: WorkspaceId
    channel_id: ChannelId


@dataclass(frozen=True, slots=True)
class _Row:
    row_id: UUID
    thread_id: ThreadId


async def count_open_conversations(tx: Tx, *, channel_id: ChannelId) -> ChannelStanding:
    """Return what undocking a channel would end."""
    standing = await tx.row(
        ChannelStanding,
        """
        SELECT count(*) AS open_conversations, count(*) FILTER (WHERE owner_kind = 'queue') AS waiting,
               count(*) FILTER (WHERE owner_kind = 'agent') AS with_agents
        FROM conversations WHERE workspace_id = %s AND channel_id = %s AND state = 'open'
        """,
        [tx.workspace_id, channel_id],
    )
    if standing is None:
        raise LookupError("an aggregate returned no row")
    return standing


async def find_unsettled_channels(tx: Tx) -> list[UnsettledChannel]:
    """Return silent channels with conversations that must end, of all workspaces. Needs the system door."""
    return await tx.rows(
        UnsettledChannel,
        """
        SELECT h.workspace_id, h.id AS channel_id FROM channels h
        WHERE h.state IN ('deauthorized', 'undocked') AND EXISTS (
          SELECT FROM conversations c
          WHERE c.workspace_id = h.workspace_id AND c.channel_id = h.id AND c.state = 'open'
            AND (h.state = 'undocked' OR c.owner_kind IN ('bot', 'queue')))
        """,
    )


async def settle_channel(
    database: Database, *, connectors: Connectors, workspace_id: WorkspaceId, channel_id: ChannelId
) -> int:
    """Do for each customer what the channel's present state asks for, and return how many threads were touched.

    Where the channel fell silent, conversations end or are locked with a line that says why. Where it is back, they
    are told so. What waits is sent as soon as the account can send, and fails where it was undocked.
    """

    async def settle(tx: Tx, opened: OpenThread) -> None:
        match opened.around.channel_state:
            case "undocked" | "deauthorized" as how:
                await _decide(tx, opened, ChannelMuted(how))
            case _:
                await _decide(tx, opened, ChannelRestored())
        _settle_waiting(opened)

    async def settle_waiting(_: Tx, opened: OpenThread) -> None:
        _settle_waiting(opened)

    each = _Each(database=database, connectors=connectors, workspace_id=workspace_id, channel_id=channel_id)
    return await each.do(_UNSETTLED, settle) + await each.do(_WAITING, settle_waiting)


async def end_undocked(
    database: Database, *, connectors: Connectors, workspace_id: WorkspaceId, channel_id: ChannelId, at: datetime
) -> int:
    """End what was open when a channel was undocked `at`, also if it is docked again; return how much was looked at."""

    async def end(tx: Tx, opened: OpenThread) -> None:
        if opened.conversation is None or opened.conversation.opened_at > at:
            return
        await _decide(tx, opened, ChannelMuted("undocked"))
        give_up_waiting(opened, reason=ChannelReason.UNDOCKED)

    each = _Each(database=database, connectors=connectors, workspace_id=workspace_id, channel_id=channel_id)
    return await each.do(_OPEN, end)


async def show_channel_again(
    database: Database, *, connectors: Connectors, workspace_id: WorkspaceId, channel_id: ChannelId
) -> int:
    """Show every open conversation of a channel anew, because what may be sent there has changed; return how many.

    What waits is sent if that is possible now.
    """

    async def show(_: Tx, opened: OpenThread) -> None:
        _settle_waiting(opened)
        show_again(opened)

    each = _Each(database=database, connectors=connectors, workspace_id=workspace_id, channel_id=channel_id)
    return await each.do(_OPEN, show) + await each.do(_WAITING, show)


async def _decide(tx: Tx, opened: OpenThread, event: ChannelMuted | ChannelRestored) -> None:
    turn = begin_turn(tx, opened=opened)
    await react(turn, event)
    say_words(turn)
    await keep_decisions(turn)


def _settle_waiting(opened: OpenThread) -> None:
    if opened.around.channel_state == "undocked":
        give_up_waiting(opened, reason=ChannelReason.UNDOCKED)
    else:
        send_waiting(opened)


@dataclass(frozen=True, slots=True)
class _Each:
    """Walks over threads of one channel, each in a transaction of its own."""

    database: Database
    connectors: Connectors
    workspace_id: WorkspaceId
    channel_id: ChannelId

    async def do(self, query: LiteralString, settle: Settle) -> int:
        """Settle every thread that `query` finds, in the order of its keys, and return how many those were."""
        touched, after = 0, FIRST
        while rows := await self._next(query, after):
            for row in rows:

                async def settle_one(tx: Tx, thread_id: ThreadId = row.thread_id) -> None:
                    await self._settle_one(tx, thread_id, settle)

                await self.database.run(self.workspace_id, settle_one)
            touched += len(rows)
            after = rows[-1].row_id
        return touched

    async def _next(self, query: LiteralString, after: UUID) -> Sequence[_Row]:
        values = {
            "workspace_id": self.workspace_id,
            "channel_id": self.channel_id,
            "after": after,
            "limit": AT_ONCE,
        }
        async with self.database.in_workspace(self.workspace_id) as tx:
            return await tx.rows(_Row, query, values)

    async def _settle_one(self, tx: Tx, thread_id: ThreadId, settle: Settle) -> None:
        locked = await lock_known_thread(tx, thread_id=thread_id)
        opened = await open_thread(tx, locked=locked, connectors=self.connectors)
        await settle(tx, opened)
        await save(tx, opened=opened)


_OPEN: Final[LiteralString] = """
  SELECT c.id AS row_id, c.thread_id FROM conversations c
  WHERE c.workspace_id = %(workspace_id)s AND c.channel_id = %(channel_id)s AND c.state = 'open' AND c.id > %(after)s
  ORDER BY c.id LIMIT %(limit)s
"""
# Where nothing is to be done for it, a conversation is left alone: a channel may fail and recover often.
_UNSETTLED: Final[LiteralString] = """
  SELECT c.id AS row_id, c.thread_id
  FROM conversations c JOIN channels h ON h.workspace_id = c.workspace_id AND h.id = c.channel_id
  WHERE c.workspace_id = %(workspace_id)s AND c.channel_id = %(channel_id)s AND c.state = 'open' AND c.id > %(after)s
    AND CASE h.state
      WHEN 'undocked' THEN true
      WHEN 'deauthorized' THEN c.owner_kind <> 'agent' OR NOT coalesce((c.engine_state ->> 'mute')::boolean, false)
      ELSE coalesce((c.engine_state ->> 'mute')::boolean, false) END
  ORDER BY c.id LIMIT %(limit)s
"""
_WAITING: Final[LiteralString] = """
  SELECT DISTINCT m.thread_id AS row_id, m.thread_id
  FROM messages m JOIN threads t ON t.workspace_id = m.workspace_id AND t.id = m.thread_id
  WHERE m.workspace_id = %(workspace_id)s AND t.channel_id = %(channel_id)s AND m.delivery_state = 'waiting'
    AND m.thread_id > %(after)s
  ORDER BY m.thread_id LIMIT %(limit)s
"""
