"""Whether something said would arrive, and which of the thread's budgets pays for it. `budgets` has the rules."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from moorage.conversations.budgets import (
    MUTE_CHANNEL_STATES,
    Budget,
    BudgetClosed,
    Standing,
    Trigger,
    charged,
    kept_for_people,
    payer,
    reopened,
    sendable,
    standing,
)
from moorage.conversations.changing import show_again
from moorage.conversations.open_thread import OpenThread
from moorage.core.errors import DomainError
from moorage.core.ids import new_id


@dataclass(eq=False)
class CustomerUnfollowed(DomainError):
    """The customer left the account, so nothing would arrive."""

    code: ClassVar[str] = "conversations.unfollowed"
    kind: ClassVar[str] = "conflict"


@dataclass(eq=False)
class ChannelMute(DomainError):
    """The channel's account does not let us send."""

    code: ClassVar[str] = "conversations.channel_cannot_send"
    kind: ClassVar[str] = "conflict"
    state: str


def check_reachable(opened: OpenThread) -> None:
    """Return if something said would arrive. Raises CustomerUnfollowed or ChannelMute."""
    if not opened.thread.is_reachable:
        raise CustomerUnfollowed
    if opened.around.channel_state in MUTE_CHANNEL_STATES:
        raise ChannelMute(state=opened.around.channel_state)


def open_budget(opened: OpenThread, *, trigger: Trigger, happened_at: datetime) -> None:
    """Open the budget that `trigger` gives; it counts from the provider's time, but never from a time to come."""
    opened.budgets = reopened(
        opened.budgets,
        rules=opened.rules,
        trigger=trigger,
        happened_at=min(happened_at, opened.now),
        new_id=new_id(),
    )
    show_again(opened)


def charge(opened: OpenThread, *, by_rule: str | None) -> Budget | None:
    """Charge a message to the budget that pays for it, and return that; None where the provider sets no limit.

    `by_rule` names the rule that speaks, where no person does. Raises BudgetClosed.
    """
    if not opened.rules:
        return None
    budget = payer(
        opened.budgets,
        by_rule=by_rule,
        now=opened.now,
        kept_for_people=kept_for_people(opened.around.channel_settings),
    )
    if budget is None:
        reason = standing(opened.budgets, rules=opened.rules, now=opened.now).reason
        raise BudgetClosed(reason=reason or "spent")
    opened.budgets = charged(opened.budgets, budget_id=budget.id)
    show_again(opened)
    return budget


def budget_standing(opened: OpenThread) -> Standing:
    """Return what a person may still send to the customer of this thread."""
    return sendable(
        opened.budgets,
        rules=opened.rules,
        follow_state=opened.thread.follow_state,
        channel_state=opened.around.channel_state,
        answers_only=opened.around.passive_only,
        waiting=len(opened.waiting),
        now=opened.now,
    )
