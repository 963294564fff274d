"""Custom menus: what may be published, who sees which, and what taps do."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.sandbox.world import APPID, Json, World, running_world

CLICK: Json = {"name": "客服", "type": "click", "key": "AGENT"}
VIEW: Json = {"name": "商城", "type": "view", "url": "https://shop.example.com/"}


@dataclass(frozen=True, slots=True)
class Stage:
    """A world with an account, somebody who follows, and a token."""

    world: World
    openid: str
    token: str

    async def call(self, name: str, body: Json = None) -> Json:
        return await self.world.call(f"/cgi-bin/{name}", body, token=self.token)

    async def create(self, *buttons: Json) -> int:
        return (await self.call("menu/create", {"button": list(buttons)}))["errcode"]

    async def tap(self, *path: int, **more: object) -> list[Json]:
        """Return the fields of the pushes that a tap caused."""
        sent = await self.world.act(self.openid, "tap", {"path": list(path)} | more)
        return [self.world.sandbox.state.pushes[push_id].fields for push_id in sent["push_ids"]]


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with running_world(tmp_path) as world:
        await world.account(mini_programs=["wx5910277cae6fd970"])
        yield Stage(world=world, openid=await world.follower(), token=(await world.stable_token())["access_token"])


def parent(*below: Json, name: str = "更多") -> Json:
    return {"name": name, "sub_button": list(below)}


REFUSED: list[tuple[list[Json], int]] = [
    ([], 40016),
    ([CLICK] * 4, 40016),
    ([CLICK | {"type": "dance"}], 40017),
    ([CLICK | {"name": ""}], 40018),
    ([CLICK | {"name": "联系我们吧啊"}], 40018),
    ([CLICK | {"key": ""}], 40019),
    ([CLICK | {"key": "k" * 129}], 40019),
    ([VIEW | {"url": ""}], 40020),
    ([VIEW | {"url": "https://x.example/" + "a" * 1007}], 40020),
    ([VIEW | {"url": "javascript:alert(1)"}], 40054),
    ([parent(parent(CLICK))], 40022),
    ([parent(*[CLICK] * 6)], 40023),
    ([parent()], 40023),
    ([parent(CLICK | {"type": "dance"})], 40024),
    ([parent(CLICK | {"name": "好" * 20 + "a"})], 40025),
    ([parent(CLICK | {"key": "k" * 129})], 40026),
    ([parent(VIEW | {"url": "https://x.example/" + "a" * 1007})], 40027),
    ([parent(VIEW | {"url": "ftp://x"})], 40055),
    ([{"name": "图", "type": "media_id", "media_id": "made-up"}], 40007),
    ([{"name": "图", "type": "media_id"}], 40118),
    ([{"name": "文", "type": "article_id", "article_id": "made-up"}], 40007),
    ([VIEW | {"type": "miniprogram", "appid": "x", "pagepath": "p"}], 40166),
    ([VIEW | {"type": "miniprogram", "appid": "wx5910277cae6fd970"}], 40165),
    ([VIEW | {"type": "miniprogram", "appid": "wx0000000000000000", "pagepath": "p"}], 45064),
]


@pytest.mark.parametrize(("buttons", "errcode"), REFUSED)
async def test_menu_that_wechat_does_not_take_is_refused(stage: Stage, buttons: list[Json], errcode: int) -> None:
    assert await stage.create(*buttons) == errcode
    assert (await stage.call("menu/get"))["errcode"] == 46003


async def test_menu_at_every_limit_is_taken(stage: Stage) -> None:
    top = CLICK | {"name": "a" * 16, "key": "k" * 128}
    url = VIEW | {"url": "https://x.example/" + "a" * 1006}
    full = parent(*[CLICK | {"name": "好" * 20}] * 5)
    program = VIEW | {"type": "miniprogram", "appid": "wx5910277cae6fd970", "pagepath": "p"}
    assert await stage.create(top, url, full) == 0
    assert await stage.create(program) == 0
    assert (await stage.call("menu/create", {}))["errcode"] == 41007


async def test_menu_is_read_back_and_deleted(stage: Stage) -> None:
    assert await stage.create(CLICK, parent(VIEW)) == 0
    buttons = (await stage.call("menu/get"))["menu"]["button"]
    assert buttons == [CLICK | {"sub_button": []}, parent(VIEW | {"sub_button": []})]
    current = await stage.call("get_current_selfmenu_info")
    assert current["is_menu_open"] == 1
    assert current["selfmenu_info"]["button"][1] == {"name": "更多", "sub_button": {"list": [VIEW]}}
    assert (await stage.call("menu/delete"))["errcode"] == 0
    assert (await stage.call("menu/get"))["errcode"] == 46003
    assert (await stage.call("get_current_selfmenu_info"))["is_menu_open"] == 0


async def test_menu_of_the_back_office_is_only_seen_as_the_current_one(stage: Stage) -> None:
    await stage.world.control(f"/accounts/{APPID}/menu", {"button": [VIEW]})
    assert (await stage.call("menu/get"))["errcode"] == 46003
    assert (await stage.call("get_current_selfmenu_info"))["selfmenu_info"]["button"] == [VIEW]


async def test_newest_fitting_menu_wins(stage: Stage) -> None:
    assert (await stage.call("menu/addconditional", {"button": [CLICK], "matchrule": {"language": "en"}}))[
        "errcode"
    ] == 65303
    await stage.create(VIEW)
    english: Json = {"button": [CLICK | {"name": "Help"}], "matchrule": {"language": "en"}}
    android: Json = {"button": [CLICK | {"name": "安卓"}], "matchrule": {"client_platform_type": "2"}}
    first = (await stage.call("menu/addconditional", english))["menuid"]
    await stage.call("menu/addconditional", android)
    matched = await stage.call("menu/trymatch", {"user_id": stage.openid})
    assert matched["button"][0]["name"] == "商城"
    await stage.world.act(stage.openid, "switches", {"language": "en", "platform": "2"})
    phone = await stage.world.control(f"/accounts/{APPID}/followers/{stage.openid}/phone")
    assert phone["menu"][0]["name"] == "安卓"
    got = await stage.call("menu/get")
    assert [one["matchrule"] for one in got["conditionalmenu"]] == [android["matchrule"], english["matchrule"]]
    assert (await stage.call("menu/delconditional", {"menuid": first}))["errcode"] == 0
    assert (await stage.call("menu/delconditional", {"menuid": first}))["errcode"] == 65301


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"button": [CLICK], "matchrule": {}}, 65304),
        ({"button": [CLICK], "matchrule": {"sex": "1"}}, 65304),
        ({"button": [CLICK], "matchrule": {"client_platform_type": "4"}}, 40035),
        ({"button": [CLICK], "matchrule": {"tag_id": "7"}}, 45159),
        ({"button": [], "matchrule": {"language": "en"}}, 65307),
    ],
)
async def test_conditional_menu_that_wechat_does_not_take_is_refused(stage: Stage, body: Json, errcode: int) -> None:
    await stage.create(VIEW)
    assert (await stage.call("menu/addconditional", body))["errcode"] == errcode
    assert (await stage.call("menu/trymatch", {"user_id": "nobody"}))["errcode"] == 65302


async def test_taps_push_what_the_buttons_say(stage: Stage) -> None:
    scan, place = (
        {"name": "扫", "type": "scancode_waitmsg", "key": "S"},
        {"name": "位", "type": "location_select", "key": "L"},
    )
    photo: Json = {"name": "拍", "type": "pic_sysphoto", "key": "P"}
    await stage.create(CLICK, VIEW, parent(scan, place, photo))
    [click] = await stage.tap(0)
    assert (click["Event"], click["EventKey"]) == ("CLICK", "AGENT")
    [view] = await stage.tap(1)
    assert (view["Event"], view["EventKey"], isinstance(view["MenuId"], int)) == ("VIEW", VIEW["url"], True)
    [scanned] = await stage.tap(2, 0, scan_type="barcode", scan_result="EAN_13,6901234567892")
    assert scanned["ScanCodeInfo"] == {"ScanType": "barcode", "ScanResult": "EAN_13,6901234567892"}
    assert [one["MsgType"] for one in await stage.tap(2, 1)] == ["event", "location"]
    announced, picture = await stage.tap(2, 2)
    assert (announced["SendPicsInfo"]["Count"], picture["MsgType"]) == (1, "image")
    refused = await stage.world.http.post(
        f"/sandbox/api/accounts/{APPID}/followers/{stage.openid}/tap", json={"path": [2]}
    )
    assert (refused.status_code, refused.json()["error"]) == (409, "no_such_button")


async def test_unverified_subscription_account_has_no_menu_api(tmp_path: Path) -> None:
    async with running_world(tmp_path) as world:
        await world.account(verified=False, type="subscription")
        token = (await world.stable_token())["access_token"]
        assert (await world.call("/cgi-bin/menu/get", token=token))["errcode"] == 48001
