"""Methods that yield: flow control, early ends, exceptions in the middle, and who may read."""

import threading
from pathlib import Path
from typing import Any

import pytest

from remotesvc import (
    CallTimeout,
    Context,
    DisconnectedError,
    MessageTooLarge,
    Receiver,
    RefusedError,
    RemoteError,
    Router,
    ValueNotSupported,
)
from remotesvc.service import AllowAny, Invoker, Pool, SerializedInvoker, Service, expose
from remotesvc.service.catalog import CATALOG
from remotesvc.service.offers import OFFERS_LIMIT
from remotesvc.service.stream import Stream
from tests.integration.hosts import start_host
from tests.integration.lines import Lines
from tests.integration.pipes import Pipe
from tests.integration.targets import services, services_odd, work
from tests.integration.targets.services import Annotated, Plain, Yielding
from tests.integration.waiting import wait_until_heard

DEADLINE = 30.0
SIZE = 100_000


def notes_of(child: Context, lines: Lines) -> Any:
    """Return what the method noted, once it is over."""
    lines.wait_for(b"over")
    return child.call(work.notes)


def read(child: Context, method: str, **kwargs: Any) -> Any:
    """Call a method that yields."""
    return child.call_service(Yielding, method, **kwargs)


# -- values --------------------------------------------------------------------------------------


def test_values_come_in_order_and_the_method_returns_one_at_the_end(child: Context) -> None:
    stream: Any = child.service(Annotated).count(3000)
    assert isinstance(stream, Stream)
    assert list(stream) == list(range(3000))
    assert stream.value == sum(range(3000))
    assert list(stream) == []
    stream.close()


def test_future_of_a_stream_gives_the_iterator(child: Context) -> None:
    future = child.submit_service(Annotated, "count", stop=3)
    assert list(future.result(DEADLINE)) == [0, 1, 2]


def test_reader_that_takes_one_of_ten_thousand_big_values_holds_the_method(
    child: Context, lines: Lines
) -> None:
    with read(child, "big", count=10_000, size=SIZE) as stream:
        assert len(next(stream)) == SIZE
        child.call(abs, -1)

    (asked,) = notes_of(child, lines)
    # The window is 1 MiB; what was taken has made room for one more.
    assert 1 <= asked <= (1 << 20) // SIZE + 3


def test_many_streams_are_read_at_once_by_one_pool(child: Context) -> None:
    streams = [child.call_service(Annotated, "count", stop=500) for _ in range(10)]
    assert [sum(one) for one in streams] == [sum(range(500))] * 10


def test_method_sees_its_own_call_while_it_yields(child: Context) -> None:
    assert list(read(child, "who")) == [("who", False)]


# -- ends ----------------------------------------------------------------------------------------


def test_early_close_runs_the_finally_blocks_undisturbed(
    child: Context, lines: Lines, pipe: Pipe
) -> None:
    stream = read(child, "clean_up", path=pipe.path)
    assert next(stream) == 1
    stream.close()
    stream.close()
    lines.wait_for(b"cleaning")
    wait_until_heard(child)
    pipe.release()

    assert notes_of(child, lines) == ["clean"]
    with pytest.raises(StopIteration):
        next(stream)


def test_early_close_interrupts_a_method_that_does_not_yield(child: Context, lines: Lines) -> None:
    stream = read(child, "think")
    assert next(stream) == 1
    lines.wait_for(b"busy")
    stream.close()

    assert notes_of(child, lines) == ["over"]


def test_exception_in_the_middle_comes_after_all_values_with_its_remote_lines(
    child: Context,
) -> None:
    stream = read(child, "fail", after=100)
    got = [next(stream) for _ in range(100)]
    with pytest.raises(LookupError, match="after 100") as caught:
        next(stream)

    assert got == list(range(100))
    assert isinstance(caught.value, RemoteError)
    assert 'raise LookupError("after %d" % after)' in caught.value.traceback
    assert "offers.py" not in caught.value.traceback
    with pytest.raises(StopIteration):
        next(stream)


