"""Questions with choices: what answers them, what does not, and what is shown of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.connectors.content import Choice, Choices, Text
from moorage.connectors.numbered import numbered
from moorage.conversations.prompts import Prompt
from moorage.conversations.views import ConversationView, MessageView
from moorage.core.errors import Malformed
from moorage.core.ids import ConversationId, MessageId, new_id
from moorage.reception.prompts import answer_to, number_in
from moorage.staff.model import Actor
from tests.conftest import MovableClock
from tests.conversations.desk import Desk, an_openid

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

# ---------------------------------------------------------------- numbers

CHINESE = "一二三四五六七八九"


def chinese(number: int) -> str:
    tens, ones = divmod(number, 10)
    return ("" if tens < 2 else CHINESE[tens - 1]) + ("十" if tens else "") + (CHINESE[ones - 1] if ones else "")


def wide(text: str) -> str:
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


@given(number=st.integers(1, 99), frame=st.sampled_from(["{}", "{}.", "{}、", "{}。", "({})", "（{}）", " {} ", "{})"]))
def test_a_number_is_read_however_it_is_written(number: int, frame: str) -> None:
    for written in (str(number), wide(str(number)), chinese(number)):
        assert number_in(frame.format(written)) == number


@given(st.text(max_size=20))
def test_any_text_is_a_number_or_none(text: str) -> None:
    number = number_in(text)
    assert number is None or 0 <= number <= 999


@pytest.mark.parametrize(
    "text", ["", "2 kg", "2.5", "no. 2", "第二个", "二楼", "12345", "-1", "十十", "一二", "2!", "a", "2\n3", "½", "２k"]
)
def test_what_is_more_than_a_number_is_none(text: str) -> None:
    assert number_in(text) is None


@pytest.mark.parametrize(("text", "number"), [("1️⃣", 1), ("②", 2), ("⒊", 3), ("十", 10), ("二十一", 21), ("\t2\n", 2)])
def test_signs_that_mean_a_number_are_one(text: str, number: int) -> None:
    assert number_in(text) == number


# ---------------------------------------------------------------- what answers


def a_prompt(*choices: str, expires_at: datetime | None = NOON + timedelta(minutes=10)) -> Prompt:
    return Prompt(
        id=new_id(),
        conversation_id=ConversationId(new_id()),
        message_id=MessageId(new_id()),
        choices=[Choice(id=f"c{place}", text=text) for place, text in enumerate(choices, start=1)],
        state="open",
        opened_at=NOON,
        expires_at=expires_at,
    )


def chosen(prompt: Prompt, text: str, *, choice_id: str | None = None, at: datetime = NOON) -> str | None:
    answer = answer_to(prompt, content=Text(text=text, choice_id=choice_id), at=at)
    return None if answer is None else answer.choice_id


def test_number_words_or_tap_choose() -> None:
    prompt = a_prompt("Refund", "换货")
    assert chosen(prompt, "2") == "c2"
    assert chosen(prompt, " ｒefund ") == "c1"
    assert chosen(prompt, "换货", choice_id="c2") == "c2"


def test_words_go_before_numbers() -> None:
    assert chosen(a_prompt("2", "1"), "1") == "c2"


def test_everything_else_is_an_ordinary_message() -> None:
    prompt = a_prompt("Refund", "换货")
    for text in ("0", "3", "a refund please", "换", ""):
        assert chosen(prompt, text) is None
    assert chosen(prompt, "Refund", choice_id="another-question-1") is None


def test_nothing_is_chosen_after_its_time_or_long_before() -> None:
    prompt = a_prompt("Refund", "换货")
    assert chosen(prompt, "1", at=NOON + timedelta(minutes=9, seconds=59)) == "c1"
    assert chosen(prompt, "1", at=NOON + timedelta(minutes=10)) is None
    assert chosen(prompt, "1", choice_id="c1", at=NOON + timedelta(minutes=10)) is None
    assert chosen(prompt, "1", at=NOON - timedelta(minutes=1)) is None
    assert chosen(a_prompt("Refund", expires_at=None), "1", at=NOON + timedelta(days=1)) == "c1"


@given(
    choices=st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8), min_size=2, max_size=10
    ),
    text=st.text(max_size=10),
)
def test_at_most_one_choice_is_chosen_and_it_is_one_of_them(choices: list[str], text: str) -> None:
    prompt = a_prompt(*choices)
    answer = answer_to(prompt, content=Text(text=text), at=NOON)
    assert answer is None or prompt.choices[answer.number - 1] == Choice(id=answer.choice_id, text=answer.text)


@given(number=st.integers(1, 10))
def test_numbers_of_a_numbered_text_choose_its_choices(number: int) -> None:
    prompt = a_prompt(*"abcdefghij")
    lines = numbered(Choices(text="Which?", items=tuple(prompt.choices)), hint="!").split("\n")
    assert lines[number] == f"{number}. {prompt.choices[number - 1].text}"
    assert chosen(prompt, lines[number].partition(" ")[0]) == f"c{number}"


# ---------------------------------------------------------------- a customer and an agent


def a_question(*items: str, text: str = "What do you need?") -> Choices:
    prompt_id = new_id()
    choices = [Choice(id=f"{prompt_id.hex}-{place}", text=item) for place, item in enumerate(items, start=1)]
    return Choices(text=text, items=tuple(choices), prompt_id=prompt_id)


class Talk:
    """One customer, and the agent who serves them."""

    def __init__(self, desk: Desk, anna: Actor, customer: str) -> None:
        self.desk, self.anna, self.customer = desk, anna, customer

    async def conversation(self) -> ConversationView:
        return await self.desk.conversation_of(self.customer)

    async def asks(self, *items: str) -> Choices:
        question = a_question(*(items or ("Refund", "Exchange")))
        conversation = await self.conversation()
        await self.desk.says(self.anna, ConversationId(conversation.id), question)
        return question

    async def writes(self, text: str, *, tapped: str | None = None) -> MessageView:
        more = {} if tapped is None else {"bizmsgmenuid": tapped}
        await self.desk.push(self.desk.sent("text", by=self.customer, at=None, Content=text, **more))
        return (await self.messages())[-1]

    async def messages(self) -> Sequence[MessageView]:
        return await self.desk.messages_of(self.customer)

    async def question(self, asked: Choices) -> Choices:
        """Return the question as it is shown now."""
        for message in await self.messages():
            if isinstance(message.content, Choices) and message.content.prompt_id == asked.prompt_id:
                return message.content
        raise LookupError

    async def prompts(self) -> list[str]:
        found = await self.desk.value("SELECT array_agg(state ORDER BY opened_at, id) FROM prompts")
        return cast("list[str] | None", found) or []

    async def last_rule(self) -> object:
        return await self.desk.value("SELECT rule FROM decisions ORDER BY decided_at DESC, id DESC LIMIT 1")


@pytest.fixture
async def talk(desk: Desk) -> Talk:
    anna = await desk.an_agent()
    customer = an_openid()
    await desk.hears(by=customer)
    return Talk(desk, anna, customer)


def meaning(message: MessageView) -> str | None:
    content = message.content
    return content.chosen.text if isinstance(content, Text) and content.chosen is not None else None


async def test_typed_number_is_shown_with_what_it_means(talk: Talk) -> None:
    asked = await talk.asks()
    answer = await talk.writes("２")
    assert meaning(answer) == "Exchange"
    assert (await talk.question(asked)).chosen_id == asked.items[1].id
    assert (await talk.prompts(), await talk.last_rule()) == (["answered"], "prompt.answered")
    last = (await talk.conversation()).last_message
    assert last is not None
    assert last.preview == "２ · Exchange"


async def test_tapped_choice_answers(talk: Talk) -> None:
    asked = await talk.asks()
    assert meaning(await talk.writes("Refund", tapped=asked.items[0].id)) == "Refund"
    assert (await talk.question(asked)).chosen_id == asked.items[0].id


async def test_question_is_answered_once_and_the_next_number_is_a_message(talk: Talk) -> None:
    asked = await talk.asks()
    await talk.writes("1")
    assert meaning(await talk.writes("2")) is None
    assert (await talk.question(asked)).chosen_id == asked.items[0].id


async def test_other_words_leave_the_question_open(talk: Talk) -> None:
    await talk.asks()
    assert meaning(await talk.writes("wait, 2 of them")) is None
    assert meaning(await talk.writes("2")) == "Exchange"


async def test_newer_question_takes_the_place_of_the_older_one(talk: Talk) -> None:
    older = await talk.asks("Refund", "Exchange")
    await talk.asks("Cash", "Card")
    assert await talk.prompts() == ["replaced", "open"]
    assert meaning(await talk.writes("Refund", tapped=older.items[0].id)) is None  # a late tap
    assert meaning(await talk.writes("2")) == "Card"
    assert (await talk.question(older)).chosen_id is None


async def test_question_expires_after_ten_minutes(talk: Talk, clock: MovableClock) -> None:
    asked = await talk.asks()
    clock.forward(timedelta(minutes=11))
    late = await talk.writes("Refund", tapped=asked.items[0].id)
    assert meaning(late) is None
    assert (await talk.question(asked)).chosen_id is None
    await talk.asks("Cash", "Card")
    assert await talk.prompts() == ["expired", "open"]


async def test_question_ends_with_its_conversation(talk: Talk) -> None:
    await talk.asks()
    await talk.desk.ends(talk.anna, ConversationId((await talk.conversation()).id))
    assert await talk.prompts() == ["expired"]
    assert meaning(await talk.writes("1")) is None


@pytest.mark.parametrize(
    ("question", "field", "reason"),
    [
        (a_question("a", "  "), "content.items.1", "empty"),
        (a_question("a", "a "), "content.items", "twice_the_same"),
        (a_question("a", "字" * 43), "content.items.1", "too_long"),
        (a_question("a", "b", text=" "), "content.text", "empty"),
        (a_question("a", "b", text="字" * 683), "content.text", "too_long"),
        (a_question(*"abcdefghijk"), "content.items", "too_many"),
    ],
)
async def test_choices_that_cannot_go_out_are_refused_at_their_field(
    talk: Talk, question: Choices, field: str, reason: str
) -> None:
    with pytest.raises(Malformed) as caught:
        await talk.desk.says(talk.anna, ConversationId((await talk.conversation()).id), question)
    assert (caught.value.field, caught.value.reason) == (field, reason)
