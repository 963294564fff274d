"""The log of calls that reached the product-facing API."""

from collections import deque

from pydantic import BaseModel


class CallRecord(BaseModel):
    """One call as the back office shows it; `status` is None when the connection was cut."""

    call_id: int
    at: float
    appid: str | None
    component: str | None
    method: str
    path: str
    request: str
    status: int | None
    errcode: int
    answer: str
    latency_ms: float
    fault: str | None
    rid: str = ""
    """Of a refusal: what the account may ask about this call by."""
    query: str = ""
    client_ip: str = ""


class CallLog:
    """Remembers the latest calls, oldest first."""

    KEPT = 5000

    def __init__(self) -> None:
        self._records: deque[CallRecord] = deque(maxlen=self.KEPT)
        self._last_id = 0

    def next_id(self) -> int:
        """Return a number for the next record."""
        self._last_id += 1
        return self._last_id

    def add(self, record: CallRecord) -> None:
        """Remember one call."""
        self._records.append(record)

    def refused_with(self, rid: str) -> CallRecord | None:
        """Return the call that was refused with this `rid`, if it is remembered."""
        return next((record for record in reversed(self._records) if record.rid == rid), None)

    def select(self, *, appid: str | None, component: str | None, path: str | None, limit: int) -> list[CallRecord]:
        """Return the latest calls about an account, by a platform and of a path, each of which may be left open."""
        found = [
            record
            for record in self._records
            if appid in {None, record.appid} and component in {None, record.component} and path in {None, record.path}
        ]
        return found[-limit:]
