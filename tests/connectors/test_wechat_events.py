"""What WeChat's events say to people, and that each saying has words in both languages."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.connectors.contract import OtherEvent
from moorage.connectors.wechat_oa.event_lines import ABOUT_THE_ACCOUNT, EVENT_WORDS, MOST_SHOWN_CHARACTERS, line_of
from moorage.connectors.wechat_oa.wire import read_push
from tests.connectors.samples import sample

LOCALES = Path(__file__).parents[2] / "console/src/features/workbench/locales"
ERASED = {"how": "account_cancelled"}


def words(language: str) -> Mapping[str, str]:
    return json.loads((LOCALES / f"{language}.json").read_text())["notices"]


SAMPLES: dict[str, Mapping[str, str]] = {
    "event_SCAN": {"how": "scanned", "scene": "shop-042"},
    "event_TEMPLATESENDJOBFINISH_success": {"how": "template_sent"},
    "event_TEMPLATESENDJOBFINISH_user_block": {"how": "template_blocked"},
    "event_TEMPLATESENDJOBFINISH_system_failed": {"how": "template_failed"},
    "event_PUBLISHJOBFINISH": {"how": "publication_done"},
    "event_user_info_modified": {"how": "info_modified"},
    "event_user_authorization_cancellation": {"how": "account_cancelled"},
    "event_debug_demo": {"how": "debug"},
}
CASES: list[tuple[str, dict[str, object], Mapping[str, str]]] = [
    ("LOCATION", {"Latitude": "31.230416", "Longitude": "x"}, {"how": "location_unknown"}),
    (
        "location",
        {"Latitude": "31.230416", "Longitude": "121.473701"},
        {"how": "location", "place": "31.23042, 121.47370"},
    ),
    (
        "MASSSENDJOBFINISH",
        {"Status": "send success", "SentCount": "9", "TotalCount": "10"},
        {"how": "mass_sent", "sent": "9", "total": "10"},
    ),
    ("MASSSENDJOBFINISH", {"Status": "err(20001)"}, {"how": "mass_failed", "status": "err(20001)"}),
    ("user_authorization_revoke", {"RevokeInfo": "205"}, {"how": "revoked_205"}),
    ("user_authorization_revoke", {"RevokeInfo": "1"}, {"how": "revoked"}),
    (
        "qualification_verify_success",
        {"ExpiredTime": "1798761600"},
        {"how": "qualification_passed", "until": "2027-01-01"},
    ),
    ("qualification_verify_success", {"ExpiredTime": "99999999999999999"}, {"how": "qualification_passed_undated"}),
    ("qualification_verify_fail", {"FailReason": "资料不符"}, {"how": "qualification_failed", "why": "资料不符"}),
    ("naming_verify_success", {"ExpiredTime": "1798761600"}, {"how": "naming_passed", "until": "2027-01-01"}),
    ("naming_verify_success", {}, {"how": "naming_passed_undated"}),
    ("naming_verify_fail", {}, {"how": "naming_failed", "why": ""}),
    ("annual_renew", {"ExpiredTime": "1798761600"}, {"how": "renewal_due", "until": "2027-01-01"}),
    ("annual_renew", {}, {"how": "renewal_due_undated"}),
    ("verify_expired", {"ExpiredTime": "1798761600"}, {"how": "verification_expired", "until": "2027-01-01"}),
    ("verify_expired", {}, {"how": "verification_expired_undated"}),
    ("kf_create_session", {"KfAccount": "kf1@tea"}, {"how": "kf_began", "agent": "kf1@tea"}),
    ("kf_close_session", {"KfAccount": "kf1@tea"}, {"how": "kf_ended", "agent": "kf1@tea"}),
    (
        "kf_switch_session",
        {"FromKfAccount": "kf1@tea", "ToKfAccount": "kf2@tea"},
        {"how": "kf_switched", "agent": "kf2@tea"},
    ),
    ("user_enter_tempsession", {"SessionFrom": "shop"}, {"how": "entered"}),
    (
        "subscribe_msg_popup_event",
        {"List": [{"SubscribeStatusString": "accept"}, {"SubscribeStatusString": "reject"}]},
        {"how": "subscription_mixed", "accepted": "1", "rejected": "1"},
    ),
    ("subscribe_msg_popup_event", {"List": {"SubscribeStatusString": "accept"}}, {"how": "subscription_accepted"}),
    ("subscribe_msg_sent_event", {"List": {"ErrorCode": "0"}}, {"how": "subscription_sent"}),
    (
        "subscribe_msg_sent_event",
        {"List": {"ErrorCode": "43101", "ErrorStatus": "user refuse"}},
        {"how": "subscription_not_sent", "status": "user refuse"},
    ),
    ("user_get_card", {"CardId": "c1"}, {}),
    *(
        ("PUBLISHJOBFINISH", {"PublishEventInfo": {"publish_status": status}}, {"how": f"publication_{word}"})
        for status, word in (
            ("1", "going_on"),
            ("2", "not_original"),
            ("3", "failed"),
            ("4", "not_passed"),
            ("5", "deleted"),
            ("6", "banned"),
        )
    ),
    *(("user_authorization_revoke", {"RevokeInfo": f"20{n}"}, {"how": f"revoked_20{n}"}) for n in range(1, 8)),
]
TOLD = [*SAMPLES.values(), *(line for _, _, line in CASES)]


@pytest.mark.parametrize("name", SAMPLES)
def test_event_sample_says_what_happened(name: str) -> None:
    what = read_push(sample(name)).what
    assert isinstance(what, OtherEvent)
    assert what.line == SAMPLES[name]


@pytest.mark.parametrize(("name", "fields", "line"), CASES)
def test_event_says_what_happened(name: str, fields: dict[str, object], line: Mapping[str, str]) -> None:
    assert line_of(name, fields) == line


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("line", [line for line in TOLD if line], ids=lambda line: line["how"])
def test_each_saying_has_words_that_use_its_values(language: str, line: Mapping[str, str]) -> None:
    sentence = words(language)[f"event_seen__{line['how']}"]
    assert all(f"{{{name}}}" in sentence for name in line if name != "how")


def test_each_event_with_words_is_tried_here() -> None:
    tried = {name.lower() for name, _, _ in CASES} | {name.removeprefix("event_").lower() for name in SAMPLES}
    tried |= {"templatesendjobfinish", "freepublishjobfinish", "subscribe_msg_change_event"}
    assert tried >= EVENT_WORDS
    assert EVENT_WORDS >= ABOUT_THE_ACCOUNT


_VALUES = st.recursive(
    st.text(max_size=300),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["List", "ErrorCode", "SubscribeStatusString", "publish_status"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
_NAMES = st.sampled_from(
    [
        "EventKey",
        "Status",
        "List",
        "SubscribeMsgPopupEvent",
        "SubscribeMsgSentEvent",
        "PublishEventInfo",
        "Latitude",
        "Longitude",
        "ExpiredTime",
        "RevokeInfo",
        "FailReason",
        "KfAccount",
    ]
)


@given(
    name=st.sampled_from(sorted(EVENT_WORDS)) | st.text(max_size=20),
    fields=st.dictionaries(_NAMES, _VALUES, max_size=6),
)
def test_any_fields_give_a_line_of_short_texts(name: str, fields: dict[str, object]) -> None:
    line = line_of(name, fields)
    assert all(len(value) <= MOST_SHOWN_CHARACTERS for value in line.values())
    assert not line or line["how"]
