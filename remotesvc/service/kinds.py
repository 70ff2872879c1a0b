"""Kinds: which values an argument may have, and what to say of one that it may not have. Pure.

A value is judged as it arrives over there: a class whose instances travel as a plain value (an
IntEnum as an int, a namedtuple as a tuple, a Path as a PurePosixPath) stands for that plain value.
What is said is the same on every Python and at both ends, so it is built here, and never taken
from a repr() of `typing`.
"""

from collections import abc

from ..core.visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, List, Optional, Sequence, Tuple

    # Where in the argument, what was wanted there, what was found.
    Fault = Tuple[str, str, str]

__all__ = [
    "Anything",
    "Choice",
    "Either",
    "Kind",
    "Many",
    "Plain",
    "Row",
    "Table",
    "show",
]

# Values travel as the first of these that their class derives from.
PLAIN = frozenset((bool, int, float, complex, str, bytes, bytearray)) | frozenset(
    (type(None), list, tuple, dict, set, frozenset)
)

# The same for classes of modules that nobody may have imported.
LIBRARY = frozenset(
    (
        ("datetime", "date"),
        ("datetime", "datetime"),
        ("datetime", "time"),
        ("datetime", "timedelta"),
        ("decimal", "Decimal"),
        ("pathlib", "PurePath"),
        ("uuid", "UUID"),
    )
)

# Of a text, so much is shown: names and short words whole, of everything else the beginning.
SHOWN = 40


class Kind:
    """What an argument, or a part of one, may be.

    text: how it is called. exact: types whose every value fits. is_checked: False for what could
    not be understood, so everything fits.
    """

    is_checked = True

    def __init__(self, text: "str", exact: "Iterable[type]" = ()) -> "None":
        self.text = text
        self.exact = frozenset(exact)

    def find_fault(self, value: "Any") -> "Optional[Fault]":
        """Return what is wrong with a value, None if nothing is."""
        raise NotImplementedError

    def names(self, cls: "type") -> "bool":
        """Tell whether this is that class, or a choice between it and others."""
        return False

    def _fault(self, found: "str") -> "Fault":
        return "", self.text, found


class Anything(Kind):
    """Every value: asked for, or because what was asked for is not understood."""

    def __init__(self, text: "str", is_checked: "bool" = True) -> "None":
        Kind.__init__(self, text)
        self.is_checked = is_checked

    def find_fault(self, value: "Any") -> "Optional[Fault]":
        """Find none."""
        return None

    def names(self, cls: "type") -> "bool":
        """Compare by name: the import may stand where only type checkers see it."""
        return not self.is_checked and self.text.rpartition(".")[2] == cls.__name__


class Plain(Kind):
    """Instances of one class; an int does for a float, but a bool for no number."""

    def __init__(self, cls: "type") -> "None":
        arriving = _arriving(cls)
        wanted = {float: (float, int), complex: (complex, float, int)}.get(arriving, (arriving,))
        Kind.__init__(self, "None" if cls is type(None) else visible(cls.__name__), wanted)
        self.cls = cls
        self._wanted = wanted
        self._is_number = int in wanted or float in wanted
        isinstance(None, wanted)  # raises what it would raise for any value

    def find_fault(self, value: "Any") -> "Optional[Fault]":
        """Judge by class."""
        is_fit = type(value) in self.exact or (
            isinstance(value, self._wanted) and not (self._is_number and type(value) is bool)
        )
        return None if is_fit else self._fault(_name_of(value))

    def names(self, cls: "type") -> "bool":
        """Compare the class itself."""
        return self.cls is cls


class Either(Kind):
    """What one of several kinds takes."""

    def __init__(self, members: "Sequence[Kind]") -> "None":
        kinds = {kind.text: kind for kind in _flat(members)}
        self._members = list(kinds.values())
        self.is_checked = all(kind.is_checked for kind in self._members)
        exact = [cls for kind in self._members for cls in kind.exact]
        Kind.__init__(self, " | ".join(sorted(kinds, key=lambda text: text == "None")), exact)

    @property
    def members(self) -> "List[Kind]":
        """The kinds, none of them a choice itself."""
        return self._members

    def find_fault(self, value: "Any") -> "Optional[Fault]":
        """Judge by each; where one takes the outside of a value, say what is wrong inside."""
        faults = []
        for kind in self._members:
            fault = kind.find_fault(value)
            if fault is None:
                return None
            faults.append(fault)
        inside = [fault for fault in faults if fault[0]]
        return inside[0] if len(inside) == 1 else self._fault(_name_of(value))

    def names(self, cls: "type") -> "bool":
        """Ask the members."""
        return any(kind.names(cls) for kind in self._members)


