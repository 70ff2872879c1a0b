"""Arguments against a `def` that was read."""

import ast

import pytest

from remotesvc.cli.arguments import Arguments
from remotesvc.cli.signature import find_mismatch, signature_of


def define(parameters: str) -> ast.FunctionDef:
    (function,) = ast.parse(f"def f({parameters}): pass").body
    assert isinstance(function, ast.FunctionDef)
    return function


@pytest.mark.parametrize(
    "parameters",
    ["", "a", "a, b=1", "a=None, /, b='x'", "*args, **kwargs", "a, *, b, c=[1, 2]", "a, /, *b"],
)
def test_a_signature_shows_as_it_is_written(parameters: str) -> None:
    assert str(signature_of(define(parameters))) == f"({parameters})"


def test_annotations_are_left_out() -> None:
    assert str(signature_of(define("disk: 'str' = '/', *, n: int = 1"))) == "(disk='/', *, n=1)"


@pytest.mark.parametrize(
    ("parameters", "arguments", "problem"),
    [
        ("a", Arguments((), {}), "missing a required argument: 'a'"),
        ("a", Arguments((1, 2), {}), "too many positional arguments"),
        ("a", Arguments((1,), {"b": 2}), "got an unexpected keyword argument 'b'"),
        ("a", Arguments((1,), {"a": 2}), "multiple values for argument 'a'"),
        ("a, b=1", Arguments((1,), {}), None),
        ("*a, **b", Arguments((1, 2), {"c": 3}), None),
        ("a, /, **b", Arguments((1,), {"a": 2}), None),
    ],
)
def test_a_mismatch_is_told_in_words(
    parameters: str, arguments: Arguments, problem: str | None
) -> None:
    assert find_mismatch(signature_of(define(parameters)), arguments) == problem


def test_a_bound_function_is_called_without_its_first_parameter() -> None:
    assert str(signature_of(define("cls, a"), is_bound=True)) == "(a)"
    assert str(signature_of(define("*args"), is_bound=True)) == "(*args)"
