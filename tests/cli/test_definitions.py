"""Names that a source binds, found by reading it."""

import ast

import pytest

from remotesvc.cli.definitions import Definitions, read_definitions


def read(source: str) -> Definitions:
    return read_definitions(ast.parse(source).body)


@pytest.mark.parametrize(
    "source",
    [
        "def name(): pass",
        "async def name(): pass",
        "class name: pass",
        "name = 1",
        "name: int = 1",
        "a = name = 1",
        "(a, *name) = [1, 2]",
        "import name",
        "import name.below",
        "import a as name",
        "from a import name",
        "from a import b as name",
        "for name in (): pass",
        "with open('a') as name: pass",
        "if True:\n    def name(): pass",
        "try:\n    import a\nexcept ImportError:\n    name = None",
        "try:\n    pass\nexcept OSError as name:\n    pass",
        "print(name := 1)",
        "match 1:\n    case name: pass",
        "match 1:\n    case {**name}: pass",
        "match 1:\n    case [*name]: pass",
    ],
)
def test_a_name_is_found_however_it_is_bound(source: str) -> None:
    found = read(source)

    assert "name" in found.names
    assert found.is_complete


@pytest.mark.parametrize(
    "source",
    ["def other():\n    name = 1", "class Other:\n    name = 1", "import a.name", "a.name = 1"],
)
def test_names_of_inner_scopes_and_attributes_are_not_the_module_s(source: str) -> None:
    assert "name" not in read(source).names


@pytest.mark.parametrize(
    "source",
    [
        "from a import *",
        "def __getattr__(name): return name",
        "globals()['name'] = 1",
        "def bind():\n    global name\n    name = 1",
        "exec('name = 1')",
        "import sys\nsetattr(sys.modules[__name__], 'name', 1)",
    ],
)
def test_what_may_bind_more_than_it_shows_is_not_complete(source: str) -> None:
    assert not read(source).is_complete


def test_only_one_binding_is_sure() -> None:
    found = read("def once(): pass\ndef twice(): pass\ntwice = twice")

    assert isinstance(found.only("once"), ast.FunctionDef)
    assert found.only("twice") is None
    assert found.only("never") is None


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("5", "the constant 5"),
        ("'a'", "the constant 'a'"),
        ("[1]", "a list"),
        ("{}", "a dict"),
        ("f'{1}'", "a text"),
        ("make()", None),
        ("other", None),
        ("lambda: 1", None),
    ],
)
def test_constants_are_told_from_what_may_be_a_function(value: str, kind: str | None) -> None:
    assert read(f"name = {value}").constant("name") == kind


def test_a_constant_that_is_bound_again_may_be_a_function() -> None:
    assert read("name = None\ndef name(): pass").constant("name") is None


def test_functions_are_the_public_ones_in_their_order() -> None:
    assert read("def b(): 0\ndef _a(): 0\nclass C: 0\ndef a(): 0").functions() == ["b", "a"]
