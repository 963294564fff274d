"""Signatures and sealing of pushes and replies, as WeChat's own servers do them."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK_BYTES = 32
"""PKCS#7 block of the scheme; the cipher's own block is 16."""


class SealBroken(Exception):
    """A sealed text cannot be opened; `code` names the first check that failed."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def signature_of(*parts: str) -> str:
    """Return the lowercase hex SHA-1 of the parts, sorted by byte value and joined."""
    joined = b"".join(sorted(part.encode() for part in parts))
    return hashlib.sha1(joined, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Seal:
    """What one account needs to seal texts and to open them."""

    token: str
    aes_key: str
    appid: str

    def close(self, *, message: bytes, random16: bytes) -> str:
        """Return the base64 `Encrypt` value of a message; `random16` is 16 bytes used once."""
        full = random16 + len(message).to_bytes(4, "big") + message + self.appid.encode()
        pad = BLOCK_BYTES - len(full) % BLOCK_BYTES
        encryptor = self._cipher().encryptor()
        sealed = encryptor.update(full + bytes([pad]) * pad) + encryptor.finalize()
        return base64.b64encode(sealed).decode()

    def signature(self, *, timestamp: str, nonce: str, encrypt: str) -> str:
        """Return the message signature, which covers the sealed text too."""
        return signature_of(self.token, timestamp, nonce, encrypt)

    def open(self, *, encrypt: str, timestamp: str, nonce: str, signature: str) -> bytes:
        """Return the message after every check a strict receiver makes. Raises SealBroken."""
        expected = self.signature(timestamp=timestamp, nonce=nonce, encrypt=encrypt)
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise SealBroken("invalid_signature")
        full = _without_padding(self._decrypted(encrypt))
        length = int.from_bytes(full[16:20], "big")
        if len(full) < 20 or 20 + length > len(full):
            raise SealBroken("illegal_buffer")
        if full[20 + length :] != self.appid.encode():
            raise SealBroken("invalid_appid")
        return full[20 : 20 + length]

    def _decrypted(self, encrypt: str) -> bytes:
        try:
            sealed = base64.b64decode(encrypt, validate=True)
        except (binascii.Error, ValueError) as error:
            raise SealBroken("invalid_base64") from error
        if not sealed or len(sealed) % 16:
            raise SealBroken("invalid_ciphertext_length")
        decryptor = self._cipher().decryptor()
        return decryptor.update(sealed) + decryptor.finalize()

    def _cipher(self) -> Cipher[modes.CBC]:
        key = aes_key_bytes(self.aes_key)
        return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def aes_key_bytes(encoding_aes_key: str) -> bytes:
    """Return the 32 key bytes; the two unused bits of the 43rd character may be anything."""
    return base64.b64decode(encoding_aes_key + "=")


def _without_padding(padded: bytes) -> bytes:
    pad = padded[-1]
    if not 1 <= pad <= BLOCK_BYTES or padded[-pad:] != bytes([pad]) * pad:
        raise SealBroken("invalid_padding")
    return padded[:-pad]
