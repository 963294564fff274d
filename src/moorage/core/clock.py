"""The one clock. Its time is the database's, so that hosts that disagree still agree with each other."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time. Read it at doors only; rules take `now` as an argument."""

    def now(self) -> datetime:
        """Return the current instant as aware UTC."""
        ...


def host_time() -> datetime:
    """Return what this machine's clock shows, right or wrong, as aware UTC."""
    return datetime.now(UTC)


class OffsetClock:
    """The host's clock, corrected by an offset that somebody measures against the database."""

    def __init__(self, *, host: Callable[[], datetime] = host_time) -> None:
        self.host = host
        self._offset = timedelta()

    def now(self) -> datetime:
        """Return the host's time plus the last known offset, as aware UTC."""
        return self.host() + self._offset

    def correct(self, *, offset: timedelta) -> None:
        """Use `offset` (database minus host) from now on."""
        self._offset = offset
