"""The page of a question: what is asked, and the customer's answer, which is received as a tap on a menu is.

It is no message of the provider's, though: it neither opens nor renews what the provider lets us send.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter

from moorage.connectors.content import CONTENT, Choice, Choices, Text
from moorage.connectors.registry import Connectors
from moorage.conversations.open_thread import lock_known_thread, open_thread
from moorage.conversations.prompts import PromptState
from moorage.conversations.writing import save
from moorage.core.errors import Malformed
from moorage.infra.database import Tx
from moorage.infra.links import LinkInvalid, SignedLink
from moorage.reception.applying import Incoming, begin_turn, keep_decisions, react, say_words
from moorage.reception.model import PromptAnswered
from moorage.reception.prompts import heard_as


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question as its page shows it. `chosen_id` is what the customer chose, here or in the chat."""

    channel_name: str
    text: str
    tail: str
    choices: Sequence[Choice]
    state: PromptState
    expires_at: datetime | None
    chosen_id: str | None


async def read_question(tx: Tx, *, link: SignedLink) -> AskedQuestion:
    """Return the question that `link` is about, as it stands now. Raises LinkInvalid."""
    row = await tx.row(
        _Row,
        """
        SELECT m.content, c.name AS channel_name, p.choices, p.state, p.expires_at, p.chosen_id
        FROM prompts p
        JOIN messages m ON m.workspace_id = p.workspace_id AND m.id = p.message_id
        JOIN threads t ON t.workspace_id = p.workspace_id AND t.id = p.thread_id
        JOIN channels c ON c.workspace_id = t.workspace_id AND c.id = t.channel_id
        WHERE p.workspace_id = %s AND p.id = %s AND p.thread_id = %s
        """,
        [tx.workspace_id, _prompt_id(link), link.thread_id],
    )
    content = None if row is None else CONTENT.validate_python(row.content)
    if row is None or not isinstance(content, Choices):  # never asked, or erased since
        raise LinkInvalid
    over = row.state == "open" and row.expires_at is not None and tx.now >= row.expires_at
    return AskedQuestion(
        channel_name=row.channel_name,
        text=content.text,
        tail=content.tail,
        choices=_CHOICES.validate_python(row.choices),
        state="expired" if over else row.state,
        expires_at=row.expires_at,
        chosen_id=row.chosen_id,
    )


async def choose(tx: Tx, *, link: SignedLink, choice_id: str, connectors: Connectors) -> AskedQuestion:
    """Answer the question that `link` is about, and return it as it stands then.

    Where it waits no longer, nothing happens: the first answer counts, and what is returned tells of it. Raises
    LinkInvalid, or Malformed where the question has no such choice.
    """
    asked = await read_question(tx, link=link)
    choice = next((one for one in asked.choices if one.id == choice_id), None)
    if choice is None:
        raise Malformed(field="choice_id", reason="unknown")
    locked = await lock_known_thread(tx, thread_id=link.thread_id)
    opened = await open_thread(tx, locked=locked, connectors=connectors)
    turn = begin_turn(tx, opened=opened)
    tapped = Text(text=choice.text, choice_id=choice.id)
    event, heard = heard_as(opened, content=tapped, at=tx.now, agent_words=())
    if isinstance(event, PromptAnswered):
        await react(turn, event, incoming=Incoming(happened_at=tx.now, content=heard))
        say_words(turn)
        await keep_decisions(turn)
        await save(tx, opened=opened)
    return await read_question(tx, link=link)


@dataclass(frozen=True, slots=True)
class _Row:
    content: Mapping[str, object]
    channel_name: str
    choices: Sequence[Mapping[str, object]]
    state: PromptState
    expires_at: datetime | None
    chosen_id: str | None


_CHOICES: TypeAdapter[tuple[Choice, ...]] = TypeAdapter(tuple[Choice, ...])


def _prompt_id(link: SignedLink) -> UUID:
    try:
        return UUID(hex=link.about)
    except ValueError as error:
        raise LinkInvalid from error
