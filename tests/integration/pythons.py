"""The ends of the range of Pythons that this machine has; between them stands our own."""

from tests.interpreters import find_interpreters

__all__ = ["NEWEST", "OLDEST"]

OLDEST, NEWEST = find_interpreters()[0], find_interpreters()[-1]
