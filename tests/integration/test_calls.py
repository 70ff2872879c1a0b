"""Calls: what can be called, in which order, with which limits, and how each may end."""

import concurrent.futures
import gc
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

from remotesvc import (
    CallTimeout,
    Context,
    DisconnectedError,
    MessageTooLarge,
    RemoteError,
    Router,
    ValueNotSupported,
)
from tests.integration.hosts import Print
from tests.integration.pipes import Pipe
from tests.integration.targets import work
from tests.interpreters import find_interpreters

# Long enough for a machine that is busy with other tests; nothing here takes a second.
DEADLINE = 30.0

MEGABYTE = 1024 * 1024


# -- what can be called --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "args", "expected"),
    [
        (work.repeat, (1, "two"), ((1, "two"), {})),
        (work.Point.describe, ("a",), "Point mm a"),
        (work.Inch.describe, ("b",), "Inch inch b"),
        (work.Point.add, (1, 2), 3),
        (work.Point.Corner.name, (), "corner"),
        (len, ([1, 2],), 2),
        (dict, ([("a", 1)],), {"a": 1}),
        (str.upper, ("x",), "X"),
        (dict.fromkeys, (["k"],), {"k": None}),
        (os.path.basename, ("/a/b",), "b"),
    ],
    ids=lambda value: getattr(value, "__qualname__", None),
)
def test_whatever_has_a_name_is_called_by_it(
    child: Context, function: Callable[..., Any], args: tuple[Any, ...], expected: Any
) -> None:
    assert child.call(function, *args) == expected


def test_builtins_run_over_there(child: Context) -> None:
    assert child.call(os.getpid) == child.info.pid != os.getpid()
    assert len(child.call(os.getloadavg)) == 3


def test_keyword_arguments_arrive(child: Context) -> None:
    assert child.call(work.repeat, 1, two=2, args=[3]) == ((1,), {"two": 2, "args": [3]})


def test_calls_run_on_the_main_thread(child: Context) -> None:
    assert child.call(work.thread_name) == ("MainThread", True)


@pytest.mark.parametrize("make", [lambda n: lambda: n + 1, lambda n: work.Point(n, 1).as_tuple])
def test_what_has_no_name_travels_by_pickle(child: Context, make: Callable[[int], Any]) -> None:
    assert child.call(make(41)) in (42, (41, 1))


def test_arguments_that_only_a_pickle_carries_travel_with_a_named_function(
    child: Context,
) -> None:
    assert child.call(work.forget_later, work.Point(3, 4)) == (3, 4)


def test_pickled_function_may_import_modules_of_ours_inside(child: Context) -> None:
    def use() -> tuple[int, str]:
        from tests.integration.targets import values
        from tests.integration.targets.tour import words

        return (os.getpid(), values.__name__ + words.__name__[-6:])

    assert child.call(use)[1].endswith("targets.values.words")


def other_pythons() -> list[Any]:
    """The oldest and the newest Python that are not this one."""
    others = [one for one in find_interpreters() if one.version != work.version()]
    ends = dict.fromkeys(others[:1] + others[-1:])
    return [pytest.param(one.path, one.version, id=str(one)) for one in ends]


@pytest.mark.parametrize(("path", "version"), other_pythons())
def test_pickle_is_not_loaded_by_another_python(
    router: Router, path: str, version: tuple[int, int]
) -> None:
    child = router.local(python_path=path)

    with pytest.raises(RemoteError) as caught:
        child.call(lambda: 1)

    assert isinstance(caught.value, TypeError)
    for major, minor in (version, work.version()):
        assert f"Python {major}.{minor}" in caught.value.message
    assert "by name" in caught.value.message
    assert child.call(work.Point.add, 1, 1) == 2


# -- what cannot travel --------------------------------------------------------------------------


def test_argument_that_cannot_be_sent_is_named_by_its_path(child: Context) -> None:
    with pytest.raises(ValueNotSupported, match=r"repeat: args\[1\]\['x'\]: _thread.lock"):
        child.call(work.repeat, 0, {"x": threading.Lock()})
    with pytest.raises(ValueNotSupported, match=r"repeat: kwargs\['key'\]\[0\]: _thread.lock"):
        child.call(work.repeat, key=[threading.Lock()])

    assert child.call(work.Point.add, 1, 1) == 2


def test_closure_that_cannot_be_pickled_says_what_in_it_cannot(child: Context) -> None:
    lock = threading.Lock()

    with pytest.raises(ValueNotSupported, match=r"lambda.*cannot be sent.*lock"):
        child.call(lambda: lock)


def test_result_that_cannot_be_sent_is_named_by_its_path(child: Context) -> None:
    pid = child.call(os.getpid)

    with pytest.raises(ValueNotSupported, match=r"result\['x'\]\[1\]: _thread.lock"):
        child.call(work.return_lock)

    assert child.call(os.getpid) == pid


