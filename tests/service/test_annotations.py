"""Annotations as every Python reads them, and those that no Python can read."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from remotesvc.service.arguments import Arguments
from remotesvc.service.expose import find_method
from tests.architecture.tree import ROOT
from tests.interpreters import Interpreter, find_interpreters
from tests.service import annotated
from tests.service.postponed import PostponedService

DESCRIBED = {
    "plain": ["int", "str", "None", "bytes", "float", "bool", "object", "Any", "list", "int"],
    "typed": [
        "list[int]",
        "dict[str, float]",
        "tuple[int, str]",
        "tuple[int, ...]",
        "tuple[()]",
        "str | None",
        "int | str | None",
        "Sequence[str]",
        "Iterable[int]",
        "set[int]",
        "frozenset[str]",
        "list",
        "dict[str, list[int | None]]",
        "tuple",
        "list[Any]",
    ],
    "quoted": [
        "list[int]",
        "int | None",
        "str | list[dict[str, int]]",
        "Literal['r', -1, None]",
        "str | None",
        "tuple[int, ...]",
        "tuple[()]",
        "OnlyForCheckers (not checked)",
        "list[Later]",
        "list[str]",
        "Mapping[str, int | str]",
        "Later | None",
        "dict[str, Any]",
        "set[Mode]",
        "Path",
    ],
    "odd": [
        "5 (not checked)",
        "~T (not checked)",
        "list[~T]",
        "int",
        "Path",
        "Mode",
        "Point",
        "list[ (not checked)",
        "Callable",
        "dict[str, Tree]",
        "list[nowhere.Thing]",
        "print(1) (not checked)",
        "~T | None (not checked)",
    ],
    "filled": ["str", "Call | None (not checked)"],
}

# In the order of annotated.BAD.
FAULTS = """
plain: argument 'a' must be int, not bool
plain: argument 'a' must be int, not float
plain: argument 'b' must be str, not bytes
plain: argument 'c' must be None, not int
plain: argument 'd' must be bytes, not str
plain: argument 'e' must be float, not bool
plain: argument 'f' must be bool, not int
plain: argument 'i' must be list, not tuple
plain: argument 'j' must be int, not None
typed: argument 'a'[1] must be int, not bool
typed: argument 'b'['x'] must be float, not str
typed: argument 'b': each key must be str, not int
typed: argument 'c'[1] must be str, not int
typed: argument 'c' must be tuple[int, str], not a tuple of 1
typed: argument 'd'[2] must be int, not str
typed: argument 'd' must be tuple[int, ...], not list
typed: argument 'e' must be tuple[()], not a tuple of 1
typed: argument 'f' must be str | None, not int
typed: argument 'g' must be int | str | None, not float
typed: argument 'h'[1] must be str, not int
typed: argument 'i'[0] must be int, not str
typed: argument 'j': each member must be int, not str
typed: argument 'j' must be set[int], not list
typed: argument 'm'['x'][1] must be int | None, not str
quoted: argument 'b' must be int | None, not str
quoted: argument 'c'[0]['x'] must be int, not str
quoted: argument 'd' must be Literal['r', -1, None], not True
quoted: argument 'd' must be Literal['r', -1, None], not 'w'
quoted: argument 'i'[0] must be Later, not int
quoted: argument 'k'['x'] must be int | str, not None
quoted: argument 'l' must be Later | None, not int
quoted: argument 'n': each member must be Mode, not str
quoted: argument 'o' must be Path, not str
odd: argument 'c' must be list[~T], not int
odd: argument 'd' must be int, not str
odd: argument 'f' must be Mode, not str
odd: argument 'g' must be Point, not list
odd: argument 'i' must be Callable, not int
odd: argument 'j' must be dict[str, Tree], not int
odd: argument 'k' must be list[nowhere.Thing], not int
""".strip().splitlines()


def answer_of(python: Interpreter) -> Any:
    """Return what tests/service/annotated.py prints on a Python."""
    program = str(ROOT / "tests" / "service" / "annotated.py")
    done = subprocess.run(
        [python.path, "-I", "-B", program, str(ROOT)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.matrix
@pytest.mark.parametrize("python", find_interpreters(), ids=str)
def test_annotations_mean_the_same_on_every_python(python: Interpreter) -> None:
    answer = answer_of(python)

    assert answer["described"] == DESCRIBED
    assert answer["good"] == ["" for _ in annotated.GOOD]
    assert answer["bad"] == ["Annotated." + fault for fault in FAULTS]
    assert answer["call_parameter"] == "call"


def test_every_annotation_that_is_tested_has_its_fault() -> None:
    assert len(FAULTS) == len(annotated.BAD)


def test_annotations_of_a_module_that_postpones_them_are_checked() -> None:
    method = find_method(PostponedService, "fetch")
    assert method is not None

    assert method.arguments.describe() == [
        ("paths", "Sequence[str]", ""),
        ("mode", "Literal['r', 'w']", "'r'"),
        ("limit", "int | None", "None"),
        ("where", "Path | None", "None"),
        ("unknown", "OnlyForCheckers | None (not checked)", "None"),
        ("private", "arguments._nothing (not checked)", "None"),
    ]
    assert method.call_parameter == "call"
    with pytest.raises(TypeError, match=r"argument 'limit' must be int \| None, not str"):
        method.arguments.check({"paths": ["x"], "limit": "x"})


def test_aliases_that_contain_each_other_are_read_to_an_end() -> None:
    names: dict[str, Any] = {}
    exec(
        "from typing import Dict, List, Union\n"
        "Tree = Union[int, List['Forest']]\n"
        "Forest = Dict[str, 'Tree']\n"
        "def grow(self, tree: 'Tree'): pass\n",
        names,
    )
    arguments = Arguments(names["grow"])

    arguments.check({"tree": [{"oak": ["anything, this deep"]}]})
    with pytest.raises(TypeError, match=r"argument 'tree'\[0\] must be dict\[str, Tree\]"):
        arguments.check({"tree": ["oak"]})


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement came with 3.12")
def test_type_statements_are_read() -> None:
    names: dict[str, Any] = {}
    exec(
        "type Tree = int | list[Tree]\n"
        "type Broken = list[nowhere]\n"
        "def grow(self, tree: Tree, broken: Broken): pass\n",
        names,
    )
    arguments = Arguments(names["grow"])

    arguments.check({"tree": [1, ["not followed"]], "broken": 1})
    with pytest.raises(TypeError, match=r"argument 'tree' must be int \| list\[Tree\], not str"):
        arguments.check({"tree": "oak", "broken": 1})


def test_nothing_in_a_text_is_run(tmp_path: Path) -> None:
    made = tmp_path / "made"

    def method(self: Any, argument: Any) -> None: ...

    for text in (
        f"__import__('os').mkdir({str(made)!r})",
        f"list[__import__('os').mkdir({str(made)!r})]",
        f"Literal[__import__('os').mkdir({str(made)!r})]",
        f"(lambda: open({str(made)!r}, 'w'))()",
    ):
        method.__annotations__["argument"] = text
        Arguments(method).check({"argument": 1})

    assert not made.exists()


class Hostile:
    """An annotation that raises whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __repr__(self) -> str:
        raise RuntimeError("repr")


def test_annotation_that_raises_is_not_checked() -> None:
    def method(self: Any, argument: Any) -> None: ...

    method.__annotations__["argument"] = Hostile()

    assert Arguments(method).describe() == [("argument", "Hostile (not checked)", "")]


def test_text_of_an_annotation_is_shown_escaped() -> None:
    def method(self: Any, argument: Any) -> None: ...

    method.__annotations__["argument"] = "\x1b[2J\u202e"

    assert Arguments(method).describe() == [("argument", r"\x1b[2J\u202e (not checked)", "")]
