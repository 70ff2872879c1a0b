"""A tree is made whatever other trees are made meanwhile."""

import ast
import gc
from collections.abc import Iterator

import pytest

from remotesvc.bootstrap.parse import parse

SOURCE = "\n".join(f"x{number} = [{number}, ({number},)]" for number in range(500))


@pytest.fixture
def collections() -> Iterator[list[str]]:
    """Make another tree in the first collection of garbage that comes, as another thread might.

    The list says whether one came.
    """
    seen: list[str] = []

    def make_another(phase: str, info: dict[str, int]) -> None:
        if not seen:
            seen.append(phase)
            ast.parse("1")

    before = gc.get_threshold()
    gc.collect()
    gc.callbacks.append(make_another)
    gc.set_threshold(1000)
    yield seen
    gc.callbacks.remove(make_another)
    gc.set_threshold(*before)


def test_tree_is_made_although_another_one_is_made_in_the_middle(collections: list[str]) -> None:
    collections.clear()

    tree = parse(SOURCE)

    assert collections
    assert ast.dump(tree) == ast.dump(ast.parse(SOURCE))


def test_source_that_does_not_parse_is_told() -> None:
    with pytest.raises(SyntaxError):
        parse("def f(:\n")
