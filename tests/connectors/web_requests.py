"""Requests as a visitor's page would make them, for a site of the test's choice."""

import base64
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from moorage.connectors.contract import RawRequest
from moorage.connectors.web.tokens import sign_visitor_token

NOW = datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
VISITOR = "v-7Qb2LmN5sT8u"
CREDENTIALS: Mapping[str, str] = {
    "site_id": "harbourtea",
    "key": "hV3qYp8sTzR1mNc5JkW0eLxDgUa2BoF7iQv9tSwMyHA",
}


def a_message_id(at: datetime = NOW) -> str:
    """Return a UUIDv7 as a page makes it at that time."""
    milliseconds = int(at.timestamp() * 1000)
    random = int.from_bytes(secrets.token_bytes(10))
    value = (milliseconds << 80 | random) & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62
    return str(UUID(int=value))


def a_message(kind: str, *, at: datetime = NOW, **fields: object) -> dict[str, object]:
    """Return a message of any kind."""
    return {"id": a_message_id(at), "type": kind, **fields}


def a_text(text: str = "你好", *, at: datetime = NOW, **fields: object) -> dict[str, object]:
    """Return a text message."""
    return a_message("text", at=at, text=text, **fields)


def a_push(
    message: Mapping[str, object],
    *,
    site_id: str = CREDENTIALS["site_id"],
    key: str = CREDENTIALS["key"],
    visitor_id: str = VISITOR,
    until: datetime = NOW + timedelta(hours=1),
) -> RawRequest:
    """Return the request that hands a message in."""
    token = sign_visitor_token(key=key, site_id=site_id, visitor_id=visitor_id, until=until)
    return in_envelope({"token": token, "message": message})


def in_envelope(envelope: object) -> RawRequest:
    """Return a request with this JSON as its body."""
    body = json.dumps(envelope).encode()
    return RawRequest(method="POST", query={}, content_type="application/json", body=body)


def with_a_new_token(request: RawRequest) -> RawRequest:
    """Return the same message, handed in once more with a renewed token."""
    envelope = json.loads(request.body)
    payload = json.loads(_decoded(envelope["token"]))
    return a_push(envelope["message"], visitor_id=payload["visitor"], until=NOW + timedelta(hours=2))


def forged(request: RawRequest) -> RawRequest:
    """Return the request with a signature that nobody made with the key."""
    envelope = json.loads(request.body)
    payload = envelope["token"].partition(".")[0]
    return in_envelope({**envelope, "token": f"{payload}.{'0' * 64}"})


def _decoded(token: str) -> bytes:
    return base64.urlsafe_b64decode(token.partition(".")[0])
