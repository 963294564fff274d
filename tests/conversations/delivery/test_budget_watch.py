"""What is learned of a channel's limits when WeChat calls a budget spent before we do."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from moorage.channels.budget_routes import router
from moorage.channels.budget_watch import BudgetWatch, lower_preset, read_watch, settle_lowering
from moorage.channels.queries import read_channel
from moorage.channels.routes import ChannelsDoor
from moorage.connectors.wechat_oa.manifest import MANIFEST
from moorage.core.ids import PersonId, new_id
from moorage.entry.problems import add_problem_handlers
from moorage.staff.guard import StaffDoor
from moorage.staff.model import Actor
from moorage.staff.passwords import Passwords
from tests.channels.docking import BOX
from tests.channels.test_routes import PUBLIC_URL, a_browser
from tests.conversations.delivery.chats import SENT, Wechat, a_chat, a_sender, code
from tests.conversations.desk import Desk
from tests.staff.people import quick_hasher

SPENT = code(45047)


async def refused_after(desk: Desk, wechat: Wechat, sent: int, *, agent: Actor | None = None) -> Actor:
    """Let a new customer get `sent` messages, and the next one be refused as one too many."""
    chat = await a_chat(desk, agent=agent)
    wechat.answers = [*[SENT] * sent, SPENT]
    for number in range(sent + 1):
        await chat.reply(str(number))
        await a_sender(desk).send_waiting()
    return chat.anna


async def watch(desk: Desk) -> tuple[str | None, BudgetWatch]:
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        channel = await read_channel(tx, channel_id=desk.channel.id)
        return channel.settings.budget_preset, await read_watch(tx, channel_id=channel.id, manifest=MANIFEST)


async def test_the_third_customer_in_a_week_lowers_the_preset_and_an_admin_can_set_it_back(
    desk: Desk, wechat: Wechat
) -> None:
    anna = await refused_after(desk, wechat, 5)
    await refused_after(desk, wechat, 5, agent=anna)
    preset, known = await watch(desk)
    assert (preset, known.lowered) == ("guide", None)
    await refused_after(desk, wechat, 6, agent=anna)
    preset, known = await watch(desk)
    assert preset == "2023"
    assert known.lowered is not None
    assert known.lowered.preset == "guide"
    assert [(case.counted, case.most) for case in known.cases] == [(6, 20), (5, 20), (5, 20)]
    assert all(case.conversation_id is not None for case in known.cases)
    assert not known.other_system
    assert (await a_chat(desk, agent=anna)).desk is desk
    assert await desk.value("SELECT count(*) FROM audit_log WHERE act = 'channel.budget_lowered'") == 1
    async with desk.database.in_workspace(desk.workspace_id) as tx:
        await settle_lowering(
            tx, channel_id=desk.channel.id, restore=True, by=PersonId(new_id()), remote_address="127.0.0.1"
        )
    preset, known = await watch(desk)
    assert (preset, known.lowered, list(known.cases)) == ("guide", None, [])


async def test_below_every_preset_nothing_is_lowered_and_another_system_is_suspected(
    desk: Desk, wechat: Wechat
) -> None:
    anna = await refused_after(desk, wechat, 2)
    for _ in range(2):
        await refused_after(desk, wechat, 2, agent=anna)
    preset, known = await watch(desk)
    assert (preset, known.lowered, known.other_system) == ("guide", None, True)


@pytest.mark.parametrize(
    ("current", "counted", "lower"),
    [("guide", 5, "2023"), ("guide", 19, "2023"), ("guide", 4, None), ("2023", 4, None), ("2023", 5, None)],
)
def test_only_a_smaller_preset_that_explains_it_is_chosen(current: str, counted: int, lower: str | None) -> None:
    assert lower_preset({"guide": 20, "2023": 5}, current=current, counted=counted) == lower


# ---------------------------------------------------------------- the API


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(hasher=quick_hasher())
    yield made
    made.close()


@pytest.fixture
async def app(desk: Desk, passwords: Passwords) -> FastAPI:
    app = FastAPI()
    app.include_router(router, prefix="/api")
    add_problem_handlers(app)
    app.state.staff_door = StaffDoor(database=desk.database, passwords=passwords, public_url=PUBLIC_URL)
    app.state.channels_door = ChannelsDoor(
        database=desk.database, box=BOX, connectors=desk.connectors, words={}, public_url=PUBLIC_URL
    )
    return app


async def test_admin_reads_the_cases_and_keeps_the_lower_limits(
    *, desk: Desk, wechat: Wechat, app: FastAPI, passwords: Passwords
) -> None:
    anna = await refused_after(desk, wechat, 5)
    for _ in range(2):
        await refused_after(desk, wechat, 5, agent=anna)
    path = f"/api/channels/{desk.channel.id}/budget"
    async with await a_browser(app, desk.database, passwords, company=desk.workspace_id, role="admin") as admin:
        known = (await admin.get(path)).json()
        assert (known["lowered_from"], known["customers"], known["days"]) == ("guide", 3, 7)
        assert [(case["counted"], case["most"]) for case in known["cases"]] == [(5, 20)] * 3
        assert all(case["conversation_id"] and case["customer_name"] for case in known["cases"])

        kept = await admin.post(f"{path}/lowering", json={"restore": False})
        assert (kept.status_code, kept.json()["lowered_from"], kept.json()["cases"]) == (200, None, [])
        preset, _ = await watch(desk)
        assert preset == "2023"
        again = await admin.post(f"{path}/lowering", json={"restore": True})
        assert (again.status_code, again.json()["code"]) == (404, "core.missing")
    assert await desk.value("SELECT count(*) FROM audit_log WHERE act = 'channel.budget_lowering_kept'") == 1


async def test_only_who_manages_channels_reads_and_settles_it(desk: Desk, app: FastAPI, passwords: Passwords) -> None:
    path = f"/api/channels/{desk.channel.id}/budget"
    async with await a_browser(app, desk.database, passwords, company=desk.workspace_id, role="agent") as agent:
        assert (await agent.get(path)).status_code == 403
        assert (await agent.post(f"{path}/lowering", json={"restore": True})).status_code == 403
