"""Verify tickets: one every ten minutes, each good for twelve hours."""

import asyncio
import contextlib

from wechat_sandbox import identifiers
from wechat_sandbox.clock import SandboxClock
from wechat_sandbox.components.notifications import Notifications
from wechat_sandbox.delivery import ask, verification_url
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.model import Component, Push, ServerConfig, State, Ticket
from wechat_sandbox.pushes import PushEngine
from wechat_sandbox.settings import Settings

LIFETIME_S = 12 * 3600.0
_KEPT = 200
_LOOK_EVERY_S = 0.2
_PROBE_DEADLINE_S = 2.0
_FIRST_AGAIN_AFTER_S = 5.0


class TicketSender:
    """Sends tickets when they are due by the stand-in's clock, the first as soon as the address answers at all.

    Until a platform has taken one, the next comes soon and not after the whole interval: whoever is still setting up
    need not wait.
    """

    def __init__(
        self, *, state: State, clock: SandboxClock, settings: Settings, pushes: PushEngine, notifications: Notifications
    ) -> None:
        self._state = state
        self._clock = clock
        self._settings = settings
        self._pushes = pushes
        self._notifications = notifications
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let `run` return."""
        self._stopping.set()

    async def run(self) -> None:
        """Send what is due, until stopped."""
        while not self._stopping.is_set():
            async with asyncio.TaskGroup() as group:
                for component in self._state.components.values():
                    if self._is_due(component):
                        group.create_task(self._send_when_answered(component))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._stopping.wait()

    def send_now(self, component: Component) -> Push:
        """Send a new ticket at once, whatever is due; the next one is due an interval later."""
        now_s = self._clock.now_s()
        value = identifiers.new_ticket()
        push = self._notifications.ticket(component, value=value)
        component.tickets = [*component.tickets[-_KEPT:], Ticket(value=value, issued_at=now_s, push_id=push.push_id)]
        component.next_ticket_at = now_s + self._settings.ticket_interval_s
        return push

    def _is_due(self, component: Component) -> bool:
        if component.ticket_state != "on" or not component.event_url:
            return False
        now_s = self._clock.now_s()
        if self._waits_for_its_first(component) and now_s - component.tickets[-1].issued_at >= _FIRST_AGAIN_AFTER_S:
            return True
        wait_s = component.next_ticket_at - now_s
        # A wait longer than the interval means that the clock was moved back.
        return wait_s <= 0 or wait_s > self._settings.ticket_interval_s

    def _waits_for_its_first(self, component: Component) -> bool:
        """Return whether tickets were sent, none was taken, and none is under way."""
        if component.ticket_taken or not component.tickets:
            return False
        outcomes = {push.outcome for one in component.tickets if (push := self._state.pushes.get(one.push_id))}
        component.ticket_taken = "success" in outcomes
        return not component.ticket_taken and None not in outcomes

    async def _send_when_answered(self, component: Component) -> None:
        if not component.event_url_answered:
            component.event_url_answered = await self._answers(component)
        if component.event_url_answered:
            self.send_now(component)

    async def _answers(self, component: Component) -> bool:
        server = ServerConfig(url=component.event_url, token=component.token)
        url = verification_url(server, echostr=identifiers.new_echostr(), now_s=self._clock.now_s())
        answer = await ask(self._pushes.client, url=url, body=None, deadline_s=_PROBE_DEADLINE_S)
        return answer.status is not None


def check_ticket(component: Component, *, value: str, now_s: float) -> None:
    """Return if the ticket is good now. Raises ApiRefusal 61006 (unknown) or 61005 (older than twelve hours)."""
    ticket = next((one for one in component.tickets if one.value == value), None)
    if ticket is None:
        raise ApiRefusal(61006)
    if now_s >= ticket.issued_at + LIFETIME_S:
        raise ApiRefusal(61005)
