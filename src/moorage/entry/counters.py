"""What this process has refused, by reason: numbers for whoever operates it, without a trace in the database.

A forged push must cost us no write, so these live in memory and begin at zero with the process.
"""

from collections import Counter
from collections.abc import Mapping


class Counters:
    """Named counts since the process began."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def count(self, name: str) -> None:
        """Add one to `name`."""
        self._counts[name] += 1

    def read(self) -> Mapping[str, int]:
        """Return all counts by name."""
        return dict(sorted(self._counts.items()))
