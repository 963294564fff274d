"""Visitors' messages as typed values. Pure.

A push is a JSON object with `token` and `message`; a message has `id`, `type` and what belongs to its type. What is
kept to replay from names site and visitor in place of the token, which is a secret of the visitor's.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NoReturn, cast
from uuid import RFC_4122, UUID

from moorage.connectors.content import Content, Text, Unsupported
from moorage.connectors.contract import CustomerMessage, Inbound
from moorage.connectors.failures import MalformedInput

Fields = Mapping[str, object]

MOST_TYPE_CHARACTERS = 40
MOST_DEPTH = 20
_COMMON = frozenset({"id", "type"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_envelope(body: bytes) -> tuple[str, Fields]:
    """Return the token of a push and its message, neither of them checked. Raises MalformedInput."""
    whole = _read_object(body)
    token, message = whole.get("token"), whole.get("message")
    if not isinstance(token, str) or not isinstance(message, dict):
        raise MalformedInput(reason="missing_field")
    return token, cast("Fields", message)


def kept_body(*, site_id: str, visitor_id: str, message: Fields) -> bytes:
    """Return what is stored of a verified push."""
    kept = {"site": site_id, "visitor": visitor_id, "message": message}
    return json.dumps(kept, ensure_ascii=False, sort_keys=True).encode()


def read_kept(body: bytes) -> Inbound:
    """Return what a stored push tells. Raises MalformedInput."""
    whole = _read_object(body)
    message = whole.get("message")
    if not isinstance(message, dict):
        raise MalformedInput(reason="missing_field")
    fields = cast("Fields", message)
    visitor_id, message_id = _text(whole, "visitor"), _message_id(fields)
    return Inbound(
        external_customer_id=visitor_id,
        external_account_id=_text(whole, "site"),
        once_key=f"m:{visitor_id}:{message_id}",
        happened_at=_written_at(message_id),
        what=CustomerMessage(content=_read_content(fields)),
        external_message_id=str(message_id),
        body=body,
        reply_context={},
    )


# ---------------------------------------------------------------- JSON


def _read_object(body: bytes) -> Fields:
    """Return the object in `body`, if PostgreSQL can keep every part of it."""
    try:
        value: object = json.loads(body.decode(), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise MalformedInput(reason="invalid_encoding") from error
    except RecursionError as error:
        raise MalformedInput(reason="too_deep") from error
    except ValueError as error:
        raise MalformedInput(reason="invalid_json") from error
    _check_storable(value, depth=0)
    if not isinstance(value, dict):
        raise MalformedInput(reason="invalid_json")
    return cast("Fields", value)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _check_storable(value: object, *, depth: int) -> None:
    if depth > MOST_DEPTH:
        raise MalformedInput(reason="too_deep")
    match value:
        case str():
            _check_text(value)
        case dict():
            for name, inner in cast("Fields", value).items():
                _check_text(name)
                _check_storable(inner, depth=depth + 1)
        case list():
            for inner in cast("list[object]", value):
                _check_storable(inner, depth=depth + 1)
        case float() if value in (float("inf"), float("-inf")):  # what 1e999 becomes
            raise MalformedInput(reason="invalid_json")
        case _:
            return


def _check_text(text: str) -> None:
    """Return if `text` can be stored: no NUL, and no half of a surrogate pair."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise MalformedInput(reason="invalid_encoding")


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise MalformedInput(reason="missing_field" if name not in fields else "invalid_field")
    return value


# ---------------------------------------------------------------- the message


def _message_id(fields: Fields) -> UUID:
    """Return the id that the page gave the message: a UUIDv7, made once and the same whenever it is handed in."""
    try:
        message_id = UUID(_text(fields, "id"))
    except ValueError as error:
        raise MalformedInput(reason="invalid_field") from error
    if message_id.variant != RFC_4122 or message_id.version != 7:
        raise MalformedInput(reason="invalid_field")
    return message_id


def _written_at(message_id: UUID) -> datetime:
    """Return when the message was written by the visitor's clock: its id carries that, so it never changes."""
    try:
        return _EPOCH + timedelta(milliseconds=message_id.int >> 80)
    except OverflowError as error:
        raise MalformedInput(reason="invalid_field") from error


def _read_content(fields: Fields) -> Content:
    """Return the typed content, or Unsupported with every field where it is of no kind we know, or lacks something."""
    kind = _text(fields, "type")
    if len(kind) > MOST_TYPE_CHARACTERS:
        raise MalformedInput(reason="invalid_field")
    text, choice_id = fields.get("text"), fields.get("choice_id")
    rest = {name: value for name, value in fields.items() if name not in _COMMON}
    if kind != "text" or not isinstance(text, str) or not text.strip():
        return Unsupported(kind=kind, fields=rest)
    others = {name: value for name, value in rest.items() if name not in {"text", "choice_id"}}
    return Text(text=text, choice_id=choice_id if isinstance(choice_id, str) and choice_id else None, others=others)
