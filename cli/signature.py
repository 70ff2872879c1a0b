"""Compares arguments with a `def` that was read, not run, so before anything is connected."""

import ast
from collections.abc import Iterator
from inspect import Parameter, Signature

from .arguments import Arguments

__all__ = ["find_mismatch", "signature_of"]


class _Source:
    """A default value, shown as it is written."""

    def __init__(self, node: ast.expr) -> None:
        self._text = ast.unparse(node)

    def __repr__(self) -> str:
        return self._text


def signature_of(function: ast.FunctionDef, *, is_bound: bool = False) -> Signature:
    """Return the signature of a function, without its first parameter if it is bound.

    Annotations are left out: what is shown is how to call it.
    """
    parameters = list(_parameters(function.args))
    if is_bound and parameters and parameters[0].kind is not Parameter.VAR_POSITIONAL:
        del parameters[0]
    return Signature(parameters)


def find_mismatch(signature: Signature, arguments: Arguments) -> str | None:
    """Say what is wrong with some arguments ("missing a required argument: 'x'"), if anything."""
    try:
        signature.bind(*arguments.args, **arguments.kwargs)
    except TypeError as error:
        return str(error)
    return None


def _parameters(found: ast.arguments) -> Iterator[Parameter]:
    positional = [*found.posonlyargs, *found.args]
    first_default = len(positional) - len(found.defaults)
    for index, argument in enumerate(positional):
        is_only = index < len(found.posonlyargs)
        kind = Parameter.POSITIONAL_ONLY if is_only else Parameter.POSITIONAL_OR_KEYWORD
        default = found.defaults[index - first_default] if index >= first_default else None
        yield _parameter(argument, kind, default)
    if found.vararg:
        yield _parameter(found.vararg, Parameter.VAR_POSITIONAL)
    for argument, default in zip(found.kwonlyargs, found.kw_defaults, strict=True):
        yield _parameter(argument, Parameter.KEYWORD_ONLY, default)
    if found.kwarg:
        yield _parameter(found.kwarg, Parameter.VAR_KEYWORD)


def _parameter(argument: ast.arg, kind: object, default: ast.expr | None = None) -> Parameter:
    value = Parameter.empty if default is None else _Source(default)
    return Parameter(argument.arg, kind, default=value)  # type: ignore[arg-type]
