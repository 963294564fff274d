"""How texts that wait are joined into one answer."""

from hypothesis import given
from hypothesis import strategies as st

from moorage.connectors.content import Content, Media, Text
from moorage.conversations.waiting import BETWEEN, joined
from tests.links import some_choice_words

WORDS = some_choice_words()
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
contents: st.SearchStrategy[list[Content]] = st.lists(
    st.one_of(
        texts.map(lambda text: Text(text=text)),
        st.just(Media(type="image", external_media_id="M1")),
    ),
    max_size=6,
)


@given(contents=contents, most_bytes=st.integers(0, 120))
def test_answer_holds_the_longest_run_of_first_texts_that_fits(contents: list[Content], most_bytes: int) -> None:
    text, count = joined(contents, most_bytes=most_bytes, words_of=WORDS)
    said = [content.text for content in contents[:count] if isinstance(content, Text)]
    assert len(said) == count
    assert text == BETWEEN.join(said)
    assert len(text.encode()) <= most_bytes
    if count < len(contents):
        following = contents[count]
        assert not isinstance(following, Text) or len(BETWEEN.join([*said, following.text]).encode()) > most_bytes


@given(contents=st.lists(texts.map(lambda text: Text(text=text)), min_size=1, max_size=8))
def test_every_text_goes_out_once_and_in_order_over_as_many_answers_as_it_takes(contents: list[Text]) -> None:
    most_bytes = max(len(content.text.encode()) for content in contents)
    answers: list[str] = []
    left: list[Text] = contents
    while left:
        text, count = joined(left, most_bytes=most_bytes, words_of=WORDS)
        assert count >= 1  # each fits alone, so nothing waits for ever
        answers.append(text)
        left = left[count:]
    assert BETWEEN.join(answers) == BETWEEN.join(content.text for content in contents)
