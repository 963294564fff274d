"""Which messages ask for a person, and what an admin may set for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.channels.agent_words import MOST_CHARACTERS, MOST_WORDS, asks_for_agent, checked, word_for
from moorage.channels.model import TransToAgent
from moorage.core.errors import Malformed

WORDS = TransToAgent().words


@pytest.mark.parametrize("text", ["转人工", " 人工 ", "R", "ｒ", "AGENT", "Trans-To-Agent", "人工\n"])
def test_word_alone_asks_whatever_its_case_and_width(text: str) -> None:
    assert asks_for_agent(text, words=WORDS)


@pytest.mark.parametrize("text", ["", " ", "我要转人工", "reagent", "人工智能", "r?"])
def test_what_only_holds_a_word_does_not_ask(text: str) -> None:
    assert not asks_for_agent(text, words=WORDS)


@given(st.text())
def test_any_text_has_an_answer_and_blanks_around_change_nothing(text: str) -> None:
    assert asks_for_agent(text, words=WORDS) == asks_for_agent(f" {text}\t", words=WORDS)


def test_words_are_kept_trimmed_once_and_in_order() -> None:
    kept = checked(TransToAgent(words=(" 客服 ", "Help", "help", "ｈｅｌｐ", "找人")))
    assert kept.words == ("客服", "Help", "找人")


@pytest.mark.parametrize(
    ("settings", "field", "reason"),
    [
        (TransToAgent(words=("人工", " ")), "words", "empty"),
        (TransToAgent(words=("x" * (MOST_CHARACTERS + 1),)), "words", "too_long"),
        (TransToAgent(words=tuple(f"w{n}" for n in range(MOST_WORDS + 1))), "words", "too_many"),
        (TransToAgent(guidance_text="x" * 101), "guidance_text", "too_long"),
        (TransToAgent(words=()), "guidance_text", "no_words"),
    ],
)
def test_what_no_customer_could_use_is_refused_at_its_field(settings: TransToAgent, field: str, reason: str) -> None:
    with pytest.raises(Malformed) as refused:
        checked(settings)
    assert (refused.value.field, refused.value.reason) == (f"settings.trans_to_agent.{field}", reason)


def test_without_words_there_may_be_a_guidance_of_ones_own_or_none() -> None:
    assert checked(TransToAgent(words=(), guidance=False)).words == ()
    assert checked(TransToAgent(words=(), guidance_text="  点菜单转人工 ")).guidance_text == "点菜单转人工"


def test_word_that_is_named_to_customers_is_in_their_language() -> None:
    assert (word_for("zh-CN", WORDS), word_for("en", WORDS)) == ("转人工", "trans-to-agent")
    assert (word_for("zh-CN", ["agent"]), word_for("en", ["人工"]), word_for("en", [])) == ("agent", "人工", None)
