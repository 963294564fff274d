"""The ledger of what may be sent, over any sequence of what customers and agents do."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from moorage.connectors.wechat_oa.manifest import MANIFEST
from moorage.conversations.budgets import (
    Budget,
    Trigger,
    charged,
    closed,
    given_back,
    payer,
    reopened,
    rules_of,
    sendable,
    spent,
    standing,
)
from moorage.core.ids import new_id

RULES = rules_of(MANIFEST, preset="guide")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVERY_TRIGGER: Sequence[Trigger] = ("message", "menu", "scan", "follow")
TRIGGERS = st.sampled_from(EVERY_TRIGGER)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["open", "say", "say_by_rule", "give_back", "spend"]),
        TRIGGERS,
        st.integers(min_value=0, max_value=3 * 24 * 3600),
    ),
    max_size=60,
)


class Ledger:
    """A thread's budgets beside a plain count of what each window has paid."""

    def __init__(self) -> None:
        self.now = NOON
        self.budgets: Sequence[Budget] = []
        self.paid: dict[UUID, int] = {}
        self.last: UUID | None = None

    def open(self, trigger: Trigger) -> None:
        self.budgets = reopened(self.budgets, rules=RULES, trigger=trigger, happened_at=self.now, new_id=new_id())

    def say(self, *, by_rule: str | None) -> None:
        budget = payer(self.budgets, by_rule=by_rule, now=self.now)
        if budget is None:
            return
        assert budget.ends_at == min(
            other.ends_at
            for other in self.budgets
            if self.now < other.ends_at and other.left > (other.kept_for_people(None) if by_rule else 0)
        )
        self.budgets = charged(self.budgets, budget_id=budget.id)
        self.paid[budget.id] = self.paid.get(budget.id, 0) + 1
        self.last = budget.id

    def sendable(self) -> int:
        return sum(budget.left for budget in self.budgets if self.now < budget.ends_at)

    def give_back(self) -> None:
        if self.last is not None:
            self.budgets = given_back(self.budgets, budget_id=self.last)
            self.paid[self.last] -= 1
            self.last = None

    def spend(self) -> None:
        if self.last is not None:
            self.budgets = spent(self.budgets, budget_id=self.last, new_id=new_id())


@given(STEPS)
def test_no_sequence_of_acts_spends_more_than_a_window_gives(steps: list[tuple[str, Trigger, int]]) -> None:
    ledger = Ledger()
    for act, trigger, seconds in steps:
        ledger.now += timedelta(seconds=seconds)
        match act:
            case "open":
                ledger.open(trigger)
            case "say":
                ledger.say(by_rule=None)
            case "say_by_rule":
                ledger.say(by_rule="greeting")
            case "give_back":
                ledger.give_back()
            case _:
                ledger.spend()
        assert len({budget.trigger for budget in ledger.budgets}) == len(ledger.budgets)
        for budget in ledger.budgets:
            assert 0 <= ledger.paid.get(budget.id, 0) <= budget.used <= budget.most


@given(STEPS)
def test_what_is_shown_as_left_can_be_sent(steps: list[tuple[str, Trigger, int]]) -> None:
    ledger = Ledger()
    for act, trigger, seconds in steps:
        ledger.now += timedelta(seconds=seconds)
        if act == "open":
            ledger.open(trigger)
        shown = standing(ledger.budgets, rules=RULES, now=ledger.now)
        assert shown.open == (payer(ledger.budgets, by_rule=None, now=ledger.now) is not None)
        before = ledger.sendable()
        assert (shown.left or 0) <= before
        ledger.say(by_rule=None)
        assert ledger.sendable() == max(0, before - 1)


