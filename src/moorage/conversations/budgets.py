"""How many messages may still be sent to a customer, and until when. Pure rules over a thread's budgets.

What the customer did opens a budget: one per kind of trigger and thread, and a new trigger of the kind replaces it. A
message is charged when it is accepted, to the open budget that ends first. The rules are data of the channel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, Literal, cast
from uuid import UUID

from moorage.connectors.manifest import BudgetRule, Manifest
from moorage.core.errors import DomainError

Trigger = Literal["message", "menu", "scan", "follow"]
LockReason = Literal["no_window", "spent", "unfollowed", "channel_state", "too_many_waiting"]
Sending = Literal["api", "passive_only"]
Rules = Mapping[str, BudgetRule]

LARGE = 20
KEPT_OF_LARGE = 3
KEPT_OF_SMALL = 1

MOST_WAITING = 5
"""How many messages of a thread may wait for the customer's next one, where the account cannot send."""

MUTE_CHANNEL_STATES = frozenset({"authorizing", "deauthorized", "undocked"})
"""States of a channel in which nothing can be sent. A failing or restricted one is still tried."""


@dataclass(eq=False)
class BudgetClosed(DomainError):
    """The provider accepts no further message to this customer until they act again."""

    code: ClassVar[str] = "conversations.budget_closed"
    kind: ClassVar[str] = "conflict"
    reason: LockReason


@dataclass(frozen=True, slots=True)
class Budget:
    """What one trigger of the customer allows. Ended at `ends_at`, which lies a little before the provider's end."""

    id: UUID
    trigger: Trigger
    most: int
    used: int
    opened_at: datetime
    ends_at: datetime

    @property
    def left(self) -> int:
        """Return how many messages it still takes."""
        return max(0, self.most - self.used)

    def kept_for_people(self, wanted: int | None) -> int:
        """Return how many of it automatic messages must leave: only a customer's message gives enough to keep some.

        `wanted` is what the channel's admins have set; None: as many as suit its size.
        """
        if self.trigger != "message":
            return 0
        usual = KEPT_OF_LARGE if self.most >= LARGE else KEPT_OF_SMALL
        return min(usual if wanted is None else wanted, self.most)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the composer shows. `left` and `most` are None where the provider sets no limit."""

    open: bool
    left: int | None
    most: int | None
    ends_at: datetime | None
    reason: LockReason | None
    sending: Sending = "api"
    """`passive_only`: what is said waits, and goes out as the answer to what the customer sends next."""
    waiting: int = 0
    """How many messages wait so."""


def passive_only(manifest: Manifest, *, verified: bool | None) -> bool:
    """Return whether an account can answer what its customers send and send nothing else."""
    return manifest.sends_only_if_verified and verified is False


def rules_of(manifest: Manifest, *, preset: object) -> Rules:
    """Return the rules that a channel's chosen `preset` names, else the kind's own; empty where there is no limit."""
    name = preset if isinstance(preset, str) and preset in manifest.budget_presets else manifest.default_preset
    return {} if name is None else manifest.budget_presets[name]


def kept_for_people(settings: Mapping[str, object]) -> int | None:
    """Return how many messages a channel's admins have kept for people; None: as many as suit the budget's size."""
    kept = settings.get("kept_for_people")
    return kept if isinstance(kept, int) else None


def merge_window(settings: Mapping[str, object]) -> timedelta | None:
    """Return how long a channel's admins let an agent's short line wait for others; None: not at all."""
    merging = settings.get("merge_replies")
    if not isinstance(merging, dict):
        return None
    told = cast("Mapping[str, object]", merging)
    within_s = told.get("within_s")
    return timedelta(seconds=within_s) if told.get("on") is True and isinstance(within_s, int) else None


def reopened(
    budgets: Sequence[Budget], *, rules: Rules, trigger: Trigger, happened_at: datetime, new_id: UUID
) -> Sequence[Budget]:
    """Return the budgets after `trigger` at `happened_at`; an older one of the kind than the running changes nothing.

    The new one has another id than the one it replaces, so that nothing charged before is given back to it.
    """
    rule = rules.get(trigger)
    running = next((budget for budget in budgets if budget.trigger == trigger), None)
    if rule is None or (running is not None and running.opened_at > happened_at):
        return budgets
    fresh = Budget(
        id=new_id,
        trigger=trigger,
        most=rule.most,
        used=0,
        opened_at=happened_at,
        ends_at=happened_at + rule.lasts - rule.ends_early,
    )
    return [*(budget for budget in budgets if budget.trigger != trigger), fresh]


def within_rules(budgets: Sequence[Budget], *, rules: Rules) -> list[Budget]:
    """Return the budgets with no more than the rules give now: a preset may have been lowered since they opened."""
    return [
        replace(budget, most=min(budget.most, rules[budget.trigger].most)) if budget.trigger in rules else budget
        for budget in budgets
    ]


def payer(
    budgets: Sequence[Budget], *, by_rule: str | None, now: datetime, kept_for_people: int | None = None
) -> Budget | None:
    """Return the budget that a message accepted `now` is charged to: the open one that ends first. None: none is open.

    `by_rule` names the rule that speaks, where no person does: it must leave what is kept for people, which is as many
    as `kept_for_people` says, or as suit the budget's size.
    """
    paying = [
        budget
        for budget in budgets
        if now < budget.ends_at and budget.left > (0 if by_rule is None else budget.kept_for_people(kept_for_people))
    ]
    return min(paying, key=lambda budget: (budget.ends_at, budget.trigger), default=None)


def charged(budgets: Sequence[Budget], *, budget_id: UUID) -> Sequence[Budget]:
    """Return the budgets with one message more on `budget_id`."""
    return [replace(budget, used=budget.used + 1) if budget.id == budget_id else budget for budget in budgets]


def given_back(budgets: Sequence[Budget], *, budget_id: UUID) -> Sequence[Budget]:
    """Return the budgets with one message less on `budget_id`, if it is still running under this id."""
    return [replace(budget, used=max(0, budget.used - 1)) if budget.id == budget_id else budget for budget in budgets]


def spent(budgets: Sequence[Budget], *, budget_id: UUID, new_id: UUID) -> Sequence[Budget]:
    """Return the budgets with nothing left on `budget_id`: the provider counts more than we do, and its word wins.

    It goes on as `new_id`, so that nothing given back for what is still under way opens it again.
    """
    return [replace(budget, id=new_id, used=budget.most) if budget.id == budget_id else budget for budget in budgets]


def closed(budgets: Sequence[Budget], *, now: datetime) -> Sequence[Budget]:
    """Return the budgets, all ended by `now`: the provider says that the customer's window is closed."""
    return [replace(budget, ends_at=min(budget.ends_at, now)) for budget in budgets]


