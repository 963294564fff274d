"""The sentences that people read for reasons, as the console and the connectors have them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from moorage.connectors.strings import read_strings
from moorage.conversations.model import DeliveryReason

CONSOLE = Path(__file__).parents[2] / "console" / "src"
LOCALES = ("zh-CN", "en")


def texts_of(locale: str, part: str) -> Mapping[str, object]:
    """Return the console's texts under a dotted name."""
    found: object = json.loads((CONSOLE / "features/workbench/locales" / f"{locale}.json").read_text("utf-8"))
    for name in part.split("."):
        found = cast("Mapping[str, object]", found)[name]
    return cast("Mapping[str, object]", found)


def explained_reasons(locale: str, *, kind: str) -> frozenset[str]:
    """Return every reason that a message of such a channel can show with a sentence in this language."""
    ours = {reason for reason, text in texts_of(locale, "delivery.reason").items() if text}
    left = {str(DeliveryReason.LEFT)} if texts_of(locale, "delivery").get("left") else set[str]()
    theirs = {name.removeprefix("reason.") for name, text in read_strings(kind)[locale].items() if text}
    return frozenset(ours | left | theirs)
