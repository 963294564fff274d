"""What stands around every request of WeChat's: signatures, age, sealing. Pure.

Source: WeChat Official Account docs, "Message push: access guide" and "Message encryption and decryption".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from moorage.connectors.contract import AddressVerified, RawRequest
from moorage.connectors.failures import MalformedInput
from moorage.connectors.wechat_oa import crypto
from moorage.connectors.wechat_oa.fields import Fields, read_fields, sealed_part
from moorage.connectors.wechat_oa.manifest import MOST_BODY_BYTES, SIGNED_WITHIN

MOST_NONCE_CHARACTERS = 64
CONTENT_TYPES = frozenset({"text/xml", "application/xml", "application/json", "text/plain", ""})
"""WeChat sends `text/xml`; the others are what proxies and accounts with JSON pushes make of it."""
KEY_FIELDS = ("aes_key", "previous_aes_key")
"""The credentials that may open a push: WeChat goes on with the old key for a while after a change."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A sealed request, opened: what stood around it, what was inside, and the name of the key that opened it."""

    outer: Fields
    body: bytes
    key: str
    nonce: str


def check_frame(*, credentials: Mapping[str, str], request: RawRequest, now: datetime) -> AddressVerified | None:
    """Return the answer to WeChat's question whether an address is ours, or None for a push that may be opened.

    Raises MalformedInput for a request that is none of WeChat's by its size, address or content type.
    """
    if len(request.body) > MOST_BODY_BYTES:
        raise MalformedInput(reason="body_too_large")
    if request.method == "GET":
        check_url_signature(credentials=credentials, query=request.query, now=now)
        return AddressVerified(body=request.query.get("echostr", "").encode("utf-8", "replace"))
    if "signature" in request.query:  # always sent, though it does not cover the body
        check_url_signature(credentials=credentials, query=request.query, now=now)
    if request.content_type.partition(";")[0].strip().lower() not in CONTENT_TYPES:
        raise MalformedInput(reason="wrong_content_type")
    return None


def check_url_signature(*, credentials: Mapping[str, str], query: Mapping[str, str], now: datetime) -> None:
    """Return if the address is signed by who knows the token, lately. Raises MalformedInput."""
    timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    expected = crypto.sign_url(token=credentials["token"], timestamp=timestamp, nonce=nonce)
    crypto.check_signature(expected=expected, given=query.get("signature", ""))
    _check_age(timestamp=timestamp, nonce=nonce, now=now)


def open_sealed(*, credentials: Mapping[str, str], request: RawRequest, now: datetime) -> Opened:
    """Return what a sealed request holds. Raises MalformedInput, `invalid_signature` before anything else."""
    query = request.query
    timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    encrypt = sealed_part(request.body)
    expected = crypto.sign_message(token=credentials["token"], timestamp=timestamp, nonce=nonce, encrypt=encrypt)
    crypto.check_signature(expected=expected, given=query.get("msg_signature", ""))
    _check_age(timestamp=timestamp, nonce=nonce, now=now)
    key, body = _unsealed(encrypt, credentials=credentials)
    return Opened(outer=read_fields(request.body), body=body, key=key, nonce=nonce)


def _check_age(*, timestamp: str, nonce: str, now: datetime) -> None:
    """Return if a signed request is of our time. Called after the signature: only WeChat's own word is judged."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11) or len(nonce) > MOST_NONCE_CHARACTERS:
        raise MalformedInput(reason="invalid_timestamp")
    age = now - datetime.fromtimestamp(int(timestamp), UTC)
    if not -SIGNED_WITHIN <= age <= SIGNED_WITHIN:
        raise MalformedInput(reason="stale_timestamp")


def _unsealed(encrypt: str, *, credentials: Mapping[str, str]) -> tuple[str, bytes]:
    """Return the name of the key that opens `encrypt`, and what is inside. Raises what the present key met."""
    failure: MalformedInput | None = None
    for name in KEY_FIELDS:
        if not credentials.get(name):
            continue
        try:
            key = crypto.decode_aes_key(credentials[name])
            return name, crypto.unseal(encrypt, key=key, appid=credentials["appid"])
        except MalformedInput as error:
            failure = failure or error
    raise failure or MalformedInput(reason="no_key")
