"""Secret: a text that does not show itself.

Only this file knows how a secret is masked. A child gets it with its first Secret.
"""

from .extensions import SECRET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Tuple

__all__ = ["Secret"]

MASK = "********"


class Secret(str):
    """A str whose repr(), str() and formatting show a mask; `reveal()` gives the text.

    It is a real str, so libraries that take a password take it as it is. It travels as a
    Secret in both directions and equals the str with the same text.
    """

    __slots__ = ()

    def reveal(self) -> "str":
        """Return the text itself, as a plain str."""
        return str.__str__(self)

    def __wire__(self) -> "Tuple[int, str]":
        return SECRET, self.reveal()

    def __repr__(self) -> "str":
        return "Secret(%r)" % MASK

    def __str__(self) -> "str":
        return MASK

    def __format__(self, spec: "str") -> "str":
        return format(MASK, spec)
