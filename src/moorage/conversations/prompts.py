"""Questions with choices that wait for an answer. At most one of a thread is open: a newer one replaces it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from pydantic import TypeAdapter

from moorage.connectors.content import Choice
from moorage.core.ids import ConversationId, MessageId

EXPIRES_AFTER = timedelta(minutes=10)
"""How long a question waits for its answer (product §3.11)."""

PromptState = Literal["open", "answered", "expired", "replaced"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question. `message_id` is the message that asked it, `answered_by` the one that answered.

    Without a `conversation_id` it was asked outside of any, as a follow reply asks.
    """

    id: UUID
    conversation_id: ConversationId | None
    message_id: MessageId
    choices: Sequence[Choice]
    state: PromptState
    opened_at: datetime
    expires_at: datetime | None
    """None: it waits as long as its conversation is open."""
    settled_at: datetime | None = None
    chosen_id: str | None = None
    answered_by: MessageId | None = None

    def ended(self, *, now: datetime, state: Literal["expired", "replaced"]) -> "Prompt":
        """Return it without an answer; one whose time was over has expired, whatever ended it."""
        over = self.expires_at is not None and now >= self.expires_at
        return replace(self, state="expired" if over else state, settled_at=now)


PROMPT: TypeAdapter[Prompt] = TypeAdapter(Prompt)
"""Reads a prompt's row that PostgreSQL gave as JSON."""
