"""One request to a server that takes pushes: the verification GET and a push POST."""

import asyncio
import time
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx
from pydantic import JsonValue

from wechat_sandbox import identifiers
from wechat_sandbox.crypto import signature_of
from wechat_sandbox.destinations import Destination
from wechat_sandbox.model import ServerConfig
from wechat_sandbox.wire import compose

_MAX_ANSWER_BYTES = 1_000_000
_HEADERS = {"User-Agent": "Mozilla/4.0", "Accept": "*/*"}


@dataclass(frozen=True, slots=True)
class PushRequest:
    """A signed push, ready to be posted."""

    url: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `error` names the reason when nothing usable did."""

    status: int | None
    body: bytes
    latency_s: float
    error: str | None


def http_client() -> httpx.AsyncClient:
    """Return the client that all deliveries share; it obeys no proxy and follows no redirect."""
    # Connections idle for longer than two seconds are dropped on this side, because common servers close theirs
    # after five and a push must not fail for meeting one that is just being closed.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=2.0)
    return httpx.AsyncClient(trust_env=False, limits=limits, timeout=None, headers=_HEADERS)  # noqa: S113 (own deadline)


def verification_url(server: ServerConfig, *, echostr: str, now_s: float) -> str:
    """Return the address of the GET that asks a server to echo; the echo is plain in every mode."""
    timestamp, nonce = str(int(now_s)), identifiers.new_nonce()
    signature = signature_of(server.token, timestamp, nonce)
    query = {"signature": signature, "echostr": echostr, "timestamp": timestamp, "nonce": nonce}
    return _with_query(server.url, query)


def push_request(destination: Destination, *, openid: str, fields: dict[str, JsonValue], now_s: float) -> PushRequest:
    """Return the request for one delivery: the same inner message each time, signed afresh."""
    timestamp, nonce = str(int(now_s)), identifiers.new_nonce()
    signature = signature_of(destination.seal.token, timestamp, nonce)
    query = {"signature": signature, "timestamp": timestamp, "nonce": nonce}
    if openid:
        query["openid"] = openid
    if destination.mode == "plaintext":
        return PushRequest(url=_with_query(destination.url, query), body=compose(fields).encode())
    encrypt = destination.seal.close(message=compose(fields).encode(), random16=identifiers.new_random16())
    query["encrypt_type"] = "aes"
    query["msg_signature"] = destination.seal.signature(timestamp=timestamp, nonce=nonce, encrypt=encrypt)
    outer = fields if destination.mode == "compatible" else {name: fields[name] for name in destination.open_fields}
    return PushRequest(url=_with_query(destination.url, query), body=compose({**outer, "Encrypt": encrypt}).encode())


async def ask(client: httpx.AsyncClient, *, url: str, body: bytes | None, deadline_s: float) -> Answer:
    """Return the answer to a GET, or to a POST if there is a body; after the deadline the connection is closed."""
    started = time.monotonic()
    try:
        async with asyncio.timeout(deadline_s):
            status, content = await _exchange(client, url=url, body=body)
            error = None
    except TimeoutError:
        status, content, error = None, b"", "timeout"
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as failure:
        status, content, error = None, b"", type(failure).__name__
    except AttributeError:
        # The transport asks a socket for its peer that the server closed in the same instant, by dying for instance.
        status, content, error = None, b"", "lost_while_connecting"
    return Answer(status=status, body=content, latency_s=time.monotonic() - started, error=error)


async def _exchange(client: httpx.AsyncClient, *, url: str, body: bytes | None) -> tuple[int, bytes]:
    method, headers = ("GET", {}) if body is None else ("POST", {"Content-Type": "text/xml"})
    async with client.stream(method, url, content=body, headers=headers) as response:
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > _MAX_ANSWER_BYTES:
                break
        return response.status_code, bytes(content)


def _with_query(url: str, query: dict[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
