"""What the reception engine decided, and why."""

from dataclasses import dataclass

from moorage.reception.model.effects import Effect
from moorage.reception.model.state import State


@dataclass(frozen=True, slots=True)
class Decision:
    """What the engine decided: the new state, what to do in this order, and by which rule and for what reason."""

    state: State
    effects: tuple[Effect, ...]
    rule: str
    """A stable dotted name, for replay and for counting."""
    reason: str
    """One English sentence for whoever asks why this happened."""
