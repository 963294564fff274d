"""Questions to who has opened a company's link: is that you? A link that went astray binds nobody before they say so.

Whoever asks or answers holds the lock of the customer's thread.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from moorage.core.errors import DomainError, Missing
from moorage.core.ids import ChannelId, CustomerId, ThreadId, new_id
from moorage.customers.identity_links import IdentityLink
from moorage.customers.model import CustomerRecord
from moorage.infra.database import Tx

ANSWER_WITHIN = timedelta(minutes=10)
KEPT = timedelta(days=1)
"""A question is kept so long, so that who comes back to its page reads what came of it."""
SHOWN_NAME = "name"
"""The attribute by which a link calls somebody."""

QuestionOutcome = Literal["bound", "again", "conflict", "declined"]


@dataclass(eq=False)
class IdentityQuestionExpired(DomainError):
    """The question was not answered in time: the link is to be opened again."""

    code: ClassVar[str] = "customers.identity_question_expired"
    kind: ClassVar[str] = "gone"


@dataclass(frozen=True, slots=True)
class IdentityQuestion:
    """Who has opened a link, what it says of them, and what they answered."""

    id: UUID
    channel_id: ChannelId
    customer_id: CustomerId
    digest: bytes
    user_id: str
    attributes: Mapping[str, str]
    link_expires_at: datetime
    expires_at: datetime
    outcome: QuestionOutcome | None

    @property
    def link(self) -> IdentityLink:
        """Return the link that was opened. It was good then."""
        return IdentityLink(
            user_id=self.user_id,
            attributes=self.attributes,
            expires_at=self.link_expires_at,
            customer_token=None,
            digest=self.digest,
        )

    @property
    def shown_name(self) -> str:
        """Return by what the link calls somebody: a name, or else the company's own id."""
        return self.attributes.get(SHOWN_NAME) or self.user_id

    def check_open(self, *, now: datetime) -> None:
        """Return if it has been answered, or still can be. Raises IdentityQuestionExpired."""
        if self.outcome is None and now >= self.expires_at:
            raise IdentityQuestionExpired


async def add_question(tx: Tx, *, customer: CustomerRecord, link: IdentityLink) -> UUID:
    """Ask a customer whether a link means them, and return the question's id. Old questions are thrown away."""
    await tx.execute(
        "DELETE FROM identity_questions WHERE workspace_id = %s AND created_at < %s", [tx.workspace_id, tx.now - KEPT]
    )
    question_id = new_id()
    await tx.execute(
        """
        INSERT INTO identity_questions
               (workspace_id, id, channel_id, customer_id, digest, user_id, attributes, link_expires_at, expires_at,
                created_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        [
            tx.workspace_id,
            question_id,
            customer.channel_id,
            customer.id,
            link.digest,
            link.user_id,
            Jsonb(dict(link.attributes)),
            link.expires_at,
            tx.now + ANSWER_WITHIN,
            tx.now,
        ],
    )
    return question_id


async def read_question(tx: Tx, *, question_id: UUID, thread_id: ThreadId) -> IdentityQuestion:
    """Return a question that was put to the customer of a thread. Raises Missing."""
    question = await tx.row(
        IdentityQuestion,
        """
        SELECT q.id, q.channel_id, q.customer_id, q.digest, q.user_id, q.attributes, q.link_expires_at, q.expires_at,
               q.outcome
        FROM identity_questions q
        JOIN threads t ON t.workspace_id = q.workspace_id AND t.customer_id = q.customer_id
        WHERE q.workspace_id = %s AND q.id = %s AND t.id = %s
        """,
        [tx.workspace_id, question_id, thread_id],
    )
    if question is None:
        raise Missing(what="question")
    return question


async def settle_question(tx: Tx, *, question_id: UUID, outcome: QuestionOutcome) -> None:
    """Write down what came of a question. What the link said is not needed any more."""
    await tx.execute(
        """
        UPDATE identity_questions SET outcome = %s, user_id = '', attributes = '{}'
        WHERE workspace_id = %s AND id = %s AND outcome IS NULL
        """,
        [outcome, tx.workspace_id, question_id],
    )
