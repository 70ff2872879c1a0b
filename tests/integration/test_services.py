"""Services between real processes: what a call gives, and what is wrong in arguments and names."""

import logging
import os
from typing import Any

import pytest

from remotesvc import (
    Context,
    MessageTooLarge,
    RefusedError,
    RemoteError,
    Router,
    ValueNotSupported,
)
from remotesvc.core.authority import CALL_SERVICE
from remotesvc.core.pending import Pending
from remotesvc.core.values import encode
from remotesvc.core.wire import DEAD, PLAIN
from remotesvc.service import call
from remotesvc.service.request import ACTIVATE, pack_request
from tests.integration.targets import services, services_odd, work
from tests.integration.targets.services import Annotated, Plain
from tests.integration.waiting import wait_until
from tests.interpreters import find_interpreters

DEADLINE = 30.0

PLAIN_NAME = "tests.integration.targets.services.Plain"


# -- what a call gives ---------------------------------------------------------------------------


@pytest.mark.matrix
@pytest.mark.parametrize("interpreter", find_interpreters(), ids=str)
def test_service_runs_on_every_python_with_annotations_and_streams(
    router: Router, interpreter: Any
) -> None:
    child = router.local(python_path=interpreter.path)
    assert child.call(work.version) == interpreter.version
    service = child.service(Annotated)

    assert service.join(["a", "b"], times=2) == "a,ba,b"
    stream: Any = service.count(5)
    assert list(stream) == [0, 1, 2, 3, 4]
    assert stream.value == 10
    for arguments in ({"names": ["a", 1]}, {"names": "a"}, {"names": [], "times": "x"}, {}):
        with pytest.raises(TypeError, match=r"Annotated\.join: .*argument"):
            child.call_service(Annotated, "join", **arguments)
    assert child.call_service(Plain, "specified", hosts=[1], count=2) == [[1], 2]
    (described,) = [one for one in child.services() if one["name"].endswith("Annotated")]
    assert [one["name"] for one in described["methods"]] == ["count", "join"]


def test_method_runs_on_a_thread_of_the_pool_and_sees_its_call(child: Context) -> None:
    seen = child.call_service(Plain, "who")

    assert seen == {
        "service": PLAIN_NAME,
        "method": "who",
        "src": 0,
        "auth": 0,
        "is_commanded": True,
        "thread": False,
    }


def test_call_by_name_by_class_by_proxy_and_by_function_is_the_same(child: Context) -> None:
    assert child.call_service(PLAIN_NAME, "add", left=1, right=1) == 2
    assert child.call_service(Plain, "add", left=1, right=1) == 2
    assert child.service(Plain).add(1, right=1) == 2
    assert child.submit_service(Plain, "add", left=1, right=1).result(DEADLINE) == 2
    assert child.options(timeout=DEADLINE).call_service(Plain, "add", left=1, right=1) == 2
    assert call(child, Plain, "add", left=1, right=1) == 2


def test_type_checkers_know_methods_arguments_and_results(child: Context) -> None:
    """Each comment is a complaint of mypy: one that it does not make fails `make check`."""
    plain = child.service(Plain)
    total: int = plain.add(1, right=2)
    text: str = plain.add(1)  # type: ignore[assignment]
    assert {total, text} == {3}

    with pytest.raises(AttributeError, match="has no method dad; exposed are: add"):
        plain.dad(1)  # type: ignore[attr-defined]
    for argument in ("1", b"1"):
        with pytest.raises(TypeError, match="'left' must be int"):
            plain.add(argument)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="'rihgt'"):
        plain.add(1, rihgt=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="'left'"):
        plain.add()  # type: ignore[call-arg]


def test_default_that_was_left_out_counts(child: Context) -> None:
    assert child.service(Plain).add(40) == 42


def test_variables_and_arguments_named_msg_and_call_mean_nothing(child: Context) -> None:
    assert child.service(Plain).shadow("text") == "TEXT!"
    assert child.service(Plain).take(msg="text", call=7) == ("text", 7)


def test_method_that_raises_is_an_error_with_its_remote_lines_and_no_others(
    child: Context,
) -> None:
    with pytest.raises(LookupError, match="the text") as caught:
        child.service(Plain).fail("the text")

    assert isinstance(caught.value, RemoteError)
    assert "raise LookupError(text)" in caught.value.traceback
    assert "remotesvc/service" not in caught.value.traceback


def test_sys_exit_in_a_method_is_an_error_of_that_call(child: Context) -> None:
    with pytest.raises(RemoteError, match="SystemExit: 3"):
        child.service(Plain).leave()
    assert child.service(Plain).add(1) == 3


def test_result_that_cannot_travel_is_an_error_that_names_the_path(child: Context) -> None:
    with pytest.raises(ValueNotSupported, match=r"Plain\.lock: result\[0\]: .*lock"):
        child.service(Plain).lock()
    with pytest.raises(ValueNotSupported, match=r"asyncio\.run"):
        child.call_service(Plain, "later")


