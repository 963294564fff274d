"""The page of a question that no text carries: a click on it answers once, as a tap on a menu does."""

import asyncio
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import httpx

from moorage.connectors.content import Choices, Text
from moorage.conversations.views import MessageView
from moorage.core.ids import ThreadId, new_id
from tests.conversations.shop import OK, SEND, Shop, code
from tests.links import LINKS

LONG, OPTIONS = "选" * 600, ["退款" + "款" * 40, "换货" + "货" * 40, "维修" + "修" * 40, "其他" + "他" * 40]


@dataclass
class Page:
    """The customer's browser, which is not signed in anywhere."""

    shop: Shop
    token: str

    async def read(self) -> httpx.Response:
        async with self._client() as client:
            return await client.get("/api/pages/choices")

    async def answers(self, choice_id: str) -> httpx.Response:
        async with self._client() as client:
            return await client.post("/api/pages/choices/answer", json={"choice_id": choice_id})

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.shop.base_url, trust_env=False, timeout=30, headers={"X-Link-Token": self.token}
        )


async def asks(shop: Shop, text: str = LONG) -> Page:
    """Ask a question whose menu is refused, and return the page that the customer gets a link to."""
    shop.wechat.answers[SEND] = [code(45099), OK]
    answer = await shop.anna.client.post(
        f"/api/conversations/{shop.conversation.id}/messages",
        json={"content": {"type": "choices", "text": text, "items": OPTIONS}},
        headers={"Idempotency-Key": str(new_id())},
    )
    assert answer.status_code == 201, answer.text
    await shop.sender.send_waiting()
    said = json.loads([call for call in shop.wechat.calls if call.path == SEND][-1].body)["text"]["content"]
    found = re.search(r"http://desk\.example/c/choices/([\w.-]+)", said)
    assert found is not None, said
    return Page(shop, found[1])


async def last(shop: Shop) -> MessageView:
    return (await shop.desk.messages_of(shop.customer))[-1]


def expired(token: str) -> str:
    link = LINKS.read(token, purpose="choices", now=datetime.now(UTC))
    return LINKS.token(replace(link, expires_at=datetime.now(UTC) - timedelta(seconds=2)))


async def test_page_shows_the_whole_question_and_takes_an_answer(shop: Shop) -> None:
    page = await asks(shop)
    view = (await page.read()).json()
    assert (view["text"], view["asked_by"], view["state"]) == (LONG, shop.desk.channel.name, "open")
    assert [one["text"] for one in view["choices"]] == OPTIONS
    answered = (await page.answers(view["choices"][1]["id"])).json()
    assert (answered["state"], answered["chosen_id"]) == ("answered", view["choices"][1]["id"])
    heard = await last(shop)
    assert isinstance(heard.content, Text)
    assert heard.content.chosen is not None
    assert (heard.author.kind, heard.content.chosen.text) == ("customer", OPTIONS[1])
    asked = next(one for one in await shop.desk.messages_of(shop.customer) if isinstance(one.content, Choices))
    assert isinstance(asked.content, Choices)
    assert asked.content.chosen_id == view["choices"][1]["id"]
    rule = await shop.desk.value("SELECT rule FROM decisions ORDER BY decided_at DESC, id DESC LIMIT 1")
    assert rule == "prompt.answered"


async def test_answer_on_the_page_opens_no_budget(shop: Shop) -> None:
    page = await asks(shop)
    before = await shop.desk.value("SELECT max(ends_at) FROM budgets")
    await page.answers((await page.read()).json()["choices"][0]["id"])
    assert await shop.desk.value("SELECT max(ends_at) FROM budgets") == before


async def test_two_clicks_at_once_answer_once(shop: Shop) -> None:
    page = await asks(shop)
    choices = (await page.read()).json()["choices"]
    answers = await asyncio.gather(*(page.answers(choices[place]["id"]) for place in (0, 0, 1, 2)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["chosen_id"] for answer in answers}) == 1
    heard = [one for one in await shop.desk.messages_of(shop.customer) if one.author.kind == "customer"]
    assert len(heard) == 2  # what the customer wrote at first, and one answer


async def test_answer_typed_in_the_chat_shows_on_the_page(shop: Shop) -> None:
    page = await asks(shop)
    await shop.desk.hears("3", by=shop.customer)
    view = (await page.read()).json()
    assert (view["state"], view["chosen_id"]) == ("answered", view["choices"][2]["id"])
    assert (await page.answers(view["choices"][0]["id"])).json()["chosen_id"] == view["choices"][2]["id"]


async def test_question_that_waits_no_longer_says_so_and_takes_nothing(shop: Shop) -> None:
    older = await asks(shop)
    newer = await asks(shop, "问" * 600)
    before = await last(shop)
    view = (await older.answers((await older.read()).json()["choices"][0]["id"])).json()
    assert (view["state"], view["chosen_id"]) == ("replaced", None)
    await shop.desk.value("UPDATE prompts SET expires_at = now() - interval '1 s' WHERE state = 'open' RETURNING 1")
    view = (await newer.answers((await newer.read()).json()["choices"][0]["id"])).json()
    assert (view["state"], view["chosen_id"]) == ("expired", None)
    assert (await last(shop)).id == before.id


async def test_link_opens_only_its_own_question_and_only_in_its_time(shop: Shop) -> None:
    page = await asks(shop)
    link = LINKS.read(page.token, purpose="choices", now=datetime.now(UTC))
    wrong = [
        LINKS.token(replace(link, purpose="file")),
        LINKS.token(replace(link, about=new_id().hex)),
        LINKS.token(replace(link, about="no id")),
        LINKS.token(replace(link, thread_id=ThreadId(new_id()))),
        page.token[:-2],
        "",
    ]
    for token in wrong:
        answer = await Page(shop, token).read()
        assert (answer.status_code, answer.json()["code"]) == (404, "links.invalid"), token
        assert (await Page(shop, token).answers("x")).status_code == 404
    answer = await Page(shop, expired(page.token)).read()
    assert (answer.status_code, answer.json()["code"]) == (410, "links.expired")


async def test_choice_of_another_question_is_refused(shop: Shop) -> None:
    page = await asks(shop)
    answer = await page.answers("another-question-1")
    assert (answer.status_code, answer.json()["code"]) == (422, "core.malformed")
