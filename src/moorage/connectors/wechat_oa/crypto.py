"""Signatures and sealing of WeChat's server pushes. Pure; every comparison of secrets takes constant time.

Source: WeChat Official Account docs, "Message push: access guide" and "Message encryption and decryption".
"""

import base64
import binascii
import hashlib
import hmac
import re
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from moorage.connectors.failures import MalformedInput

BLOCK_BYTES = 32
"""Padding is PKCS#7 to 32 bytes, though the cipher's own block has 16."""
RANDOM_BYTES = 16
CIPHER_BLOCK_BYTES = 16
_HEAD = struct.Struct(f">{RANDOM_BYTES}sI")
_ENCODING_AES_KEY = re.compile(r"[A-Za-z0-9]{43}")


def sign_url(*, token: str, timestamp: str, nonce: str) -> str:
    """Return the lowercase hex `signature` of a genuine request's address. It does not cover the body."""
    return _sign(token, timestamp, nonce)


def sign_message(*, token: str, timestamp: str, nonce: str, encrypt: str) -> str:
    """Return the lowercase hex `msg_signature` of a sealed body."""
    return _sign(token, timestamp, nonce, encrypt)


def _sign(*parts: str) -> str:
    joined = b"".join(sorted(part.encode("utf-8", "replace") for part in parts))
    return hashlib.sha1(joined, usedforsecurity=False).hexdigest()  # the provider's choice


def check_signature(*, expected: str, given: str) -> None:
    """Return if the two are equal. Raises MalformedInput `invalid_signature`; how long it takes tells nothing."""
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise MalformedInput(reason="invalid_signature")


def decode_aes_key(encoding_aes_key: str) -> bytes:
    """Return the 32 bytes that a 43-character EncodingAESKey stands for. Raises ValueError for anything else.

    The last character carries two unused bits that WeChat leaves as they fall: a decoder that insists on zeros there
    would refuse legal keys.
    """
    if not _ENCODING_AES_KEY.fullmatch(encoding_aes_key):
        raise ValueError("an EncodingAESKey has 43 letters and digits")
    return binascii.a2b_base64(encoding_aes_key + "=")


def seal(message: bytes, *, key: bytes, appid: str, random: bytes) -> str:
    """Return `message` sealed for `appid`, in base64. `random` has 16 bytes and is used once: the IV is fixed."""
    full = _HEAD.pack(random, len(message)) + message + appid.encode()
    pad = BLOCK_BYTES - len(full) % BLOCK_BYTES
    encryptor = _cipher(key).encryptor()
    return base64.b64encode(encryptor.update(full + bytes([pad]) * pad) + encryptor.finalize()).decode()


def unseal(encrypt: str, *, key: bytes, appid: str) -> bytes:
    """Return the message inside `encrypt`, which must be sealed for `appid`.

    Raises MalformedInput: `invalid_base64`, `invalid_ciphertext_length`, `invalid_padding`, `illegal_buffer`,
    `invalid_appid`. Check the signature first: it is what keeps these reasons from telling a forger anything.
    """
    decryptor = _cipher(key).decryptor()
    full = _strip_padding(decryptor.update(_decode_base64(encrypt)) + decryptor.finalize())
    if len(full) < _HEAD.size:
        raise MalformedInput(reason="illegal_buffer")
    length = int(_HEAD.unpack_from(full)[1])
    if length > len(full) - _HEAD.size:
        raise MalformedInput(reason="illegal_buffer")
    if not hmac.compare_digest(full[_HEAD.size + length :], appid.encode()):
        raise MalformedInput(reason="invalid_appid")
    return full[_HEAD.size : _HEAD.size + length]


def _cipher(key: bytes) -> Cipher[modes.CBC]:
    return Cipher(algorithms.AES(key), modes.CBC(key[:CIPHER_BLOCK_BYTES]))


def _decode_base64(encrypt: str) -> bytes:
    try:
        sealed = base64.b64decode(encrypt.encode("ascii"), validate=True)
    except ValueError as error:
        raise MalformedInput(reason="invalid_base64") from error
    if not sealed or len(sealed) % CIPHER_BLOCK_BYTES:
        raise MalformedInput(reason="invalid_ciphertext_length")
    return sealed


def _strip_padding(full: bytes) -> bytes:
    pad = full[-1]
    if not 1 <= pad <= BLOCK_BYTES or pad > len(full) or full[-pad:] != bytes([pad]) * pad:
        raise MalformedInput(reason="invalid_padding")
    return full[:-pad]