def test_message_over_the_limit_is_refused_where_it_is_made(no_leaks: None) -> None:
    with Router(max_message_size=100_000) as router:
        child = router.local()

        with pytest.raises(
            MessageTooLarge, match=r"measure on local.*: the call takes.*max_message_size"
        ):
            child.call(work.measure, bytes(100_001))
        with pytest.raises(MessageTooLarge, match="max_message_size"):
            child.call(work.make_bytes, 100_001)
        with pytest.raises(MessageTooLarge, match="max_message_size"):
            child.call(work.fail, "long " * 1000 * 16)

        assert child.call(work.measure, bytes(90_000)) == 90_000


# -- order ---------------------------------------------------------------------------------------


def test_calls_of_one_context_run_in_the_order_in_which_they_were_made(child: Context) -> None:
    for number in range(20):
        child.submit(work.note, number)
    child.call_no_reply(work.note, "no reply")

    assert child.call(work.notes) == [*range(20), "no reply"]


def test_small_calls_wait_behind_a_large_one(child: Context) -> None:
    large = child.submit(work.measure, bytes(10 * MEGABYTE))
    noted = [child.submit(work.note, n) for n in range(3)]
    back = child.submit(work.make_bytes, 10 * MEGABYTE)
    last = child.submit(work.notes)

    assert last.result(DEADLINE) == [0, 1, 2]
    assert large.result(DEADLINE) == 10 * MEGABYTE
    assert back.result(DEADLINE) == bytes(10 * MEGABYTE)
    assert all(future.done() for future in noted)


def test_failure_of_a_call_without_reply_is_told_to_nobody(child: Context) -> None:
    child.call_no_reply(work.fail, "unheard")

    assert child.call(work.Point.add, 1, 1) == 2


def test_many_threads_share_a_context(child: Context) -> None:
    def work_on(number: int) -> list[int]:
        return [child.call(work.Point.add, number, n) for n in range(10)]

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        results = list(threads.map(work_on, range(16)))

    assert results == [[number + n for n in range(10)] for number in range(16)]


def test_two_routers_in_one_process_do_not_know_of_each_other(no_leaks: None) -> None:
    with Router() as one, Router() as other:
        first, second = one.local(), other.local()

        assert first.id == second.id
        assert first != second
        assert first.call(os.getpid) != second.call(os.getpid)
        one.close()
        assert second.call(work.Point.add, 1, 1) == 2
        with pytest.raises(DisconnectedError, match="closed"):
            first.call(os.getpid)


def test_context_is_equal_to_its_other_handle_and_to_nothing_else(router: Router) -> None:
    one, other = router.local(), router.local()
    handle = Context(router, one.id, "another name")

    assert one == handle
    assert hash(one) == hash(handle)
    assert {one: "found"}[handle] == "found"
    assert one != other
    assert one != one.id


# -- prints --------------------------------------------------------------------------------------


def test_prints_arrive_before_the_call_returns(child: Context, prints: list[Print]) -> None:
    child.call(work.say, "one\ntwo\n")

    assert sorted(prints) == [
        ("local", "stderr", b"ONE"),
        ("local", "stderr", b"TWO"),
        ("local", "stdout", b"one"),
        ("local", "stdout", b"two"),
    ]


def test_prints_arrive_before_a_future_gives_its_result(
    child: Context, prints: list[Print]
) -> None:
    child.submit(work.say, "one\n").result(DEADLINE)

    assert ("local", "stdout", b"one") in prints


# -- how a call may end --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "args", "name"),
    [
        (work.leave, (3,), "SystemExit: 3"),
        (work.interrupt, (), "KeyboardInterrupt: by hand"),
        (work.fail, ("why",), "ValueError: why"),
    ],
)
def test_whatever_a_function_raises_ends_its_own_call_only(
    child: Context, function: Callable[..., Any], args: tuple[Any, ...], name: str
) -> None:
    pid = child.call(os.getpid)

    with pytest.raises(RemoteError) as caught:
        child.call(function, *args)

    assert str(caught.value) == name
    assert child.call(os.getpid) == pid


def test_function_that_is_not_there_is_an_error_of_the_call(child: Context) -> None:
    gone = type("Gone", (), {"__module__": work.__name__, "__qualname__": "Gone"})
    work.Gone = gone  # type: ignore[attr-defined]
    try:
        with pytest.raises(AttributeError, match=r"targets\.work.*has no attribute 'Gone'"):
            child.call(gone)
    finally:
        del work.Gone  # type: ignore[attr-defined]


def test_timeout_names_function_and_host_and_drops_the_late_reply(
    child: Context, pipe: Pipe
) -> None:
    child.call(work.note, "up")

    with pytest.raises(CallTimeout, match=r"read_line on local timed out after 0\.05 s"):
        child.options(timeout=0.05).call(work.read_line, pipe.path)

    assert child.call(work.notes) == ["up"]


