"""Services are constructed once, on threads of their own; what goes wrong is told to all."""

import threading
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Context, Error, RefusedError, RemoteError, Router
from remotesvc.controller.modules.target import Target
from remotesvc.service import AllowAny, Pool, SerializedInvoker, Service, expose
from tests.integration.lines import Lines
from tests.integration.pipes import Pipe
from tests.integration.targets import services_odd, work
from tests.integration.targets.services import OneByOne, Plain
from tests.integration.targets.services_odd import Base, Flaky, Helped, Slow

DEADLINE = 30.0


def threads_call(count: int, function: Any) -> list[Any]:
    """Return what so many threads got of a function, or what it raised."""
    barrier = threading.Barrier(count)
    outcomes: list[Any] = []

    def run(number: int) -> None:
        barrier.wait(DEADLINE)
        try:
            outcomes.append(function(number))
        except Exception as error:
            outcomes.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    return outcomes


def test_fifty_first_calls_at_once_construct_once(
    child: Context, lines: Lines, pipe: Pipe
) -> None:
    child.call(services_odd.set_path, pipe.path)
    futures = [child.submit_service(Slow, "number", value=number) for number in range(50)]
    lines.wait_for(b"busy")
    more = threads_call(20, lambda number: child.submit_service(Slow, "number", value=number))
    pipe.release()

    assert [one.result(DEADLINE) for one in futures] == list(range(50))
    assert sorted(one.result(DEADLINE) for one in more) == list(range(20))
    assert child.call(work.notes) == ["constructed"]


def test_slow_constructor_holds_up_neither_other_services_nor_functions(
    child: Context, lines: Lines, pipe: Pipe
) -> None:
    child.call(services_odd.set_path, pipe.path)
    slow = child.submit_service(Slow, "number", value=1)
    lines.wait_for(b"busy")

    assert child.options(timeout=DEADLINE).call_service(Plain, "add", left=1) == 3
    assert child.options(timeout=DEADLINE).call_service(Base, "answer") == 42
    assert child.options(timeout=DEADLINE).call(abs, -1) == 1
    assert not slow.done()
    pipe.release()
    assert slow.result(DEADLINE) == 1


def test_constructor_that_raises_is_an_error_of_all_who_wait_and_the_next_call_tries_again(
    child: Context, lines: Lines, pipe: Pipe
) -> None:
    child.call(services_odd.set_path, pipe.path)
    futures = [child.submit_service(Flaky, "tries") for _ in range(10)]
    lines.wait_for(b"busy")
    child.call(abs, -1)  # so that all of them have arrived
    pipe.release()

    errors = [one.exception(DEADLINE) for one in futures]
    assert {str(error) for error in errors} == {"LookupError: not the first time"}
    assert all(isinstance(error, RemoteError) for error in errors)
    assert "raise LookupError" in errors[0].traceback  # type: ignore[union-attr]
    assert child.service(Flaky).tries() == 2


def test_constructor_may_call_another_service(child: Context) -> None:
    assert child.service(Helped).result() == 5


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Selfish", "the constructor of Selfish calls Selfish.nothing, which waits until"),
        ("CallsRight", "CallsLeft.nothing calls CallsRight.nothing, which waits until the const"),
    ],
)
def test_constructor_that_would_wait_for_itself_is_an_error(
    child: Context, name: str, text: str
) -> None:
    verbs = child.options(timeout=DEADLINE)
    with pytest.raises(RemoteError, match=text) as caught:
        verbs.call_service(getattr(services_odd, name), "nothing")
    assert "PoolExhausted" in str(caught.value)


def test_constructors_that_need_each_other_are_an_error_of_both(child: Context) -> None:
    for _ in range(2):
        with pytest.raises(RemoteError, match=r"Left: its constructor waits for a service"):
            child.options(timeout=DEADLINE).call_service(services_odd.Left, "nothing")


def test_more_slow_constructors_than_activation_threads_do_not_wait_for_each_other(
    router: Router,
) -> None:
    """Each needs one that was asked for, and has no thread yet."""
    pool = Pool(router, activator=_Needy())
    count = 2 * 16 + 5
    futures = [router.myself.submit_service(f"{number}", "answer") for number in range(count)]

    assert [one.result(DEADLINE) for one in futures] == [42] * count
    assert len(pool.invokers()) == count + 1  # with the catalog


class _Needy(services_odd.Short):
    """Makes each service need the one before it."""

    def is_permitted(self, name: str, call: Any) -> bool:
        """Take all."""
        return True

    def activate(self, pool: Pool, name: str) -> Any:
        """Have the one before it constructed."""
        if int(name):
            pool.get_service(str(int(name) - 1))
        return Base(pool.router)


