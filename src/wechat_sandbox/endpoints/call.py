"""What every endpoint gets, and how it reads its body."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from pydantic import JsonValue

from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.model import Account, Authorization, Component
from wechat_sandbox.world import Sandbox

JsonObject = dict[str, JsonValue]

# An even number of backslashes before it would make `\uXXXX` ordinary text.
_UNICODE_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u[0-9a-fA-F]{4}")


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file of a multipart body; `name` and `media_type` are what the caller claims."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """A multipart body: its files and its texts by field."""

    files: Mapping[str, UploadedFile] = field(default_factory=dict[str, UploadedFile])
    texts: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Binary:
    """An answer that is a file and not JSON."""

    content: bytes
    media_type: str
    file_name: str


@dataclass(slots=True)
class Call:
    """One call on its way through an endpoint.

    `account` is whose business it is, `component` the platform that calls, on behalf of the account if both are set.
    """

    sandbox: Sandbox
    query: Mapping[str, str]
    raw: bytes
    now_s: float
    client_ip: str
    base_url: str
    """Where the stand-in itself is reached, without a slash at the end."""
    account: Account | None
    component: Component | None = None
    authorization: Authorization | None = None
    form: Form = field(default_factory=Form)
    caller_appid: str | None = None
    """Set by endpoints that learn the caller from their parameters, for the call log."""

    def owner(self) -> Account:
        """Return the account that calls. Raises ApiRefusal 41001 where no token was asked for."""
        if self.account is None:
            raise ApiRefusal(41001)
        return self.account

    def platform(self) -> Component:
        """Return the platform that calls. Raises ApiRefusal 61014 where none does."""
        if self.component is None:
            raise ApiRefusal(61014)
        return self.component

    def body(self) -> JsonObject:
        """Return the JSON body. Raises ApiRefusal 44002, 40033 or 47001."""
        if not self.raw.strip():
            raise ApiRefusal(44002)
        if _UNICODE_ESCAPE.search(self.raw):
            raise ApiRefusal(40033)
        try:
            document: object = json.loads(self.raw.decode(), parse_constant=_no_number)
        except UnicodeDecodeError as error:
            raise ApiRefusal(40033) from error
        except (ValueError, RecursionError) as error:
            raise ApiRefusal(47001) from error
        if not isinstance(document, dict):
            raise ApiRefusal(47001)
        return cast(JsonObject, document)


def _no_number(name: str) -> object:
    """Refuse NaN and Infinity, which are no JSON."""
    raise ValueError(name)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path of the API."""

    path: str
    method: Literal["GET", "POST", "ANY"]
    answer: Callable[[Call], "JsonObject | Binary"]
    auth: Literal["none", "account", "component", "any"] = "account"
    """Whose token it takes: an account's (its own or one that a platform has for it), a platform's, either, none."""
    sets: frozenset[int] = frozenset()
    """Permission sets of which a platform needs one to call it for an account; none are needed if there are none."""


def text_of(body: Mapping[str, JsonValue], key: str) -> str:
    """Return the text under a key, "" if there is none."""
    value = body.get(key)
    return value if isinstance(value, str) else ""


def object_of(body: Mapping[str, JsonValue], key: str) -> JsonObject:
    """Return the object under a key, an empty one if there is none."""
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def list_of(body: Mapping[str, JsonValue], key: str) -> list[JsonValue]:
    """Return the list under a key, an empty one if there is none."""
    value = body.get(key)
    return value if isinstance(value, list) else []


OK: JsonObject = {"errcode": 0, "errmsg": "ok"}
