"""What the facts about a channel mean. Pure: the same facts give the same checks, in the order in which they are read.

The gravest cause comes first: who has no ticket has no token, and who has no token reaches nobody.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from moorage.channels.health.facts import Facts, LastDelivery, Refusals, TokenRow
from moorage.channels.health.model import Check, CheckName, CheckState, Mend
from moorage.channels.leases import FAILURES_TO_CIRCUIT
from moorage.channels.platforms import ticket_reason
from moorage.channels.states import TOLD_BY_SENDS
from moorage.connectors.authorization import PlatformReason
from moorage.connectors.contract import Connector
from moorage.connectors.examining import ExaminesAccounts, HealthReason
from moorage.connectors.failures import ChannelReason, CredentialsReason, RefusalReason
from moorage.connectors.registry import examination_power, token_power

TICKET_DUE = timedelta(minutes=30)
"""Providers send one every ten minutes; two that are late are no accident."""
CIRCUMSTANCES = frozenset({ChannelReason.PROVIDER_UNREACHABLE})
"""Reasons that may pass by themselves: a channel is ill only when they stay."""
ADDRESS_REASONS = frozenset(
    {
        CredentialsReason.ADDRESS_NOT_ALLOWED,
        "platform_address_not_allowed",
        "address_awaits_confirmation",
        "address_refused_by_admin",
    }
)
MENDED_BY_AUTHORIZING = frozenset(
    {CredentialsReason.AUTHORIZATION_GONE, RefusalReason.PERMISSION_MISSING, RefusalReason.API_NOT_ALLOWED}
)
_KEY_WRONG = frozenset(
    {
        "no_key",
        "invalid_padding",
        "illegal_buffer",
        "invalid_base64",
        "invalid_ciphertext_length",
        "invalid_appid",
    }
)
"""What happens after a signature was found genuine: nobody but the provider can cause it."""
_BY_REFUSAL = {
    "invalid_signature": HealthReason.PUSH_TOKEN_WRONG,
    "plaintext_not_allowed": HealthReason.PUSH_PLAINTEXT,
    "stale_timestamp": HealthReason.PUSH_TIME_OFF,
    "foreign_account": HealthReason.PUSH_FOREIGN_ACCOUNT,
    **dict.fromkeys(_KEY_WRONG, HealthReason.PUSH_KEY_WRONG),
}


def judge(facts: Facts, *, connector: Connector) -> list[Check]:
    """Return the checks that make sense for the channel."""
    checks = [
        *_ticket(facts),
        *_access(facts, connector=connector),
        *_address(facts, connector=connector),
        _last_push(facts),
        *_rights(facts, connector=connector),
        *_voice(facts, connector=connector),
        *_quotas(facts, connector=connector),
        _last_send(facts),
    ]
    power = examination_power(connector)
    if power is None:
        return checks
    checks.append(_asked(facts, "other_platforms", "not_applicable", HealthReason.OTHERS_UNSEEN))
    return [_naming_request(check, power) for check in checks]


def _naming_request(check: Check, power: ExaminesAccounts) -> Check:
    """Return the check with the refused call that its details name, so that the provider can be asked about it."""
    request = power.request_in(check.details.get("detail", ""))
    return check if request is None else replace(check, details={**check.details, "request": request})


def _asked(facts: Facts, name: CheckName, state: CheckState, reason: str | None) -> Check:
    """Return what was found when it was last asked, or what stands for that until then."""
    return facts.asked.get(name, Check(name, state, reason))


# ---------------------------------------------------------------- reaching the provider


def _ticket(facts: Facts) -> list[Check]:
    if facts.channel.docked_by != "authorization":
        return []
    if facts.ticket is None:
        return [Check("ticket", "failing", PlatformReason.NOT_CONFIGURED)]
    at = facts.ticket.received_at
    if reason := ticket_reason(facts.ticket):
        return [Check("ticket", "failing", reason, at=at)]
    late = at is not None and facts.now - at > TICKET_DUE
    return [Check("ticket", "warning" if late else "ok", HealthReason.TICKET_LATE if late else None, at=at)]


def _access(facts: Facts, *, connector: Connector) -> list[Check]:
    if token_power(connector) is None or facts.token is None:
        return []
    token = _token(facts)
    allowed = Check("ip_allowed", "unknown")
    if token.reason in ADDRESS_REASONS:
        allowed = replace(token, name="ip_allowed", mend="allow_address")
        token = Check("token", "unknown", token.reason, checked_at=token.checked_at)
    elif token.state == "ok":
        allowed = Check("ip_allowed", "ok", checked_at=token.checked_at)
    return [token, allowed, _asked(facts, "clock", "unknown", None)]


def _token(facts: Facts) -> Check:
    asked = facts.asked.get("token")
    checked_at = None if asked is None else asked.checked_at
    row, channel = facts.token, facts.channel
    if channel.state == "deauthorized":
        return Check("token", "failing", CredentialsReason.AUTHORIZATION_GONE, mend="authorize")
    if row is not None and row.last_error:
        return _token_failure(facts, row, row.last_error, checked_at=checked_at)
    if asked is not None and asked.state != "ok":
        return replace(asked, mend=_mend_of(facts, asked.reason))
    if row is None or not row.has_token or row.expires_at is None:
        return Check("token", "unknown", None, checked_at=checked_at)
    return Check("token", "ok", at=row.expires_at, checked_at=checked_at)


def _token_failure(facts: Facts, row: TokenRow, error: Mapping[str, str], *, checked_at: datetime | None) -> Check:
    reason = error.get("reason") or ChannelReason.PROVIDER_UNREACHABLE
    passing = reason in CIRCUMSTANCES and row.failures < FAILURES_TO_CIRCUIT
    details = {
        "external_code": error.get("code", ""),
        "detail": error.get("detail", ""),
        "ip": error.get("address", ""),
        "failures": str(row.failures),
    }
    if row.circuit_until is not None and row.circuit_until > facts.now:
        details["asks_again_at"] = row.circuit_until.isoformat()
    return Check(
        "token",
        "warning" if passing else "failing",
        reason,
        details={name: value for name, value in details.items() if value},
        checked_at=checked_at,
        mend=_mend_of(facts, reason),
    )


def _mend_of(facts: Facts, reason: str | None) -> Mend | None:
    if facts.channel.docked_by == "authorization":
        return "authorize" if reason in MENDED_BY_AUTHORIZING else None
    return "credentials" if reason in {CredentialsReason.INVALID_SECRET, "invalid_appid"} else None


# ---------------------------------------------------------------- what arrives


def _address(facts: Facts, *, connector: Connector) -> list[Check]:
    if not connector.manifest.verifies_address:
        return []
    return [_server_verified(facts), *_network(facts, connector=connector), _push_keys(facts)]


def _network(facts: Facts, *, connector: Connector) -> list[Check]:
    """Return how the provider finds our address, which can be asked about for an account with one of its own."""
    if examination_power(connector) is None or facts.channel.docked_by != "credentials":
        return []
    asked = _asked(facts, "network", "unknown", None)
    return [replace(asked, mend="enter_address" if asked.reason == HealthReason.ADDRESS_NOT_SET else None)]


def _server_verified(facts: Facts) -> Check:
    verified_at = facts.channel.server_verified_at
    if facts.channel.docked_by == "authorization":
        ticket = facts.ticket
        if ticket is None:
            return Check("server_verified", "failing", PlatformReason.NOT_CONFIGURED)
        if reason := ticket_reason(ticket):  # where our platform's tickets arrive, its accounts' pushes do too
            return Check("server_verified", "failing", reason)
        return Check("server_verified", "ok", at=facts.arrival.last_push_at if facts.arrival else ticket.received_at)
    if verified_at is None:
        return Check("server_verified", "unknown", ChannelReason.NOT_ASKED_YET, mend="enter_address")
    return Check("server_verified", "ok", at=verified_at)


def _push_keys(facts: Facts) -> Check:
    refused = sum(one.times for one in facts.refusals)
    seen = None if facts.arrival is None else facts.arrival.last_mode
    details = {"seen": seen or "", "set": facts.mode or "", "refused": str(refused) if refused else ""}
    details = {name: value for name, value in details.items() if value}
    at = None if facts.arrival is None else facts.arrival.last_push_at
    by_hand = facts.channel.docked_by == "credentials"
    if trouble := _newest_trouble(facts):
        reason = _BY_REFUSAL.get(trouble.reason, HealthReason.PUSH_UNREADABLE)
        works = facts.arrival is not None or facts.channel.server_verified_at is not None
        # Anybody can send an unsigned request to an address that has always worked; only the provider signs.
        state: CheckState = "warning" if works and reason != HealthReason.PUSH_KEY_WRONG else "failing"
        return Check("push_keys", state, reason, details, at=trouble.last_at, mend="credentials" if by_hand else None)
    if seen is not None and facts.mode is not None and seen != facts.mode:
        mend: Mend | None = "credentials" if by_hand else None
        return Check("push_keys", "warning", HealthReason.MODE_DIFFERS, details, at=at, mend=mend)
    return Check("push_keys", "unknown" if facts.arrival is None else "ok", None, details, at=at)


def _newest_trouble(facts: Facts) -> Refusals | None:
    """Return the newest refusal, unless a genuine push came after it: then what was refused was not the provider's."""
    newest = facts.refusals[0] if facts.refusals else None
    if newest is None or (facts.arrival is not None and facts.arrival.last_push_at >= newest.last_at):
        return None
    return newest


