"""A message as its row holds it. Whoever reads whole messages selects these columns and adds their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from moorage.connectors.content import CONTENT
from moorage.conversations.model import Author, AuthorKind, DeliveryState, Message
from moorage.core.ids import AgentId, ConversationId, MessageId


@dataclass(frozen=True, slots=True)
class MessageRow:
    """The columns of `messages` that make a message."""

    id: MessageId
    seq: int
    conversation_id: ConversationId | None
    author_kind: AuthorKind
    author_agent_id: AgentId | None
    why: str | None
    content: Mapping[str, object]
    delivery_state: str | None
    delivery_reason: str | None
    arrived_late: bool
    sent_at: datetime
    created_at: datetime
    version: int

    def message(self) -> Message:
        """Return the message that the row holds."""
        return Message(
            id=self.id,
            seq=self.seq,
            conversation_id=self.conversation_id,
            author=Author(kind=self.author_kind, agent_id=self.author_agent_id, why=self.why),
            content=CONTENT.validate_python(self.content),
            delivery_state=None if self.delivery_state is None else DeliveryState(self.delivery_state),
            delivery_reason=self.delivery_reason,
            arrived_late=self.arrived_late,
            sent_at=self.sent_at,
            created_at=self.created_at,
            version=self.version,
        )
