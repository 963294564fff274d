"""The page of a channel's settings, compared with what there is."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

import annotated_types
import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from moorage.channels.account_statements import Statement
from moorage.channels.follow_replies.model import (
    ChoicesReply,
    FollowReply,
    NewsReply,
    PictureReply,
    SceneReply,
    TextReply,
)
from moorage.channels.model import ChannelSettings, SettingsField

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "channel-settings.md").read_text("utf-8")
LOCALES = ROOT / "console" / "src" / "features" / "channels"
NOT_SHOWN = "not in the console"
MESSAGES = (TextReply, PictureReply, ChoicesReply, NewsReply)
ROW = re.compile(r"^\| ([^|]+) \| `([^`|]+)` \| ([^|]+) \| ([^|]+) \|", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    key: str
    default: str
    bounds: str


def rows() -> dict[str, Row]:
    found = [Row(*(cell.strip() for cell in match.groups())) for match in ROW.finditer(PAGE)]
    assert len(found) == len({row.key for row in found}), "a key stands there twice"
    return {row.key: row for row in found}


def fields_of(model: type[BaseModel], *, under: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield each setting of a model and of its parts, with its key."""
    for name, field in model.model_fields.items():
        part = field.annotation
        if isinstance(part, type) and issubclass(part, BaseModel):
            yield from fields_of(part, under=f"{under}{name}.")
        elif name != "type":
            yield f"{under}{name}", field


def every_setting() -> dict[str, FieldInfo]:
    found = dict(fields_of(ChannelSettings)) | dict(fields_of(FollowReply))
    found |= dict(fields_of(SceneReply, under="scenes[]."))
    for message in MESSAGES:
        found |= dict(fields_of(message, under=f"{message.model_fields['type'].default}."))
    return found


def in_words(default: object) -> str:
    """Return a default as the page writes it."""
    match default:
        case None:
            return "empty"
        case bool():
            return "on" if default else "off"
        case "" | ():
            return "none"
        case tuple():
            return ", ".join(f"`{each}`" for each in cast("tuple[object, ...]", default))
        case str():
            return f"`{default}`"
        case _:
            return str(default)


def texts_of(feature: str, language: str) -> dict[str, str]:
    """Return every text of the console's feature by its path."""

    def walk(node: object, path: str) -> Iterator[tuple[str, str]]:
        if isinstance(node, dict):
            for name, child in cast("dict[str, object]", node).items():
                yield from walk(child, f"{path}/{name}")
        else:
            yield path, str(node)

    return dict(walk(json.loads((LOCALES / feature / "locales" / f"{language}.json").read_text("utf-8")), ""))


def test_every_setting_stands_on_the_page_and_no_other() -> None:
    stated = {"name", *Statement.__annotations__}
    assert rows().keys() == every_setting().keys() | stated


@pytest.mark.parametrize("key", sorted(every_setting()))
def test_defaults_and_bounds_are_those_of_the_code(key: str) -> None:
    field, row = every_setting()[key], rows()[key]
    assert row.default == in_words(field.get_default(call_default_factory=True))
    for bound in field.metadata:
        if isinstance(bound, annotated_types.Ge):
            assert f"{bound.ge} to " in row.bounds
        if isinstance(bound, annotated_types.Le):
            assert f" to {bound.le}" in row.bounds


def test_names_are_those_of_the_console() -> None:
    pairs = {
        (text, chinese[path])
        for feature in ("", "follow")
        for chinese in [texts_of(feature, "zh-CN")]
        for path, text in texts_of(feature, "en").items()
    }
    for row in rows().values():
        if row.name != NOT_SHOWN:
            assert tuple(row.name.split(" · ")) in pairs, row.name


def test_everything_that_can_be_copied_is_named() -> None:
    copied = PAGE.partition("## Copy them")[2]
    for part in (*get_args(SettingsField), "follow_reply"):
        assert f"`{part}`" in copied
