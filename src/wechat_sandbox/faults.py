"""Faults that tests switch on for the product-facing API."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, Field, JsonValue

FaultKind = Literal["errcode", "timeout", "slow", "http500", "html", "half_body", "drop", "merge"]


class FaultOrder(BaseModel):
    """What shall go wrong: the next `times` calls of `endpoint` (a path, or `*` for all)."""

    endpoint: str
    kind: FaultKind
    errcode: int = -1
    errmsg: str = ""
    """Replaces the usual text of the error code."""
    times: int = Field(default=1, ge=1)
    every: int = Field(default=1, ge=1)
    """Hits only each such call: 3 lets two pass before it hits, and then two more."""
    applied: bool = False
    """Whether the call takes effect first, so that only its answer is lost."""
    status: int = Field(default=500, ge=400, le=599)
    """Of the answer to `http500`."""
    delay_s: float = Field(default=1.0, gt=0, le=600)
    """How long a `slow` answer takes; it is the true one."""
    timeout_s: float = Field(default=60.0, gt=0, le=600)
    body: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """What `merge` lays over the true answer of the call."""


@dataclass(slots=True)
class _Pending:
    order: FaultOrder
    left: int
    met: int = 0


class FaultBoard:
    """Hands out the ordered faults, oldest first."""

    def __init__(self) -> None:
        self._pending: list[_Pending] = []

    def order(self, order: FaultOrder) -> None:
        """Add a fault."""
        self._pending.append(_Pending(order=order, left=order.times))

    def clear(self) -> None:
        """Forget all faults that are still to come."""
        self._pending.clear()

    def pending(self) -> list[FaultOrder]:
        """Return the faults still to come, `times` being what is left."""
        return [item.order.model_copy(update={"times": item.left}) for item in self._pending]

    def take(self, *, path: str) -> FaultOrder | None:
        """Return the fault that hits this call, and count it."""
        for item in self._pending:
            if item.order.endpoint not in {path, "*"}:
                continue
            item.met += 1
            if item.met % item.order.every == 0:
                item.left -= 1
                if not item.left:
                    self._pending.remove(item)
                return item.order
        return None