def _last_push(facts: Facts) -> Check:
    arrived = None if facts.arrival is None else facts.arrival.last_push_at
    at = max((one for one in (arrived, facts.channel.last_message_at) if one is not None), default=None)
    return Check("last_push", "unknown" if at is None else "ok", at=at)


# ---------------------------------------------------------------- rights and options


def _rights(facts: Facts, *, connector: Connector) -> list[Check]:
    checks: list[Check] = []
    if facts.channel.docked_by == "authorization":
        checks.append(_permissions(facts))
    if connector.manifest.sends_only_if_verified:
        checks.append(_account(facts))
    return checks


def _permissions(facts: Facts) -> Check:
    told = facts.channel.state_reason if facts.channel.state == "restricted" else None
    missing = [one for one in facts.permission_sets if one.id not in facts.granted or one.missing_reason == told]
    required = [one for one in missing if one.required]
    details = {
        name: ",".join(one.name for one in sets)
        for name, sets in (("required", required), ("optional", [one for one in missing if not one.required]))
        if sets
    }
    at = facts.channel.authorized_at
    if required:
        gravest = facts.permission_sets[0] in required
        state: CheckState = "failing" if gravest else "warning"
        return Check("permissions", state, required[0].missing_reason, details, at=at, mend="authorize")
    reason = HealthReason.OPTIONAL_SETS_MISSING if missing else None
    return Check("permissions", "ok", reason, details, at=at, mend="authorize" if missing else None)


