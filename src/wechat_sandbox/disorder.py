"""Disorder among pushes that tests switch on: what WeChat's network does on a bad day."""

from typing import Literal

from pydantic import BaseModel, Field

from wechat_sandbox.model import Push

DisorderKind = Literal["duplicate", "parallel", "out_of_order", "delayed"]


class DisorderOrder(BaseModel, extra="forbid"):
    """What shall happen to the next `times` pushes, of one account, follower or kind alone where they are given."""

    kind: DisorderKind
    times: int = Field(default=1, ge=1)
    appid: str | None = None
    openid: str | None = None
    message_kind: str | None = None
    delay_s: float = Field(default=2.0, gt=0, le=600)
    """How long a delayed push waits, and one that shall be overtaken at most; real seconds."""

    def hits(self, push: Push) -> bool:
        """Return whether the push is one of those that are meant."""
        return (
            self.appid in {None, push.appid}
            and self.openid in {None, push.openid}
            and self.message_kind in {None, push.kind}
        )


class DisorderBoard:
    """Hands out the ordered disorder, oldest first."""

    def __init__(self) -> None:
        self._pending: list[DisorderOrder] = []

    def order(self, order: DisorderOrder) -> None:
        """Add an order."""
        self._pending.append(order.model_copy())

    def clear(self) -> None:
        """Forget everything that is still to come."""
        self._pending.clear()

    def pending(self) -> list[DisorderOrder]:
        """Return what is still to come, `times` being what is left."""
        return list(self._pending)

    def take(self, push: Push) -> DisorderOrder | None:
        """Return what happens to this push, and count it; notifications of platforms always keep their order."""
        if push.target == "component_events":
            return None
        order = next((one for one in self._pending if one.hits(push)), None)
        if order is not None:
            order.times -= 1
            if not order.times:
                self._pending.remove(order)
        return order
