"""What the provider's answers come to, as checks. Pure."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Literal

from moorage.channels.health.model import Check
from moorage.channels.leases import failure_reason
from moorage.connectors.examining import HealthReason, Ping, Quota
from moorage.connectors.failures import AddressNotAllowed, ProviderFailure, RefusalReason, TryLater, Unreachable

CLOCK_WARNS: Final = timedelta(seconds=60)
CLOCK_FAILS: Final = timedelta(minutes=5)
"""Providers refuse to be called, and we to be pushed to, when clocks are ten minutes apart."""
QUOTA_LOW: Final = 0.1
"""The part of a day's calls below which a person should know."""


def network_check(pings: Sequence[Ping]) -> Check:
    """Return how the provider finds our address. One machine that answers is enough."""
    if not pings:
        return Check("network", "failing", HealthReason.ADDRESS_UNRESOLVED)
    details = {"addresses": ", ".join(ping.address for ping in pings)}
    answered = [ping for ping in pings if ping.answered]
    if not answered:
        return Check("network", "warning", HealthReason.ADDRESS_SILENT, details)
    took_ms = [ping.took_ms for ping in answered if ping.took_ms is not None]
    if took_ms:
        details["took_ms"] = str(max(1, *map(round, took_ms)))
    return Check("network", "ok", None, details)


def clock_check(*, difference: timedelta) -> Check:
    """Return how our time stands to the provider's; `difference` is theirs less ours."""
    apart = abs(difference)
    details = {"seconds": str(round(difference.total_seconds()))}
    if apart > CLOCK_FAILS:
        return Check("clock", "failing", HealthReason.CLOCK_OFF, details)
    return Check("clock", *(("warning", HealthReason.CLOCK_OFF) if apart > CLOCK_WARNS else ("ok", None)), details)


def quota_check(quotas: Sequence[Quota]) -> Check:
    """Return how much of the day's calls is left, judged by what is most nearly used up."""
    details = {quota.call: f"{quota.used}/{quota.limit}" for quota in quotas}
    empty = [quota for quota in quotas if quota.left == 0]
    if empty:
        return Check("quotas", "failing", RefusalReason.DAILY_LIMIT, {**details, "empty": empty[0].call})
    low = [quota for quota in quotas if quota.left < quota.limit * QUOTA_LOW]
    if low:
        return Check("quotas", "warning", HealthReason.QUOTA_LOW, {**details, "low": low[0].call})
    return Check("quotas", "ok", None, details)


def failed_check(name: Literal["token", "network", "quotas", "voice_recognition"], failure: ProviderFailure) -> Check:
    """Return what a failed question tells. What may pass by itself is a warning."""
    passing = isinstance(failure, TryLater | Unreachable)
    details = {
        "external_code": "" if failure.external_code is None else str(failure.external_code),
        "detail": failure.detail,
        "ip": failure.address if isinstance(failure, AddressNotAllowed) else "",
    }
    return Check(
        name,
        "warning" if passing else "failing",
        failure_reason(failure),
        {key: value for key, value in details.items() if value},
    )
