"""Promises of the texts that customers read."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.core.templates import MOST_CHARACTERS, TemplateInvalid, check_template, fill_template
from moorage.reception.texts import GREETINGS, render

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def rendered(template: str, *, agent: str = "小林", time_zone: str = "Asia/Shanghai") -> str:
    return render(template, agent=agent, customer="王芳", channel="栗子商店", now=NOON, time_zone=time_zone)


def test_placeholders_are_filled_in() -> None:
    assert rendered("{agent}/{customer}/{channel}/{time}") == "小林/王芳/栗子商店/20:00"


def test_built_in_greetings_may_be_saved_and_name_the_agent() -> None:
    for greeting in GREETINGS.values():
        check_template(greeting, field="greeting")
        assert "小林" in rendered(greeting)


def test_a_name_with_braces_is_not_filled_in_again() -> None:
    assert rendered("{agent}", agent="{customer}") == "{customer}"


def test_unknown_placeholder_is_refused_with_the_list_of_allowed_ones() -> None:
    with pytest.raises(TemplateInvalid) as caught:
        check_template("Hello {agnet}, {agent}", field="greeting")
    assert caught.value.unknown == ("agnet",)
    assert caught.value.allowed == ("agent", "channel", "customer", "time")


@pytest.mark.parametrize(("template", "reason"), [(" \n", "empty"), ("x" * (MOST_CHARACTERS + 1), "too_long")])
def test_empty_and_overlong_texts_are_refused(template: str, reason: str) -> None:
    with pytest.raises(TemplateInvalid) as caught:
        check_template(template, field="greeting")
    assert caught.value.reason == reason


@given(template=st.text(), name=st.text())
def test_filling_in_never_raises(template: str, name: str) -> None:
    fill_template(template, values={"agent": name})


@pytest.mark.parametrize("name", ["", "Not/A_Zone", "../etc/passwd", "\0"])
def test_unknown_time_zone_falls_back_to_utc(name: str) -> None:
    assert rendered("{time}", time_zone=name) == "12:00"
