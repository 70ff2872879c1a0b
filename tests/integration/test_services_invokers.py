"""Invokers between real processes: one at a time, once for all, and pools without a thread."""

import threading
from typing import Any

import pytest

from remotesvc import (
    Context,
    Error,
    PoolExhausted,
    Receiver,
    RemoteError,
    Router,
    ValueNotSupported,
)
from remotesvc.service import AllowAny, DeduplicatingInvoker, Pool, Service, expose
from tests.integration.lines import Lines
from tests.integration.pipes import Pipe
from tests.integration.targets import services, services_odd, work
from tests.integration.targets.services import Gated, Once, OneByOne, Plain
from tests.integration.waiting import wait_until, wait_until_heard

DEADLINE = 30.0


# -- one at a time -------------------------------------------------------------------------------


def test_serialised_service_runs_one_call_at_a_time_in_order(child: Context) -> None:
    futures = [child.submit_service(OneByOne, "step", number=n) for n in range(100)]

    assert [one.result(DEADLINE) for one in futures] == [(n, 1) for n in range(100)]
    assert child.call(work.notes) == list(range(100))


def test_serialised_method_that_raises_is_told_with_its_lines_and_the_next_one_runs(
    child: Context,
) -> None:
    failing = child.submit_service(OneByOne, "fail", text="the text")
    after = child.submit_service(OneByOne, "step", number=1)

    error = failing.exception(DEADLINE)
    assert isinstance(error, RemoteError)
    assert isinstance(error, LookupError)
    assert "raise LookupError(text)" in error.traceback
    assert after.result(DEADLINE) == (1, 1)


def test_serialised_service_borrows_one_thread_whatever_waits(
    child: Context, lines: Lines, pipe: Pipe
) -> None:
    child.call(services_odd.make_pool, 2)
    running = child.submit_service(OneByOne, "wait", path=pipe.path)
    lines.wait_for(b"busy")
    waiting = [child.submit_service(OneByOne, "step", number=n) for n in range(10)]

    assert child.options(timeout=DEADLINE).call_service(Plain, "add", left=1) == 3
    (described,) = [one for one in child.services() if one["name"].endswith("OneByOne")]
    assert (described["invoker"], described["waiting"]) == ("SerializedInvoker", 10)
    pipe.release("read")
    assert running.result(DEADLINE) == "read"
    assert [one.result(DEADLINE) for one in waiting] == [(n, 1) for n in range(10)]


def test_what_a_serialised_method_yields_runs_one_at_a_time_too(
    child: Context, pipe: Pipe
) -> None:
    stream: Any = child.service(OneByOne).count(pipe.path)
    assert next(stream) == 1
    other = child.submit_service(OneByOne, "step", number=1)
    wait_until_heard(child)
    pipe.release()

    assert list(stream) == [1]
    assert other.result(DEADLINE) == (1, 1)


@pytest.mark.parametrize(
    ("method", "text"),
    [
        ("call_itself", "OneByOne.call_itself calls OneByOne.step, which waits until OneByOne"),
        ("call_round", "Friend.back calls OneByOne.step, which waits until OneByOne.call_round"),
    ],
)
def test_serialised_method_that_would_wait_for_itself_is_an_error(
    child: Context, method: str, text: str
) -> None:
    with pytest.raises(RemoteError, match=text):
        child.options(timeout=DEADLINE).call_service(OneByOne, method)
    assert child.service(OneByOne).step(3) == (3, 1)


# -- once for all --------------------------------------------------------------------------------


def wait_for_askers(child: Context, count: int) -> None:
    """Return when so many have asked for what runs: the threads of the pool tell nobody."""
    wait_until(lambda: child.call(services.askers) == count)


def test_two_hundred_who_ask_have_it_run_once_and_take_one_thread(
    child: Context, lines: Lines, pipe: Pipe
) -> None:
    child.call(services_odd.make_pool, 2)
    ask = [
        child.submit_service(Once, "compute", path=pipe.path, key={"a": 1, "b": [2]})
        for _ in range(200)
    ]
    lines.wait_for(b"busy")

    # One of the two threads is free, though two hundred wait.
    gate = [child.submit_service(Once, "count", nonce=n) for n in range(20)]
    assert {one.result(DEADLINE)[0] for one in gate} == {1}
    pipe.release()
    assert [one.result(DEADLINE) for one in ask] == [(1, {"a": 1, "b": [2]})] * 200


