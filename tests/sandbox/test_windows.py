"""When messages may be sent, as pure rules."""

import pytest

from wechat_sandbox.model import Bucket, Trigger
from wechat_sandbox.windows import CountUsedUp, WindowClosed, bucket_to_spend, refilled, trigger_of_event

NOW = 1_767_225_600.0


def test_message_opens_twenty_for_two_days_by_the_rule_of_2021() -> None:
    assert refilled(policy="2021", trigger="message", now_s=NOW) == Bucket(left=20, expires_at=NOW + 172_800)


def test_message_opens_five_for_two_days_by_the_rule_of_2023() -> None:
    assert refilled(policy="2023", trigger="message", now_s=NOW) == Bucket(left=5, expires_at=NOW + 172_800)


@pytest.mark.parametrize("trigger", ["menu", "subscribe", "scan"])
def test_other_triggers_open_three_for_a_minute(trigger: Trigger) -> None:
    assert refilled(policy="2023", trigger=trigger, now_s=NOW) == Bucket(left=3, expires_at=NOW + 60)


def test_bucket_that_expires_first_is_spent_first() -> None:
    soon, late = Bucket(left=1, expires_at=NOW + 60), Bucket(left=5, expires_at=NOW + 900)
    assert bucket_to_spend(buckets={"message": late, "menu": soon}, now_s=NOW) is soon
    soon.left = 0
    assert bucket_to_spend(buckets={"message": late, "menu": soon}, now_s=NOW) is late


def test_window_is_closed_at_the_very_instant_it_expires() -> None:
    bucket = Bucket(left=5, expires_at=NOW)
    with pytest.raises(WindowClosed):
        bucket_to_spend(buckets={"message": bucket}, now_s=NOW)


def test_used_up_count_differs_from_a_closed_window() -> None:
    with pytest.raises(CountUsedUp):
        bucket_to_spend(buckets={"message": Bucket(left=0, expires_at=NOW + 1)}, now_s=NOW)
    with pytest.raises(WindowClosed):
        bucket_to_spend(buckets={}, now_s=NOW)


def test_views_and_locations_open_nothing() -> None:
    assert trigger_of_event(event="CLICK") == "menu"
    assert trigger_of_event(event="SCAN") == "scan"
    assert trigger_of_event(event="VIEW") is None
    assert trigger_of_event(event="LOCATION") is None