def test_result_beyond_the_limit_is_an_error_and_no_dead_child(
    no_leaks: None, empty_home: None
) -> None:
    with Router(max_message_size=1 << 20) as router:
        child = router.local()
        with pytest.raises(MessageTooLarge, match=r"Plain\.size"):
            child.service(Plain).size(1 << 21)
        with pytest.raises(MessageTooLarge, match=r"Plain\.measure"):
            child.service(Plain).measure(bytes(1 << 21))
        assert len(child.service(Plain).size(1 << 19)) == 1 << 19


def test_large_arguments_and_results_go_both_ways(child: Context) -> None:
    assert child.service(Plain).measure(bytes(5_000_000)) == 5_000_000
    assert len(child.service(Plain).size(5_000_000)) == 5_000_000


# -- no reply ------------------------------------------------------------------------------------


def test_no_reply_method_returns_at_once_and_is_run_in_its_own_time(child: Context) -> None:
    service = child.service(Plain)
    assert service.tell(1) is None
    child.call_service_no_reply(Plain, "tell", value=2)
    assert child.call_service(Plain, "tell", value=3) is None

    # Four pool threads: the order is not kept, but nothing is lost.
    noted: set[int] = set()
    while noted != {1, 2, 3}:
        noted = set(service.notes())


def test_no_reply_method_that_raises_answers_nothing_and_is_logged(
    child: Context, caplog: pytest.LogCaptureFixture
) -> None:
    assert child.call_service(Plain, "tell", value="fail") is None
    child.call_service_no_reply(Plain, "fail", text="nobody hears this either")
    while len(caplog.records) < 2:
        child.call(os.getpid)

    texts = sorted(record.getMessage() for record in caplog.records)
    assert "Plain.fail failed, and nobody waits for it" in texts[0]
    assert "Plain.tell failed, and nobody waits for it" in texts[1]
    assert {record.levelno for record in caplog.records} == {logging.ERROR}
    # Counted after it is logged.
    wait_until(lambda: child.services()[0]["errors"] == 2)
    assert [described["calls"] for described in child.services()] == [2]


# -- arguments -----------------------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"left": True}, r"argument 'left' must be int, not bool"),
    ({"left": "1"}, r"argument 'left' must be int, not str"),
    ({"left": 1.0}, r"argument 'left' must be int, not float"),
    ({"left": 1, "rihgt": 2}, r"'rihgt'"),
    ({}, r"'left'"),
    ({"left": 1, "self": 2}, r"'self'"),
]


@pytest.mark.parametrize(("arguments", "expected"), WRONG, ids=[text for _, text in WRONG])
def test_arguments_that_do_not_fit_are_named_here_and_over_there(
    child: Context, arguments: dict[str, Any], expected: str
) -> None:
    with pytest.raises(TypeError, match=rf"Plain\.add: .*{expected}") as here:
        child.service(Plain).add(**arguments)
    with pytest.raises(TypeError, match=rf"Plain\.add: .*{expected}") as there:
        child.call_service(PLAIN_NAME, "add", **arguments)

    assert not isinstance(here.value, RemoteError)
    assert isinstance(there.value, RemoteError)
    assert str(here.value) in str(there.value)


def test_call_parameter_may_not_be_given(child: Context) -> None:
    with pytest.raises(TypeError, match="call"):
        child.call_service(Plain, "who", call=1)


def test_argument_of_another_kind_than_arg_spec_says_is_named(child: Context) -> None:
    assert child.call_service(Plain, "specified", hosts=[]) == [[], None]
    with pytest.raises(TypeError, match="'hosts' must be list, not tuple"):
        child.call_service(Plain, "specified", hosts=())
    with pytest.raises(TypeError, match=r"'count' must be int \| None, not bool"):
        child.call_service(Plain, "specified", hosts=[], count=True)


def test_arguments_are_plain_values_only(child: Context) -> None:
    with pytest.raises(ValueNotSupported, match="kwargs"):
        child.call_service(Plain, "echo", value=lambda: None)
    assert child.services() == []


# -- names ---------------------------------------------------------------------------------------

NAMES: list[tuple[str, type[Exception], str]] = [
    ("tests.integration.targets.services_odd.function", TypeError, "that is a function"),
    ("tests.integration.targets.services_odd", TypeError, "that is a module"),
    ("tests.integration.targets.services_odd.NoService", TypeError, "a class, but no Service"),
    ("tests.integration.targets.services_odd.Missing", LookupError, "there is no"),
    ("tests.integration.targets.services_odd.Base.answer", TypeError, "that is a function"),
    ("tests.integration.targets.missing.Base", LookupError, "there is no"),
    ("missing_altogether.Base", ModuleNotFoundError, "missing_altogether"),
    ("os.path.join", TypeError, "that is a function"),
    ("os", LookupError, "module.Class"),
    ("", LookupError, "module.Class"),
    ("a..b", LookupError, "module.Class"),
    ("a b.c", LookupError, "module.Class"),
]


