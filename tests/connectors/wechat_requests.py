"""Requests as WeChat would make them, for an account of the test's choice."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from moorage.connectors.contract import RawRequest
from moorage.connectors.wechat_oa import crypto
from moorage.connectors.wechat_oa.fields import write_fields

NOW = datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
ACCOUNT = "gh_5b8e21a7c4d9"
CUSTOMER = "oK3x7wV9Qb2LmN5sT8uYcE1rZ4aI"
CREDENTIALS: Mapping[str, str] = {
    "appid": "wx7c1e5a90b2d4f683",
    "secret": "0123456789abcdef0123456789abcdef",
    "token": "Kf7tokenXq2LmZ",
    "aes_key": "hV3qYp8sTzR1mNc5JkW0eLxDgUa2BoF7iQv9tSwMyHA",
    "mode": "secure",
}


def with_mode(mode: str) -> Mapping[str, str]:
    """Return the credentials of an account whose pushes come in `mode`."""
    return {**CREDENTIALS, "mode": mode}


def a_message(text: str = "你好", *, message_id: str = "24680135791357924") -> bytes:
    """Return the plaintext of a text message."""
    fields = {"ToUserName": ACCOUNT, "FromUserName": CUSTOMER, "CreateTime": 1767225600, "MsgType": "text"}
    return write_fields({**fields, "Content": text, "MsgId": int(message_id)}, format="xml")


def signed_query(*, nonce: str = "1804289383", at: datetime = NOW, token: str = CREDENTIALS["token"]) -> dict[str, str]:
    """Return the query that every request of WeChat's carries."""
    timestamp = str(int(at.timestamp()))
    signature = crypto.sign_url(token=token, timestamp=timestamp, nonce=nonce)
    return {"signature": signature, "timestamp": timestamp, "nonce": nonce, "openid": CUSTOMER}


def plain_push(body: bytes, *, nonce: str = "1804289383", at: datetime = NOW) -> RawRequest:
    """Return a push in plaintext mode."""
    return RawRequest(method="POST", query=signed_query(nonce=nonce, at=at), content_type="text/xml", body=body)


def sealed_push(
    body: bytes,
    *,
    nonce: str = "1804289383",
    at: datetime = NOW,
    appid: str = CREDENTIALS["appid"],
    aes_key: str = CREDENTIALS["aes_key"],
    token: str = CREDENTIALS["token"],
    envelope: str = "xml",
    beside: Mapping[str, str] | None = None,
) -> RawRequest:
    """Return a push in secure mode; with `beside`, the compatible one that repeats fields in the clear."""
    encrypt = crypto.seal(body, key=crypto.decode_aes_key(aes_key), appid=appid, random=b"0123456789abcdef")
    query = signed_query(nonce=nonce, at=at, token=token)
    msg_signature = crypto.sign_message(token=token, timestamp=query["timestamp"], nonce=nonce, encrypt=encrypt)
    outer = {"ToUserName": ACCOUNT, **(beside or {}), "Encrypt": encrypt}
    return RawRequest(
        method="POST",
        query={**query, "encrypt_type": "aes", "msg_signature": msg_signature},
        content_type="application/json" if envelope == "json" else "text/xml",
        body=json.dumps(outer).encode() if envelope == "json" else write_fields(outer, format="xml"),
    )


def verification(*, echostr: str = "5573618899206113843", at: datetime = NOW) -> RawRequest:
    """Return WeChat's question whether the address is ours. `echostr` comes in the clear in every mode."""
    return RawRequest(method="GET", query={**signed_query(at=at), "echostr": echostr}, content_type="", body=b"")
