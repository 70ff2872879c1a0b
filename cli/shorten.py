"""Leaves out of a long result what nobody would read, and says so in its place. Pure.

Laying out a list of millions takes minutes. Text alone is not touched: it is shown as it is.
"""

from collections.abc import Collection

from remotesvc.core.secret import Secret

__all__ = ["SHOWN", "shorten"]

# So many elements are shown; laying them out takes a fraction of a second.
SHOWN = 100_000

# So many characters or bytes within a value count as one element.
SPAN = 16


def shorten(value: object, shown: int = SHOWN) -> tuple[object, bool]:
    """Return a value, or a copy that has at most about `shown` elements; and whether it has less.

    What stands for the rest looks like `<12 more>`.
    """
    if isinstance(value, str):
        return value, False
    scissors = _Scissors(shown)
    copy = scissors.copy(value)
    return (copy, True) if scissors.has_cut else (value, False)


class _Rest:
    """Stands for what was left out, behind what there is of it."""

    def __init__(self, count: int, begin: str = "") -> None:
        self._text = f"{begin}<{count:,} more>"

    def __repr__(self) -> str:
        return self._text


class _Scissors:
    """Copies until `left` elements were seen."""

    def __init__(self, left: int) -> None:
        self._left = left
        self.has_cut = False

    def copy(self, value: object) -> object:
        """Return a copy of a value, without what there is no room for."""
        self._left -= 1
        if isinstance(value, Secret):
            return value  # it is a str, and its slices would show the text
        if isinstance(value, str | bytes | bytearray):
            return self._text(value)
        if isinstance(value, dict):
            return self._dict(value)
        if isinstance(value, list | tuple | set | frozenset):
            return self._items(value)
        return value

    def _text(self, value: str | bytes | bytearray) -> object:
        room = max(0, self._left) * SPAN
        self._left -= len(value) // SPAN
        if len(value) <= room + SPAN:
            return value
        self.has_cut = True
        return _Rest(len(value) - room, f"{value[:room]!r} ")

    def _items(self, value: Collection[object]) -> object:
        items: list[object] = []
        for item in value:
            if self._left <= 0:
                self.has_cut = True
                items.append(_Rest(len(value) - len(items)))
                break
            items.append(self.copy(item))
        return type(value)(items)  # type: ignore[call-arg]  # the four kinds of above

    def _dict(self, value: dict[object, object]) -> object:
        items: dict[object, object] = {}
        for key, item in value.items():
            if self._left <= 0:
                self.has_cut = True
                items[_Rest(len(value) - len(items))] = ...
                break
            items[self.copy(key)] = self.copy(item)
        return items
