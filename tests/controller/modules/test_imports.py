"""What a source may import, by reading it."""

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesvc.controller.modules.imports import imports_of, prefixes


def names(source: str, name: str = "app.mod", is_package: bool = False) -> set[str]:
    return set(imports_of(source.encode(), name, is_package))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a", {"a"}),
        ("import a.b.c as d, e", {"a", "a.b", "a.b.c", "e"}),
        ("from a import b, c", {"a", "a.b", "a.c"}),
        ("from a.b import *", {"a", "a.b"}),
        ("from . import x", {"app", "app.x"}),
        ("from .x import y", {"app", "app.x", "app.x.y"}),
        ("from .. import x", set()),
        ("def f():\n    import inner", {"inner"}),
        ("class C:\n    def f(self):\n        from inner import y", {"inner", "inner.y"}),
        ("try:\n    import fast\nexcept ImportError:\n    import slow", {"fast", "slow"}),
        ("if x:\n    import a\nelse:\n    import b", {"a", "b"}),
        ("async def f():\n    async with g:\n        import a", {"a"}),
        ("x = lambda: __import__('a.b')", {"a", "a.b"}),
        ("import importlib\nimportlib.import_module('a.b')", {"importlib", "a", "a.b"}),
        ("import_module(name='a')", {"a"}),
        ("import_module('.x', __package__)", {"app", "app.x"}),
        ("import_module('.x', package='p.q')", {"p", "p.q", "p.q.x"}),
        ("import_module('..x', 'p.q')", {"p", "p.x"}),
        ("import_module('.x', unknown)", set()),
        ("import_module('.x')", set()),
        ("import_module(f'a.{b}')", set()),
        ("import_module()", set()),
        ("import_module('')\nimport_module('a..b')", set()),
        ("calls['x']()('a')", set()),
        ("", set()),
        ("def f(:", set()),
        ("import a\n\0", set()),
    ],
)
def test_imports_of_a_module(source: str, expected: set[str]) -> None:
    assert names(source) == expected


def test_relative_imports_of_a_package_start_at_itself() -> None:
    source = "from . import x\nfrom ..y import z\nimport_module('.w', __name__)"

    found = names(source, "top.app", is_package=True)

    assert found == {"top", "top.app", "top.app.x", "top.app.w", "top.y", "top.y.z"}


@pytest.mark.parametrize("test", ["TYPE_CHECKING", "typing.TYPE_CHECKING"])
def test_imports_for_type_checkers_only_are_left_out(test: str) -> None:
    assert names(f"if {test}:\n    import hints\nelse:\n    import real") == {"real"}
    assert names(f"if not {test}:\n    import real\nelse:\n    import hints") == {"real"}


def test_imports_of_the_main_program_only_are_left_out() -> None:
    source = "if __name__ == '__main__':\n    import cli\nelse:\n    import library"

    assert names(source) == {"library"}
    assert names("if __name__ != '__main__':\n    import a\nelse:\n    import cli") == {"a"}


def test_declared_encoding_is_honoured() -> None:
    source = "# coding: latin-1\nx = 'é'\nimport a".encode("latin-1")

    assert imports_of(source, "m", False) == {"a"}
    assert imports_of(b"# coding: no-such\nimport a", "m", False) == frozenset()


def test_unknown_escapes_warn_nobody() -> None:
    source = r"""
import a
pattern = "\d+\." + r"\w\"" + f"\N{BULLET}\s{pattern!r}" + '\777\\d'
text = "one \
two"
import b
"""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert names(source) == {"a", "b"}


def test_deep_expressions_are_walked_without_recursion() -> None:
    source = "import a\nx = " + "+".join(["1"] * 5000) + "\nimport b"

    assert names(source) in ({"a", "b"}, set())  # the parser itself has its limit


@given(st.binary(max_size=200))
def test_any_bytes_can_be_asked(source: bytes) -> None:
    assert isinstance(imports_of(source, "m", False), frozenset)


def test_prefixes_go_from_the_top_down() -> None:
    assert prefixes("a.b.c") == ["a", "a.b", "a.b.c"]
