"""Choices on their way: a menu to tap, or once as a text with numbers; never both, and paid for once."""

from datetime import timedelta

import pytest

from moorage.connectors.content import Choice, Choices
from moorage.conversations.views import MessageView
from moorage.core.ids import ConversationId, new_id
from tests.conftest import MovableClock
from tests.connectors.provider import WITHOUT_ANSWER
from tests.conversations.delivery.chats import SENT, Chat, Wechat, a_chat, a_sender, code
from tests.conversations.desk import Desk, a_desk, an_openid
from tests.reception.answers import words_of

MENU, AS_TEXT = "[menu] 需要什么？", "需要什么？\n1. 退款\n2. 换货\n回复数字即可选择"


def a_question(*, text: str = "需要什么？", item: str = "") -> Choices:
    """Return a question; `item` stands behind each of its choices."""
    prompt_id = new_id()
    words = [f"{one}{item}"[:42] for one in ("退款", "换货", *("一二三四" if item else ""))]
    items = tuple(Choice(id=f"{prompt_id.hex}-{place}", text=one) for place, one in enumerate(words, start=1))
    return Choices(text=text, items=items, prompt_id=prompt_id)


async def asks(chat: Chat, *, text: str = "需要什么？", item: str = "") -> None:
    await chat.desk.says(chat.anna, chat.id, a_question(text=text, item=item))
    await a_sender(chat.desk).send_waiting()


def sent_as(message: MessageView) -> str | None:
    assert isinstance(message.content, Choices)
    return message.content.sent_as


def texts(wechat: Wechat) -> list[str]:
    return [text for _, text in wechat.sent]


async def test_choices_go_out_as_a_menu(desk: Desk, wechat: Wechat) -> None:
    chat = await a_chat(desk)
    await asks(chat)
    assert texts(wechat) == [MENU]
    (message,) = await chat.said()
    assert (sent_as(message), await chat.states(), await chat.left()) == (None, [("sent", None)], 19)


@pytest.mark.parametrize("errcode", [40008, 40200, 48001, 48008, 45098, 45099])
async def test_refused_menu_is_followed_by_the_text_once(errcode: int, desk: Desk, wechat: Wechat) -> None:
    wechat.answers = [code(errcode), SENT]
    chat = await a_chat(desk)
    await asks(chat)
    assert texts(wechat) == [MENU, AS_TEXT]
    (message,) = await chat.said()
    assert (sent_as(message), await chat.states(), await chat.left()) == ("text", [("sent", None)], 19)
    assert message.delivery is not None
    assert (message.delivery.details or {})["menu_refused"] == errcode


async def test_refusing_account_gets_texts_at_once_for_a_day(desk: Desk, wechat: Wechat, clock: MovableClock) -> None:
    wechat.answers = [code(40008), SENT]
    chat = await a_chat(desk)
    await asks(chat)
    await asks(chat)
    assert texts(wechat) == [MENU, AS_TEXT, AS_TEXT]
    clock.forward(timedelta(hours=25))
    await asks(chat)
    assert texts(wechat)[3:] == [MENU]


async def test_one_menu_that_is_too_long_says_nothing_of_the_account(desk: Desk, wechat: Wechat) -> None:
    wechat.answers = [code(45099), SENT]
    chat = await a_chat(desk)
    await asks(chat)
    await asks(chat)
    assert texts(wechat) == [MENU, AS_TEXT, MENU]


@pytest.mark.parametrize(
    ("answer", "state"),
    [(WITHOUT_ANSWER, "unconfirmed"), (code(48002), "failed"), (code(45047), "failed"), (code(45015), "failed")],
)
async def test_nothing_follows_a_menu_that_may_have_arrived_or_whose_text_would_not(
    answer: bytes, state: str, desk: Desk, wechat: Wechat
) -> None:
    wechat.answers = [answer, SENT]
    chat = await a_chat(desk)
    await asks(chat)
    assert texts(wechat) == [MENU]
    assert [one for one, _ in await chat.states()] == [state]


