"""What the API says about a channel's health."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from moorage.channels.health.model import Check, CheckName, CheckState, Mend, health_of
from moorage.channels.reports import Report, ReportEffect
from moorage.connectors.examining import RefusedCall


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CheckView(_View):
    """One check of a channel. `reason` is a word that the kind has a sentence for; `details` complete it."""

    name: CheckName
    state: CheckState
    reason: str | None
    details: dict[str, str]
    at: datetime | None
    """The time of the fact that the check tells: the last ticket, the token's end, the last push."""
    checked_at: datetime | None
    """When the provider was last asked; None for what is known without asking."""
    mend: Mend | None

    @classmethod
    def of(cls, check: Check) -> Self:
        """Return the view of `check`."""
        return cls(
            name=check.name,
            state=check.state,
            reason=check.reason,
            details=dict(check.details),
            at=check.at,
            checked_at=check.checked_at,
            mend=check.mend,
        )


class HealthView(_View):
    """Everything that is known of a channel's health, and what it comes to."""

    state: Literal["ok", "warning", "failing"]
    items: list[CheckView]

    @classmethod
    def of(cls, checks: list[Check]) -> Self:
        """Return the view of `checks`."""
        return cls(state=health_of(checks).state, items=[CheckView.of(check) for check in checks])


class RefusedCallView(_View):
    """What the provider remembers of a call that it refused."""

    called_at: datetime
    took_ms: int
    from_address: str
    answer: str

    @classmethod
    def of(cls, call: RefusedCall) -> Self:
        """Return the view of `call`."""
        return cls(called_at=call.called_at, took_ms=call.took_ms, from_address=call.from_address, answer=call.answer)


class ReportView(_View):
    """One thing that the provider has reported about the account itself. `line` has the word `how` and its values."""

    id: UUID
    name: str
    line: dict[str, str]
    happened_at: datetime
    effect: ReportEffect | None
    """What it changed here."""


class ReportsView(_View):
    """The newest reports, the newest first."""

    items: list[ReportView]

    @classmethod
    def of(cls, reports: Sequence[Report]) -> Self:
        """Return the view of `reports`."""
        items = [
            ReportView(id=one.id, name=one.name, line=dict(one.line), happened_at=one.happened_at, effect=one.effect)
            for one in reports
        ]
        return cls(items=items)