def test_pool_gives_the_instance_and_activates_it_for_its_own_process(router: Router) -> None:
    with Pool(router, [Base]) as pool:
        assert type(pool.get_service(Base)) is Base
        assert pool.get_service(Plain) is pool.get_service(Plain)
        assert router.myself.service(Plain).add(1) == 3
        with pytest.raises(Error, match="active already"):
            pool.add(Base)
        with pytest.raises(TypeError, match="wanted is a Service"):
            pool.add(int)  # type: ignore[arg-type]
        with pytest.raises(Error, match="has a pool already"):
            Pool(router)
    with pytest.raises(Error, match="closed"):
        pool.get_service(Base)
    with pytest.raises(Error, match="closed"):
        pool.add(Base)
    with Pool(router, size=1) as again:
        assert again.size == 1


def test_instance_that_a_constructor_returned_to_a_closed_pool_is_shut_down(
    router: Router,
) -> None:
    ended = threading.Event()
    begun, gate = threading.Event(), threading.Event()

    class Late(Base):
        def __init__(self, router: Any) -> None:
            super().__init__(router)
            begun.set()
            gate.wait(DEADLINE)

        def on_shutdown(self) -> None:
            ended.set()

        @classmethod
        def name(cls) -> str:
            return "late"

    class Names(services_odd.Short):
        def locate(self, name: str) -> Any:
            return Late

    pool = Pool(router, activator=Names())
    future = router.myself.submit_service("late", "answer")
    assert begun.wait(DEADLINE)
    pool.close(timeout=0)
    with pytest.raises(RefusedError, match="closed"):
        future.result(DEADLINE)
    gate.set()
    assert ended.wait(DEADLINE)


def test_call_that_comes_while_those_who_waited_are_let_in_overtakes_none(router: Router) -> None:
    begun, gate = threading.Event(), threading.Event()
    ran: list[str] = []

    class Pushing(SerializedInvoker):
        """Another call comes as soon as the first one is let in."""

        def admit(self, call: Any) -> None:
            super().admit(call)
            if not come.is_set():
                come.set()
                late.append(router.myself.submit_service("queue", "note", text="late"))

    class Queue(Service):
        invoker_class = Pushing

        def __init__(self, router: Any) -> None:
            super().__init__(router)
            begun.set()
            gate.wait(DEADLINE)

        @expose(policy=AllowAny())
        def note(self, text: str) -> None:
            ran.append(text)

    class Names(services_odd.Short):
        def locate(self, name: str) -> Any:
            return Queue

    come, late = threading.Event(), list[Any]()
    with Pool(router, activator=Names()):
        futures = [
            router.myself.submit_service("queue", "note", text=text)
            for text in ("first", "second", "third")
        ]
        assert begun.wait(DEADLINE)
        gate.set()
        for one in futures:
            one.result(DEADLINE)
        late[0].result(DEADLINE)

    assert ran == ["first", "second", "third", "late"]


@pytest.fixture
def slow_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pipe: Pipe) -> str:
    """The name of a module that waits for the pipe while it is imported, and has a service."""
    (tmp_path / "slow_module.py").write_text(
        "from tests.integration.targets.services_odd import Base\n"
        f"print('importing')\nwith open({pipe.path!r}) as pipe:\n    pipe.read()\n"
        "DONE = True\nclass Inside(Base):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return "slow_module"


def test_framework_starts_while_an_import_is_running(
    child: Context, lines: Lines, pipe: Pipe, slow_module: str
) -> None:
    child.call(services_odd.function)
    function: Any = Target(slow_module, "Inside.name")  # its import is part of the call
    running = child.submit(function)
    lines.wait_for(b"importing")

    inside = child.submit_service(f"{slow_module}.Inside", "answer")
    assert child.options(timeout=DEADLINE).call_service(Plain, "add", left=1) == 3
    assert not inside.done()
    pipe.release()
    assert inside.result(DEADLINE) == 42
    assert running.result(DEADLINE) == f"{slow_module}.Inside"


def test_call_that_comes_while_the_pool_is_made_overtakes_none(child: Context) -> None:
    child.call(services_odd.make_pools_late)
    futures = [child.submit_service(OneByOne, "step", number=0)]
    while not futures[0].done():
        futures.append(child.submit_service(OneByOne, "step", number=len(futures)))

    assert [one.result(DEADLINE) for one in futures] == [(n, 1) for n in range(len(futures))]
    assert child.call(work.notes) == list(range(len(futures)))


def test_pool_of_a_child_may_be_made_by_hand(child: Context) -> None:
    assert child.call(services_odd.make_pool, 2) == 2
    assert child.service(Plain).add(1) == 3


def test_ten_children_activate_at_once(router: Router) -> None:
    children = [router.local() for _ in range(10)]
    futures = [child.submit_service(Plain, "add", left=n) for n, child in enumerate(children)]

    assert [one.result(DEADLINE) for one in futures] == [n + 2 for n in range(10)]


@pytest.mark.soak
def test_a_hundred_children_activate_at_once(router: Router) -> None:
    children = [router.local() for _ in range(100)]
    futures = [child.submit_service(Plain, "add", left=n) for n, child in enumerate(children)]

    assert [one.result(120) for one in futures] == [n + 2 for n in range(100)]
