"""Which callables have a name that leads back to them."""

import builtins
import datetime
import functools
import json
import operator
import os
import pathlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from remotesvc.controller.modules.target import Target, name_of

HERE = __name__


def plain() -> None: ...


def decorated(function: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(function)
    def wrapper(*arguments: object) -> None:
        function(*arguments)

    return wrapper


@decorated
def wrapped() -> None: ...


@functools.lru_cache
def cached() -> None: ...


class Thing:
    def method(self) -> None: ...

    @classmethod
    def make(cls) -> None: ...

    @staticmethod
    def help() -> None: ...

    def __private(self) -> None: ...

    def __call__(self) -> None: ...

    class Inner:
        @staticmethod
        def deep() -> None: ...


class Special(Thing): ...


def closure() -> Callable[[], None]:
    def inner() -> None: ...

    return inner


renamed = decorated(plain)
nameless = lambda: None  # noqa: E731 - the subject of a test


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (plain, Target(HERE, "plain")),
        (wrapped, Target(HERE, "wrapped")),
        (cached, Target(HERE, "cached")),
        (Thing, Target(HERE, "Thing")),
        (Thing.Inner, Target(HERE, "Thing.Inner")),
        (Thing.Inner.deep, Target(HERE, "Thing.Inner.deep")),
        (Thing.method, Target(HERE, "Thing.method")),
        (Thing.make, Target(HERE, "Thing.make")),
        (Special.make, Target(HERE, "Special.make")),
        (Thing.help, Target(HERE, "Thing.help")),
        (Thing().help, Target(HERE, "Thing.help")),
        (Thing().make, Target(HERE, "Thing.make")),
        (len, Target("builtins", "len")),
        (str.upper, Target("builtins", "str.upper")),
        (dict.fromkeys, Target("builtins", "dict.fromkeys")),
        (os.getloadavg, Target("os", "getloadavg")),
        (os.path.join, Target("os.path", "join")),
        (operator.add, Target("operator", "add")),
        (functools.reduce, Target("functools", "reduce")),
        (json.dumps, Target("json", "dumps")),
        (datetime.datetime.now, Target("datetime", "datetime.now")),
        (pathlib.Path.cwd, Target("pathlib", "Path.cwd")),
    ],
)
def test_callable_with_a_name_is_named(function: object, expected: Target) -> None:
    assert name_of(function) == expected


@pytest.mark.parametrize(
    "function",
    [
        nameless,
        closure(),
        renamed,
        Thing(),
        Thing().method,
        Thing()._Thing__private,  # type: ignore[attr-defined]
        [].append,
        functools.partial(plain),
        operator.itemgetter(1),
        list[int],
        "text",
        None,
    ],
)
def test_callable_without_a_name_of_its_own_is_not_named(function: Any) -> None:
    assert name_of(function) is None


def test_function_replaced_in_its_module_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    original = plain
    monkeypatch.setattr(sys.modules[HERE], "plain", closure())

    assert name_of(original) is None


def test_function_of_a_module_that_is_gone_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, HERE)

    assert name_of(plain) is None


def test_function_of_the_main_program_is_named_main(monkeypatch: pytest.MonkeyPatch) -> None:
    main = ModuleType("__main__")
    namespace = vars(main)
    exec("def program(): pass", namespace)
    monkeypatch.setitem(sys.modules, "__main__", main)

    assert name_of(namespace["program"]) == Target("__main__", "program")


def test_function_of_a_spawned_main_program_is_named_main(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    main = ModuleType("__mp_main__")
    exec("def program(): pass", vars(main))
    monkeypatch.setitem(sys.modules, "__mp_main__", main)
    monkeypatch.setitem(sys.modules, "__main__", main)

    assert name_of(vars(main)["program"]) == Target("__main__", "program")


def test_every_public_builtin_is_named_by_a_name_that_leads_back() -> None:
    for name, value in vars(builtins).items():
        target = name_of(value)
        if target is not None:
            found = functools.reduce(
                getattr, target.qualname.split("."), sys.modules[target.module]
            )
            assert found == value, name
