"""The API of what a channel's customers have taught us about its limits."""

from datetime import datetime
from typing import Self
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from moorage.channels.budget_watch import CUSTOMERS_THAT_PROVE, WATCHED_FOR, BudgetWatch, read_watch, settle_lowering
from moorage.channels.queries import read_channel
from moorage.channels.routes import ChannelManager, TheDoor
from moorage.core.ids import ChannelId
from moorage.infra.database import Tx
from moorage.staff.guard import remote_address_of

router = APIRouter(prefix="/channels/{channel_id}/budget", tags=["channels"])


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BudgetCaseView(_View):
    """A customer whose budget was called spent early, and where to read the conversation."""

    customer_name: str
    conversation_id: UUID | None
    most: int
    counted: int
    happened_at: datetime


class BudgetWatchView(_View):
    """What is known of a channel's limits beside what is set."""

    cases: list[BudgetCaseView]
    lowered_from: str | None
    lowered_at: datetime | None
    other_system: bool
    customers: int
    """So many customers prove something, within `days`."""
    days: int

    @classmethod
    def of(cls, watch: BudgetWatch) -> Self:
        """Return the view of what is known."""
        return cls(
            cases=[
                BudgetCaseView(
                    customer_name=case.customer_name,
                    conversation_id=case.conversation_id,
                    most=case.most,
                    counted=case.counted,
                    happened_at=case.happened_at,
                )
                for case in watch.cases
            ],
            lowered_from=None if watch.lowered is None else watch.lowered.preset,
            lowered_at=None if watch.lowered is None else watch.lowered.at,
            other_system=watch.other_system,
            customers=CUSTOMERS_THAT_PROVE,
            days=WATCHED_FOR.days,
        )


class LoweringDecision(BaseModel):
    """Whether the preset is set back to what it was; else the lower one stays."""

    model_config = ConfigDict(extra="forbid")

    restore: bool


@router.get("")
async def read_budget_watch(channel_id: UUID, actor: ChannelManager, door: TheDoor) -> BudgetWatchView:
    """Tell which customers' budgets the provider called spent early, and what came of it."""
    async with door.database.in_workspace(actor.workspace_id) as tx:
        channel = await read_channel(tx, channel_id=ChannelId(channel_id))
        return BudgetWatchView.of(await read_watch(tx, channel_id=channel.id, manifest=door.manifest(channel.kind)))


@router.post("/lowering")
async def decide_about_lowering(
    channel_id: UUID, decision: LoweringDecision, request: Request, actor: ChannelManager, door: TheDoor
) -> BudgetWatchView:
    """Set a lowered preset back, or keep it."""

    async def settle(tx: Tx) -> BudgetWatchView:
        channel = await read_channel(tx, channel_id=ChannelId(channel_id))
        await settle_lowering(
            tx,
            channel_id=channel.id,
            restore=decision.restore,
            by=actor.person_id,
            remote_address=remote_address_of(request),
        )
        return BudgetWatchView.of(await read_watch(tx, channel_id=channel.id, manifest=door.manifest(channel.kind)))

    return await door.database.run(actor.workspace_id, settle)
