"""Hashing passwords, slow on purpose, without ever holding up the event loop or filling the memory."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar, Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from moorage.core.errors import DomainError

SHORTEST: Final = 8
"""Characters; NIST SP 800-63B, section 5.1.1.2."""

LONGEST: Final = 1024
"""Characters. Longer ones would be hashed for somebody who only wants to keep us busy."""

Outcome = TypeVar("Outcome")


@dataclass(eq=False)
class UnfitPassword(DomainError):
    """A new password is shorter or longer than allowed."""

    code: ClassVar[str] = "staff.unfit_password"
    kind: ClassVar[str] = "malformed"
    shortest: int
    longest: int


@dataclass(eq=False)
class SignInBusy(DomainError):
    """More people sign in at this moment than the machine can check; trying again in a few seconds helps."""

    code: ClassVar[str] = "staff.sign_in_busy"
    kind: ClassVar[str] = "unavailable"
    retry_after_s: int


class Passwords:
    """Argon2id in a few threads of its own (RFC 9106, the second recommended choice: 3 passes over 64 MiB).

    Each hash in work holds that memory, so `most_at_once` bounds it; beyond `most_waiting` callers are turned away.
    """

    def __init__(self, *, hasher: PasswordHasher | None = None, most_at_once: int = 2, most_waiting: int = 100) -> None:
        self._hasher = hasher or PasswordHasher()
        self._threads = ThreadPoolExecutor(max_workers=most_at_once, thread_name_prefix="passwords")
        self._most = most_at_once + most_waiting
        self._in_work = 0
        # Compared with when nobody has the address, so that both cases take the same time.
        self._nobodys_hash = self._hasher.hash(secrets.token_bytes(16))

    async def hash(self, password: str) -> str:
        """Return the encoded hash to store. Raises UnfitPassword or SignInBusy."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise UnfitPassword(shortest=SHORTEST, longest=LONGEST)
        return await self.rehash(password)

    async def rehash(self, password: str) -> str:
        """Return a fresh hash of a password that is in use already, of whatever length. Raises SignInBusy."""
        return await self._work(lambda: self._hasher.hash(_bytes(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Tell whether `password` made `password_hash`, with equal work if there is no hash. Raises SignInBusy."""
        known = password_hash or self._nobodys_hash
        right = await self._work(lambda: self._verify(known, password))
        return right and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether a hash was made with other parameters than today's and should be made anew."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        """End the threads; hashes that were not begun are dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _bytes(password))
        except VerifyMismatchError:
            return False

    async def _work(self, work: Callable[[], Outcome]) -> Outcome:
        if self._in_work >= self._most:
            raise SignInBusy(retry_after_s=3)
        self._in_work += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._in_work -= 1


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")  # half a character from hostile JSON is a wrong password, no crash
