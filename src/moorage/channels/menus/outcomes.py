"""What the provider's answer to a change of menus means: for the version, and for the channel. A pure table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from moorage.channels.menus.queries import VersionState
from moorage.channels.states import mark_active, mark_deauthorized, mark_failing, mark_restricted
from moorage.connectors.failures import (
    ChannelReason,
    CredentialsInvalid,
    CredentialsReason,
    ProviderFailure,
    Refused,
    TryLater,
    Unreachable,
)
from moorage.connectors.menus import MenuField, MenuLevel, MenuReason, MenuRefused
from moorage.core.errors import DomainError
from moorage.core.ids import ChannelId
from moorage.infra.database import Tx

PROVIDER_BUSY = "provider_busy"
NO_ANSWER = "no_answer"
"""The provider may or may not have done it, and could not be asked either."""
NOT_LIVE = "no_answer_not_live"
"""The provider gave no answer, and shows another menu."""
RESTRICTING: frozenset[str] = frozenset({MenuReason.API_NOT_ALLOWED, MenuReason.PERMISSION_MISSING})

ChannelEffect = Literal["works", "restricted", "failing", "deauthorized"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known after a call. `at` and `level` say where in the menu a refusal is, as far as that is told."""

    state: VersionState
    reason: str | None = None
    details: Mapping[str, object] = field(default_factory=dict[str, object])
    channel: ChannelEffect | None = None
    at: MenuField | None = None
    level: MenuLevel | None = None


@dataclass(eq=False)
class MenuNotTaken(DomainError):
    """The provider did not do it. `reason` is a stable word; `suspects` are the items that it may be about."""

    code: ClassVar[str] = "channels.menu_refused"
    kind: ClassVar[str] = "conflict"
    reason: str
    external_code: int | None
    detail: str
    suspects: tuple[str, ...] = ()


def judge(failure: ProviderFailure | None) -> Outcome:  # noqa: PLR0911 -- a case a kind of failure
    """Return what the end of a call means; None is success."""
    match failure:
        case None:
            return Outcome("published", channel="works")
        case Unreachable(written=True):
            return Outcome("unknown", NO_ANSWER, _details(failure))
        case Unreachable():
            return Outcome("failed", ChannelReason.PROVIDER_UNREACHABLE, _details(failure))
        case TryLater():
            return Outcome("failed", PROVIDER_BUSY, _details(failure))
        case CredentialsInvalid(reason=reason):
            gone = reason == CredentialsReason.AUTHORIZATION_GONE
            return Outcome("failed", reason, _details(failure), channel="deauthorized" if gone else "failing")
        case MenuRefused(reason=reason, at=at, level=level):
            channel = "restricted" if reason in RESTRICTING else None
            return Outcome("failed", reason, _details(failure), channel=channel, at=at, level=level)
        case Refused(reason=reason):
            return Outcome("failed", reason, _details(failure))
        case _:
            raise TypeError(f"an unknown way to fail: {type(failure).__name__}")


async def say_of_channel(tx: Tx, *, channel_id: ChannelId, state_reason: str | None, outcome: Outcome) -> None:
    """Bring the channel's state in line with what an `outcome` tells of it; `state_reason` is its present one."""
    reason = outcome.reason or ""
    match outcome.channel:
        case "restricted":
            await mark_restricted(tx, channel_id=channel_id, reason=reason)
        case "failing":
            await mark_failing(tx, channel_id=channel_id, reason=reason)
        case "deauthorized":
            await mark_deauthorized(tx, channel_id=channel_id, reason=reason)
        case "works" if state_reason in RESTRICTING:
            await mark_active(tx, channel_id=channel_id)
        case _:
            return


def _details(failure: ProviderFailure) -> Mapping[str, object]:
    return {"external_code": failure.external_code, "detail": failure.detail}
