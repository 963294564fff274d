"""XML as it travels: composing pushes and reading replies."""

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring as _guarded_fromstring  # pyright: ignore[reportUnknownVariableType]
from pydantic import JsonValue

# Everything XML 1.0 cannot carry even inside CDATA.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class NotXml(Exception):
    """The text is not a well-formed document, or uses a DTD or entities."""


def compose(fields: Mapping[str, JsonValue]) -> str:
    """Return the `<xml>` document of the fields: texts in CDATA, numbers bare, lists repeated."""
    return "<xml>" + "".join(_element(name, value) for name, value in fields.items()) + "</xml>"


def parse(document: bytes) -> Element:
    """Return the root element. Raises NotXml."""
    try:
        return _guarded_fromstring(document, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise NotXml(str(error)) from error


def child_text(parent: Element, name: str) -> str | None:
    """Return the text of the named child, "" if it is empty, None if it is absent."""
    child = parent.find(name)
    return None if child is None else (child.text or "")


def _element(name: str, value: JsonValue) -> str:
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    return f"<{name}>{_content(value)}</{name}>"


def _content(value: JsonValue) -> str:
    if isinstance(value, str):
        return _cdata(value)
    if isinstance(value, dict):
        return "".join(_element(name, item) for name, item in value.items())
    if isinstance(value, float):
        return f"{value:.6f}"
    return "" if value is None else str(value)


def _cdata(text: str) -> str:
    legal = _ILLEGAL.sub("", text)
    return f"<![CDATA[{legal.replace(']]>', ']]]]><![CDATA[>')}]]>"