def test_error_of_ours_that_the_method_raises_is_no_end_of_the_stream(child: Context) -> None:
    stream = read(child, "lose")
    assert next(stream) == 1
    with pytest.raises(RemoteError, match="a host of mine is gone"):
        next(stream)


def test_value_that_cannot_travel_is_an_error_that_names_the_method(child: Context) -> None:
    stream = read(child, "odd")
    assert next(stream) == 1
    with pytest.raises(ValueNotSupported, match=r"Yielding\.odd: value: .*lock"):
        next(stream)


def test_timeout_of_a_stream_counts_for_each_value_and_the_stream_goes_on(
    child: Context, lines: Lines
) -> None:
    stream = child.call_service(Yielding, "think")
    assert next(stream) == 1
    lines.wait_for(b"busy")
    # No sooner: the call and its first value may take longer than that.
    stream._verbs = child.options(timeout=0.1)._services()
    for _ in range(2):
        with pytest.raises(CallTimeout):
            next(stream)
    assert b"over" not in [text for _, _, text in lines.prints]
    stream.close()
    assert notes_of(child, lines) == ["over"]


@pytest.mark.parametrize("invoker", [Invoker, SerializedInvoker])
def test_value_that_is_too_long_says_how_long_it_may_be(router: Router, invoker: Any) -> None:
    class Long(Service):
        invoker_class = invoker

        @expose(policy=AllowAny())
        def values(self) -> Any:
            yield bytes((1 << 20) + 1)

    with Pool(router, [Long]):
        stream = router.myself.call_service(Long.name(), "values")
        words = "a yielded value may have at most 1 MiB: yield it in parts"
        with pytest.raises(MessageTooLarge, match=words):
            next(stream)


def test_stream_cannot_be_passed_on(child: Context) -> None:
    child.service(Annotated).count(1)
    stream: Any = child.service(Annotated).count(3)
    words = r"a stream cannot be passed on: give list\(stream\)"
    with pytest.raises(ValueNotSupported, match=words):
        child.call_service(Plain, "add", left=stream)
    with pytest.raises(ValueNotSupported, match=words):
        child.call(len, stream)
    assert child.call(len, list(stream)) == 3


def test_stream_of_a_lost_child_ends_with_the_reason(router: Router, lines: Lines) -> None:
    child = router.local()
    stream = read(child, "think")
    assert next(stream) == 1
    lines.wait_for(b"busy")
    child.kill()

    with pytest.raises(DisconnectedError, match="killed from here"):
        next(stream)
    with pytest.raises(StopIteration):
        next(stream)


def test_stream_of_a_closed_pool_ends_with_the_reason(child: Context, lines: Lines) -> None:
    opened, unopened = read(child, "think"), read(child, "never")
    assert next(opened) == 1
    lines.wait_for(b"busy")
    child.call(services_odd.close_pool)

    with pytest.raises(RefusedError, match="closed"):
        next(opened)
    with pytest.raises(RefusedError, match="closed"):
        next(unopened)
    assert child.call(work.notes) == ["over"]


def test_reader_that_is_lost_ends_the_method_of_its_parent(router: Router) -> None:
    ended = threading.Event()
    began = threading.Event()

    class Endless(Service):
        @expose(policy=AllowAny())
        def values(self) -> Any:
            try:
                while True:
                    began.set()
                    yield bytes(SIZE)
            finally:
                ended.set()

    with Pool(router, [Endless(router)]) as pool:
        child = router.local()
        child.submit(services.read_for_ever, Endless.name(), "values")
        assert began.wait(DEADLINE)
        child.kill()
        assert ended.wait(DEADLINE)
        assert pool.offers._offers == {}


# -- never read ----------------------------------------------------------------------------------


