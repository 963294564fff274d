"""Choices in words: numbered while that fits, else the question with a link, always within what one text carries."""

import re

from hypothesis import given
from hypothesis import strategies as st

from moorage.connectors.content import Choice, Choices
from moorage.conversations.choice_words import CHOICES_PAGE, LASTS
from moorage.conversations.link_words import beside_choices
from moorage.core.ids import new_id
from moorage.core.shortening import ELLIPSIS, shortened
from tests.links import LINKS, NOON, some_choice_words

MOST = 2048
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=600)


def a_question(text: str, *items: str) -> Choices:
    prompt_id = new_id()
    choices = tuple(Choice(id=f"{prompt_id.hex}-{place}", text=item) for place, item in enumerate(items, start=1))
    return Choices(text=text, items=choices, prompt_id=prompt_id)


@given(text=words, items=st.lists(words, min_size=2, max_size=10))
def test_every_form_fits_but_the_last_resort_of_a_question_without_an_answer(text: str, items: list[str]) -> None:
    question = a_question(text, *items)
    forms = some_choice_words(most_bytes=MOST).forms(question)
    assert [one.form for one in forms] in (["text", "page"], ["page"])
    assert all(len(one.text.encode()) <= MOST for one in forms)
    unasked = question.model_copy(update={"prompt_id": None})
    assert [one.form for one in some_choice_words(most_bytes=MOST).forms(unasked)] == ["text"]


def test_link_opens_the_page_of_this_question_for_a_day() -> None:
    question, saying = a_question("字" * 682, "退款", "换货"), some_choice_words(most_bytes=MOST)
    (page,) = saying.forms(question)
    token = re.search(r"http://desk\.example/c/choices/([\w.-]+)$", page.text)
    assert token is not None
    link = LINKS.read(token[1], purpose=CHOICES_PAGE, now=NOON)
    assert question.prompt_id is not None
    assert (link.about, link.thread_id, link.expires_at) == (
        question.prompt_id.hex,
        saying.thread_id,
        NOON + LASTS,
    )


def test_question_stands_whole_where_it_fits_and_is_cut_at_the_last_byte_where_not() -> None:
    address = "http://desk.example/c/choices/x"
    below = len(beside_choices("", address=address, locale="zh-CN", most_bytes=MOST).encode())
    room = (MOST - below) // 3
    whole = beside_choices("字" * room, address=address, locale="zh-CN", most_bytes=MOST)
    assert whole.startswith("字" * room + "\n")
    cut = beside_choices("字" * (room + 1), address=address, locale="zh-CN", most_bytes=MOST)
    assert cut.startswith("字" * (room - 1) + ELLIPSIS + "\n")


# ---------------------------------------------------------------- shortening

FAMILY, FLAG, WAVE, ACCENTED, KEYCAP, FACE = "👨‍👩‍👧", "🇨🇳", "👋🏽", "e\u0301", "2\ufe0f\u20e3", "[捂脸]"


@given(text=words, most_bytes=st.integers(0, 700))
def test_a_shortened_text_fits_and_begins_as_the_whole_one(text: str, most_bytes: int) -> None:
    short = shortened(text, most_bytes=most_bytes)
    assert len(short.encode()) <= most_bytes
    assert short == text or (short == "" and most_bytes < len(ELLIPSIS.encode())) or short.endswith(ELLIPSIS)
    assert short == text or text.startswith(short.removesuffix(ELLIPSIS))


@given(
    parts=st.lists(st.sampled_from([FAMILY, FLAG, WAVE, ACCENTED, KEYCAP, FACE, "字", "a"]), min_size=1, max_size=12),
    most_bytes=st.integers(3, 80),
)
def test_no_character_is_cut_in_the_middle(parts: list[str], most_bytes: int) -> None:
    short = shortened("".join(parts), most_bytes=most_bytes)
    beginnings = {"".join(parts[:count]) for count in range(len(parts) + 1)}
    assert short == "".join(parts) or short.removesuffix(ELLIPSIS) in beginnings
