"""Showing the customer that an agent writes: a courtesy, never charged, and nothing if it does not come about.

The request only notes it; a job calls the provider. A job that comes late does nothing: what was written may be sent.
An agent who takes back what they wrote, or leaves, is shown writing no longer; whoever sends need not say so.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

import structlog

from moorage.channels.endpoints import open_endpoint
from moorage.connectors.contract import Endpoint
from moorage.connectors.failures import ProviderFailure
from moorage.connectors.registry import Connectors, typing_power
from moorage.conversations.queries import read_card
from moorage.core.errors import Missing
from moorage.core.ids import ChannelId, ConversationId, ThreadId, WorkspaceId
from moorage.infra.database import Database, DomainEvent, Tx
from moorage.infra.secrets import SecretBox, SecretUnreadable
from moorage.staff.model import Actor
from moorage.staff.rights import Act, require

AT_MOST_EVERY = timedelta(seconds=10)
"""For each thread, however many windows the agent writes in."""
WORTH_SHOWING = timedelta(seconds=8)
"""A job that begins later does nothing."""
SHOWN_FOR = timedelta(seconds=15)
"""By the provider; afterwards there is nothing to take back."""
SHOW_WITHIN_S = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WritingNoted(DomainEvent):
    """An agent writes to the customer of a thread, who is to see that."""

    thread_id: ThreadId


@dataclass(frozen=True, slots=True)
class WritingTakenBack(DomainEvent):
    """The agent does not write any more, and has sent nothing: the customer is to see that."""

    thread_id: ThreadId


@dataclass(frozen=True, slots=True)
class _Writing:
    external_customer_id: str
    channel_id: ChannelId
    channel_kind: str


class _Typing(Protocol):
    """One of the two calls that a connector has for it."""

    async def __call__(self, endpoint: Endpoint, *, external_customer_id: str, deadline: float) -> None: ...


async def note_writing(tx: Tx, *, actor: Actor, conversation_id: ConversationId, connectors: Connectors) -> None:
    """Let the customer of one's own conversation see that one writes, where something can be sent to them now.

    Raises Missing where the actor may not know of the conversation, Forbidden where it is somebody else's.
    """
    card = await read_card(tx, actor=actor, conversation_id=conversation_id, connectors=connectors)
    conversation = card.conversation
    require(actor, Act.CONVERSATION_WRITE, conversation)
    if conversation.state != "open" or not card.budget.open or card.budget.sending != "api":
        return
    noted = await tx.execute(
        """
        UPDATE threads SET typing_shown_at = %s
        WHERE workspace_id = %s AND id = %s AND (typing_shown_at IS NULL OR typing_shown_at <= %s)
        """,
        [tx.now, tx.workspace_id, card.thread_id, tx.now - AT_MOST_EVERY],
    )
    if noted:
        tx.publish(WritingNoted(thread_id=card.thread_id))


async def take_writing_back(tx: Tx, *, actor: Actor, conversation_id: ConversationId, connectors: Connectors) -> None:
    """Let the customer of one's own conversation see that one writes no longer; nothing where they do not see it now.

    Raises Missing where the actor may not know of the conversation, Forbidden where it is somebody else's.
    """
    card = await read_card(tx, actor=actor, conversation_id=conversation_id, connectors=connectors)
    require(actor, Act.CONVERSATION_WRITE, card.conversation)
    shown = await tx.execute(
        "UPDATE threads SET typing_shown_at = NULL WHERE workspace_id = %s AND id = %s AND typing_shown_at > %s",
        [tx.workspace_id, card.thread_id, tx.now - SHOWN_FOR],
    )
    if shown:
        tx.publish(WritingTakenBack(thread_id=card.thread_id))


@dataclass(frozen=True, slots=True)
class WritingShower:
    """Calls the provider, once for each time."""

    database: Database
    connectors: Connectors
    box: SecretBox

    async def show(self, *, workspace_id: WorkspaceId, thread_id: ThreadId) -> None:
        """Show the customer of a thread that somebody writes, unless it is too late; a refusal is only counted."""
        async with self.database.in_workspace(workspace_id) as tx:
            writing = await _still_writing(tx, thread_id=thread_id)
        await self._tell(writing, "show", workspace_id=workspace_id, thread_id=thread_id)

    async def hide(self, *, workspace_id: WorkspaceId, thread_id: ThreadId) -> None:
        """Show it no longer, unless somebody writes anew; a refusal is only counted."""
        async with self.database.in_workspace(workspace_id) as tx:
            stopped = await _not_writing(tx, thread_id=thread_id)
        await self._tell(stopped, "hide", workspace_id=workspace_id, thread_id=thread_id)

    async def _tell(
        self, about: _Writing | None, what: Literal["show", "hide"], *, workspace_id: WorkspaceId, thread_id: ThreadId
    ) -> None:
        power = None if about is None else typing_power(self.connectors[about.channel_kind])
        if about is None or power is None:
            return
        call = power.show_typing if what == "show" else power.hide_typing
        try:
            await self._call(call, about, workspace_id=workspace_id)
        except ProviderFailure as failure:
            log.info("writing_not_shown", thread_id=str(thread_id), failure=type(failure).__name__, why=str(failure))
        except (Missing, SecretUnreadable, TimeoutError):
            log.info("writing_not_shown", thread_id=str(thread_id), failure="not_callable")

    async def _call(self, call: _Typing, writing: _Writing, *, workspace_id: WorkspaceId) -> None:
        endpoint = await open_endpoint(
            self.database,
            box=self.box,
            connectors=self.connectors,
            workspace_id=workspace_id,
            channel_id=writing.channel_id,
        )
        await call(
            endpoint,
            external_customer_id=writing.external_customer_id,
            deadline=asyncio.get_running_loop().time() + SHOW_WITHIN_S,
        )


async def _not_writing(tx: Tx, *, thread_id: ThreadId) -> _Writing | None:
    """Return whom to show it no longer; None if somebody writes again."""
    return await tx.row(
        _Writing,
        """
        SELECT t.external_customer_id, t.channel_id, h.kind AS channel_kind
        FROM threads t JOIN channels h ON h.workspace_id = t.workspace_id AND h.id = t.channel_id
        WHERE t.workspace_id = %s AND t.id = %s AND t.typing_shown_at IS NULL
        """,
        [tx.workspace_id, thread_id],
    )


async def _still_writing(tx: Tx, *, thread_id: ThreadId) -> _Writing | None:
    """Return whom to show it to; None if it comes late, or after what was written."""
    return await tx.row(
        _Writing,
        """
        SELECT t.external_customer_id, t.channel_id, h.kind AS channel_kind
        FROM threads t JOIN channels h ON h.workspace_id = t.workspace_id AND h.id = t.channel_id
        WHERE t.workspace_id = %s AND t.id = %s AND t.typing_shown_at > %s AND NOT EXISTS (
          SELECT FROM messages m
          WHERE m.workspace_id = t.workspace_id AND m.thread_id = t.id AND m.author_kind = 'agent' AND m.why IS NULL
            AND m.created_at >= t.typing_shown_at)
        """,
        [tx.workspace_id, thread_id, tx.now - WORTH_SHOWING],
    )