class Many(Kind):
    """A container whose members are all of one kind."""

    def __init__(self, cls: "type", member: "Kind") -> "None":
        rest = ", ..." if issubclass(cls, tuple) else ""
        Kind.__init__(self, "%s[%s%s]" % (visible(cls.__name__), member.text, rest))
        self._container = Plain(cls)
        self._member = member

    def find_fault(self, value: "Any") -> "Optional[Fault]":
        """Judge the container, then each member of those that are plain."""
        if self._container.find_fault(value) is not None:
            return self._fault(_name_of(value))
        if isinstance(value, (str, bytes, bytearray)):
            value = value[:1]  # all others are of the same type
        if isinstance(value, abc.Sequence):
            return _first_fault(value, self._member)
        if not isinstance(value, (set, frozenset, dict)):
            return None  # an iterator would be used up
        what = ": each key" if isinstance(value, dict) else ": each member"
        return _fault_of_each(value, self._member, what)


class Row(Kind):
    """A tuple of so many members, each of a kind of its own."""

    def __init__(self, members: "Sequence[Kind]") -> "None":
        Kind.__init__(self, "tuple[%s]" % (", ".join(kind.text for kind in members) or "()"))
        self._members = members

    def find_fault(self, value: "Any") -> "Optional[Fault]":
        """Judge the number, then each member."""
        if not isinstance(value, tuple):
            return self._fault(_name_of(value))
        if len(value) != len(self._members):
            return self._fault("a tuple of %d" % len(value))
        for index, (kind, member) in enumerate(zip(self._members, value)):
            fault = kind.find_fault(member)
            if fault is not None:
                return _inside("[%d]" % index, fault)
        return None


class Table(Kind):
    """A mapping whose keys are of one kind, and its values of another."""

    def __init__(self, cls: "type", key: "Kind", value: "Kind") -> "None":
        Kind.__init__(self, "%s[%s, %s]" % (visible(cls.__name__), key.text, value.text))
        self._container = Plain(cls)
        self._key = key
        self._value = value

    def find_fault(self, value: "Any") -> "Optional[Fault]":
        """Judge the container, then the keys, then the values."""
        if self._container.find_fault(value) is not None:
            return self._fault(_name_of(value))
        fault = _fault_of_each(value, self._key, ": each key")
        if fault is not None or self._value.exact.issuperset(map(type, value.values())):
            return fault
        for key, member in value.items():
            fault = self._value.find_fault(member)
            if fault is not None:
                return _inside("[%s]" % show(key), fault)
        return None


class Choice(Kind):
    """One of a few values, as Literal has them: compared with their types, for True is not 1."""

    def __init__(self, choices: "Sequence[Any]") -> "None":
        Kind.__init__(self, "Literal[%s]" % ", ".join(map(show, choices)))
        self._choices = choices

    def find_fault(self, value: "Any") -> "Optional[Fault]":
        """Judge by type and value; nothing is hashed."""
        for choice in self._choices:
            is_same_type = isinstance(value, type(choice)) and not (
                type(value) is bool and type(choice) is not bool
            )
            if is_same_type and value == choice:
                return None
        return self._fault(show(value))


def show(value: "Any") -> "str":
    """Return a short text for a value of anybody's: of what is long or nested, its type."""
    if value is None or type(value) in (bool, float):
        return repr(value)
    if type(value) is int and value.bit_length() <= 64:
        return repr(value)
    if type(value) in (str, bytes):
        return visible(repr(value[:SHOWN])) + ("..." if len(value) > SHOWN else "")
    return _name_of(value)


def _name_of(value: "Any") -> "str":
    return "None" if value is None else visible(type(value).__name__)


def _first_fault(values: "Sequence[Any]", member: "Kind") -> "Optional[Fault]":
    # Long lists are lists of one type, so they take no call for each of their members.
    if member.exact.issuperset(map(type, values)):
        return None
    for index, value in enumerate(values):
        fault = member.find_fault(value)
        if fault is not None:
            return _inside("[%d]" % index, fault)
    return None


def _fault_of_each(values: "Iterable[Any]", member: "Kind", what: "str") -> "Optional[Fault]":
    if member.exact.issuperset(map(type, values)):
        return None
    for value in values:
        fault = member.find_fault(value)
        if fault is not None:
            return _inside(what, fault)
    return None


def _inside(where: "str", fault: "Fault") -> "Fault":
    return where + fault[0], fault[1], fault[2]


def _flat(members: "Iterable[Kind]") -> "Iterable[Kind]":
    for kind in members:
        if isinstance(kind, Either):
            yield from kind.members
        else:
            yield kind


def _arriving(cls: "type") -> "type":
    """Return the class that instances of a class have when they arrive."""
    if hasattr(cls, "__wire__"):
        return cls
    for base in cls.__mro__:
        # A module may be in parts: pathlib._local.
        named = (base.__module__.partition(".")[0], base.__name__)
        if base in PLAIN or named in LIBRARY:
            return base
    return cls