def test_timeout_is_a_timeout_error_also_of_a_future(child: Context, pipe: Pipe) -> None:
    future = child.options(timeout=0.05).submit(work.read_line, pipe.path)

    with pytest.raises(TimeoutError, match="read_line on local timed out"):
        future.result(DEADLINE)

    assert child.call(work.Point.add, 1, 1) == 2


def test_deadline_that_is_kept_leaves_no_trace(child: Context) -> None:
    assert child.options(timeout=DEADLINE).call(work.Point.add, 1, 1) == 2
    assert child.options(timeout=DEADLINE).submit(work.Point.add, 1, 2).result() == 3


# -- futures -------------------------------------------------------------------------------------


def test_futures_work_with_the_standard_library(router: Router) -> None:
    children = [router.local() for _ in range(3)]
    futures = {child.submit(os.getpid): child for child in children}

    for future in concurrent.futures.as_completed(futures, DEADLINE):
        assert future.result() == futures[future].info.pid  # type: ignore[index]

    done, waiting = concurrent.futures.wait(futures, DEADLINE)
    assert (len(done), len(waiting)) == (3, 0)


def test_wait_for_the_first_exception_returns_at_a_remote_one(child: Context, pipe: Pipe) -> None:
    failing = child.submit(work.fail, "first")
    waiting = child.submit(work.read_line, pipe.path)

    done, _ = concurrent.futures.wait(
        [failing, waiting], DEADLINE, concurrent.futures.FIRST_EXCEPTION
    )
    pipe.release("second")

    assert done == {failing}
    assert isinstance(failing.exception(), ValueError)
    assert waiting.result(DEADLINE) == "second"


def test_cancelled_future_drops_its_reply(child: Context, pipe: Pipe) -> None:
    future = child.submit(work.read_line, pipe.path)

    assert future.cancel()
    assert future.cancel()
    assert future.cancelled()
    with pytest.raises(concurrent.futures.CancelledError):
        future.result(DEADLINE)

    assert child.call(work.Point.add, 1, 1) == 2
    assert not child.submit(work.Point.add, 1, 1).running()


def test_future_that_is_done_cannot_be_cancelled(child: Context) -> None:
    future = child.submit(work.Point.add, 1, 1)

    assert future.result(DEADLINE) == 2
    assert not future.cancel()
    assert future.result() == 2


def test_callbacks_run_on_threads_that_may_call(child: Context) -> None:
    sums: list[int] = []
    versions: list[Any] = []
    told = threading.Event()

    def tell(future: "concurrent.futures.Future[int]") -> None:
        # All at once, and each call needs an answer of the router's to an import.
        sums.append(child.call(work.Point.add, future.result(), 10))
        versions.append(child.call(lambda: work.version()))
        if len(versions) == 3:
            told.set()

    for number in range(3):
        child.submit(work.Point.add, 0, number).add_done_callback(tell)

    assert told.wait(DEADLINE)
    assert sorted(sums) == [10, 11, 12]
    assert versions == [work.version()] * 3


def test_callback_of_a_finished_future_is_called_even_after_the_end(no_leaks: None) -> None:
    seen: list[Any] = []
    with Router() as router:
        future = router.local().submit(work.Point.add, 1, 1)
        assert future.result(DEADLINE) == 2

    future.add_done_callback(lambda done: seen.append(done.result()))

    assert seen == [2]


def test_end_of_the_router_ends_what_is_waited_for(no_leaks: None, pipe: Pipe) -> None:
    seen: list[Any] = []
    with Router() as router:
        future = router.local().submit(work.read_line, pipe.path)
        future.add_done_callback(lambda done: seen.append(type(done.exception())))

    with pytest.raises(DisconnectedError, match="closed"):
        future.result(DEADLINE)
    assert seen == [DisconnectedError]


def test_keywords_of_a_function_may_have_any_name(child: Context) -> None:
    keywords = {"self": 1, "fn": 2, "context": 3, "args": 4, "kwargs": 5, "timeout": 6}
    with child.chain() as chain:
        for verbs in (child, child.options(timeout=DEADLINE), chain):
            assert verbs.call(dict, **keywords) == keywords
            assert verbs.submit(dict, **keywords).result(DEADLINE) == keywords
            verbs.call_no_reply(work.note_keywords, **keywords)
            assert child.call(work.notes).pop() == keywords


def test_an_async_function_is_refused_with_the_way_out(
    router: Router, prints: list[Print]
) -> None:
    context = router.local()
    with pytest.raises(ValueNotSupported, match=r"coroutine cannot travel; .*asyncio\.run"):
        context.submit(work.later).result()
    assert context.call(gc.collect) >= 0
    assert prints == [], "nobody is warned of a coroutine that was never awaited"
