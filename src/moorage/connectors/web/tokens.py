"""The signed token by which a visitor's page says who it is. Pure.

`<payload>.<signature>`: the payload is base64url of JSON with `site`, `visitor` and `until` (Unix seconds), the
signature the hex HMAC-SHA256 over it with the channel's key. Whoever serves the page makes one for each visitor and
renews it.
"""

import base64
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from moorage.connectors.failures import MalformedInput

PURPOSE = b"moorage web visitor 1:"
"""Stands before what is signed, so that nothing that was signed for another purpose is a token."""
VISITOR_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    site: str
    visitor: str = Field(pattern=VISITOR_ID)
    until: int


def sign_visitor_token(*, key: str, site_id: str, visitor_id: str, until: datetime) -> str:
    """Return a token with which `visitor_id` may write to the site before `until`."""
    payload = json.dumps({"site": site_id, "visitor": visitor_id, "until": int(until.timestamp())}).encode()
    encoded = base64.urlsafe_b64encode(payload).decode()
    return f"{encoded}.{_sign(encoded, key=key)}"


def read_visitor_token(token: str, *, key: str, site_id: str, now: datetime) -> str:
    """Return whose token it is.

    Raises MalformedInput: `invalid_signature`, `foreign_account` for another site's, `expired_token`, `invalid_token`.
    """
    encoded, _, signature = token.partition(".")
    expected = _sign(encoded, key=key)
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        raise MalformedInput(reason="invalid_signature")
    payload = _payload(encoded)
    if payload.site != site_id:
        raise MalformedInput(reason="foreign_account")
    if now >= _instant(payload.until):
        raise MalformedInput(reason="expired_token")
    return payload.visitor


def _sign(encoded: str, *, key: str) -> str:
    signed = PURPOSE + encoded.encode("utf-8", "replace")
    return hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()


def _payload(encoded: str) -> _Payload:
    try:
        return _Payload.model_validate_json(base64.urlsafe_b64decode(encoded))
    except (ValueError, ValidationError) as error:
        raise MalformedInput(reason="invalid_token") from error


def _instant(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise MalformedInput(reason="invalid_token") from error
