"""The one table of what happens when a lower room publishes an event: which function or job, now or later.

`now` runs in the publishing transaction, after the operation returned. `later` is a job written in that transaction.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from moorage.channels.events import (
    AccountAuthorizedUs,
    AccountUndocked,
    AuthorizationPushed,
    BudgetPresetChanged,
    ChannelStateChanged,
    ChannelVerificationChanged,
)
from moorage.channels.health.visits import look_soon
from moorage.channels.jobs import REFRESH_ACCOUNT, SETTLE_AUTHORIZATION
from moorage.conversations.jobs import FETCH_MEDIA, HIDE_WRITING, PUSH_REMARK, READ_PROFILE, SHOW_WRITING
from moorage.conversations.media import MediaReceived
from moorage.conversations.writing_shown import WritingNoted, WritingTakenBack
from moorage.customers.model import CustomerDataWished, ProfileDue, RemarkChanged
from moorage.infra.database import DomainEvent, Tx
from moorage.infra.jobs import JobArgument, JobKind, JobQueue
from moorage.reception.jobs import (
    CARRY_OUT_WISH,
    END_UNDOCKED,
    HAND_OVER,
    PICK_UP_QUEUE,
    SETTLE_CHANNEL,
    SHOW_CHANNEL_AGAIN,
)
from moorage.reception.leaving import HandedOver
from moorage.staff.events import AgentAvailable

Event = TypeVar("Event", bound=DomainEvent)
Reaction = Callable[[Tx, DomainEvent, JobQueue], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """One row of the table."""

    event: type[DomainEvent]
    reaction: Reaction


def now(event: type[Event], function: Callable[[Tx, Event], Awaitable[None]]) -> Subscription:
    """Return the row that runs `function` in the transaction that published `event`."""

    async def react(tx: Tx, published: DomainEvent, _: JobQueue) -> None:
        if isinstance(published, event):
            await function(tx, published)

    return Subscription(event=event, reaction=react)


def later(
    event: type[Event],
    kind: JobKind,
    arguments: Callable[[Event], Mapping[str, JobArgument]],
    *,
    lock: Callable[[Event], str] | None = None,
) -> Subscription:
    """Return the row that writes a job of `kind` in the transaction that published `event`.

    Jobs with the same `lock` run one after the other.
    """

    async def react(tx: Tx, published: DomainEvent, jobs: JobQueue) -> None:
        if isinstance(published, event):
            held = None if lock is None else lock(published)
            await jobs.later(tx, kind, lock=held, arguments=arguments(published))

    return Subscription(event=event, reaction=react)


SUBSCRIPTIONS: Sequence[Subscription] = (
    # An agent's row is locked when this is published, and threads come first in the lock order: hence a job.
    later(AgentAvailable, PICK_UP_QUEUE, lambda event: {"agent_id": event.agent_id}),
    # The agent's row is locked by signing out, and threads come first in the lock order.
    later(HandedOver, HAND_OVER, lambda event: {"agent_id": event.agent_id, "at": event.at}),
    # Threads come first in the lock order, and a channel may have thousands of them.
    now(ChannelStateChanged, look_soon),
    later(ChannelStateChanged, SETTLE_CHANNEL, lambda event: {"channel_id": event.channel_id}),
    later(AccountUndocked, END_UNDOCKED, lambda event: {"channel_id": event.channel_id, "at": event.at}),
    later(ChannelVerificationChanged, SHOW_CHANNEL_AGAIN, lambda event: {"channel_id": event.channel_id}),
    later(BudgetPresetChanged, SHOW_CHANNEL_AGAIN, lambda event: {"channel_id": event.channel_id}),
    # The provider is asked with no transaction open.
    later(AuthorizationPushed, SETTLE_AUTHORIZATION, lambda event: {"attempt_id": event.attempt_id}),
    later(
        MediaReceived,
        FETCH_MEDIA,
        lambda event: {"message_id": event.message_id},
        # A customer who sends many files does not keep all workers from those of others.
        lock=lambda event: f"media:{event.thread_id}",
    ),
    # Files are removed from the store, and the provider is asked, with no transaction open.
    later(CustomerDataWished, CARRY_OUT_WISH, lambda event: {"customer_id": event.customer_id, "wish": event.wish}),
    later(
        WritingNoted,
        SHOW_WRITING,
        lambda event: {"thread_id": event.thread_id},
        lock=lambda event: f"writing:{event.thread_id}",
    ),
    later(
        WritingTakenBack,
        HIDE_WRITING,
        lambda event: {"thread_id": event.thread_id},
        # What was asked for last is what the customer sees.
        lock=lambda event: f"writing:{event.thread_id}",
    ),
    later(ProfileDue, READ_PROFILE, lambda event: {"customer_id": event.customer_id}),
    later(
        RemarkChanged,
        PUSH_REMARK,
        lambda event: {"customer_id": event.customer_id},
        # The name that was set last is the one that stays at the provider.
        lock=lambda event: f"remark:{event.customer_id}",
    ),
    later(AccountAuthorizedUs, REFRESH_ACCOUNT, lambda event: {"channel_id": event.channel_id}),
)


class SubscriptionTable:
    """Looks up what to do with each published event."""

    def __init__(self, *, jobs: JobQueue, rows: Sequence[Subscription]) -> None:
        self._jobs = jobs
        self._rows = rows

    async def dispatch(self, tx: Tx, event: DomainEvent) -> None:
        """React to `event` as the table says. An event without a row has no consequences above its room."""
        for row in self._rows:
            if isinstance(event, row.event):
                await row.reaction(tx, event, self._jobs)
