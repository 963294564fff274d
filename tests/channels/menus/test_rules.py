"""The rules of menus: every limit at its item, there and back again, and what differs."""

from itertools import count
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.channels.menus.checking import Fault, faults_of, faults_of_rule, suspects, utf8_length
from moorage.channels.menus.compiling import compiled, items_by_key, own_keys, understood
from moorage.channels.menus.differences import Difference, differences
from moorage.channels.menus.model import (
    Action,
    AskBot,
    Evaluate,
    Imported,
    Item,
    LeaveMessage,
    Menu,
    OpenLink,
    OpenMiniProgram,
    OpenMobileSite,
    Scan,
    SendLocation,
    SendPhotos,
    SendText,
    SubItem,
    TransferToAgent,
    key_of,
    read_key,
)
from moorage.connectors.menus import Button, ButtonKind, MatchRule, ProviderMenu
from moorage.connectors.wechat_oa.manifest import MENU_LIMITS
from tests.channels.menus.builders import GROUND, LINK, a_menu, a_parent, a_sub_item, an_id, an_item

APP = OpenMiniProgram(app_id="wx0123456789abcdef", path="pages/index", url="https://x.example/")


def only_fault(menu: Menu) -> Fault:
    (fault,) = faults_of(menu, ground=GROUND)
    return fault


def fault_of(action: Action) -> tuple[str, str]:
    fault = only_fault(a_menu(an_item(action=action, item_id="here")))
    assert fault.item_id == "here"
    return fault.at, fault.reason


# ---------------------------------------------------------------- limits


@given(st.text(max_size=40), st.booleans())
def test_a_name_is_too_long_exactly_above_its_bytes(name: str, below: bool) -> None:
    most = MENU_LIMITS.most_sub_name_bytes if below else MENU_LIMITS.most_name_bytes
    menu = a_menu(a_parent(a_sub_item(name, item_id="here")) if below else an_item(name, item_id="here"))
    found = [fault for fault in faults_of(menu, ground=GROUND) if fault.reason == "too_long"]
    length = utf8_length(name.strip())
    assert bool(found) == (length > most)
    assert all(fault == Fault("here", "name", "too_long", {"bytes": length, "most": most}) for fault in found)


@pytest.mark.parametrize(("name", "fits"), [("五个字名吗", True), ("五个字名吗a", True), ("五个字名吗ab", False)])
def test_sixteen_bytes_are_five_chinese_characters_and_one_letter(name: str, fits: bool) -> None:
    assert (faults_of(a_menu(an_item(name)), ground=GROUND) == ()) is fits


@given(st.integers(0, 6), st.integers(1, 8))
def test_numbers_of_items_are_held_against_the_limits(top: int, below: int) -> None:
    items = [a_parent(*(a_sub_item() for _ in range(below))) for _ in range(top)]
    reasons = [(fault.at, fault.reason) for fault in faults_of(Menu(items=tuple(items)), ground=GROUND)]
    wanted = [("items", "empty")] if top == 0 else []
    wanted += [("items", "too_many")] if top > 3 else []
    wanted += [("items", "too_many")] * (top if below > 5 else 0)
    assert reasons == wanted


@given(st.integers(1000, 1050))
def test_an_address_may_have_1024_bytes(length: int) -> None:
    url = "https://x.example/".ljust(length, "a")
    found = faults_of(a_menu(an_item(action=OpenLink(url=url))), ground=GROUND)
    assert bool(found) == (length > 1024)


@pytest.mark.parametrize(
    ("action", "field", "reason"),
    [
        (SendText(text=" "), "text", "empty"),
        (SendText(text="字" * 683), "text", "too_long"),
        (OpenLink(url=""), "url", "empty"),
        (OpenLink(url="x.example"), "url", "not_http"),
        (OpenLink(url="javascript:alert(1)"), "url", "not_http"),
        (OpenLink(url="https://x.example/ a"), "url", "not_http"),
        (OpenLink(url="https://[broken"), "url", "not_http"),
        (APP.model_copy(update={"app_id": ""}), "app_id", "empty"),
        (APP.model_copy(update={"app_id": "wxNOT"}), "app_id", "mismatch"),
        (APP.model_copy(update={"path": ""}), "path", "empty"),
        (APP.model_copy(update={"url": "ftp://x"}), "url", "not_http"),
        (TransferToAgent(group_id=uuid4()), "group_id", "unknown"),
        (AskBot(question="?"), "action", "not_available"),
        (OpenMobileSite(), "action", "not_available"),
        (Evaluate(), "action", "not_available"),
        (LeaveMessage(), "action", "not_available"),
        (
            Imported(button=Button(name="", kind=ButtonKind.OTHER, external_kind="news")),
            "action",
            "back_office_only",
        ),
        (Imported(button=Button(name="", kind=ButtonKind.TAP, key="k" * 129)), "key", "too_long"),
        (Imported(button=Button(name="", kind=ButtonKind.TAP)), "key", "empty"),
    ],
)
def test_each_fault_stands_at_its_field(action: Action, field: str, reason: str) -> None:
    assert fault_of(action) == (field, reason)


