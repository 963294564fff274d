"""What is known of a channel's health: named checks, each with what it found, since when, and what would mend it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

CheckName = Literal[
    "ticket",
    "token",
    "ip_allowed",
    "clock",
    "server_verified",
    "network",
    "push_keys",
    "last_push",
    "permissions",
    "account",
    "voice_recognition",
    "quotas",
    "last_send",
    "other_platforms",
]
CheckState = Literal["ok", "warning", "failing", "unknown", "not_applicable"]
Mend = Literal[
    "authorize", "credentials", "allow_address", "enter_address", "reset_quotas", "switch_on_voice", "state_account"
]
"""What a person can do about it in the console, or with what the console shows."""
Part = Literal["access", "network", "quotas", "voice"]
"""What is asked of the provider together."""

NO_TROUBLE: frozenset[CheckName] = frozenset(
    {"network", "last_push", "last_send", "voice_recognition", "other_platforms"}
)
"""Checks that are worth knowing and make no channel ill: what they tell is about a customer, or a choice, or, of the
network, explains why nothing arrives to somebody who asks; it is asked by hand alone and would stay ill unasked."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `at` is the time of the fact that it tells, `checked_at` when it was asked for at the provider."""

    name: CheckName
    state: CheckState
    reason: str | None = None
    details: Mapping[str, str] = field(default_factory=dict[str, str])
    at: datetime | None = None
    checked_at: datetime | None = None
    mend: Mend | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """The worst of a channel's checks. `check` and `reason` are None where nothing is wrong."""

    state: Literal["ok", "warning", "failing"]
    check: CheckName | None = None
    reason: str | None = None


def health_of(checks: Sequence[Check]) -> Health:
    """Return what the checks come to: the first of the gravest."""
    for state in ("failing", "warning"):
        for check in checks:
            if check.state == state and check.name not in NO_TROUBLE:
                return Health(state, check.name, check.reason)
    return Health("ok")
