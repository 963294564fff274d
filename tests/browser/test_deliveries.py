"""What did not get through is said and mended; what may have arrived is a person's to decide."""

import pytest
from playwright.async_api import expect

from tests.browser.backstage import (
    a_customer,
    a_docked_account,
    an_empty_desk,
    change_settings,
    off_duty,
    the_next_reply_meets,
)
from tests.browser.conftest import OpenPage, serious_findings
from tests.browser.demo import Demo
from tests.browser.stories import at_the_workbench, row, say, sent

pytestmark = pytest.mark.browser

CUSTOMER_REFUSES = 48002


async def test_a_failed_reply_is_sent_again_and_one_that_may_have_arrived_as_the_agent_decides(
    demo: Demo, open_page: OpenPage
) -> None:
    appid = await a_docked_account(demo, name="送达")
    await off_duty(demo, *demo.agents)
    await an_empty_desk(demo)
    agent = await open_page()
    await at_the_workbench(agent, demo=demo, who=demo.agents[0])
    customer = await a_customer(demo, appid=appid, nickname="Heng")
    await customer.writes("收到请回复")
    await row(agent, "收到请回复").click()
    log = agent.get_by_role("log")
    await say(agent, "收到。")
    await expect(sent(agent, "收到。")).to_be_visible()

    await the_next_reply_meets(demo, kind="errcode", errcode=CUSTOMER_REFUSES)
    await say(agent, "明天到货。")
    await expect(log.get_by_text("Not sent", exact=True)).to_be_visible()
    assert await serious_findings(agent) == []
    await log.get_by_role("button", name="Send again").click()
    await expect(log.get_by_text("Not sent", exact=True)).to_have_count(0)
    await expect(sent(agent, "明天到货。")).to_be_visible()
    assert (await customer.received()).count("明天到货。") == 1

    await the_next_reply_meets(demo, kind="drop", applied=True)
    await say(agent, "已经寄出。")
    await expect(log.get_by_text("It may have arrived. Send again?")).to_be_visible()
    assert await serious_findings(agent) == []
    await log.get_by_role("button", name="Leave it").click()
    await expect(log.get_by_text("Not confirmed, left as it is")).to_be_visible()
    await expect(log.get_by_role("button", name="Send again")).to_have_count(0)

    await the_next_reply_meets(demo, kind="drop")
    await say(agent, "单号是 42。")
    await log.get_by_role("button", name="Send again").click()
    await expect(log.get_by_role("button", name="Send again")).to_have_count(0)
    await expect(sent(agent, "单号是 42。")).to_be_visible()
    received = await customer.received()
    assert (received.count("已经寄出。"), received.count("单号是 42。")) == (1, 1)


async def test_who_writes_after_the_session_gets_the_customers_answer(demo: Demo, open_page: OpenPage) -> None:
    appid = await a_docked_account(demo, name="回访")
    await change_settings(demo, appid=appid, settings={"last_served_hours": 0})
    await off_duty(demo, *demo.agents)
    await an_empty_desk(demo)
    agent, colleague = await open_page(), await open_page()
    await at_the_workbench(agent, demo=demo, who=demo.agents[0])
    customer = await a_customer(demo, appid=appid, nickname="Su")
    await customer.writes("茶壶漏水")
    await row(agent, "茶壶漏水").click()
    await say(agent, "给您换一个。")
    await expect(sent(agent, "给您换一个。")).to_be_visible()
    await at_the_workbench(colleague, demo=demo, who=demo.agents[1])
    await agent.get_by_role("button", name="End conversation").first.click()
    await agent.get_by_role("dialog").get_by_role("button", name="End conversation").click()
    await expect(row(agent, "给您换一个。")).to_have_count(0)

    await agent.get_by_role("button", name="Shown: Open").click()
    await agent.get_by_role("menuitemradio", name="Ended").click()
    await row(agent, "给您换一个。").first.click()
    await expect(agent.get_by_text("What you send now goes out after the session.")).to_be_visible()
    assert await serious_findings(agent) == []
    await say(agent, "新茶壶还好用吗？")
    await expect(agent.get_by_role("log").get_by_text("After the session")).to_be_visible()
    await expect(sent(agent, "新茶壶还好用吗？")).to_be_visible()
    assert "新茶壶还好用吗？" in await customer.received()

    await customer.writes("很好用，谢谢")
    await agent.get_by_role("button", name="Shown: Ended").click()
    await agent.get_by_role("menuitemradio", name="Open").click()
    await expect(row(agent, "很好用，谢谢")).to_be_visible()
    await expect(row(colleague, "很好用，谢谢")).to_have_count(0)
