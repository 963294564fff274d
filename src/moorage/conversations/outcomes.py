"""What the provider's answer to a message means: for the message, its budget and its channel. A pure table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from moorage.connectors.content import ChoicesForm
from moorage.connectors.contract import Sent
from moorage.connectors.failures import (
    ChannelReason,
    CredentialsInvalid,
    CredentialsReason,
    PermissionMissing,
    ProviderFailure,
    RefusalReason,
    Refused,
    TryLater,
    Unreachable,
)
from moorage.conversations.model import DeliveryReason, DeliveryState

MOST_RETRIES = 3
MOST_WAITING_S = 60.0
"""How long failures may make one message wait in all; the thread's next message waits behind it."""
UNREACHABLE_FOR = timedelta(seconds=3)

BudgetEffect = Literal["kept", "given_back", "spent", "closed"]
ChannelEffect = Literal["active", "failing", "restricted", "deauthorized"]

RESTRICTING = frozenset(
    {RefusalReason.API_NOT_ALLOWED, RefusalReason.PERMISSION_MISSING, RefusalReason.SENDING_FORBIDDEN}
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known after one try. `wait` is set where it goes back to the queue; `note` is kept with the try."""

    state: DeliveryState
    reason: str | None = None
    budget: BudgetEffect = "kept"
    channel: ChannelEffect | None = None
    channel_reason: str | None = None
    """Why the channel stands so, where that says more than `reason`."""
    wait: timedelta | None = None
    external_message_id: str | None = None
    note: Mapping[str, object] = field(default_factory=dict[str, object])
    sent_as: ChoicesForm | None = None
    """How choices went out that could not be tapped."""
    refuses_choices: bool = False
    """The account shows no choices to tap, and takes texts."""


def judge(
    answer: Sent | ProviderFailure, *, attempts: int, waited_s: float, reachable: bool, drops_repetitions: bool = False
) -> Outcome:
    """Return what `answer` to the `attempts`-th try means, after failures made the message wait `waited_s` seconds.

    `reachable` tells whether the customer still follows, as far as we know: some refusals mean either. Where the other
    side `drops_repetitions`, what may have arrived is tried again.
    """
    match answer:
        case Sent(external_message_id=external_message_id):
            return Outcome(DeliveryState.SENT, external_message_id=external_message_id, channel="active")
        case TryLater(retry_after=retry_after):
            return _again(answer, DeliveryReason.PROVIDER_BUSY, retry_after, attempts=attempts, waited_s=waited_s)
        case Unreachable():
            return _unreachable(answer, attempts=attempts, waited_s=waited_s, drops_repetitions=drops_repetitions)
        case CredentialsInvalid(reason=reason):
            channel = "deauthorized" if reason == CredentialsReason.AUTHORIZATION_GONE else "failing"
            return Outcome(
                DeliveryState.FAILED, reason=reason, budget="given_back", channel=channel, note=_note(answer)
            )
        case Refused(reason=reason):
            return _refused(answer, reason, reachable=reachable)
        case _:
            raise TypeError(f"an unknown way to fail: {type(answer).__name__}")


def channel_mute(state: str) -> Outcome:
    """Return what becomes of a message whose channel cannot send: it fails without being tried."""
    reason = ChannelReason.UNDOCKED if state == "undocked" else CredentialsReason.AUTHORIZATION_GONE
    return Outcome(DeliveryState.FAILED, reason=reason, budget="given_back")


def lease_ended(*, attempts: int, drops_repetitions: bool) -> Outcome:
    """Return what is known of a message whose sender never told: it may have arrived.

    So nobody sends it again, unless the other side drops what arrives twice.
    """
    if drops_repetitions and attempts <= MOST_RETRIES:
        return Outcome(DeliveryState.QUEUED, reason=DeliveryReason.SENDER_LOST, wait=timedelta())
    return Outcome(DeliveryState.UNCONFIRMED, reason=DeliveryReason.SENDER_LOST)


def _refused(answer: Refused, reason: str, *, reachable: bool) -> Outcome:
    note = _note(answer)
    failed = DeliveryState.FAILED
    if reason == RefusalReason.WINDOW_CLOSED:
        told = reason if reachable else RefusalReason.NOT_FOLLOWING
        return Outcome(failed, reason=told, budget="closed" if reachable else "given_back", note=note)
    if reason == RefusalReason.BUDGET_SPENT:
        return Outcome(failed, reason=reason, budget="spent", note=note)
    if reason == RefusalReason.DAILY_LIMIT:
        return Outcome(failed, reason=reason, budget="given_back", channel="failing", note=note)
    if reason in RESTRICTING:
        told = answer.missing_reason if isinstance(answer, PermissionMissing) else None
        return Outcome(failed, reason=reason, budget="given_back", channel="restricted", channel_reason=told, note=note)
    return Outcome(failed, reason=reason, budget="given_back", note=note)


def _unreachable(answer: Unreachable, *, attempts: int, waited_s: float, drops_repetitions: bool) -> Outcome:
    if not answer.written:
        return _again(answer, DeliveryReason.UNREACHABLE, UNREACHABLE_FOR, attempts=attempts, waited_s=waited_s)
    unconfirmed = Outcome(DeliveryState.UNCONFIRMED, reason=DeliveryReason.NO_ANSWER, note=_note(answer))
    if not drops_repetitions:
        return unconfirmed
    again = _again(answer, DeliveryReason.NO_ANSWER, UNREACHABLE_FOR, attempts=attempts, waited_s=waited_s)
    return again if again.state is DeliveryState.QUEUED else unconfirmed


def _again(answer: ProviderFailure, reason: str, wait: timedelta, *, attempts: int, waited_s: float) -> Outcome:
    waits_s = wait.total_seconds()
    if attempts > MOST_RETRIES or waited_s + waits_s > MOST_WAITING_S:
        return Outcome(DeliveryState.FAILED, reason=reason, budget="given_back", note=_note(answer))
    return Outcome(DeliveryState.QUEUED, reason=reason, wait=wait, note={**_note(answer), "waits_s": waits_s})


def _note(answer: ProviderFailure) -> dict[str, object]:
    return {"code": answer.code, "external_code": answer.external_code, "detail": answer.detail}