def _account(facts: Facts) -> Check:
    channel = facts.channel
    details = {} if channel.account_type is None else {"account_type": channel.account_type}
    mend: Mend | None = "state_account" if channel.docked_by == "credentials" else None
    if channel.verified is None:
        return Check("account", "unknown", HealthReason.ACCOUNT_NOT_STATED, details, mend=mend)
    if not channel.verified:
        return Check("account", "warning", PlatformReason.NOT_CERTIFIED, details, mend=mend)
    return Check("account", "ok", None, details)


def _voice(facts: Facts, *, connector: Connector) -> list[Check]:
    if examination_power(connector) is None:
        return []
    if facts.channel.docked_by != "authorization":
        return [Check("voice_recognition", "not_applicable", HealthReason.VOICE_ELSEWHERE)]
    asked = _asked(facts, "voice_recognition", "unknown", None)
    off = asked.reason == HealthReason.VOICE_OFF
    return [replace(asked, mend="switch_on_voice" if off else None)]


# ---------------------------------------------------------------- sending


def _quotas(facts: Facts, *, connector: Connector) -> list[Check]:
    if examination_power(connector) is None:
        return []
    asked = _asked(facts, "quotas", "unknown", None)
    if facts.channel.state == "failing" and facts.channel.state_reason in TOLD_BY_SENDS:
        asked = replace(asked, state="failing", reason=facts.channel.state_reason)
    used_up = asked.reason in {RefusalReason.DAILY_LIMIT, HealthReason.QUOTA_LOW}
    return [replace(asked, mend="reset_quotas" if used_up else None)]


def _last_send(facts: Facts) -> Check:
    sent, failed = facts.sent, facts.failed
    details = {
        **_times("sent_at", sent),
        **_times("failed_at", failed),
        **({} if failed is None or failed.external_code is None else {"external_code": failed.external_code}),
        **({} if failed is None or not failed.detail else {"detail": failed.detail}),
    }
    if failed is not None and (sent is None or failed.at > sent.at):
        return Check("last_send", "warning", failed.reason, details, at=failed.at)
    return Check("last_send", "unknown" if sent is None else "ok", None, details, at=None if sent is None else sent.at)


def _times(name: str, delivery: LastDelivery | None) -> dict[str, str]:
    return {} if delivery is None else {name: delivery.at.isoformat()}