@pytest.mark.parametrize(
    "action",
    [
        SendText(text="你好"),
        LINK,
        APP,
        Scan(),
        SendLocation(),
        SendPhotos(),
        TransferToAgent(),
        Imported(button=Button(name="", kind=ButtonKind.TAP, key="k" * 128)),
        Imported(button=Button(name="", kind=ButtonKind.OTHER, external_kind="media_id", fields={"media_id": "M"})),
    ],
)
def test_what_is_finished_can_be_published(action: Action) -> None:
    assert faults_of(a_menu(an_item(action=action)), ground=GROUND) == ()


def test_an_item_does_something_or_opens_a_menu_and_never_both() -> None:
    neither = an_item(action=None, item_id="none")
    both = Item(id="both", name="两样", action=LINK, items=(a_sub_item(),))
    found = [(fault.item_id, fault.reason) for fault in faults_of(a_menu(neither, both), ground=GROUND)]
    assert found == [("none", "no_action"), ("both", "both")]


def test_a_name_with_invisible_characters_is_refused() -> None:
    assert only_fault(a_menu(an_item("a\x07b"))).reason == "control_characters"


def test_two_items_never_share_an_id() -> None:
    with pytest.raises(ValueError, match="same id"):
        a_menu(an_item(item_id="same"), a_parent(a_sub_item(item_id="same")))


@pytest.mark.parametrize(
    ("rule", "reasons"),
    [
        (MatchRule(), ["empty"]),
        (MatchRule(tag_id="2"), []),
        (MatchRule(language="en", platform="ios"), []),
        (MatchRule(language="tlh"), ["mismatch"]),
        (MatchRule(tag_id="x"), ["mismatch"]),
    ],
)
def test_a_rule_says_at_least_one_thing_that_the_provider_knows(rule: MatchRule, reasons: list[str]) -> None:
    assert [fault.reason for fault in faults_of_rule(rule, limits=MENU_LIMITS)] == reasons


# ---------------------------------------------------------------- whom a refusal is about

REFUSED = a_menu(
    an_item("短", item_id="short"),
    an_item("最长的名", item_id="long"),
    a_parent(
        a_sub_item("子", action=APP, item_id="app1"), a_sub_item("文字", action=SendText(text="a"), item_id="text")
    ),
)


def test_a_refused_name_is_the_longest_of_its_level() -> None:
    assert suspects(REFUSED, at="name", level="top") == ("long",)
    assert suspects(REFUSED, at="name", level="sub") == ("text",)


def test_a_refused_field_is_one_of_those_that_have_it() -> None:
    assert suspects(REFUSED, at="url", level="top") == ("short", "long")
    assert suspects(REFUSED, at="url", level=None) == ("short", "long", "app1")
    assert suspects(REFUSED, at="app_id", level=None) == ("app1",)


def test_a_refusal_without_a_place_accuses_nobody() -> None:
    assert suspects(REFUSED, at=None, level=None) == ()
    assert suspects(Menu(), at="name", level="top") == ()


# ---------------------------------------------------------------- there and back

SHORT = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=4)
ACTIONS: st.SearchStrategy[Action] = st.one_of(
    st.builds(SendText, text=SHORT),
    st.just(LINK),
    st.just(APP),
    st.builds(Scan, waits=st.booleans()),
    st.just(SendLocation()),
    st.builds(SendPhotos, source=st.sampled_from(["camera", "camera_or_album", "album"])),
    st.just(TransferToAgent()),
    st.just(Imported(button=Button(name="", kind=ButtonKind.TAP, key="THEIRS"))),
)


def sub_item(name: str, action: Action) -> SubItem:
    return SubItem(id=an_id(), name=name, action=action)


def item(name: str, action: Action) -> Item:
    return Item(id=an_id(), name=name, action=action)


