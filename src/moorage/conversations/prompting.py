"""Opening and settling a locked thread's question. `writing.save` writes what is changed here."""

from dataclasses import replace
from uuid import UUID

from moorage.connectors.content import Choices
from moorage.conversations.model import DeliveryState, Message
from moorage.conversations.open_thread import OpenThread
from moorage.conversations.prompts import EXPIRES_AFTER, Prompt
from moorage.conversations.resending import read_said
from moorage.core.ids import MessageId
from moorage.infra.database import Tx


def open_prompt(opened: OpenThread, *, prompt_id: UUID, message: Message) -> None:
    """Let the choices of `message` wait for their answer; an older question of the thread waits no longer.

    While the message itself waits for the customer, the question ends with its conversation alone.
    """
    content = message.content
    if not isinstance(content, Choices):
        raise TypeError(f"no choices: {content.type}")
    if opened.prompt is not None:
        _settle(opened, opened.prompt.ended(now=opened.now, state="replaced"))
    waits = message.delivery_state is DeliveryState.WAITING
    expires_at = None if waits else opened.now + EXPIRES_AFTER
    opened.prompt = Prompt(
        id=prompt_id,
        conversation_id=message.conversation_id,
        message_id=message.id,
        choices=content.items,
        state="open",
        opened_at=opened.now,
        expires_at=expires_at,
    )
    opened.prompts.append(opened.prompt)


async def answer_prompt(tx: Tx, *, opened: OpenThread, choice_id: str, answer: MessageId) -> None:
    """Settle the open question with a choice, and show with the question which one it was."""
    prompt = opened.prompt
    if prompt is None:
        raise LookupError("no question is open in this thread")
    _settle(opened, replace(prompt, state="answered", settled_at=opened.now, chosen_id=choice_id, answered_by=answer))
    fresh = next((place for place, one in enumerate(opened.messages) if one.id == prompt.message_id), None)
    if fresh is not None:  # asked a moment ago, and not written yet
        opened.messages[fresh] = _with_choice(opened.messages[fresh], choice_id)
        return
    asked = await read_said(tx, opened=opened, message_id=prompt.message_id)
    opened.delivered.append(replace(_with_choice(asked, choice_id), version=asked.version + 1))


def _with_choice(asked: Message, choice_id: str) -> Message:
    if not isinstance(asked.content, Choices):
        return asked
    return replace(asked, content=asked.content.model_copy(update={"chosen_id": choice_id}))


def expire_prompt(opened: OpenThread) -> None:
    """Let the open question wait no longer, because its conversation ends."""
    if opened.prompt is not None:
        _settle(opened, opened.prompt.ended(now=opened.now, state="expired"))


def _settle(opened: OpenThread, settled: Prompt) -> None:
    opened.prompts = [*(one for one in opened.prompts if one.id != settled.id), settled]
    opened.prompt = None
