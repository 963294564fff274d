"""Promises of the policy that a channel's settings make, and of the order in which agents are asked."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from moorage.channels.model import AnswerKind, ChannelSettings, Greeting, TransToAgent, VoiceReply
from moorage.channels.model import GreetingMode as SetMode
from moorage.core.ids import AgentId, GroupId, new_id
from moorage.reception.model import GreetingMode, Policy
from moorage.reception.policies import resolve_policy
from moorage.reception.routing import choose
from moorage.reception.texts import GREETINGS, VOICE_UNRECOGNIZED
from moorage.staff.seats import Candidate

GROUP = GroupId(new_id())
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def a_policy(settings: ChannelSettings) -> Policy:
    return resolve_policy(settings=settings, default_group_id=GROUP, mute=False)


def test_time_of_designation_is_what_is_set_in_hours() -> None:
    assert a_policy(ChannelSettings()).designated_for == timedelta(hours=24)
    assert a_policy(ChannelSettings(after_session_hours=0)).designated_for == timedelta()


@pytest.mark.parametrize("mode", get_args(SetMode))
def test_every_greeting_mode_that_can_be_set_is_known_to_the_engine(mode: SetMode) -> None:
    settings = ChannelSettings(greeting=Greeting(mode=mode))
    assert a_policy(settings).greeting_mode is GreetingMode(mode)


def test_own_greeting_goes_before_the_built_in_one() -> None:
    settings = ChannelSettings(greeting=Greeting(text="Welcome, {customer}"))
    assert a_policy(settings).greeting == "Welcome, {customer}"


def test_built_in_greeting_is_in_the_channels_language() -> None:
    settings = ChannelSettings(locale="en")
    assert a_policy(settings).greeting == GREETINGS["en"]


def test_voices_are_answered_where_that_is_switched_on_in_ones_own_words_or_ours() -> None:
    assert a_policy(ChannelSettings()).voice_reply == ""
    on = VoiceReply(on=True)
    assert a_policy(ChannelSettings(locale="en", voice_reply=on)).voice_reply == VOICE_UNRECOGNIZED["en"]
    own = VoiceReply(on=True, text="Type, please")
    assert a_policy(ChannelSettings(voice_reply=own)).voice_reply == "Type, please"


@pytest.mark.parametrize("kind", get_args(AnswerKind))
def test_the_line_stands_under_the_kinds_of_answers_that_are_set_and_no_others(kind: AnswerKind) -> None:
    policy = a_policy(ChannelSettings(trans_to_agent=TransToAgent(guidance_text="Reply r", guidance_under=(kind,))))
    assert bool(policy.menu_guidance) is (kind == "menu")
    assert bool(policy.follow_guidance) is (kind == "follow")


def a_candidate(
    *, busy: int = 0, most: int = 10, idle_since: datetime | None = None, last: datetime | None = None
) -> Candidate:
    return Candidate(agent_id=AgentId(new_id()), open=busy, most=most, idle_since=idle_since, last_assigned_at=last)


def test_least_busy_agent_is_asked_first() -> None:
    busy, free = a_candidate(busy=3), a_candidate(busy=1, last=NOON)
    assert choose([busy, free]) == [free, busy]


def test_longest_idle_agent_is_asked_first_among_equals() -> None:
    early, late = a_candidate(idle_since=NOON), a_candidate(idle_since=NOON + timedelta(minutes=5))
    assert choose([late, early]) == [early, late]


def test_agent_who_never_had_a_conversation_goes_before_one_who_had() -> None:
    fresh, used = a_candidate(), a_candidate(last=NOON)
    assert choose([used, fresh]) == [fresh, used]


def test_agent_at_the_cap_is_not_asked() -> None:
    assert choose([a_candidate(busy=2, most=2)]) == []
