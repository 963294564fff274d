"""What can be set when the stand-in starts."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Times of the push schedule and places of files; times are real seconds unless they say otherwise."""

    state_file: Path | None = None
    clock_file: Path | None = None
    deadline_s: float = 5.0
    """How long a server has to answer one delivery."""
    retry_interval_s: float = 5.0
    """From the start of a delivery to the start of the next one of the same push."""
    deliveries: int = 3
    """How often a push is delivered before it is given up."""
    parallel_deliveries: int = 500
    ticket_interval_s: float = 600.0
    """From one verify ticket to the next; the only time here that the moved clock counts."""
