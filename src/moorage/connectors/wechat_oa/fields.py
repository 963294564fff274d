"""Bodies, XML or JSON, to one tree of names and texts, and back. Pure, bounded in time and memory.

Every value is a text exactly as it came, so that 64-bit numbers and coordinates survive. A name that can stand several
times is a list even when it stands once.
"""

import json
import re
from collections.abc import Mapping
from typing import Literal, cast
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from moorage.connectors.failures import MalformedInput
from moorage.connectors.wechat_oa.manifest import MOST_BODY_BYTES

Format = Literal["xml", "json"]
Value = object
"""A `str`, a list of values, or a mapping of names to values."""
Fields = Mapping[str, Value]

MOST_DEPTH = 16
"""Of nesting. WeChat's deepest notice has six levels."""
_ALWAYS_LISTS = frozenset({"item", "List"})
_ENCRYPT_IN_XML = re.compile(rb"<Encrypt>(?:<!\[CDATA\[)?([^<\]]*)")
_ENCRYPT_IN_JSON = re.compile(rb'"Encrypt"\s*:\s*"([^"]*)"')
_UNWRITABLE = re.compile(r"[\x00\ud800-\udfff]")
"""What PostgreSQL or UTF-8 cannot hold; JSON can smuggle it in by escapes."""
_UNSAYABLE = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, and the carriage return, which it would turn into a line break of its own."""


def format_of(body: bytes) -> Format:
    """Return how `body` is written, by its first character."""
    return "json" if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else "xml"


def read_fields(body: bytes) -> Fields:
    """Return the fields of `body`. Raises MalformedInput: `body_too_large`, `invalid_encoding`, `invalid_xml`,
    `invalid_json`, `too_deep`."""
    if len(body) > MOST_BODY_BYTES:
        raise MalformedInput(reason="body_too_large")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedInput(reason="invalid_encoding") from error
    return _read_json(text) if format_of(body) == "json" else _read_xml(text)


def sealed_part(body: bytes) -> str:
    """Return what `Encrypt` holds, found without parsing; empty where there is none.

    Its signature has to be checked before a stranger's body is worth any work. One linear look, whatever the body.
    """
    found = (_ENCRYPT_IN_JSON if format_of(body) == "json" else _ENCRYPT_IN_XML).search(body)
    return found[1].decode("ascii", "replace").replace("\\/", "/").strip() if found else ""


def text_of(fields: Fields, name: str) -> str | None:
    """Return the text of a field, or None where it is missing or not a plain text."""
    value = fields.get(name)
    return value if isinstance(value, str) else None


def write_fields(fields: Mapping[str, str | int], *, format: Format) -> bytes:  # noqa: A002 -- the word for it
    """Return a body with `fields`; numbers are written bare, texts as CDATA."""
    if format == "json":
        return json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")
    return f"<xml>{''.join(_element(name, value) for name, value in fields.items())}</xml>".encode()


def _element(name: str, value: str | int) -> str:
    if isinstance(value, int):
        return f"<{name}>{value}</{name}>"
    sayable = _UNSAYABLE.sub("", value)
    return f"<{name}><![CDATA[{sayable.replace(']]>', ']]]]><![CDATA[>')}]]></{name}>"


# ---------------------------------------------------------------- XML


def _read_xml(text: str) -> Fields:
    try:
        root = fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise MalformedInput(reason="invalid_xml") from error
    value = _xml_value(root, depth=0)
    if isinstance(value, str):
        raise MalformedInput(reason="invalid_xml")
    return value


def _xml_value(element: Element, *, depth: int) -> str | dict[str, Value]:
    """Return an element without children and attributes as its text, any other as a mapping that loses nothing."""
    if depth > MOST_DEPTH:
        raise MalformedInput(reason="too_deep")
    if len(element) == 0 and not element.attrib:
        return element.text or ""
    fields: dict[str, Value] = {f"@{name}": value for name, value in element.attrib.items()}
    loose = "".join([element.text or "", *(child.tail or "" for child in element)]).strip()
    if loose:
        fields["#text"] = loose
    for child in element:
        _put(fields, name=child.tag, value=_xml_value(child, depth=depth + 1))
    return fields


def _put(fields: dict[str, Value], *, name: str, value: Value) -> None:
    before = fields.get(name)
    if isinstance(before, list):
        cast("list[Value]", before).append(value)
    elif before is not None:
        fields[name] = [before, value]
    else:
        fields[name] = [value] if name in _ALWAYS_LISTS else value


# ---------------------------------------------------------------- JSON


def _read_json(text: str) -> Fields:
    try:
        value: object = json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse_constant, strict=False)
        tree = _json_value(value, depth=0)
    except (ValueError, RecursionError) as error:
        raise MalformedInput(reason="invalid_json") from error
    if not isinstance(tree, dict):
        raise MalformedInput(reason="invalid_json")
    return cast("Fields", tree)


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


def _json_value(value: object, *, depth: int) -> Value:
    if depth > MOST_DEPTH:
        raise MalformedInput(reason="too_deep")
    if isinstance(value, str):
        return _UNWRITABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {_UNWRITABLE.sub("\ufffd", name): _listed(name, item, depth=depth + 1) for name, item in items}
    if isinstance(value, list):
        return [_json_value(part, depth=depth + 1) for part in cast("list[object]", value)]
    if value is None:
        return ""
    return "true" if value is True else "false"


def _listed(name: str, value: object, *, depth: int) -> Value:
    tree = _json_value(value, depth=depth)
    if name not in _ALWAYS_LISTS or isinstance(value, list):
        return tree
    return [tree]