def test_equal_arguments_in_another_order_are_the_same_and_types_differ(child: Context) -> None:
    once = child.service(Once)
    assert once.quick(key={"a": 1, "b": {"c": 2, "d": 3}}, other=[1]) == 1
    assert once.quick(other=[1], key={"b": {"d": 3, "c": 2}, "a": 1}) == 1
    assert once.quick(key={1, 2, 3}) == 2
    assert once.quick(key={3, 2, 1}) == 2
    assert [once.quick(key=one) for one in (1, True, 1.0, "1", b"1", [1], (1,), None)] == [
        *range(3, 11)
    ]
    assert once.quick(key=[["unhashable"], {}]) == once.quick(key=[["unhashable"], {}]) == 11


def test_arguments_as_deep_as_they_may_be_can_be_told_apart(child: Context) -> None:
    deep: Any = "x"
    for _ in range(30):
        deep = {"k": [deep]}
    once = child.service(Once)

    assert once.quick(key=deep) == once.quick(key=deep) == 1


def test_failure_is_told_to_all_who_wait_and_is_not_kept(
    child: Context, lines: Lines, pipe: Pipe
) -> None:
    ask = [child.submit_service(Once, "compute", path=pipe.path, key=1) for _ in range(10)]
    lines.wait_for(b"busy")
    wait_for_askers(child, 10)
    pipe.release("fail")

    errors = [one.exception(DEADLINE) for one in ask]
    assert [type(error) for error in errors] == [type(errors[0])] * 10
    assert all("raise LookupError" in error.traceback for error in errors)  # type: ignore[union-attr]
    again = child.submit_service(Once, "compute", path=pipe.path, key=1)
    lines.wait_for(b"busy")
    pipe.release()
    assert again.result(DEADLINE) == (2, 1)


def test_results_are_forgotten_on_demand(child: Context) -> None:
    once = child.service(Once)
    assert once.quick() == once.quick() == 1
    once.forget("quick")
    assert once.quick() == 2
    once.forget("compute")
    assert once.quick() == 2


def test_method_that_sees_its_call_is_run_once_too(child: Context) -> None:
    once: Any = child.service(Once)
    assert once.with_call(key=5) == once.with_call(key=5) == 1
    assert once.with_call(key=6) == 2


def test_call_without_reply_that_came_first_has_the_result_kept_for_others(
    child: Context,
) -> None:
    child.call_service_no_reply(Once, "quick", key="x")
    child.call_service(Once, "count", nonce=0)
    results = {child.service(Once).quick(key="x") for _ in range(3)}

    assert results == {1}


def test_failure_of_a_call_without_reply_is_a_failure_of_those_who_joined(
    child: Context, lines: Lines, pipe: Pipe
) -> None:
    child.call_service_no_reply(Once, "compute", path=pipe.path, key=1)
    lines.wait_for(b"busy")
    joined = child.submit_service(Once, "compute", path=pipe.path, key=1)
    wait_for_askers(child, 2)
    pipe.release("fail")

    assert isinstance(joined.exception(DEADLINE), LookupError)


def test_call_that_asks_for_the_very_same_is_an_error(child: Context) -> None:
    text = "Once.again calls itself with the same arguments"
    with pytest.raises(RemoteError, match=text):
        child.options(timeout=DEADLINE).call_service(Once, "again")


def test_stream_cannot_be_shared(child: Context) -> None:
    with pytest.raises(ValueNotSupported, match="a DeduplicatingInvoker cannot answer with a str"):
        child.service(Once).stream()


def test_sender_cannot_be_shared_and_may_be_an_argument(router: Router) -> None:
    class Streams(Service):
        invoker_class = DeduplicatingInvoker

        @expose(policy=AllowAny())
        def give(self) -> Any:
            return Receiver(self.router).sender

        @expose(policy=AllowAny())
        def take(self, sender: Any) -> bool:
            return hasattr(sender, "send")

    with Pool(router, [Streams(router)]), Receiver(router) as receiver:
        with pytest.raises(ValueNotSupported, match="cannot answer with a Sender"):
            router.myself.call_service(Streams.name(), "give")
        assert router.myself.call_service(Streams.name(), "take", sender=receiver.sender)


