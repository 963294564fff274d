"""How often an account called each API, against WeChat's published limits."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.model import Counter

_BEIJING = timedelta(hours=8)
CLEARS_PER_MONTH = 10
FORCED_REFRESHES_PER_DAY = 20
STABLE_TOKENS_PER_MINUTE = 10_000

_DAILY: Mapping[str, int] = {
    "/cgi-bin/token": 2_000,
    "/cgi-bin/stable_token": 500_000,
    "/cgi-bin/message/custom/send": 500_000,
    "/cgi-bin/media/upload": 100_000,
    "/cgi-bin/menu/create": 1_000,
    "/cgi-bin/menu/get": 10_000,
    "/cgi-bin/menu/delete": 1_000,
    "/cgi-bin/media/get": 200_000,
    "/cgi-bin/qrcode/create": 100_000,
    "/cgi-bin/user/get": 500,
    "/cgi-bin/user/info": 5_000_000,
    "/cgi-bin/user/info/updateremark": 10_000,
}


def daily_limit(owner: "Counted", *, path: str) -> int | None:
    """Return how many calls of a path a day allows, the owner's own limit before the usual; None for no limit."""
    return owner.daily_limits.get(path, _DAILY.get(path))


def used_today(owner: "Counted", *, path: str, now_s: float) -> int:
    """Return how many calls of a path were counted today."""
    counter = owner.counters.get(path)
    return counter.count if counter is not None and counter.period == beijing_day(now_s=now_s) else 0


class Counted(Protocol):
    """An account or a platform, whose calls are counted."""

    counters: dict[str, Counter]
    daily_limits: dict[str, int]
    minute_limits: dict[str, int]


def beijing_day(*, now_s: float) -> int:
    """Return the number of the day; daily limits start anew at midnight in Beijing."""
    return (datetime.fromtimestamp(now_s, UTC) + _BEIJING).date().toordinal()


def beijing_month(*, now_s: float) -> int:
    """Return the number of the calendar month in Beijing."""
    local = datetime.fromtimestamp(now_s, UTC) + _BEIJING
    return local.year * 12 + local.month


def count_call(owner: Counted, *, path: str, now_s: float) -> None:
    """Count one call of a path. Raises ApiRefusal 45011 beyond the minute's limit, 45009 beyond the day's."""
    per_minute = owner.minute_limits.get(path)
    minute = int(now_s // 60)
    if per_minute is not None and not count(owner, name=f"{path} a minute", period=minute, limit=per_minute):
        raise ApiRefusal(45011)
    limit = daily_limit(owner, path=path)
    if limit is not None and not count(owner, name=path, period=beijing_day(now_s=now_s), limit=limit):
        raise ApiRefusal(45009)


def count(owner: Counted, *, name: str, period: int, limit: int) -> bool:
    """Return whether one more is within the limit of the period, and count it if so."""
    counter = owner.counters.get(name)
    if counter is None or counter.period != period:
        counter = owner.counters[name] = Counter(period=period, count=0)
    if counter.count >= limit:
        return False
    counter.count += 1
    return True


def clear_daily(owner: Counted) -> None:
    """Forget the day's counts of all APIs."""
    for path in {*_DAILY, *owner.daily_limits}:
        owner.counters.pop(path, None)