def standing(budgets: Sequence[Budget], *, rules: Rules, now: datetime) -> Standing:
    """Return what a person may still send until the last open budget ends: that budget's own figures.

    A shorter one beside it (a follow, a click) pays first, but within a minute or so its figures would be wrong.
    """
    if not rules:
        return Standing(open=True, left=None, most=None, ends_at=None, reason=None)
    running = [budget for budget in budgets if now < budget.ends_at]
    paying = [budget for budget in running if budget.left > 0]
    if not paying:
        return Standing(open=False, left=0, most=0, ends_at=None, reason="spent" if running else "no_window")
    last = max(paying, key=lambda budget: (budget.ends_at, budget.trigger))
    return Standing(open=True, left=last.left, most=last.most, ends_at=last.ends_at, reason=None)


def sendable(
    budgets: Sequence[Budget],
    *,
    rules: Rules,
    follow_state: str,
    channel_state: str,
    answers_only: bool,
    waiting: int,
    now: datetime,
) -> Standing:
    """Return what a person may still send to a customer: nothing after they left or where the channel is mute.

    Where the account only answers, no budget counts but how many messages wait already.
    """
    sending: Sending = "passive_only" if answers_only else "api"
    if follow_state == "unfollowed":
        return _locked("unfollowed", sending, waiting)
    if channel_state in MUTE_CHANNEL_STATES:
        return _locked("channel_state", sending, waiting)
    if not answers_only:
        return replace(standing(budgets, rules=rules, now=now), waiting=waiting)
    if waiting >= MOST_WAITING:
        return replace(_locked("too_many_waiting", sending, waiting), most=MOST_WAITING)
    left = MOST_WAITING - waiting
    return Standing(
        open=True, left=left, most=MOST_WAITING, ends_at=None, reason=None, sending=sending, waiting=waiting
    )


def past(standing: Standing) -> Standing:
    """Return what may be said in a conversation that a newer one has followed: nothing."""
    return Standing(open=False, left=0, most=0, ends_at=None, reason=None, sending=standing.sending)


def _locked(reason: LockReason, sending: Sending, waiting: int) -> Standing:
    return Standing(open=False, left=0, most=0, ends_at=None, reason=reason, sending=sending, waiting=waiting)
