"""The API of a question's page: what is asked, and the customer's answer."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from moorage.conversations.choice_words import CHOICES_PAGE
from moorage.conversations.prompts import PromptState
from moorage.conversations.routes import TheConversations
from moorage.customers.links import link_for
from moorage.infra.database import Tx
from moorage.infra.links import SignedLink
from moorage.reception.choosing import AskedQuestion, choose, read_question

router = APIRouter(tags=["customer pages"])

ChoicesLink = Annotated[SignedLink, Depends(link_for(CHOICES_PAGE))]


class OfferedChoice(BaseModel):
    """One of the answers that a question takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    text: str


class ChoicesPageView(BaseModel):
    """A question, its choices, and whether it still waits for an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    asked_by: str
    """The account's name."""
    text: str
    tail: str
    choices: list[OfferedChoice]
    state: PromptState
    expires_at: datetime | None
    """None: it waits as long as its conversation is open."""
    chosen_id: str | None


class ChoiceMade(BaseModel):
    """What the customer chooses."""

    model_config = ConfigDict(extra="forbid")

    choice_id: Annotated[str, Field(max_length=200)]


@router.get("/pages/choices")
async def read_choices_page(link: ChoicesLink, door: TheConversations) -> ChoicesPageView:
    """Tell what is asked."""
    async with door.database.in_workspace(link.workspace_id) as tx:
        return _view(await read_question(tx, link=link))


@router.post("/pages/choices/answer")
async def answer_choices_page(link: ChoicesLink, made: ChoiceMade, door: TheConversations) -> ChoicesPageView:
    """Answer the question, if it still waits, and tell how it stands. The first answer counts."""

    async def answer(tx: Tx) -> ChoicesPageView:
        return _view(await choose(tx, link=link, choice_id=made.choice_id, connectors=door.connectors))

    return await door.database.run(link.workspace_id, answer)


def _view(asked: AskedQuestion) -> ChoicesPageView:
    return ChoicesPageView(
        asked_by=asked.channel_name,
        text=asked.text,
        tail=asked.tail,
        choices=[OfferedChoice(id=one.id, text=one.text) for one in asked.choices],
        state=asked.state,
        expires_at=asked.expires_at,
        chosen_id=asked.chosen_id,
    )
