"""What WeChat's events say to people: a stable word for the line that one leaves, and the values in it. Pure.

Events of the menu stand in `menu_events.py`. What is not named here leaves a line with its name.

Source: WeChat Official Account docs, "Receiving events" and the pages of the features that send them.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import cast

from moorage.connectors.wechat_oa.fields import Fields, text_of

ABOUT_THE_ACCOUNT = frozenset(
    {
        "masssendjobfinish",
        "publishjobfinish",
        "freepublishjobfinish",
        "qualification_verify_success",
        "qualification_verify_fail",
        "naming_verify_success",
        "naming_verify_fail",
        "annual_renew",
        "verify_expired",
        "debug_demo",
    }
)
"""Events about the account. Their `FromUserName` is a helper of WeChat's or whoever did it: seldom a customer."""
VERIFIED: Mapping[str, bool] = {
    "qualification_verify_success": True,
    "naming_verify_success": True,
    "verify_expired": False,
}
"""Events that say whether the account is verified from now on. A failure leaves what was before."""
MOST_SHOWN_CHARACTERS = 200
_LATEST_S = 253_402_300_799
"""The last second of the year 9999."""
Line = Mapping[str, str]


def line_of(name: str, fields: Fields) -> Line:
    """Return `how`, a stable word, and the values of its sentence; nothing for an event that has no words here."""
    reader = _READERS.get(name.lower())
    line: Line = reader(fields) if reader else {}
    return {part: value[:MOST_SHOWN_CHARACTERS] for part, value in line.items()}


def _said(fields: Fields, name: str) -> str:
    return (text_of(fields, name) or "").strip()


def _inner(fields: Fields, name: str) -> Fields:
    value = fields.get(name)
    return cast("Fields", value) if isinstance(value, Mapping) else {}


def _listed(fields: Fields, name: str) -> list[Fields]:
    """Return the entries below `name`; in JSON the list stands at the top."""
    found = _inner(fields, name).get("List", fields.get("List"))
    entries = cast("list[object]", found) if isinstance(found, list) else [found]
    return [cast("Fields", entry) for entry in entries if isinstance(entry, Mapping)]


def _scan(fields: Fields) -> Line:
    return {"how": "scanned", "scene": _said(fields, "EventKey")}


def _location(fields: Fields) -> Line:
    places = [_rounded(_said(fields, name)) for name in ("Latitude", "Longitude")]
    return {"how": "location", "place": ", ".join(places)} if all(places) else {"how": "location_unknown"}


def _rounded(degrees: str) -> str:
    """Return degrees as exact as a position is, about a metre; empty for what is no number."""
    try:
        number = float(degrees)
    except ValueError:
        return ""
    return f"{number:.5f}" if math.isfinite(number) else ""


def _template(fields: Fields) -> Line:
    status = _said(fields, "Status").lower().replace(" ", "")  # WeChat writes "failed: system failed"
    how = {"success": "template_sent", "failed:userblock": "template_blocked"}.get(status, "template_failed")
    return {"how": how}


def _mass(fields: Fields) -> Line:
    status = _said(fields, "Status")
    if status.lower().replace(" ", "") == "sendsuccess":
        return {"how": "mass_sent", "sent": _said(fields, "SentCount"), "total": _said(fields, "TotalCount")}
    return {"how": "mass_failed", "status": status}


def _publication(fields: Fields) -> Line:
    status = _said(_inner(fields, "PublishEventInfo"), "publish_status")
    words = {"0": "done", "1": "going_on", "2": "not_original", "4": "not_passed", "5": "deleted", "6": "banned"}
    return {"how": f"publication_{words.get(status, 'failed')}"}


def _service_session(how: str) -> Callable[[Fields], Line]:
    def read(fields: Fields) -> Line:
        return {"how": how, "agent": _said(fields, "KfAccount") or _said(fields, "ToKfAccount")}

    return read


def _revoked(fields: Fields) -> Line:
    what = _said(fields, "RevokeInfo")
    return {"how": f"revoked_{what}" if re.fullmatch(r"20[1-7]", what) else "revoked"}


def _subscription(name: str) -> Callable[[Fields], Line]:
    """Return what reads how the customer decided about one-time messages, told in the field `name`."""

    def read(fields: Fields) -> Line:
        decided = [_said(entry, "SubscribeStatusString").lower() for entry in _listed(fields, name)]
        accepted, rejected = decided.count("accept"), decided.count("reject")
        if accepted and rejected:
            return {"how": "subscription_mixed", "accepted": str(accepted), "rejected": str(rejected)}
        return {"how": "subscription_accepted" if accepted else "subscription_rejected"} if decided else {}

    return read


def _subscription_sent(fields: Fields) -> Line:
    sent = _listed(fields, "SubscribeMsgSentEvent")
    failed = [entry for entry in sent if _said(entry, "ErrorCode") not in ("", "0")]
    if failed:
        return {"how": "subscription_not_sent", "status": _said(failed[0], "ErrorStatus")}
    return {"how": "subscription_sent"} if sent else {}


def _plain(how: str) -> Callable[[Fields], Line]:
    return lambda _: {"how": how}


def _until(how: str) -> Callable[[Fields], Line]:
    def read(fields: Fields) -> Line:
        seconds = _said(fields, "ExpiredTime")
        known = re.fullmatch(r"[0-9]{1,12}", seconds) and int(seconds) <= _LATEST_S
        day = datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%d") if known else ""
        return {"how": how, "until": day} if day else {"how": f"{how}_undated"}

    return read


def _because(how: str) -> Callable[[Fields], Line]:
    return lambda fields: {"how": how, "why": _said(fields, "FailReason")}


_READERS: Mapping[str, Callable[[Fields], Line]] = {
    "scan": _scan,
    "location": _location,
    "templatesendjobfinish": _template,
    "masssendjobfinish": _mass,
    "publishjobfinish": _publication,
    "freepublishjobfinish": _publication,
    "kf_create_session": _service_session("kf_began"),
    "kf_close_session": _service_session("kf_ended"),
    "kf_switch_session": _service_session("kf_switched"),
    "user_info_modified": _plain("info_modified"),
    "user_authorization_revoke": _revoked,
    "user_authorization_cancellation": _plain("account_cancelled"),
    "subscribe_msg_popup_event": _subscription("SubscribeMsgPopupEvent"),
    "subscribe_msg_change_event": _subscription("SubscribeMsgChangeEvent"),
    "subscribe_msg_sent_event": _subscription_sent,
    "user_enter_tempsession": _plain("entered"),
    "qualification_verify_success": _until("qualification_passed"),
    "qualification_verify_fail": _because("qualification_failed"),
    "naming_verify_success": _until("naming_passed"),
    "naming_verify_fail": _because("naming_failed"),
    "annual_renew": _until("renewal_due"),
    "verify_expired": _until("verification_expired"),
    "debug_demo": _plain("debug"),
}
EVENT_WORDS = frozenset(_READERS)