@pytest.mark.parametrize(
    ("name", "kind", "text"), NAMES, ids=[name or '""' for name, _, _ in NAMES]
)
def test_name_that_leads_to_no_service_says_what_it_leads_to(
    child: Context, name: str, kind: type[Exception], text: str
) -> None:
    child.call(services_odd.function)  # so that its package may be read

    with pytest.raises(kind, match=text):
        child.call_service(name, "answer")
    with pytest.raises(kind, match=text):
        child.call_service(name, "answer")  # and again: nothing is remembered


def test_method_that_is_not_there_or_not_exposed_is_refused_with_those_that_are(
    child: Context,
) -> None:
    for method in ("hidden", "missing", "__call__", "router", "name", "on_shutdown"):
        with pytest.raises(RefusedError, match=r"exposes no method.*exposed are: add"):
            child.call_service(PLAIN_NAME, method)
        with pytest.raises(AttributeError, match=method):
            getattr(child.service(Plain), method)


def test_overriding_method_without_expose_cannot_be_reached(child: Context) -> None:
    assert child.service(services_odd.Base).answer() == 42
    with pytest.raises(RefusedError, match="exposes no method 'answer'; exposed are: none"):
        child.call_service(services_odd.Overriding, "answer")
    with pytest.raises(AttributeError, match="not exposed"):
        child.service(services_odd.Overriding).answer()


def test_policy_that_raises_or_says_something_like_yes_refuses(
    child: Context, caplog: pytest.LogCaptureFixture
) -> None:
    for method, policy in (("raising", "Raising"), ("truthy", "Truthy"), ("stacked", "Raising")):
        with pytest.raises(RefusedError, match=f"Judged.{method} is refused .* policy {policy}"):
            child.options(timeout=DEADLINE).call_service(services_odd.Judged, method)
    child.call(os.getpid)
    assert len([one for one in caplog.messages if "policy Raising of Judged" in one]) == 2


# -- own names, own invokers ---------------------------------------------------------------------


def test_own_activator_takes_short_names_and_refuses_a_package(child: Context) -> None:
    child.call(services_odd.use_activator)

    assert child.call_service("files", "answer") == 42
    with pytest.raises(RefusedError, match="Short does not permit it"):
        child.call_service(Plain, "add", left=1)
    assert [one["name"] for one in child.services()] == ["files"]


def test_own_invoker_does_something_around_each_call(child: Context) -> None:
    assert child.call_service(services_odd.Counted, "nothing") == ["nothing", None]


def test_invoker_that_raises_is_an_error_of_the_call_and_nothing_else(child: Context) -> None:
    for _ in range(2):
        with pytest.raises(RuntimeError, match="no schedule today"):
            child.options(timeout=DEADLINE).call_service(services_odd.Unscheduled, "nothing")
    assert child.service(Plain).add(1) == 3
    described = {one["name"].rpartition(".")[2]: one for one in child.services()}
    assert (described["Unscheduled"]["waiting"], described["Unscheduled"]["errors"]) == (0, 2)


# -- what is shown -------------------------------------------------------------------------------


def test_introspection_tells_methods_arguments_policies_and_counts(child: Context) -> None:
    assert child.services() == []
    child.service(Plain).add(1)
    with pytest.raises(LookupError):
        child.service(Plain).fail("x")
    with pytest.raises(TypeError):
        child.call_service(Plain, "add")

    (found,) = child.services()
    assert (found["name"], found["invoker"]) == (PLAIN_NAME, "Invoker")
    assert (found["calls"], found["errors"], found["waiting"]) == (2, 2, 0)
    methods = {one["name"]: one for one in found["methods"]}
    assert "hidden" not in methods
    add = methods["add"]
    assert [tuple(one) for one in add["arguments"]] == [("left", "int", ""), ("right", "int", "2")]
    assert add["policies"] == ["AllowParents"]
    assert methods["tell"]["is_no_reply"]
    assert not methods["tell"]["is_stream"]
    assert list(methods["who"]["arguments"]) == []


def test_call_that_did_not_ask_for_activation_activates_nothing(child: Context) -> None:
    assert child.services() == []
    child.call(services_odd.function)
    name = "tests.integration.targets.services_odd.Base"
    switch = child.router.switch
    for flags, outcome in ((0, DEAD), (ACTIVATE, PLAIN)):
        pending = Pending(child.id)
        payload = pack_request(flags, name, "answer", encode({}))
        switch.send(child.id, CALL_SERVICE, PLAIN, payload, switch.listen(pending))
        reply = pending.wait(DEADLINE)
        assert reply.encoding == outcome
        assert (b"the call did not ask for that" in reply.payload) == (outcome == DEAD)


def test_target_module_itself_needs_nothing_of_pytest() -> None:
    """Else a child would have to have it."""
    assert "pytest" not in vars(services)