def parent(name: str, below: list[SubItem]) -> Item:
    return Item(id=an_id(), name=name, items=tuple(below))


def menu_of(items: list[Item]) -> Menu:
    return Menu(items=tuple(items))


SUB_ITEMS = st.builds(sub_item, SHORT, ACTIONS)
ITEMS = st.builds(item, SHORT, ACTIONS) | st.builds(parent, SHORT, st.lists(SUB_ITEMS, min_size=1, max_size=5))
MENUS = st.builds(menu_of, st.lists(ITEMS, min_size=1, max_size=3))


def shape(menu: Menu) -> list[tuple[str, Action | None, str]]:
    return [(item.name, item.action, level) for item, level in menu.all_items()]


@given(MENUS, st.integers(1, 999_999_999))
def test_a_menu_that_was_published_is_imported_as_it_was(menu: Menu, number: int) -> None:
    assert faults_of(menu, ground=GROUND) == ()
    published = compiled(menu, number=number)
    ids = count()
    back = understood(published, known=items_by_key([(number, menu)]), fresh_id=lambda: f"new{next(ids)}")
    assert shape(back) == shape(menu)
    assert [button.name for button in compiled(back, number=number + 1).all_buttons()] == [
        button.name for button in published.all_buttons()
    ]


@given(MENUS)
def test_keys_of_a_published_menu_lead_back_to_their_items(menu: Menu) -> None:
    ours = items_by_key([(7, menu)])
    assert own_keys(compiled(menu, number=7)) <= ours.keys()


@given(st.text(max_size=30))
def test_any_key_is_ours_or_nobodys(key: str) -> None:
    read = read_key(key)
    assert read is None or key_of(number=read[0], item_id=read[1]) == key or key.startswith("mo:0")


def test_what_another_platform_made_stays_as_it_is() -> None:
    theirs = ProviderMenu(
        buttons=(
            Button(name="人工", kind=ButtonKind.TAP, key="KF"),
            Button(name="问好", kind=ButtonKind.OTHER, external_kind="text", fields={"value": "你好"}),
            Button(name="官网", kind=ButtonKind.LINK, url="https://x.example/"),
        )
    )
    menu = understood(theirs, known={}, fresh_id=an_id)
    assert isinstance(menu.items[0].action, Imported)
    assert menu.items[1].action == SendText(text="你好")
    assert menu.items[2].action == LINK
    assert compiled(menu, number=1).buttons[0] == theirs.buttons[0]


# ---------------------------------------------------------------- differences


@given(MENUS)
def test_a_menu_differs_from_itself_in_nothing(menu: Menu) -> None:
    assert differences(compiled(menu, number=1), compiled(menu, number=1)) == ()


@given(MENUS, MENUS)
def test_other_menus_differ_in_something(one: Menu, other: Menu) -> None:
    before, after = compiled(one, number=1), compiled(other, number=1)
    assert (differences(before, after) == ()) == (before.digest == after.digest)


def said(before: Menu, after: Menu) -> list[tuple[str, str, str | None]]:
    found: tuple[Difference, ...] = differences(compiled(before, number=1), compiled(after, number=1))
    return [(one.kind, one.name, one.to) for one in found]


def test_differences_are_said_as_a_person_would() -> None:
    first, second = an_item("首页", item_id="home"), an_item("活动", item_id="acts", action=SendText(text="a"))
    below = a_sub_item("门店", item_id="shop", action=OpenLink(url="https://shop.example/"))
    before = a_menu(first, second, a_parent(below, name="更多", item_id="more"))
    assert said(before, a_menu(first, second)) == [("removed", "更多", None), ("removed", "门店", None)]
    assert said(a_menu(first), a_menu(first, second)) == [("added", "活动", None)]
    renamed = first.model_copy(update={"name": "主页"})
    assert said(a_menu(first), a_menu(renamed)) == [("renamed", "首页", "主页")]
    other = first.model_copy(update={"action": SendText(text="b")})
    assert said(a_menu(first), a_menu(other)) == [("changed", "首页", None)]
    assert said(a_menu(first, second), a_menu(second, first)) == [("reordered", "", None)]
    lifted = a_menu(first, second, an_item("门店", item_id="shop", action=below.action))
    assert ("moved", "门店", None) in said(before, lifted)


def test_no_menu_at_all_is_the_removal_of_every_item() -> None:
    menu = compiled(a_menu(an_item("首页")), number=1)
    assert differences(menu, None) == (Difference("removed", "首页"),)
    assert differences(None, None) == ()
