"""The base of every failure that a caller is expected to deal with."""

from dataclasses import dataclass, fields
from typing import ClassVar


@dataclass(eq=False)
class DomainError(Exception):
    """Something the caller asked for cannot be done, for a reason that a person can understand.

    Subclasses sit beside the code that raises them, carry a stable dotted `code` that the console translates, and
    plain data as fields. They know nothing of HTTP: `entry/http.py` maps their `kind` to a status.
    """

    code: ClassVar[str]
    kind: ClassVar[str] = "refused"
    """One of: malformed, too_large, unauthenticated, forbidden, missing, gone, conflict, refused, limited,
    unavailable."""

    def __str__(self) -> str:
        return f"{self.code}({', '.join(f'{name}={value!r}' for name, value in self.details().items())})"

    def details(self) -> dict[str, object]:
        """Return the error's own fields, safe to show to the person who asked."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(eq=False)
class Missing(DomainError):
    """There is no such object, or the person may not know of it."""

    code: ClassVar[str] = "core.missing"
    kind: ClassVar[str] = "missing"
    what: str


@dataclass(eq=False)
class Malformed(DomainError):
    """The request names a field whose value cannot be accepted."""

    code: ClassVar[str] = "core.malformed"
    kind: ClassVar[str] = "malformed"
    field: str
    reason: str


@dataclass(eq=False)
class StaleVersion(DomainError):
    """Somebody else has changed the object since the person read it. `version` is the present one."""

    code: ClassVar[str] = "core.stale_version"
    kind: ClassVar[str] = "conflict"
    version: int
