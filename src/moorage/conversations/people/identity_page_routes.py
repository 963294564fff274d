"""The page on which who has opened a company's link is asked whether that is them, and reads what came of it."""

from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from moorage.channels.queries import read_channel
from moorage.conversations.people.identify_routes import TheIdentifying
from moorage.conversations.people.identifying import RESULT_PAGE
from moorage.core.ids import ChannelId
from moorage.customers.bindings import BindingOutcome
from moorage.customers.links import ThePages, link_for
from moorage.customers.questions import IdentityQuestion
from moorage.infra.links import LinkInvalid, SignedLink

router = APIRouter(tags=["customer pages"])

IdentityPage = Annotated[SignedLink, Depends(link_for(RESULT_PAGE))]
_OUTCOMES: Final[dict[str, BindingOutcome]] = {"bound": "bound", "again": "again", "conflict": "conflict"}


class IdentityPageView(BaseModel):
    """What came of a link, or that its bearer is asked; and whose account it was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: Literal["asked", "bound", "again", "conflict", "declined"]
    channel_name: str
    asked_as: str | None
    """While it is asked: by what the link calls its bearer."""


class IdentityAnswer(BaseModel):
    """Whether the link means who has opened it."""

    model_config = ConfigDict(extra="forbid")

    is_me: bool


@router.get("/pages/identity")
async def read_identity_page(link: IdentityPage, door: ThePages, identifying: TheIdentifying) -> IdentityPageView:
    """Ask a customer whether a link means them, or tell them what came of it."""
    name = await _channel_name(link, door)
    if link.about in _OUTCOMES:
        return IdentityPageView(outcome=_OUTCOMES[link.about], channel_name=name, asked_as=None)
    return _view(await identifying.identifying.look(link, question_id=_question_of(link)), name)


@router.post("/pages/identity/answer")
async def answer_identity_page(
    asked: IdentityAnswer, link: IdentityPage, door: ThePages, identifying: TheIdentifying
) -> IdentityPageView:
    """Take whether a link means who has opened it. The first answer counts, however often it is given."""
    question = await identifying.identifying.answer(link, question_id=_question_of(link), is_them=asked.is_me)
    return _view(question, await _channel_name(link, door))


def _view(question: IdentityQuestion, channel_name: str) -> IdentityPageView:
    if question.outcome is None:
        return IdentityPageView(outcome="asked", channel_name=channel_name, asked_as=question.shown_name)
    return IdentityPageView(outcome=question.outcome, channel_name=channel_name, asked_as=None)


def _question_of(link: SignedLink) -> UUID:
    try:
        return UUID(link.about)
    except ValueError as error:
        raise LinkInvalid from error


async def _channel_name(link: SignedLink, door: ThePages) -> str:
    async with door.database.in_workspace(link.workspace_id) as tx:
        channel_id = await tx.value(
            "SELECT channel_id FROM threads WHERE workspace_id = %s AND id = %s", [tx.workspace_id, link.thread_id]
        )
        channel = await read_channel(tx, channel_id=ChannelId(channel_id))  # pyright: ignore[reportArgumentType] -- an id; none: Missing
    return channel.name
