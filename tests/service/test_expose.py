"""Expose: which methods can be reached, and what the decorators refuse."""

import functools
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from remotesvc.service.base import Service
from remotesvc.service.call import Call
from remotesvc.service.expose import arg_spec, expose, find_method, methods_of, no_reply
from remotesvc.service.policy import AllowAny, AllowParents, Policy
from tests.architecture.test_old_python import HEAVY, WEIGH, run
from tests.architecture.tree import ROOT
from tests.interpreters import Interpreter, find_interpreters


class Only(Policy):
    """Takes arguments."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted

    def is_authorized(self, service: Service, call: Call) -> bool:
        return call.src == self.wanted


class LogService(Service):
    @expose(policy=AllowParents())
    def tail(self, path: str, lines: int = 10) -> list[str]:
        """Return the last lines.

        And more.
        """
        return [path] * lines

    @expose(AllowAny)
    @expose(Only(5))
    def stacked(self) -> None: ...

    @expose(policy=AllowAny())
    def follow(self, path: str) -> Iterator[str]:
        yield path

    def hidden(self) -> None: ...

    _private = follow

    @arg_spec({"path": str})
    @no_reply
    def marked_only(self, path: str) -> None: ...


def text_of(decorate: Callable[[], Any]) -> str:
    with pytest.raises(TypeError) as caught:
        decorate()
    return str(caught.value)


# -- what is reachable ---------------------------------------------------------------------------


def test_methods_with_a_policy_are_exposed_and_no_others() -> None:
    assert set(methods_of(LogService)) == {"tail", "stacked", "follow"}
    for name in ("hidden", "_private", "marked_only", "missing", "name", "router", "__init__", ""):
        assert find_method(LogService, name) is None


def test_one_method_is_found_as_all_are() -> None:
    assert {name: find_method(LogService, name) for name in ("tail", "stacked", "follow")} == (
        methods_of(LogService)
    )


def test_method_tells_what_it_is() -> None:
    tail = methods_of(LogService)["tail"]

    assert (tail.name, tail.function) == ("tail", LogService.tail)
    assert (tail.is_no_reply, tail.is_stream, tail.call_parameter) == (False, False, "")
    assert tail.arguments.describe() == [("path", "str", ""), ("lines", "int", "10")]
    assert tail.doc.startswith("Return the last lines.\n")
    assert repr(tail) == "<Method LogService.tail>"
    assert methods_of(LogService)["follow"].is_stream


def test_policies_stack_in_the_order_in_which_they_stand() -> None:
    first, second = methods_of(LogService)["stacked"].policies

    assert isinstance(first, AllowAny)
    assert isinstance(second, Only)


def test_exposed_method_is_an_ordinary_method_here() -> None:
    class Local(LogService):
        def __init__(self) -> None: ...

    assert Local().tail("x", lines=2) == ["x", "x"]


# -- inheritance ---------------------------------------------------------------------------------


def test_inherited_methods_are_exposed() -> None:
    class Child(LogService):
        @expose(AllowAny())
        def more(self) -> None: ...

    assert set(methods_of(Child)) == {"tail", "stacked", "follow", "more"}
    assert set(methods_of(LogService)) == {"tail", "stacked", "follow"}


def test_overriding_method_without_expose_is_unreachable() -> None:
    class Child(LogService):
        def tail(self, path: str, lines: int = 10) -> list[str]:
            return []

    assert find_method(Child, "tail") is None
    assert "tail" not in methods_of(Child)
    assert "tail" in methods_of(LogService)


def test_overriding_method_that_copies_the_mark_is_unreachable() -> None:
    class Child(LogService):
        @functools.wraps(LogService.tail)
        def tail(self, path: str, lines: int = 10) -> list[str]:  # type: ignore[override]
            return []

    assert find_method(Child, "tail") is None


def test_overriding_attribute_makes_the_name_unreachable() -> None:
    class Child(LogService):
        tail = None  # type: ignore[assignment]
        follow = staticmethod(LogService.follow)  # type: ignore[assignment]

    assert set(methods_of(Child)) == {"stacked"}


def test_overriding_method_has_only_the_policies_of_its_own() -> None:
    class Child(LogService):
        @expose(policy=AllowAny())
        def tail(self, path: str, lines: int = 10) -> list[str]:
            return []

    assert repr(methods_of(Child)["tail"].policies) == "(AllowAny,)"
    assert repr(methods_of(LogService)["tail"].policies) == "(AllowParents,)"


def test_nearest_class_decides_where_there_are_several() -> None:
    class Left(Service):
        def fetch(self) -> None: ...

    class Right(Service):
        @expose(AllowAny())
        def fetch(self) -> None: ...

    left_first = type("LeftFirst", (Left, Right), {})
    right_first = type("RightFirst", (Right, Left), {})

    assert find_method(left_first, "fetch") is None
    assert methods_of(left_first) == {}
    assert set(methods_of(right_first)) == {"fetch"}


def test_exposed_method_has_each_of_its_names() -> None:
    class Aliased(Service):
        @expose(AllowAny())
        def first(self) -> None: ...

        second = first

    found = methods_of(Aliased)
    assert {name: method.name for name, method in found.items()} == {
        "first": "first",
        "second": "second",
    }


# -- other decorators ----------------------------------------------------------------------------


def logged(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def test_method_that_another_decorator_wraps_is_exposed_when_expose_stands_above() -> None:
    class Wrapped(Service):
        @expose(AllowAny())
        @logged
        @arg_spec({"path": bytes})
        @expose(AllowParents())
        def above(self, path: str) -> None: ...

        @logged
        @expose(AllowAny())
        def below(self, path: str) -> None: ...

    found = methods_of(Wrapped)
    assert set(found) == {"above"}
    assert found["above"].function is Wrapped.__dict__["above"]
    assert repr(found["above"].policies) == "(AllowAny, AllowParents)"
    assert found["above"].arguments.describe() == [("path", "bytes", "")]


def test_order_of_the_decorators_does_not_matter() -> None:
    decorators = [expose(AllowAny()), arg_spec({"path": bytes}), no_reply, no_reply()]

    for seed in range(6):
        random.Random(seed).shuffle(decorators)

        def method(self: Any, path: Any) -> None: ...

        for decorate in decorators:
            assert decorate(method) is method
        found = find_method(type("Made", (Service,), {"method": method}), "method")
        assert found is not None
        assert found.is_no_reply
        assert found.arguments.describe() == [("path", "bytes", "")]


def test_decorator_that_comes_late_counts() -> None:
    class Late(Service):
        @expose(AllowAny())
        def fetch(self, path: Any) -> None: ...

    assert not methods_of(Late)["fetch"].is_no_reply
    no_reply(Late.fetch)
    arg_spec({"path": str})(Late.fetch)

    assert methods_of(Late)["fetch"].is_no_reply
    assert methods_of(Late)["fetch"].arguments.describe() == [("path", "str", "")]


# -- what is refused -----------------------------------------------------------------------------


def test_expose_without_a_policy_is_refused() -> None:
    def fetch(self: Any) -> None: ...

    for wrong in (fetch, None, "AllowAny", object, 5):
        text = text_of(lambda wrong=wrong: expose(wrong))  # type: ignore[misc]
        assert text.startswith("expose(")
        assert "wanted is a Policy: write @expose(policy=AllowParents())" in text


def test_policy_that_decides_nothing_is_refused() -> None:
    class Silent(Policy): ...

    for wrong in (Policy, Policy(), Silent):
        assert "decides nothing: define is_authorized(service, call)" in text_of(
            lambda wrong=wrong: expose(wrong)  # type: ignore[misc]
        )


def test_policy_whose_answer_is_always_true_is_refused() -> None:
    class Later(Policy):
        async def is_authorized(self, service: Service, call: Call) -> bool:  # type: ignore[override]
            return False

    class Yields(Policy):
        def is_authorized(self, service: Service, call: Call) -> bool:  # type: ignore[misc]
            yield False

    for wrong in (Later, Yields()):
        assert "decides later" in text_of(lambda wrong=wrong: expose(wrong))  # type: ignore[misc]


def test_what_is_no_plain_method_is_refused() -> None:
    wrong: list[Any] = [staticmethod(len), classmethod(repr), property(len), len, Service, None]

    for decorator in (expose(AllowAny()), arg_spec({}), no_reply):
        for thing in wrong:
            if decorator is no_reply and thing is None:
                continue  # that is @no_reply()
            text = text_of(lambda d=decorator, t=thing: d(t))  # type: ignore[misc]
            assert "wanted is a plain method, got" in text


def starred(self: Any, *args: Any) -> None: ...
def nameless(self: Any, path: str, /) -> None: ...
def selfless() -> None: ...
def keyword_only(*, self: Any) -> None: ...
async def coroutine(self: Any) -> None: ...
async def stream(self: Any) -> Any:
    yield 1


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (starred, "starred takes *args: every argument needs a name"),
        (nameless, "nameless has positional-only arguments: they travel by name"),
        (selfless, "selfless takes no self"),
        (keyword_only, "keyword_only takes no self"),
        (coroutine, "coroutine is a coroutine: methods run on threads"),
        (stream, "stream is a coroutine: methods run on threads"),
    ],
)
def test_method_that_cannot_be_called_by_name_is_refused(function: Any, problem: str) -> None:
    assert text_of(lambda: expose(AllowAny())(function)).startswith("expose: " + problem)


def test_self_that_takes_no_name_is_fine() -> None:
    def fetch(self: Any, /, path: str) -> None: ...

    expose(AllowAny())(fetch)


def test_arg_spec_of_an_argument_that_there_is_not_is_refused() -> None:
    def fetch(self: Any, path: Any) -> None: ...

    assert text_of(lambda: arg_spec({"pth": str})(fetch)) == (
        "fetch: arg_spec names 'pth', which is none of its arguments; it takes path"
    )


@pytest.mark.parametrize("wrong", [5, (), (str, 5), [str], {"x": str}, 1.5])
def test_arg_spec_of_what_is_no_type_is_refused(wrong: Any) -> None:
    text = text_of(lambda: arg_spec({"path": wrong}))

    assert text == (
        f"arg_spec: 'path' is {wrong!r}: give a type, a tuple of types, or None for anything"
    )


@pytest.mark.parametrize(
    "fine", [str, (str, None), None, "int | None", list[int], "list[int]", Any, int | None]
)
def test_arg_spec_of_what_may_be_an_annotation_is_taken(fine: Any) -> None:
    def fetch(self: Any, path: Any) -> None: ...

    arg_spec({"path": fine})(fetch)


def test_arg_spec_without_a_dict_is_refused() -> None:
    assert "wanted is a dict" in text_of(lambda: arg_spec(str))  # type: ignore[arg-type]


def test_method_that_yields_has_a_reply() -> None:
    assert text_of(lambda: no_reply(LogService.follow)) == (
        "no_reply: LogService.follow yields, and nobody would read it"
    )


# -- the parameter that is filled in -------------------------------------------------------------


class CalledService(Service):
    @expose(AllowAny())
    def by_class(self, who: Call, path: str) -> None: ...

    @expose(AllowAny())
    def by_text(self, path: str, *, who: "Call") -> None: ...

    @expose(AllowAny())
    def by_option(self, path: str, who: Call | None = None) -> None: ...

    @expose(AllowAny())
    def by_dotted_text(self, who: "nowhere.Call", path: str) -> None: ...  # type: ignore[name-defined] # noqa: F821

    @expose(AllowAny())
    def named(self, msg: str, call: str, path: str) -> str:
        return msg + call

    @expose(AllowAny())
    def local(self, path: str) -> str:
        msg = call = path
        return msg + call

    @expose(AllowAny())
    @arg_spec({"who": str})
    def declared(self, who: Call, path: str) -> None: ...


@pytest.mark.parametrize("name", ["by_class", "by_text", "by_option", "by_dotted_text"])
def test_parameter_annotated_with_call_is_filled_in(name: str) -> None:
    method = methods_of(CalledService)[name]

    assert method.call_parameter == "who"
    assert method.arguments.describe() == [("path", "str", "")]
    with pytest.raises(TypeError, match="argument 'who' is filled in where the service runs"):
        method.arguments.check({"path": "x", "who": None})


def test_names_of_parameters_and_variables_mean_nothing() -> None:
    found = methods_of(CalledService)

    assert found["named"].call_parameter == ""
    assert [name for name, _, _ in found["named"].arguments.describe()] == ["msg", "call", "path"]
    assert found["local"].call_parameter == ""
    assert [name for name, _, _ in found["local"].arguments.describe()] == ["path"]


def test_arg_spec_wins_over_the_annotation_with_call() -> None:
    assert methods_of(CalledService)["declared"].call_parameter == ""


def test_two_parameters_annotated_with_call_are_an_error() -> None:
    class Twice(Service):
        @expose(AllowAny())
        def fetch(self, one: Call, two: Call) -> None: ...

    with pytest.raises(TypeError, match=r"Twice\.fetch: .* one is enough"):
        methods_of(Twice)


def test_class_of_the_same_name_is_not_filled_in() -> None:
    other = type("Call", (), {})

    class Other(Service):
        @expose(AllowAny())
        def fetch(self, call: other) -> None: ...  # type: ignore[valid-type]

    assert methods_of(Other)["fetch"].call_parameter == ""


@pytest.mark.matrix
@pytest.mark.parametrize("python", find_interpreters(), ids=str)
def test_services_import_nothing_heavy(python: Interpreter) -> None:
    loaded = run(python, WEIGH, [str(ROOT), "remotesvc.service.expose"])

    assert sorted(set(loaded) & {*HEAVY, "ast"}) == []


# -- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "name",
        "router",
        "select",
        "has_select",
        "on_shutdown",
        "on_message",
        "pool",
        "invoker_class",
    ],
)
def test_names_of_the_base_class_are_refused_when_they_are_exposed(name: str) -> None:
    def method(self: Any) -> None: ...

    method.__name__ = name
    method.__qualname__ = f"Notes.{name}"
    assert text_of(lambda: expose(AllowAny())(method)) == (
        f"expose: Notes.{name} has a name that the base class Service needs itself: "
        "give it another one"
    )


def test_private_name_is_refused_when_it_is_exposed() -> None:
    def _add(self: Any) -> None: ...

    text = text_of(lambda: expose(AllowAny())(_add))
    assert "_add is private, as its name begins with _" in text