def test_run_goes_on_while_somebody_waits_for_it(child: Context, lines: Lines, pipe: Pipe) -> None:
    first = child.submit_service(Once, "compute", path=pipe.path, key=1)
    lines.wait_for(b"busy")
    second = child.submit_service(Once, "compute", path=pipe.path, key=1)
    wait_for_askers(child, 2)
    assert first.cancel()
    wait_until_heard(child)
    pipe.release()

    assert second.result(DEADLINE) == (1, 1)


def test_run_that_nobody_waits_for_any_more_is_interrupted_and_asked_anew(
    child: Context, lines: Lines
) -> None:
    asked = [child.submit_service(Once, "spin") for _ in range(5)]
    lines.wait_for(b"busy")
    wait_for_askers(child, 5)
    for one in asked:
        assert one.cancel()
    again = child.submit_service(Once, "spin")
    lines.wait_for(b"busy")

    while child.call(work.notes) != ["over"]:
        assert not again.done()
    again.cancel()
    while child.call(work.notes) != ["over", "over"]:
        pass
    assert child.call_service(Once, "count", nonce=2)[0] == 2


# -- a pool without a thread ---------------------------------------------------------------------


@pytest.mark.parametrize("method", ["nest", "nest_later"])
def test_method_that_calls_into_its_own_full_pool_is_told_both_names(
    child: Context, pipe: Pipe, method: str
) -> None:
    child.call(services_odd.make_pool, 1)
    text = (
        rf"Gated\.{method} calls Gated\.wait, but no thread is left to run it: all 1 of the pool"
    )

    verbs = child.options(timeout=DEADLINE)
    with pytest.raises(RemoteError, match=text) as caught:
        verbs.call_service(Gated, method, path=pipe.path)
    assert caught.value.type_name.endswith("PoolExhausted")


def test_method_that_reads_a_stream_of_its_own_full_pool_is_told(
    child: Context, lines: Lines
) -> None:
    child.call(services_odd.make_pool, 2)
    assert child.service(Gated).nest_stream() == [0, 1, 2]
    child.call_service("remotesvc.service.catalog.Catalog", "resize", size=1)
    with pytest.raises(RemoteError, match=r"nest_stream calls .*, but no thread is left"):
        child.options(timeout=DEADLINE).call_service(Gated, "nest_stream")


def test_call_into_a_pool_whose_other_threads_are_busy_waits(
    child: Context, lines: Lines, pipe: Pipe
) -> None:
    child.call(services_odd.make_pool, 2)
    long = child.submit_service(Gated, "wait", path=pipe.path)
    lines.wait_for(b"busy")
    nested = child.submit_service(Gated, "nest", path=pipe.path)
    lines.wait_for(b"nesting")
    wait_until_heard(child)
    assert not nested.done()
    pipe.release("one")

    assert long.result(DEADLINE) == "one"
    lines.wait_for(b"busy")
    pipe.release("two")
    assert nested.result(DEADLINE) == "two"


def test_pool_of_the_controller_is_exhausted_in_the_same_words(router: Router) -> None:
    class Nested(Service):
        @expose(policy=AllowAny())
        def outer(self) -> Any:
            return self.router.myself.call_service(Nested.name(), "inner")

        @expose(policy=AllowAny())
        def inner(self) -> str:
            return threading.current_thread().name

    with Pool(router, [Nested(router)], size=1), pytest.raises(RemoteError, match="PoolExhausted"):
        router.myself.call_service(Nested.name(), "outer")
    with Pool(router, [Nested(router)], size=2):
        assert router.myself.call_service(Nested.name(), "outer") == "remotesvc-service-2"
    with pytest.raises(ValueError, match="size=0"):
        Pool(router, size=0)
    with Pool(router) as pool:
        with pytest.raises(ValueError, match="size=True"):
            pool.resize(True)
        with pytest.raises(TypeError, match="wanted is an Activator"):
            Pool(router, activator=int)  # type: ignore[arg-type]
    assert issubclass(PoolExhausted, Error)
