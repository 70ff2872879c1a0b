"""Methods annotated in every way that a Python from 3.6 on can be made to read.

Run as a program on an old Python, it prints as JSON what the checks there make of them.
"""
# It runs on Python 3.6, whose spellings are what is tested:
# ruff: noqa: F722, UP006, UP007, UP014, UP035, UP045

import enum
import json
import pathlib
import sys
import typing
from typing import (
    Any,
    Callable,
    Dict,
    FrozenSet,
    Iterable,
    List,
    NamedTuple,
    NewType,
    Optional,
    Sequence,
    Set,
    Tuple,
    TypeVar,
    Union,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, Mapping

    from remotesvc.service.call import Call

    class OnlyForCheckers:
        """Not there at run time."""


T = TypeVar("T")
UserId = NewType("UserId", int)
Hosts = List[str]
Tree = Dict[str, "Tree"]  # one that contains itself
Point = NamedTuple("Point", [("x", int), ("y", int)])


class Mode(enum.IntEnum):
    """Travels as an int."""

    READ = 1


class Annotated:
    """One method for each way to write types."""

    def plain(
        self,
        a: int,
        b: str,
        c: None,
        d: bytes,
        e: float,
        f: bool,
        g: object,
        h: Any,
        i: list,  # type: ignore[type-arg]
        j: "int",
    ) -> None:
        """Classes."""

    def typed(
        self,
        a: List[int],
        b: Dict[str, float],
        c: Tuple[int, str],
        d: Tuple[int, ...],
        e: Tuple[()],
        f: Optional[str],
        g: Union[int, str, None],
        h: Sequence[str],
        i: Iterable[int],
        j: Set[int],
        k: FrozenSet[str],
        l: List,  # type: ignore[type-arg]  # noqa: E741
        m: Dict[str, List[Optional[int]]],
        n: Tuple,  # type: ignore[type-arg]
        o: List[Any],
    ) -> None:
        """What typing has."""

    def quoted(
        self,
        a: "list[int]",
        b: "int | None",
        c: "str|list[dict[str, int]]",
        d: "Literal['r', -1, None]",
        e: "typing.Optional[str]",
        f: "tuple[int, ...]",
        g: "tuple[()]",
        h: "OnlyForCheckers",
        i: List["Later"],
        j: "Hosts",
        k: "Mapping[str, 'int | str']",
        l: "Optional[Later]",  # noqa: E741
        m: " dict[str, Any] ",
        n: "set[Mode]",
        o: "pathlib.Path",
    ) -> None:
        """Texts."""

    def odd(
        self,
        a: 5,  # type: ignore[valid-type]
        b: T,
        c: List[T],
        d: UserId,
        e: pathlib.Path,
        f: Mode,
        g: Point,
        h: "list[",  # type: ignore[valid-type]
        i: Callable[[int], str],
        j: "Tree",
        k: "list[nowhere.Thing]",  # type: ignore[name-defined] # noqa: F821
        l: "print(1)",  # type: ignore[valid-type] # noqa: E741
        m: Optional[T],
    ) -> None:
        """What is not, or not wholly, understood."""

    def filled(self, path: str, call: "Optional[Call]" = None) -> None:
        """With a parameter whose type only checkers see."""


class Later:
    """Stands behind the methods that name it."""


GOOD: "List[Tuple[str, Dict[str, Any]]]" = [
    ("plain", {"a": 1, "e": 1, "i": [1]}),
    ("plain", {"b": "", "c": None, "d": b"", "e": 0.5, "f": True, "g": True, "h": True}),
    ("typed", {"a": [], "b": {"x": 1}, "c": (1, "x"), "d": (1, 2, 3), "e": (), "f": None}),
    ("typed", {"g": "x", "h": "text", "i": (1, 2), "j": {1}, "k": frozenset("ab"), "l": [None]}),
    ("typed", {"m": {"x": [1, None]}, "n": (1, "x"), "o": [1, "x", True]}),
    ("quoted", {"a": [1], "b": None, "c": [{"x": 1}], "d": "r", "f": (), "g": (), "h": object()}),
    ("quoted", {"d": -1, "j": ["x"], "k": {"x": 1, "y": "z"}, "l": None, "m": {"x": None}}),
    ("quoted", {"n": {1}, "o": pathlib.PurePosixPath("/etc")}),
    ("odd", {"a": "x", "b": "x", "c": ["x", 1], "d": 1, "e": pathlib.PurePosixPath("/")}),
    ("odd", {"f": 1, "g": (1, 2), "h": 1, "j": {"x": {}}, "k": ["x"], "l": 1, "m": 1}),
]

BAD: "List[Tuple[str, Dict[str, Any]]]" = [
    ("plain", {"a": True}),
    ("plain", {"a": 1.0}),
    ("plain", {"b": b"x"}),
    ("plain", {"c": 0}),
    ("plain", {"d": "x"}),
    ("plain", {"e": True}),
    ("plain", {"f": 1}),
    ("plain", {"i": (1,)}),
    ("plain", {"j": None}),
    ("typed", {"a": [1, True]}),
    ("typed", {"b": {"x": "1"}}),
    ("typed", {"b": {1: 1.0}}),
    ("typed", {"c": (1, 2)}),
    ("typed", {"c": (1,)}),
    ("typed", {"d": (1, 2, "x")}),
    ("typed", {"d": [1]}),
    ("typed", {"e": (1,)}),
    ("typed", {"f": 1}),
    ("typed", {"g": 1.5}),
    ("typed", {"h": ["x", 1]}),
    ("typed", {"i": "text"}),
    ("typed", {"j": {"x"}}),
    ("typed", {"j": [1]}),
    ("typed", {"m": {"x": [1, "y"]}}),
    ("quoted", {"b": "x"}),
    ("quoted", {"c": [{"x": "y"}]}),
    ("quoted", {"d": True}),
    ("quoted", {"d": "w"}),
    ("quoted", {"i": [1]}),
    ("quoted", {"k": {"x": None}}),
    ("quoted", {"l": 1}),
    ("quoted", {"n": {"x"}}),
    ("quoted", {"o": "/etc"}),
    ("odd", {"c": 1}),
    ("odd", {"d": "x"}),
    ("odd", {"f": "x"}),
    ("odd", {"g": [1, 2]}),
    ("odd", {"i": 1}),
    ("odd", {"j": 1}),
    ("odd", {"k": 1}),
]


def described() -> "Dict[str, List[str]]":
    """Return the types of each method's arguments, as introspection shows them."""
    from remotesvc.service.arguments import Arguments

    return {
        name: [kind for _, kind, _ in Arguments(vars(Annotated)[name]).describe()]
        for name in ("plain", "typed", "quoted", "odd", "filled")
    }


def faults(calls: "List[Tuple[str, Dict[str, Any]]]") -> "List[str]":
    """Return what is wrong with each of some calls, "" for nothing."""
    return [_fault(vars(Annotated)[name], kwargs) for name, kwargs in calls]


def _fault(function: "Any", kwargs: "Dict[str, Any]") -> "str":
    from remotesvc.service.arguments import Arguments

    arguments = Arguments(function)
    arguments._required = frozenset()  # so that each line shows one thing
    try:
        arguments.check(kwargs)
    except TypeError as error:
        return str(error)
    return ""


def call_parameter() -> "str":
    """Return which parameter of `filled` is filled in."""
    from remotesvc.service.expose import expose, find_method
    from remotesvc.service.policy import AllowAny

    expose(AllowAny())(Annotated.filled)
    found = find_method(Annotated, "filled")
    return found.call_parameter if found else "not exposed"


def main() -> "None":
    """Answer for the checks of this very Python; the argument is the root of the checkout."""
    sys.path.insert(0, sys.argv[1])
    answer = {
        "described": described(),
        "good": faults(GOOD),
        "bad": faults(BAD),
        "call_parameter": call_parameter(),
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
