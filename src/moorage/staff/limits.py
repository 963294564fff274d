"""How often somebody may try to sign in. The tries are rows, so that every process counts the same ones.

A try is judged twice: before the password is hashed, which saves the work, and, under a lock, before its outcome is
told. However many tries run at once, no more outcomes are told than the limit allows.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal

from moorage.core.errors import DomainError
from moorage.core.ids import PersonId, new_id
from moorage.infra.database import Tx

WINDOW: Final = timedelta(minutes=15)
MOST_PER_EMAIL: Final = 10
MOST_PER_ADDRESS: Final = 50

Outcome = Literal["ok", "wrong", "limited"]


@dataclass(eq=False)
class TooManyAttempts(DomainError):
    """The address or the machine has tried too many wrong passwords lately."""

    code: ClassVar[str] = "staff.too_many_attempts"
    kind: ClassVar[str] = "limited"
    retry_after_s: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to sign in, known by whom it is for and where it comes from."""

    email_digest: bytes
    remote_address: str


def attempt_of(*, email: str, remote_address: str) -> Attempt:
    """Return the try for `email` (normalised, or anything that is no address) from `remote_address`."""
    digest = hashlib.sha256(email.encode("utf-8", "surrogatepass")).digest()
    return Attempt(email_digest=digest, remote_address=network_of(remote_address))


def network_of(remote_address: str) -> str:
    """Return what counts as one place: an IPv4 address, or an IPv6 /64, since one customer line has that many."""
    try:
        address = ipaddress.ip_address(remote_address)
    except ValueError:
        return remote_address
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address)


async def wait_of(tx: Tx, attempt: Attempt) -> timedelta | None:
    """Return how long this try must still wait, or None if it may go on."""
    free_at = await tx.value(
        """
        SELECT max(at) FROM (
          (SELECT at FROM sign_ins WHERE email_digest = %(email)s AND outcome = 'wrong' AND at > %(since)s
           ORDER BY at DESC OFFSET %(email_most)s LIMIT 1)
          UNION ALL
          (SELECT at FROM sign_ins WHERE remote_address = %(address)s AND outcome = 'wrong' AND at > %(since)s
           ORDER BY at DESC OFFSET %(address_most)s LIMIT 1)
        ) AS limiting
        """,
        {
            "email": attempt.email_digest,
            "address": attempt.remote_address,
            "since": tx.now - WINDOW,
            "email_most": MOST_PER_EMAIL - 1,
            "address_most": MOST_PER_ADDRESS - 1,
        },
    )
    return free_at + WINDOW - tx.now if isinstance(free_at, datetime) else None


async def settle(tx: Tx, attempt: Attempt, *, person_id: PersonId | None, right: bool) -> timedelta | None:
    """Write the outcome of a try and return None, or, where too many others were told theirs first, how long to wait.

    Tries for one address, and from one place, are settled one after the other until the transaction ends.
    """
    for key in sorted(_lock_keys(attempt)):
        await tx.execute("SELECT pg_advisory_xact_lock(%s)", [key])
    wait = await wait_of(tx, attempt)
    outcome: Outcome = "limited" if wait else "ok" if right else "wrong"
    await tx.execute(
        """
        INSERT INTO sign_ins (id, email_digest, remote_address, person_id, outcome, at)
        VALUES (%s, %s, %s, %s, %s, %s)
        """,
        [new_id(), attempt.email_digest, attempt.remote_address, person_id, outcome, tx.now],
    )
    return wait


def too_many(wait: timedelta) -> TooManyAttempts:
    """Return the error that names `wait` in whole seconds, rounded up."""
    return TooManyAttempts(retry_after_s=max(1, -(-wait // timedelta(seconds=1))))


def _lock_keys(attempt: Attempt) -> set[int]:
    names = (b"sign-in email " + attempt.email_digest, b"sign-in address " + attempt.remote_address.encode())
    return {int.from_bytes(hashlib.sha256(name).digest()[:8], signed=True) for name in names}
