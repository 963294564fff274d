"""How often somebody may do something that needs no sign-in. Uses are counted in the database, for all processes."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from moorage.core.errors import DomainError
from moorage.infra.database import Tx


@dataclass(eq=False)
class TooOften(DomainError):
    """The same place has done this too often lately."""

    code: ClassVar[str] = "core.too_often"
    kind: ClassVar[str] = "limited"
    retry_after_s: int


@dataclass(frozen=True, slots=True)
class UseLimit:
    """At most `most` uses in each `window`. `name` keeps the counts of different things apart."""

    name: str
    most: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class _Counted:
    uses: int
    ends_at: datetime


async def count_use(tx: Tx, *, limit: UseLimit, by: str) -> None:
    """Count one use by `by`, a network address for instance, of which a digest is kept. Raises TooOften.

    The count must outlive what is refused, so it has a transaction of its own, through the platform's door.
    """
    counted = await tx.row(
        _Counted,
        """
        INSERT INTO use_counts AS u (key, uses, ends_at) VALUES (%(key)s, 1, %(ends_at)s)
        ON CONFLICT (key) DO UPDATE SET
          uses = CASE WHEN u.ends_at <= %(now)s THEN 1 ELSE u.uses + 1 END,
          ends_at = CASE WHEN u.ends_at <= %(now)s THEN excluded.ends_at ELSE u.ends_at END
        RETURNING uses, ends_at
        """,
        {"key": _key(limit, by), "ends_at": tx.now + limit.window, "now": tx.now},
    )
    if counted is None:
        raise LookupError("INSERT … ON CONFLICT DO UPDATE returned no row")
    if counted.uses > limit.most:
        left = counted.ends_at - tx.now
        raise TooOften(retry_after_s=max(1, -(-left // timedelta(seconds=1))))


def _key(limit: UseLimit, by: str) -> bytes:
    return hashlib.sha256(f"{limit.name}\n{by}".encode("utf-8", "surrogatepass")).digest()
