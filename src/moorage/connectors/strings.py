"""The words of each kind of channel, in every language of the console."""

import json
from collections.abc import Mapping
from importlib.resources import files

LOCALES = ("zh-CN", "en")


def read_strings(kind: str) -> Mapping[str, Mapping[str, str]]:
    """Return locale -> key -> text of one kind. Reads files: call it while starting, not on the loop."""
    folder = files("moorage.connectors") / kind / "strings"
    return {locale: json.loads((folder / f"{locale}.json").read_text("utf-8")) for locale in LOCALES}