def test_stream_that_is_never_read_never_begins_and_takes_no_thread(child: Context) -> None:
    child.call(services_odd.make_pool, 1)
    streams = [read(child, "never") for _ in range(5)]
    assert child.service(Plain).add(1) == 3
    streams[0].close()
    assert child.call(work.notes) == []
    assert list(streams[1]) == [1]
    assert child.call(work.notes) == ["began"]


def test_streams_that_are_never_read_are_limited_and_the_oldest_goes(router: Router) -> None:
    class Many(Service):
        @expose(policy=AllowAny())
        def values(self) -> Any:
            yield 1

    with Pool(router, [Many(router)]) as pool:
        streams = [
            router.myself.call_service(Many.name(), "values") for _ in range(OFFERS_LIMIT + 1)
        ]
        assert len(pool.offers._offers[0]) == OFFERS_LIMIT
        with pytest.raises(RefusedError, match="there is no stream 1, or it was opened already"):
            next(streams[0])
        assert list(streams[-1]) == [1]


def test_stream_whose_caller_has_given_up_is_not_kept(router: Router) -> None:
    begun, gate = threading.Event(), threading.Event()

    class Late(Service):
        @expose(policy=AllowAny())
        def values(self) -> Any:
            begun.set()
            while not gate.is_set():
                try:
                    gate.wait(0.001)
                except KeyboardInterrupt:
                    continue
            return (one for one in (1, 2))

    with Pool(router, [Late(router)]) as pool:
        future = router.myself.submit_service(Late.name(), "values")
        assert begun.wait(DEADLINE)
        future.cancel()
        gate.set()
        pool.close()
        assert pool.offers._offers.get(0, {}) == {}


# -- who may read --------------------------------------------------------------------------------


def open_number(context: Context, number: int) -> Any:
    """Open a stream by its number; return the future and the receiver."""
    receiver = Receiver(context.router, respondent=context)
    sender = receiver.sender
    return context.submit_service(CATALOG, "open_stream", number=number, sender=sender), receiver


def test_stream_has_one_reader(child: Context) -> None:
    stream: Any = child.service(Annotated).count(3)
    first, receiver = open_number(child, stream._number)
    assert list(receiver) == [0, 1, 2]
    receiver.close()
    assert first.result(DEADLINE) == 3
    with pytest.raises(RefusedError, match="or it was opened already"):
        next(stream)


def test_sibling_that_guesses_the_number_of_a_stream_gets_nothing(
    no_leaks: None, empty_home: Path, lines: Lines
) -> None:
    with Router(siblings=True, output=lines) as router:
        one, two = router.local(), router.local()
        stream = read(two, "big", count=3, size=10)
        for number in range(5):
            kind, text = one.call(services.guess_stream, two, number)
            assert (kind, "there is no stream" in text) == ("RefusedError", True), text
        assert [len(value) for value in stream] == [10, 10, 10]


def test_child_reads_what_its_parent_and_its_sibling_yield(
    no_leaks: None, empty_home: Path, lines: Lines
) -> None:
    with Router(siblings=True, output=lines) as router:
        one, two = router.local(), router.local()
        two.service(Yielding)
        assert list(read(two, "big", count=1, size=1)) == [b"\0"]
        assert one.call(services.sum_sizes, two, Yielding.name(), 200, 10_000) == 2_000_000
        with Pool(router, [Yielding]):
            assert one.call(services.sum_sizes, router.myself, Yielding.name(), 200, 10_000) == (
                2_000_000
            )


@pytest.mark.sshd
def test_stream_over_ssh_is_held_and_ends_early(
    tmp_path: Path, router: Router, lines: Lines
) -> None:
    with start_host(tmp_path) as host:
        child = host.connect(router)
        assert sum(map(len, read(child, "big", count=100, size=SIZE))) == 100 * SIZE
        assert notes_of(child, lines) == [100]
        with read(child, "big", count=10_000, size=SIZE) as stream:
            next(stream)
        assert notes_of(child, lines)[1] <= (1 << 20) // SIZE + 3
        child.shutdown()
