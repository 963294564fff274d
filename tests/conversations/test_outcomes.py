"""What each answer of a provider means."""

from datetime import timedelta

import pytest

from moorage.connectors.contract import Sent
from moorage.connectors.failures import CredentialsInvalid, ProviderFailure, Refused, TryLater, Unreachable
from moorage.conversations.outcomes import MOST_WAITING_S, Outcome, judge, lease_ended


def judged(
    answer: Sent | ProviderFailure, *, attempts: int = 1, waited_s: float = 0, reachable: bool = True
) -> Outcome:
    return judge(answer, attempts=attempts, waited_s=waited_s, reachable=reachable)


def refused(reason: str) -> Refused:
    return Refused(external_code=1, detail="", reason=reason)


def try_later(seconds: float) -> TryLater:
    return TryLater(external_code=-1, detail="", retry_after=timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("answer", "state", "budget", "channel"),
    [
        (Sent(), "sent", "kept", "active"),
        (Unreachable(external_code=None, detail="", written=True), "unconfirmed", "kept", None),
        (refused("daily_limit"), "failed", "given_back", "failing"),
        (refused("window_closed"), "failed", "closed", None),
        (refused("budget_spent"), "failed", "spent", None),
        (refused("unknown_customer"), "failed", "given_back", None),
        (refused("api_not_allowed"), "failed", "given_back", "restricted"),
        (refused("permission_missing"), "failed", "given_back", "restricted"),
        (refused("sending_forbidden"), "failed", "given_back", "restricted"),
        (refused("too_long"), "failed", "given_back", None),
        (CredentialsInvalid(1, "", "authorization_gone"), "failed", "given_back", "deauthorized"),
        (CredentialsInvalid(1, "", "invalid_secret"), "failed", "given_back", "failing"),
    ],
)
def test_each_answer_decides_over_message_budget_and_channel(
    answer: Sent | ProviderFailure, state: str, budget: str, channel: str | None
) -> None:
    outcome = judged(answer)
    assert (outcome.state, outcome.budget, outcome.channel) == (state, budget, channel)


def test_closed_window_of_a_customer_who_left_means_that_they_left() -> None:
    outcome = judged(refused("window_closed"), reachable=False)
    assert (outcome.reason, outcome.budget) == ("not_following", "given_back")


def test_busy_provider_is_asked_again_three_times() -> None:
    states = [judged(try_later(2), attempts=n, waited_s=2.0 * (n - 1)).state for n in range(1, 5)]
    assert states == ["queued", "queued", "queued", "failed"]


def test_waiting_never_exceeds_a_minute_in_all() -> None:
    assert judged(try_later(20), attempts=3, waited_s=40).state == "queued"
    assert judged(try_later(21), attempts=3, waited_s=40).state == "failed"
    assert judged(try_later(MOST_WAITING_S + 1)).state == "failed"


def test_request_that_never_left_is_tried_again() -> None:
    outcome = judged(Unreachable(external_code=None, detail="", written=False))
    assert (outcome.state, outcome.reason, outcome.budget) == ("queued", "unreachable", "kept")


def test_what_may_have_arrived_is_tried_again_only_where_repetitions_are_dropped() -> None:
    unclear = Unreachable(external_code=None, detail="", written=True)
    outcomes = [
        judge(unclear, attempts=attempt, waited_s=3.0 * (attempt - 1), reachable=True, drops_repetitions=True)
        for attempt in range(1, 5)
    ]
    assert [outcome.state for outcome in outcomes] == ["queued", "queued", "queued", "unconfirmed"]
    assert {(outcome.reason, outcome.budget) for outcome in outcomes} == {("no_answer", "kept")}


def test_message_of_a_lost_sender_is_tried_again_only_where_repetitions_are_dropped() -> None:
    assert lease_ended(attempts=1, drops_repetitions=False).state == "unconfirmed"
    states = [lease_ended(attempts=attempt, drops_repetitions=True).state for attempt in range(1, 5)]
    assert states == ["queued", "queued", "queued", "unconfirmed"]
