"""Every word that says why a message did not arrive, or why nothing can be sent, has its sentence in both languages."""

import json
from collections.abc import Mapping
from typing import cast, get_args

import pytest

from moorage.connectors.failures import ChannelReason, CredentialsReason, RefusalReason
from moorage.connectors.strings import read_strings
from moorage.connectors.wechat_oa.refusals import REASONS
from moorage.conversations.budgets import LockReason
from moorage.conversations.model import DeliveryReason
from tests.conversations.reason_texts import CONSOLE, LOCALES, texts_of


def refusals_of(locale: str) -> Mapping[str, object]:
    problems: object = json.loads((CONSOLE / "ui/locales" / f"{locale}.json").read_text("utf-8"))
    codes = cast("Mapping[str, Mapping[str, Mapping[str, object]]]", problems)["errors"]
    return codes["conversations"]


@pytest.mark.parametrize("locale", LOCALES)
def test_every_reason_of_ours_has_a_sentence(locale: str) -> None:
    known = {**texts_of(locale, "delivery.reason"), DeliveryReason.LEFT: texts_of(locale, "delivery")["left"]}
    assert [reason for reason in DeliveryReason if not known.get(reason)] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_every_reason_that_kinds_share_has_a_sentence_also_without_one_of_the_kinds(locale: str) -> None:
    known = texts_of(locale, "delivery.reason")
    shared = (*RefusalReason, *CredentialsReason, ChannelReason.UNDOCKED)
    assert [reason for reason in shared if not known.get(reason)] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_every_reason_of_wechats_has_a_sentence(locale: str) -> None:
    words = read_strings("wechat_oa")[locale]
    assert [reason for reason in sorted(REASONS) if not words.get(f"reason.{reason}")] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_every_lock_of_the_composer_has_a_sentence(locale: str) -> None:
    locks = texts_of(locale, "workbench.lock")
    assert [reason for reason in get_args(LockReason) if reason not in locks] == []


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    "code",
    [
        "newer_conversation",
        "nothing_to_resend",
        "unfollowed",
        "channel_cannot_send",
        "budget_closed",
        "too_many_waiting",
        "not_yours",
        "closed",
    ],
)
def test_every_refusal_to_send_has_a_sentence(locale: str, code: str) -> None:
    assert refusals_of(locale)[code]


def test_what_a_person_can_do_is_known_for_every_reason() -> None:
    """Where nothing is written down the advice is to try again; here it must be more than a guess."""
    advice = (CONSOLE / "features/workbench/delivery.ts").read_text("utf-8")
    reasons = (*RefusalReason, *CredentialsReason, *DeliveryReason, ChannelReason.UNDOCKED)
    guessed = {RefusalReason.OTHER, DeliveryReason.LEFT}
    assert [reason for reason in reasons if reason not in guessed and f"  {reason}: '" not in advice] == []
