"""What a kind offers whose accounts can be examined: whether they are reached, what is left of their quotas, how they
are set. An optional power, joined to a connector as its `examination`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from moorage.connectors.contract import Endpoint

QuotaCall = Literal["send", "upload", "menu"]


class HealthReason(StrEnum):
    """What a look at a channel finds, beside the reasons of failures; each kind says them in its own words."""

    TICKET_LATE = "ticket_late"
    """The provider's ticket is still good, but the next one should have come."""
    PUSH_TOKEN_WRONG = "push_token_wrong"  # noqa: S105 -- a reason, not a secret
    """What arrives is signed with another token than ours, or by nobody."""
    PUSH_KEY_WRONG = "push_key_wrong"
    """What arrives is signed with our token and cannot be opened with our key."""
    PUSH_PLAINTEXT = "push_plaintext"
    PUSH_TIME_OFF = "push_time_off"
    PUSH_FOREIGN_ACCOUNT = "push_foreign_account"
    PUSH_UNREADABLE = "push_unreadable"
    MODE_DIFFERS = "mode_differs"
    OPTIONAL_SETS_MISSING = "optional_sets_missing"
    ACCOUNT_NOT_STATED = "account_not_stated"
    VOICE_OFF = "voice_off"
    VOICE_ELSEWHERE = "voice_elsewhere"
    """The option cannot be asked for an account docked by its own credentials."""
    QUOTA_LOW = "quota_low"
    QUOTA_RESETS_USED = "quota_resets_used"
    CLOCK_OFF = "clock_off"
    OTHERS_UNSEEN = "others_unseen"
    """Other systems may answer too; the provider tells nobody of it."""
    ADDRESS_NOT_SET = "address_not_set"
    """At the provider no address is set to which it could push."""
    ADDRESS_UNRESOLVED = "address_unresolved"
    """The provider finds no machine by the name in our address."""
    ADDRESS_SILENT = "address_silent"
    """The machine that our address names does not answer the provider's ping, which many firewalls swallow."""
    REQUEST_UNKNOWN = "request_unknown"
    """The provider knows nothing, or nothing any more, of a call that it refused."""


@dataclass(frozen=True, slots=True)
class Quota:
    """How often one call may be made today, and has been, by whomever."""

    call: QuotaCall
    limit: int
    used: int

    @property
    def left(self) -> int:
        """Return how many calls are left until the provider's midnight."""
        return max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True)
class Ping:
    """How one machine answered the provider that our address leads to. `took_ms` is None where that was not told."""

    address: str
    answered: bool
    took_ms: float | None


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """What the provider remembers of a call that it refused. What was asked is left out: it can hold secrets."""

    called_at: datetime
    took_ms: int
    from_address: str
    answer: str


class ExaminesAccounts(Protocol):
    """The power itself. Everything here is a call to the provider, but for `request_in`."""

    async def reach(self, endpoint: Endpoint, *, deadline: float) -> datetime | None:
        """Make the cheapest call that takes the account's token, and return the provider's time if it tells it.

        Raises a provider failure.
        """
        ...

    async def quotas(self, endpoint: Endpoint, *, calls: Sequence[QuotaCall], deadline: float) -> Sequence[Quota]:
        """Return what is left of the quotas of these calls; without those that have none. Raises a provider failure."""
        ...

    async def reset_quotas(self, endpoint: Endpoint, *, deadline: float) -> None:
        """Set all counts of the account to zero, which the provider allows a few times a month.

        Raises a provider failure, Refused with `quota_resets_used` among them.
        """
        ...

    async def voice_recognition(self, endpoint: Endpoint, platform: Endpoint, *, deadline: float) -> bool:
        """Return whether the provider recognises what customers say. Raises a provider failure."""
        ...

    async def switch_voice_recognition(
        self, endpoint: Endpoint, platform: Endpoint, *, on: bool, deadline: float
    ) -> None:
        """Let the provider recognise what customers say, or not. Raises a provider failure."""
        ...

    async def ping_address(self, endpoint: Endpoint, *, deadline: float) -> Sequence[Ping]:
        """Let the provider look for the machines that the account's address names; none where the name is unknown.

        For an account with an address of its own. Raises a provider failure, Refused with `address_not_set` among them.
        """
        ...

    def request_in(self, detail: str) -> str | None:
        """Return the id of the refused call that the provider's `detail` names, or None."""
        ...

    async def refused_call(self, endpoint: Endpoint, *, request: str, deadline: float) -> RefusedCall:
        """Return what the provider remembers of a refused call. Raises a provider failure, as `request_unknown`."""
        ...
