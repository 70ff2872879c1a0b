"""Proxy: what is sent, and what fails before anything is."""

import copy
import inspect
import pydoc
from collections.abc import Iterator
from typing import Any

import pytest

from remotesvc.service.base import Service
from remotesvc.service.call import Call
from remotesvc.service.expose import expose, find_method, no_reply
from remotesvc.service.policy import AllowAny
from remotesvc.service.proxy import Proxy


class LogService(Service):
    @expose(policy=AllowAny())
    def tail(self, path: str, lines: int = 10, *, call: Call | None = None) -> list[str]:
        """Return the last lines."""
        return [path] * lines

    @expose(policy=AllowAny())
    @no_reply
    def rotate(self, path: str) -> None: ...

    @expose(policy=AllowAny())
    def named(self, cls: str, name: str, verb: str, args: int, kwargs: int) -> None: ...

    @expose(policy=AllowAny())
    def close(self, **kwargs: Any) -> None: ...

    @expose(policy=AllowAny())
    def follow(self, path: str) -> Iterator[str]:
        yield path

    def reopen(self) -> None: ...

    def _secret(self) -> None: ...


class Verbs:
    """Stands where a context stands: notes what it is told to send, and answers with it."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []

    def call_service(__self, __service: Any, __method: str, **kwargs: Any) -> Any:
        __self.sent.append(("call", __service, __method, kwargs))
        return kwargs

    def call_service_no_reply(__self, __service: Any, __method: str, **kwargs: Any) -> None:
        __self.sent.append(("no reply", __service, __method, kwargs))


@pytest.fixture
def verbs() -> Verbs:
    return Verbs()


@pytest.fixture
def proxy(verbs: Verbs) -> Any:
    return Proxy(verbs, LogService, "web1")


def test_call_sends_all_arguments_by_name(verbs: Verbs, proxy: Any) -> None:
    assert proxy.tail("/var/log/syslog", lines=50) == {"path": "/var/log/syslog", "lines": 50}
    assert verbs.sent == [
        ("call", LogService, "tail", {"path": "/var/log/syslog", "lines": 50}),
    ]


def test_default_that_is_left_out_is_not_sent(verbs: Verbs, proxy: Any) -> None:
    proxy.tail("x")

    assert verbs.sent == [("call", LogService, "tail", {"path": "x"})]


def test_method_without_reply_is_called_without_reply(verbs: Verbs, proxy: Any) -> None:
    assert proxy.rotate(path="x") is None
    assert verbs.sent == [("no reply", LogService, "rotate", {"path": "x"})]


def test_arguments_may_have_any_name(verbs: Verbs, proxy: Any) -> None:
    names = {"service": "x", "method": "x", "__self": 1, "__service": 1, "fn": 1}

    proxy.close(**names)
    proxy.named("c", "n", "v", 1, kwargs=2)

    assert verbs.sent[0] == ("call", LogService, "close", names)
    assert verbs.sent[1][3] == {"cls": "c", "name": "n", "verb": "v", "args": 1, "kwargs": 2}


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        ((5,), {}),
        (("x", True), {}),
        (("x",), {"line": 5}),
        (("x",), {"call": None}),
        (("x",), {"lines": [1]}),
    ],
)
def test_arguments_that_do_not_fit_fail_here_as_they_would_there(
    verbs: Verbs, proxy: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    method = find_method(LogService, "tail")
    assert method is not None
    with pytest.raises(TypeError) as there:
        method.arguments.check({**dict(zip(("path", "lines"), args, strict=False)), **kwargs})

    with pytest.raises(TypeError) as here:
        proxy.tail(*args, **kwargs)

    assert str(here.value) == str(there.value)
    assert str(here.value).startswith("LogService.tail: argument ")
    assert verbs.sent == []


def test_too_many_arguments_fail_here(verbs: Verbs, proxy: Any) -> None:
    with pytest.raises(TypeError, match=r"^LogService.tail\(\) takes from 1 to 2 positional"):
        proxy.tail("x", 1, 2)
    assert verbs.sent == []


def test_name_that_there_is_not_names_those_that_there_are(verbs: Verbs, proxy: Any) -> None:
    with pytest.raises(AttributeError) as caught:
        proxy.tial("x")

    assert str(caught.value) == (
        "LogService has no method tial; exposed are: close, follow, named, rotate, tail"
    )
    assert verbs.sent == []


def test_method_that_is_not_exposed_says_how_to_expose_it(proxy: Any) -> None:
    for name in ("reopen", "on_shutdown", "router"):
        with pytest.raises(AttributeError) as caught:
            getattr(proxy, name)

        assert str(caught.value) == (
            f"LogService.{name} is not exposed; decorate it with @expose(policy=...). "
            "Exposed are: close, follow, named, rotate, tail"
        )


def test_private_names_are_no_methods(proxy: Any) -> None:
    for name in ("_secret", "__len__", "__wire__", "_repr_html_"):
        assert not hasattr(proxy, name)


def test_attributes_cannot_be_set(proxy: Any) -> None:
    with pytest.raises(AttributeError):
        proxy.level = 5


def test_proxy_shows_class_and_place(proxy: Any) -> None:
    assert repr(proxy) == "<Service tests.service.test_proxy.LogService on web1>"


def test_proxy_lists_what_is_exposed(proxy: Any) -> None:
    assert {"tail", "rotate", "named", "close", "follow"} <= set(dir(proxy))
    assert not {"reopen", "_secret", "on_message"} & set(dir(proxy))


def test_method_of_a_proxy_looks_like_the_one_over_there(proxy: Any) -> None:
    assert proxy.tail.__doc__ == "Return the last lines."
    assert proxy.tail.__name__ == "tail"
    assert proxy.tail.__qualname__ == "LogService.tail"
    assert str(inspect.signature(proxy.tail)) == "(path: str, lines: int = 10) -> list[str]"
    assert "tail(path: str, lines: int = 10) -> list[str]" in pydoc.render_doc(
        proxy.tail,
        renderer=pydoc.plaintext,  # type: ignore[attr-defined]
    )


def test_method_of_a_proxy_is_made_once(proxy: Any) -> None:
    assert proxy.tail is proxy.tail


def test_proxy_of_what_is_no_service_is_refused(verbs: Verbs) -> None:
    wrong: list[Any] = [object, "app.LogService", LogService.tail, None]
    for thing in wrong:
        with pytest.raises(TypeError, match="wanted is a subclass of Service, got"):
            Proxy(verbs, thing, "web1")


def test_proxy_can_be_copied(proxy: Any, verbs: Verbs) -> None:
    copy.copy(proxy).tail("x")

    assert len(verbs.sent) == 1