class AnyDeliveries(RuleBasedStateMachine):
    """One thread's budgets, with any number of messages under way and every outcome in any order."""

    @initialize(preset=st.sampled_from(["guide", "2023"]), kept=st.one_of(st.none(), st.integers(0, 20)))
    def start(self, preset: str, kept: int | None) -> None:
        self.budget_rules = rules_of(MANIFEST, preset=preset)
        self.kept = kept
        self.now = NOON
        self.budgets: Sequence[Budget] = []
        self.under_way: list[UUID] = []
        self.sent: Counter[UUID] = Counter()
        self.most: dict[UUID, int] = {}
        self.ended: set[UUID] = set()

    @rule(trigger=TRIGGERS, late_s=st.integers(0, 100))
    def customer_acts(self, trigger: Trigger, late_s: int) -> None:
        happened_at = self.now - timedelta(seconds=late_s)
        self.budgets = reopened(
            self.budgets, rules=self.budget_rules, trigger=trigger, happened_at=happened_at, new_id=new_id()
        )
        self.most |= {budget.id: budget.most for budget in self.budgets}

    @rule(seconds=st.one_of(st.integers(0, 90), st.integers(0, 3 * 24 * 3600)))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(by_rule=st.sampled_from([None, "greeting"]))
    def somebody_speaks(self, by_rule: str | None) -> None:
        budget = payer(self.budgets, by_rule=by_rule, now=self.now, kept_for_people=self.kept)
        if budget is None:
            return
        assert self.now < budget.ends_at
        assert budget.id not in self.ended
        if by_rule is not None:
            assert budget.left - 1 >= budget.kept_for_people(self.kept)
        self.budgets = charged(self.budgets, budget_id=budget.id)
        self.under_way.append(budget.id)

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 100), outcome=st.sampled_from(["kept", "given_back", "spent", "closed"]))
    def outcome_comes(self, which: int, outcome: str) -> None:
        budget_id = self.under_way.pop(which % len(self.under_way))
        before = {budget.trigger: budget for budget in self.budgets}
        match outcome:
            case "kept":
                self.sent[budget_id] += 1
            case "given_back":
                self.budgets = given_back(self.budgets, budget_id=budget_id)
            case "spent":
                self.budgets = spent(self.budgets, budget_id=budget_id, new_id=new_id())
                self.ended |= {budget.id for budget in self.budgets if budget != before[budget.trigger]}
            case _:
                self.budgets = closed(self.budgets, now=self.now)
                self.ended |= {budget.id for budget in self.budgets}
        touched = {before[budget.trigger].id for budget in self.budgets if budget != before[budget.trigger]}
        assert outcome == "closed" or touched <= {budget_id}
        assert not any(budget.used < before[budget.trigger].used - 1 for budget in self.budgets)

    @invariant()
    def no_window_gives_more_than_it_has(self) -> None:
        for budget in self.budgets:
            assert 0 <= budget.left <= budget.most
            assert budget.used >= 0
            if budget.id not in self.ended:
                assert budget.used == self.sent[budget.id] + self.under_way.count(budget.id)
        for budget_id, sent in self.sent.items():
            assert sent <= self.most[budget_id]


TestAnyDeliveries = AnyDeliveries.TestCase


def opened(*triggers: Trigger, preset: str = "guide", at: datetime = NOON) -> Sequence[Budget]:
    budgets: Sequence[Budget] = []
    for trigger in triggers:
        budgets = reopened(
            budgets, rules=rules_of(MANIFEST, preset=preset), trigger=trigger, happened_at=at, new_id=new_id()
        )
    return budgets


def test_a_short_window_beside_the_long_one_is_not_shown() -> None:
    shown = standing(opened("message", "follow"), rules=RULES, now=NOON)
    assert (shown.left, shown.most) == (20, 20)


def test_message_is_charged_to_the_window_that_ends_first() -> None:
    paying = payer(opened("message", "menu"), by_rule=None, now=NOON)
    assert paying is not None
    assert paying.trigger == "menu"


def test_windows_end_a_little_before_the_provider_ends_them() -> None:
    budgets = opened("message", "menu")
    assert [budget.ends_at - NOON for budget in budgets] == [
        timedelta(hours=48) - timedelta(seconds=30),
        timedelta(minutes=1) - timedelta(seconds=5),
    ]


def test_the_last_of_the_long_window_are_kept_for_people() -> None:
    for preset, kept in (("guide", 3), ("2023", 1)):
        budgets = opened("message", preset=preset)
        said = 0
        while (paying := payer(budgets, by_rule="greeting", now=NOON)) is not None:
            budgets = charged(budgets, budget_id=paying.id)
            said += 1
        assert said == rules_of(MANIFEST, preset=preset)["message"].most - kept
        assert payer(budgets, by_rule=None, now=NOON) is not None


@pytest.mark.parametrize(("most", "wanted", "kept"), [(20, None, 3), (5, None, 1), (20, 0, 0), (20, 7, 7), (5, 9, 5)])
def test_admins_say_how_many_are_kept_for_people(most: int, wanted: int | None, kept: int) -> None:
    (budget,) = opened("message", preset="guide" if most == 20 else "2023")
    assert (budget.most, budget.kept_for_people(wanted)) == (most, kept)


def test_short_windows_keep_nothing_for_people() -> None:
    (budget,) = opened("menu")
    assert [budget.kept_for_people(wanted) for wanted in (None, 5)] == [0, 0]


def test_older_trigger_that_arrives_late_does_not_replace_the_running_one() -> None:
    running = opened("message")
    late = reopened(running, rules=RULES, trigger="message", happened_at=NOON - timedelta(seconds=1), new_id=new_id())
    assert late == running


def test_message_of_an_earlier_window_is_not_given_back_to_the_new_one() -> None:
    (first,) = opened("message")
    budgets = charged([first], budget_id=first.id)
    budgets = reopened(budgets, rules=RULES, trigger="message", happened_at=NOON + timedelta(hours=1), new_id=new_id())
    budgets = charged(budgets, budget_id=budgets[0].id)
    assert given_back(budgets, budget_id=first.id) == budgets


def test_window_that_the_provider_calls_closed_is_closed() -> None:
    budgets = closed(opened("message", "follow"), now=NOON)
    assert standing(budgets, rules=RULES, now=NOON).reason == "no_window"


def test_kind_without_limits_is_always_open() -> None:
    shown = sendable(
        [],
        rules={},
        follow_state="unknown",
        channel_state="active",
        answers_only=False,
        waiting=0,
        now=NOON,
    )
    assert (shown.open, shown.left) == (True, None)


def test_unknown_preset_falls_back_to_the_kinds_own() -> None:
    assert rules_of(MANIFEST, preset="of yesterday") == RULES
