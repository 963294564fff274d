"""Identifiers in the shapes that WeChat uses."""

import base64
import hashlib
import re
import secrets
import string
import time

_ALNUM = string.ascii_letters + string.digits
_OPENID = re.compile(r"o[A-Za-z0-9_-]{27}")


def new_appid() -> str:
    """Return an appid: `wx` and 16 hex digits."""
    return "wx" + secrets.token_hex(8)


def new_secret() -> str:
    """Return an app secret: 32 hex digits."""
    return secrets.token_hex(16)


def new_username() -> str:
    """Return an original id: `gh_` and 12 hex digits."""
    return "gh_" + secrets.token_hex(6)


def new_openid(*, appid: str) -> str:
    """Return a 28-character openid; those of one account share their first six characters."""
    digest = hashlib.sha256(appid.encode()).digest()
    family = base64.urlsafe_b64encode(digest).decode()[:5]
    return "o" + family + secrets.token_urlsafe(24)[:22]


def is_openid(text: str) -> bool:
    """Return whether the text has the shape of an openid."""
    return _OPENID.fullmatch(text) is not None


def next_msg_id(*, last: int) -> int:
    """Return a 64-bit MsgId above `last`, too large for floating point on purpose."""
    return max(last + 1, time.time_ns() // 100)


def new_access_token() -> str:
    """Return an access token: a number, an underscore and url-safe text."""
    return f"{secrets.randbelow(90) + 10}_{secrets.token_urlsafe(96)}"


def new_nonce() -> str:
    """Return the decimal nonce of a push."""
    return str(secrets.randbelow(2**31))


def new_echostr() -> str:
    """Return the decimal text that a server must echo."""
    return str(10**18 + secrets.randbelow(9 * 10**18))


def new_random16() -> bytes:
    """Return the 16 printable bytes that open a sealed text."""
    return "".join(secrets.choice(_ALNUM) for _ in range(16)).encode()


def new_request_id(*, now_s: float) -> str:
    """Return a `rid`: three groups of eight hex digits, the first being the time."""
    return f"{int(now_s):08x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"


def new_ticket() -> str:
    """Return a verify ticket."""
    return f"ticket@@@{secrets.token_urlsafe(64)}"


def new_pre_auth_code() -> str:
    """Return a code that opens the authorization page."""
    return f"preauthcode@@@{secrets.token_urlsafe(48)}"


def new_authorization_code() -> str:
    """Return a code that a platform exchanges for an account's tokens."""
    return f"queryauthcode@@@{secrets.token_urlsafe(48)}"


def new_refresh_token() -> str:
    """Return the refresh token of an authorization."""
    return f"refreshtoken@@@{secrets.token_urlsafe(32)}"


def new_request_token() -> str:
    """Return the unguessable name of one visit of the authorization page."""
    return secrets.token_urlsafe(16)


def new_token() -> str:
    """Return a signing token of 24 letters and digits."""
    return "".join(secrets.choice(_ALNUM) for _ in range(24))


def new_aes_key() -> str:
    """Return an EncodingAESKey of 43 letters and digits."""
    return "".join(secrets.choice(_ALNUM) for _ in range(43))


def new_media_id(*, kind: str) -> str:
    """Return a made-up media id."""
    return f"{kind}_{secrets.token_urlsafe(48)}"
