"""Arguments: what is said of calls that do not fit, in words that are the same at both ends."""

import functools
import os
import pathlib
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from typing import Any

import pytest

from remotesvc.core.secret import Secret
from remotesvc.service.arguments import Arguments


class FileService:
    """Methods of the usual shapes."""

    def fetch(self, path: str, offset: int = 0, *, encoding: str = "utf-8") -> None: ...

    def anything(self, first, second=None): ...  # type: ignore[no-untyped-def]

    def tagged(self, path: str, **tags: str) -> None: ...

    def loose(self, path: str, **tags) -> None: ...  # type: ignore[no-untyped-def]

    def nothing(self) -> None: ...

    def called(self, call: object, path: str, lines: int = 10) -> None: ...

    def nameless(self, /, path: str, **tags: str) -> None: ...


FETCH = Arguments(FileService.fetch)


def fault(check: Callable[[], Any]) -> str:
    """Return the text of the TypeError that a check must raise."""
    with pytest.raises(TypeError) as caught:
        check()
    return str(caught.value)


@pytest.mark.parametrize(
    ("kwargs", "text"),
    [
        ({}, "argument 'path' is missing"),
        ({"offset": 1}, "argument 'path' is missing"),
        ({"path": 5}, "argument 'path' must be str, not int"),
        ({"path": None}, "argument 'path' must be str, not None"),
        ({"path": "x", "offset": True}, "argument 'offset' must be int, not bool"),
        ({"path": "x", "encoding": b"x"}, "argument 'encoding' must be str, not bytes"),
        (
            {"path": "x", "ofset": 1},
            "argument 'ofset' is unknown; it takes path, offset, encoding",
        ),
        ({"pth": "x"}, "argument 'pth' is unknown; it takes path, offset, encoding"),
        (
            {"path": "x", "self": 1},
            "argument 'self' is unknown; it takes path, offset, encoding",
        ),
        (
            {"path": "x", 5: 1},
            "argument 5 is unknown; it takes path, offset, encoding",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_named(kwargs: dict[str, Any], text: str) -> None:
    assert fault(lambda: FETCH.check(kwargs)) == "FileService.fetch: " + text


@pytest.mark.parametrize(
    "kwargs",
    [
        {"path": "x"},
        {"path": "x", "offset": 2**70},
        {"encoding": "ascii", "offset": 1, "path": "x"},
        {"path": Secret("x")},
    ],
)
def test_arguments_that_fit_pass(kwargs: dict[str, Any]) -> None:
    FETCH.check(kwargs)


def test_arguments_without_annotations_take_anything() -> None:
    Arguments(FileService.anything).check({"first": [{}, {1}], "second": {"x": []}})


def test_method_without_arguments_says_so() -> None:
    text = fault(lambda: Arguments(FileService.nothing).check({"x": 1}))

    assert text == "FileService.nothing: argument 'x' is unknown; it takes none"


def test_name_from_elsewhere_is_shown_short_and_escaped() -> None:
    text = fault(lambda: FETCH.check({"path": "x", "\x1b\u202e" + "n" * 10_000: 1}))

    assert text.startswith(r"FileService.fetch: argument '\x1b\u202ennn")
    assert text.endswith("'... is unknown; it takes path, offset, encoding")
    assert len(text) < 150


def test_keys_from_elsewhere_are_shown_short() -> None:
    arguments = Arguments(FileService.anything, {"first": dict[Any, int]})
    for key in ("k" * 10_000, 10**10_000, (1,) * 10_000, b"k" * 10_000):
        text = fault(lambda key=key: arguments.check({"first": {key: "x"}}))  # type: ignore[misc]

        assert text.endswith("] must be int, not str")
        assert len(text) < 150


# -- names that any keyword takes ----------------------------------------------------------------


def test_keywords_of_any_name_are_checked_by_their_annotation() -> None:
    arguments = Arguments(FileService.tagged)

    arguments.check({"path": "x", "colour": "red", "tags": "a name like any other"})
    text = fault(lambda: arguments.check({"path": "x", "size": 5}))
    assert text == "FileService.tagged: argument 'size' must be str, not int"
    assert arguments.describe() == [("path", "str", ""), ("**tags", "str", "")]


def test_keyword_cannot_stand_for_the_service_itself() -> None:
    text = fault(lambda: Arguments(FileService.tagged).check({"path": "x", "self": "x"}))

    assert text == "FileService.tagged: argument 'self' is unknown; it takes path, **tags"


def test_keyword_may_be_called_self_where_the_service_takes_no_name() -> None:
    Arguments(FileService.nameless).check({"path": "x", "self": "x"})


def test_declared_name_may_be_one_of_any_keyword() -> None:
    arguments = Arguments(FileService.loose, {"size": int})

    arguments.check({"path": "x", "other": None})
    text = fault(lambda: arguments.check({"path": "x", "size": "x"}))
    assert text == "FileService.loose: argument 'size' must be int, not str"


# -- arg_spec ------------------------------------------------------------------------------------


def test_declared_types_win_over_annotations() -> None:
    arguments = Arguments(FileService.fetch, {"path": (bytes, None), "offset": None})

    arguments.check({"path": b"x", "offset": "anything"})
    arguments.check({"path": None})
    text = fault(lambda: arguments.check({"path": "x"}))
    assert text == "FileService.fetch: argument 'path' must be bytes | None, not str"
    text = fault(lambda: arguments.check({"path": b"", "encoding": 1}))
    assert text == "FileService.fetch: argument 'encoding' must be str, not int"


def test_tuple_of_types_takes_each_of_them() -> None:
    arguments = Arguments(FileService.anything, {"first": (str, int, list)})

    fitting: list[Any] = ["x", 1, []]
    for value in fitting:
        arguments.check({"first": value})
    wrong: list[Any] = [(True, "bool"), (b"", "bytes"), ((), "tuple"), (None, "None")]
    for value, name in wrong:
        text = fault(lambda value=value: arguments.check({"first": value}))  # type: ignore[misc]
        assert text == (
            f"FileService.anything: argument 'first' must be str | int | list, not {name}"
        )


def test_declared_name_that_the_method_lacks_is_an_error() -> None:
    for name in ("pth", "self"):
        text = fault(lambda name=name: Arguments(FileService.fetch, {name: str}))  # type: ignore[misc]
        assert text == (
            f"FileService.fetch: arg_spec names {name!r}, which is none of its arguments; "
            "it takes path, offset, encoding"
        )


# -- what arrives as something else --------------------------------------------------------------

Point = namedtuple("Point", "x y")


class Name(str):
    """Arrives as a str."""


class Event:
    """Does not travel."""


@pytest.mark.parametrize(
    ("wanted", "here", "there"),
    [
        (Point, Point(1, 2), (1, 2)),
        (Name, Name("x"), "x"),
        (OrderedDict, OrderedDict(x=1), {"x": 1}),
        (pathlib.Path, pathlib.Path("/etc"), pathlib.PurePosixPath("/etc")),
        (os.PathLike, pathlib.Path("/etc"), pathlib.PurePosixPath("/etc")),
        (Secret, Secret("x"), Secret("x")),
    ],
)
def test_value_is_taken_as_it_leaves_and_as_it_arrives(
    wanted: type, here: object, there: object
) -> None:
    arguments = Arguments(FileService.anything, {"first": wanted})

    arguments.check({"first": here})
    arguments.check({"first": there})


def test_plain_text_is_no_secret() -> None:
    arguments = Arguments(FileService.anything, {"first": Secret})

    text = fault(lambda: arguments.check({"first": "x"}))
    assert text == "FileService.anything: argument 'first' must be Secret, not str"


def test_class_of_a_user_takes_its_instances() -> None:
    arguments = Arguments(FileService.anything, {"first": Event})

    arguments.check({"first": Event()})
    text = fault(lambda: arguments.check({"first": {}}))
    assert text == "FileService.anything: argument 'first' must be Event, not dict"


def test_values_that_cannot_be_hashed_are_compared_with_choices() -> None:
    arguments = Arguments(FileService.anything, {"first": "Literal['r', 1]"})

    for value, shown in (([], "list"), ({}, "dict"), (True, "True"), (1.0, "1.0")):
        text = fault(lambda value=value: arguments.check({"first": value}))  # type: ignore[misc]
        assert text == (
            f"FileService.anything: argument 'first' must be Literal['r', 1], not {shown}"
        )


def test_iterator_is_not_used_up() -> None:
    values = iter([1, 2])

    Arguments(FileService.anything, {"first": "Iterable[str]"}).check({"first": values})

    assert list(values) == [1, 2]


# -- what is filled in over there ----------------------------------------------------------------


def test_parameter_that_is_filled_in_cannot_be_given() -> None:
    arguments = Arguments(FileService.called, skip=("call",))

    arguments.check({"path": "x"})
    text = fault(lambda: arguments.check({"path": "x", "call": 1}))
    assert text == (
        "FileService.called: argument 'call' is filled in where the service runs; leave it out"
    )
    assert arguments.describe() == [("path", "str", ""), ("lines", "int", "10")]
    assert arguments.bind(("x", 5), {}) == {"path": "x", "lines": 5}


# -- the names of positional arguments -----------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "kwargs", "bound"),
    [
        ((), {}, {}),
        (("x",), {}, {"path": "x"}),
        (("x", 1), {"encoding": "y"}, {"path": "x", "offset": 1, "encoding": "y"}),
        (("x",), {"unknown": 1}, {"path": "x", "unknown": 1}),
    ],
)
def test_positional_arguments_get_their_names(
    args: tuple[Any, ...], kwargs: dict[str, Any], bound: dict[str, Any]
) -> None:
    assert FETCH.bind(args, kwargs) == bound


@pytest.mark.parametrize(
    ("method", "args", "kwargs", "text"),
    [
        (
            FileService.fetch,
            ("x", 1, 2),
            {},
            "FileService.fetch() takes from 1 to 2 positional arguments but 3 were given",
        ),
        (
            FileService.nothing,
            (1,),
            {},
            "FileService.nothing() takes 0 positional arguments but 1 was given",
        ),
        (
            FileService.tagged,
            (1, 2),
            {},
            "FileService.tagged() takes 1 positional argument but 2 were given",
        ),
        (
            FileService.fetch,
            ("x",),
            {"path": "y"},
            "FileService.fetch() got multiple values for argument 'path'",
        ),
    ],
)
def test_positional_arguments_that_do_not_fit_are_refused_as_python_does(
    method: Any, args: tuple[Any, ...], kwargs: dict[str, Any], text: str
) -> None:
    assert fault(lambda: Arguments(method).bind(args, kwargs)) == text


# -- decorated functions -------------------------------------------------------------------------


def logged(function: Any) -> Any:
    """Wrap a function as decorators do that know nothing of it."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def test_function_that_is_wrapped_says_what_it_takes() -> None:
    arguments = Arguments(logged(logged(FileService.fetch)))

    assert arguments.describe() == FETCH.describe()
    assert fault(lambda: arguments.check({"path": 1})) == (
        "FileService.fetch: argument 'path' must be str, not int"
    )


def test_wrapper_with_parameters_of_its_own_says_what_it_takes() -> None:
    @functools.wraps(FileService.fetch)
    def wrapper(self: Any, name: int) -> None: ...

    assert [name for name, _, _ in Arguments(wrapper).describe()] == ["name"]


def test_circle_of_wrappers_is_left() -> None:
    def method(self: Any, *args: Any, **kwargs: Any) -> None: ...

    method.__wrapped__ = method  # type: ignore[attr-defined]

    Arguments(method).check({"anything": 1})


# -- introspection -------------------------------------------------------------------------------


def test_arguments_are_described_with_types_and_defaults() -> None:
    assert FETCH.describe() == [
        ("path", "str", ""),
        ("offset", "int", "0"),
        ("encoding", "str", "'utf-8'"),
    ]
    assert Arguments(FileService.anything).describe() == [
        ("first", "", ""),
        ("second", "", "None"),
    ]


def test_defaults_are_described_short_and_whatever_they_do() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    def method(self: Any, long: str = "\x1b" * 500, broken: Any = Broken()) -> None: ...  # noqa: B008

    (_, _, long), (_, _, broken) = Arguments(method).describe()

    assert long.startswith(r"'\x1b\x1b")
    assert len(long) < 100
    assert broken == "Broken"


def test_default_of_none_makes_none_acceptable() -> None:
    def method(
        self: Any,
        names: list[str] = None,  # type: ignore[assignment] # noqa: RUF013 what is tested
        limit: "int | None" = None,
        note: str = "",
    ) -> None: ...

    arguments = Arguments(method)
    arguments.check({"names": None, "limit": None})
    assert "must be list[str] | None, not int" in fault(lambda: arguments.check({"names": 1}))
    assert "must be str, not None" in fault(lambda: arguments.check({"note": None}))
    assert arguments.describe() == [
        ("names", "list[str] | None", "None"),
        ("limit", "int | None", "None"),
        ("note", "str", "''"),
    ]


def test_declared_default_of_none_makes_none_acceptable() -> None:
    def method(self: Any, names: Any = None) -> None: ...

    Arguments(method, {"names": list}).check({"names": None})
