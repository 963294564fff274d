"""In what two menus differ, as a person would say it. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from moorage.connectors.menus import Button, ProviderMenu

DifferenceKind = Literal["added", "removed", "renamed", "changed", "moved", "reordered"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is other in the second menu. `name` is the item's; of a renamed one its earlier name."""

    kind: DifferenceKind
    name: str
    to: str | None = None
    """The new name of a renamed item, or the item above a moved one (None: the menu bar)."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """An item and where it stands: below the button `above`, or None in the bar."""

    above: str | None
    nth: int
    """Of the buttons of that name, should there be several."""
    index: int
    button: Button

    @property
    def does(self) -> Button:
        """Return the item as what it does alone."""
        return self.button.model_copy(update={"name": "", "buttons": ()})


_Pair = tuple[_Placed, _Placed]


def differences(before: ProviderMenu | None, after: ProviderMenu | None) -> tuple[Difference, ...]:
    """Return what is other in `after`, with None for no menu at all. Equal menus differ in nothing."""
    return tuple(_differences(_placed(before), _placed(after)))


def _placed(menu: ProviderMenu | None) -> list[_Placed]:
    if menu is None:
        return []
    placed: list[_Placed] = []
    for index, button in enumerate(menu.buttons):
        nth = sum(earlier.name == button.name for earlier in menu.buttons[:index])
        placed.append(_Placed(None, 0, index, button))
        placed.extend(_Placed(button.name, nth, at, below) for at, below in enumerate(button.buttons))
    return placed


def _differences(before: list[_Placed], after: list[_Placed]) -> Iterator[Difference]:
    same = _matched(before, after, lambda one, other: _alike(one, other) and _place(one) == _place(other))
    same += _matched(before, after, _alike)
    changed = _matched(before, after, lambda one, other: one.button.name == other.button.name)
    renamed = _matched(before, after, lambda one, other: one.does == other.does)
    renames = {one.button.name: other.button.name for one, other in renamed if one.button.kind is None}
    yield from (Difference("renamed", one.button.name, other.button.name) for one, other in renamed)
    yield from (Difference("changed", one.button.name) for one, _ in changed)
    for one, other in same + changed:
        stayed = _place(one) == _place(other) or (one.above in renames and renames[one.above] == other.above)
        if not stayed:
            yield Difference("moved", one.button.name, other.above)
    yield from (Difference("removed", one.button.name) for one in before)
    yield from (Difference("added", other.button.name) for other in after)
    yield from _reordered(same + changed + renamed)


def _place(placed: _Placed) -> tuple[str | None, int]:
    return placed.above, placed.nth


def _alike(one: _Placed, other: _Placed) -> bool:
    return one.button.name == other.button.name and one.does == other.does


def _matched(before: list[_Placed], after: list[_Placed], same: Callable[[_Placed, _Placed], bool]) -> list[_Pair]:
    """Return the pairs that are the `same`, taken out of both lists."""
    pairs: list[_Pair] = []
    for one in list(before):
        other = next((candidate for candidate in after if same(one, candidate)), None)
        if other is not None:
            before.remove(one)
            after.remove(other)
            pairs.append((one, other))
    return pairs


def _reordered(pairs: Sequence[_Pair]) -> Iterator[Difference]:
    """Return where items that stayed together stand in another order; for the menu bar the name is empty."""
    together: dict[tuple[object, object], list[_Pair]] = {}
    for one, other in pairs:
        together.setdefault((_place(one), _place(other)), []).append((one, other))
    for stayed in together.values():
        after = [other.index for _, other in sorted(stayed, key=lambda pair: pair[0].index)]
        if after != sorted(after):
            yield Difference("reordered", stayed[0][0].above or "")