async def test_account_that_may_not_send_at_all_fails_once_and_is_told_so(desk: Desk, wechat: Wechat) -> None:
    wechat.answers = [code(48001)]
    chat = await a_chat(desk)
    await asks(chat)
    assert texts(wechat) == [MENU, AS_TEXT]
    assert await chat.states() == [("failed", "api_not_allowed")]
    assert await chat.used() == 0
    refused = await desk.value("SELECT choices_refused_until FROM channels")
    assert refused is None  # nothing is known of menus


async def test_text_that_may_have_arrived_is_not_sent_again(desk: Desk, wechat: Wechat) -> None:
    wechat.answers = [code(40008), WITHOUT_ANSWER, SENT]
    chat = await a_chat(desk)
    await asks(chat)
    await a_sender(desk).send_waiting()
    assert texts(wechat) == [MENU, AS_TEXT]
    assert [one for one, _ in await chat.states()] == ["unconfirmed"]


async def test_account_that_only_answers_gives_choices_as_the_text_of_its_answer(desk: Desk, wechat: Wechat) -> None:
    async with a_desk(desk.database, verified=False) as other:
        anna, customer = await other.an_agent(), an_openid()
        await other.hears(by=customer)
        conversation = ConversationId((await other.conversation_of(customer)).id)
        await other.says(anna, conversation, a_question())
        answer = await other.hears("2", by=customer)  # before the question was seen: an ordinary message
        assert AS_TEXT in (words_of(other, answer) or "")
        assert await other.value("SELECT state FROM prompts") == "open"
        await other.hears("2", by=customer)
        assert await other.value("SELECT state FROM prompts") == "answered"
    assert wechat.sent == []


LONG = "字" * 500


async def test_question_too_long_for_numbers_is_followed_by_a_link_to_its_page(desk: Desk, wechat: Wechat) -> None:
    wechat.answers = [code(48008), SENT]
    chat = await a_chat(desk)
    await asks(chat, text=LONG, item="选" * 42)
    menu, page = texts(wechat)
    assert menu == f"[menu] {LONG}"
    assert page.startswith(f"{LONG}\n\n请点击链接查看全部选项并选择：\nhttp://desk.example/c/choices/")
    (message,) = await chat.said()
    assert (sent_as(message), await chat.states(), await chat.left()) == ("page", [("sent", None)], 19)
    assert message.delivery is not None
    assert (message.delivery.details or {})["menu_refused"] == 48008


async def test_numbers_that_the_provider_finds_too_long_are_followed_by_the_link(desk: Desk, wechat: Wechat) -> None:
    wechat.answers = [code(45098), code(45002), SENT]
    chat = await a_chat(desk)
    await asks(chat)
    menu, text, page = texts(wechat)
    assert (menu, text, page.split("\n")[0]) == (MENU, AS_TEXT, "需要什么？")
    (message,) = await chat.said()
    assert (sent_as(message), await chat.states(), await chat.left()) == ("page", [("sent", None)], 19)


@pytest.mark.parametrize("refused", [48002, 45047, 45015])
async def test_no_link_follows_a_text_that_was_refused_for_another_reason(
    refused: int, desk: Desk, wechat: Wechat
) -> None:
    wechat.answers = [code(45098), code(refused), SENT]
    chat = await a_chat(desk)
    await asks(chat)
    assert texts(wechat) == [MENU, AS_TEXT]
    assert [one for one, _ in await chat.states()] == ["failed"]


async def test_account_that_only_answers_gives_a_long_question_as_a_link_in_its_answer(
    desk: Desk, wechat: Wechat
) -> None:
    async with a_desk(desk.database, verified=False) as other:
        anna, customer = await other.an_agent(), an_openid()
        await other.hears(by=customer)
        conversation = ConversationId((await other.conversation_of(customer)).id)
        await other.says(anna, conversation, a_question(text=LONG, item="选" * 42))
        answer = await other.hears("在吗", by=customer)
        assert "http://desk.example/c/choices/" in (words_of(other, answer) or "")
        message = next(one for one in await other.messages_of(customer) if isinstance(one.content, Choices))
        assert sent_as(message) == "page"
