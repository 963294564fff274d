"""Secrets at rest: sealed with AES-256-GCM, under keys that live outside the database."""

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from moorage.core.errors import DomainError

KEY_BYTES = 32
_FORMAT = b"\x01"
_KEY_MARK_BYTES = 4
_NONCE_BYTES = 12
_HEAD_BYTES = len(_FORMAT) + _KEY_MARK_BYTES + _NONCE_BYTES


@dataclass(eq=False)
class SecretUnreadable(DomainError):
    """What is stored was sealed with another key, for another purpose, or has been changed."""

    code: ClassVar[str] = "infra.secret_unreadable"
    kind: ClassVar[str] = "unavailable"
    context: str


@dataclass(eq=False)
class SecretKeysUnusable(DomainError):
    """The list of keys is empty or holds something that is not a key. The list itself is not shown."""

    code: ClassVar[str] = "infra.secret_keys_unusable"
    reason: str

    def __str__(self) -> str:
        return f"MOORAGE_SECRET_KEYS {self.reason}. It takes base64 keys of {KEY_BYTES} bytes, separated by commas."


class SecretBox:
    """Seals with the first key and opens with any, so that keys can be exchanged one after the other.

    A sealed value is: format (1 byte), mark of the key (4), nonce (12), ciphertext with its tag. Keeping the first
    key for more than 2^32 values would wear out random nonces; docked channels are far from that.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise SecretKeysUnusable(reason="holds no key, or one of another length")
        self._first = _mark(keys[0])
        self._ciphers = {_mark(key): AESGCM(key) for key in keys}

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Return `plain` sealed for `context`, a purpose that has to be named again to open it."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._first].encrypt(nonce, plain, context.encode())
        return _FORMAT + self._first + nonce + sealed

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Return what was sealed for `context`. Raises SecretUnreadable."""
        head, body = sealed[:_HEAD_BYTES], sealed[_HEAD_BYTES:]
        cipher = self._ciphers.get(head[1 : 1 + _KEY_MARK_BYTES])
        if head[:1] != _FORMAT or cipher is None:
            raise SecretUnreadable(context=context)
        try:
            return cipher.decrypt(head[1 + _KEY_MARK_BYTES :], body, context.encode())
        except (InvalidTag, ValueError) as error:
            raise SecretUnreadable(context=context) from error


def _mark(key: bytes) -> bytes:
    return hashlib.sha256(b"moorage key mark" + key).digest()[:_KEY_MARK_BYTES]


def parse_keys(text: str) -> tuple[bytes, ...]:
    """Return the keys in a comma-separated base64 list. Raises SecretKeysUnusable."""
    try:
        keys = tuple(base64.b64decode(part.strip(), validate=True) for part in text.split(",") if part.strip())
    except binascii.Error as error:
        raise SecretKeysUnusable(reason="is not base64") from error
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise SecretKeysUnusable(reason="holds no key, or one of another length")
    return keys


def kept_keys(path: Path) -> str:
    """Return the key list in `path`, written there (mode 600) with one new key if the file is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = base64.b64encode(os.urandom(KEY_BYTES)).decode()
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(new)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # fails if another process was first: then its key counts
    except FileExistsError:
        return path.read_text().strip()
    else:
        return new
    finally:
        draft.unlink(missing_ok=True)
