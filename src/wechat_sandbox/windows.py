"""When an account may send customer-service messages, and how many."""

from collections.abc import Mapping

from wechat_sandbox.model import Bucket, QuotaPolicy, Trigger

_48_HOURS_S = 48 * 3600.0
_ALLOWANCE: Mapping[QuotaPolicy, Mapping[Trigger, tuple[int, float]]] = {
    "2020": dict.fromkeys(("message", "menu", "subscribe", "scan"), (20, _48_HOURS_S)),
    "2021": {"message": (20, _48_HOURS_S), "menu": (3, 60.0), "subscribe": (3, 60.0), "scan": (3, 60.0)},
    "2023": {"message": (5, _48_HOURS_S), "menu": (3, 60.0), "subscribe": (3, 60.0), "scan": (3, 60.0)},
}
"""Messages and seconds that each trigger grants, by the year the rule began."""

_EVENT_TRIGGERS: Mapping[str, Trigger] = {
    "CLICK": "menu",
    "scancode_push": "menu",
    "scancode_waitmsg": "menu",
    "SCAN": "scan",
}


class WindowClosed(Exception):
    """No trigger is recent enough for a message to be sent."""


class CountUsedUp(Exception):
    """A window is open, but all its messages were sent."""


def trigger_of_event(*, event: str) -> Trigger | None:
    """Return the trigger that a follower's event is, None if it opens nothing."""
    return _EVENT_TRIGGERS.get(event)


def refilled(*, policy: QuotaPolicy, trigger: Trigger, now_s: float) -> Bucket:
    """Return the full bucket that a trigger opens at this instant."""
    count, lifetime_s = _ALLOWANCE[policy][trigger]
    return Bucket(left=count, expires_at=now_s + lifetime_s)


def bucket_to_spend(*, buckets: Mapping[Trigger, Bucket], now_s: float) -> Bucket:
    """Return the bucket that the next message takes from: of those with any left, the first to expire.

    Raises WindowClosed or CountUsedUp.
    """
    open_ones = [bucket for bucket in buckets.values() if now_s < bucket.expires_at]
    if not open_ones:
        raise WindowClosed
    usable = [bucket for bucket in open_ones if bucket.left > 0]
    if not usable:
        raise CountUsedUp
    return min(usable, key=lambda bucket: bucket.expires_at)
