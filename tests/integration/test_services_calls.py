"""Calls of services from everywhere, and how they end: timeouts, cancels, pools that close."""

import concurrent.futures
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from remotesvc import (
    CallTimeout,
    Context,
    DisconnectedError,
    Error,
    RefusedError,
    RemoteError,
    Router,
    current_call,
)
from remotesvc.service import AllowAny, Call, Pool, Service, expose
from tests.integration.hosts import start_host
from tests.integration.lines import Lines
from tests.integration.pipes import Pipe
from tests.integration.targets import services, services_odd, work
from tests.integration.targets.services import Ending, Gated, Plain
from tests.integration.waiting import wait_until_heard, wait_until_still
from tests.testing.client import wait_for_end

DEADLINE = 30.0


class Desk(Service):
    """A service of the controller, for anybody who can reach it."""

    def __init__(self, router: Any) -> None:
        super().__init__(router)
        self.seen: list[tuple[int, int, bool]] = []
        self.gate = threading.Event()
        self.begun = threading.Event()

    @expose(policy=AllowAny())
    def ask(self, value: int, call: Call) -> int:
        """Note who asks."""
        self.seen.append((call.src, call.auth, call.is_commanded))
        return value + 1

    @expose(policy=AllowAny())
    def wait(self) -> str:
        """Wait for the test, or until nobody waits for this."""
        self.begun.set()
        while not (current_call().cancelled or self.gate.wait(0.001)):
            pass
        return "over"

    @expose(policy=AllowAny())
    def watch(self) -> None:
        """Wait until nobody waits for this, undisturbed by interrupts."""
        self.begun.set()
        while not current_call().cancelled:
            try:
                self.gate.wait(0.001)
            except KeyboardInterrupt:
                assert current_call().cancelled
        self.gate.set()


NAME = Desk.name()


# -- from everywhere -----------------------------------------------------------------------------


def test_call_from_many_threads_gives_each_its_own_answer(child: Context) -> None:
    service = child.service(Plain)
    service.add(0)
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(service.add, range(400)))

    assert answers == [number + 2 for number in range(400)]


def test_function_of_a_child_calls_a_service_of_its_parent(router: Router) -> None:
    desk = Desk(router)
    with Pool(router, [desk]):
        child = router.local()
        assert child.call(services.service_of_parent, NAME, "ask", value=1) == 2
    assert desk.seen == [(child.id, child.id, False)]


def test_method_of_a_child_calls_back_while_its_caller_waits(router: Router) -> None:
    with Pool(router, [Desk(router)]):
        child = router.local()
        assert child.call_service(services.Calling, "ask_controller", name=NAME) == 8


def test_sibling_is_called_where_siblings_may_talk(
    no_leaks: None, empty_home: Path, lines: Lines
) -> None:
    with Router(siblings=True, output=lines) as router:
        one, two = router.local(), router.local()
        two.service(services.Once).quick("activates it")
        name = services.Once.name()

        assert one.call(services.call_there, two, name, "quick", key="other") == 2
        assert one.call(services.code_of, two, services.Plain.name(), "add", left=1) == (
            "RefusedError",
            f"{two.name}: service {services.Plain.name()} is not active in context "
            f"{two.id}, and only a parent may activate it",
        )


def test_controller_calls_its_own_services(router: Router) -> None:
    desk = Desk(router)
    with Pool(router, [desk]):
        assert router.myself.service(Desk).ask(1) == 2  # type: ignore[call-arg]
        assert router.myself.call_service(Plain, "add", left=1) == 3, "activated for itself"
    assert desk.seen == [(0, 0, True)]


def test_current_call_is_there_in_a_method_and_an_error_elsewhere(
    router: Router, child: Context
) -> None:
    with pytest.raises(Error, match="no service method runs on this thread"):
        current_call()
    with pytest.raises(RemoteError, match="no service method runs on this thread"):
        child.call(current_call)
    assert child.call_service(Plain, "who")["method"] == "who"


# -- timeouts and cancels ------------------------------------------------------------------------


def start(child: Context, lines: Lines, method: str, **kwargs: Any) -> Any:
    """Submit a call, and return its future once it runs."""
    future = child.submit_service(Gated, method, **kwargs)
    lines.wait_for(b"busy")
    return future


def noted(child: Context, expected: list[Any]) -> None:
    """Wait until all of this was noted, and nothing else."""
    while child.call(work.notes) != expected:
        pass


def test_cancel_interrupts_the_method_and_its_finally_blocks_run_undisturbed(
    any_child: Context, lines: Lines, pipe: Pipe
) -> None:
    future = start(any_child, lines, "spin", path=pipe.path)

    assert future.cancel()
    lines.wait_for(b"cleaning")
    assert future.cancel()
    wait_until_heard(any_child)
    pipe.release()

    noted(any_child, ["KeyboardInterrupt", "clean"])
    with pytest.raises(concurrent.futures.CancelledError):
        future.result(DEADLINE)


def test_method_may_look_whether_anybody_waits(router: Router) -> None:
    desk = Desk(router)
    with Pool(router, [desk]):
        future = router.myself.submit_service(Desk, "watch")
        assert desk.begun.wait(DEADLINE)
        assert future.cancel()
        assert desk.gate.wait(DEADLINE)


def test_cancel_of_a_call_that_waits_keeps_it_from_running(
    child: Context, lines: Lines, pipe: Pipe
) -> None:
    child.call(services_odd.make_pool, 1)
    running = start(child, lines, "wait", path=pipe.path)
    waiting = [child.submit_service(Plain, "tell", value=n) for n in range(4)]
    assert waiting[1].cancel()
    assert waiting[2].cancel()
    wait_until_heard(child)
    pipe.release()

    assert running.result(DEADLINE) == ""
    assert waiting[3].result(DEADLINE) is None
    assert child.service(Plain).notes() == ["", 0, 3]


def test_cancel_of_a_large_call_that_is_on_its_way_keeps_it_from_running(
    child: Context, lines: Lines, pipe: Pipe
) -> None:
    child.call(services_odd.make_pool, 1)
    running = start(child, lines, "wait", path=pipe.path)
    future = child.submit_service(Plain, "tell", value=bytes(3_000_000))
    assert future.cancel()
    with pytest.raises(LookupError):
        child.call_service("nothing", "at_all")  # its answer comes after the cancel was heard
    pipe.release()
    assert running.result(DEADLINE) == ""
    assert child.service(Plain).measure(bytes(3_000_001)) == 3_000_001
    assert child.service(Plain).notes() == [""]


def test_timeout_names_method_host_and_seconds(child: Context, pipe: Pipe) -> None:
    child.service(Plain).add(1)
    with pytest.raises(CallTimeout, match=r"Gated\.wait on local timed out after 0\.2 s"):
        child.options(timeout=0.2).call_service(Gated, "wait", path=pipe.path)
    with pytest.raises(CallTimeout):
        child.options(timeout=0).service(Plain).add(1)


def test_timeout_ends_the_method(child: Context, lines: Lines, pipe: Pipe) -> None:
    future = start(child, lines, "spin", path=pipe.path)
    future.give_up(CallTimeout("as its timer does"))
    lines.wait_for(b"cleaning")
    pipe.release()
    noted(child, ["KeyboardInterrupt", "clean"])


def test_late_reply_after_a_timeout_is_dropped(child: Context, lines: Lines, pipe: Pipe) -> None:
    pid = child.call(os.getpid)
    future = start(child, lines, "wait", path=pipe.path)
    wait_until_still(pid)  # else it may be interrupted before it opens the pipe
    future.give_up(CallTimeout("as its timer does"))
    assert isinstance(future.exception(DEADLINE), CallTimeout)
    pipe.release("late")
    assert [child.service(Plain).add(n) for n in range(100)] == [n + 2 for n in range(100)]


def test_thread_that_is_stuck_in_c_is_replaced_as_often_as_there_are_and_that_is_reported(
    impatient: Router, lines: Lines, pipe: Pipe, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = Pipe(tmp_path / "other")
    child = impatient.local()
    pid = child.call(os.getpid)
    child.call(services_odd.make_pool, 1)
    stuck = start(child, lines, "wait", path=pipe.path)
    wait_until_still(pid)
    stuck.cancel()

    assert child.options(timeout=DEADLINE).call_service(Plain, "add", left=1) == 3
    while not caplog.messages:
        child.call(os.getpid)
    (text,) = caplog.messages
    assert "Gated.wait was cancelled and does not end; its thread is replaced" in text
    second = start(child, lines, "wait", path=other.path)
    wait_until_still(pid)
    second.cancel()
    while len(caplog.messages) < 2:
        child.call(os.getpid)
    assert "its thread is one of too many to replace" in caplog.messages[1]
    third = child.submit_service(Plain, "add", left=2)
    wait_until_heard(child)
    assert not third.done()
    pipe.release()
    assert third.result(DEADLINE) == 4
    other.release()


def test_exception_in_the_thread_that_waits_cancels_the_call(
    no_leaks: None, empty_home: Path, pipe: Pipe
) -> None:
    main = threading.main_thread().ident
    assert main is not None
    seen = Lines()

    def press_ctrl_c(name: str, stream: str, line: bytes) -> None:
        seen(name, stream, line)
        if line == b"busy":
            signal.pthread_kill(main, signal.SIGINT)

    with Router(output=press_ctrl_c) as router:
        child = router.local()
        with pytest.raises(KeyboardInterrupt):
            child.call_service(Gated, "spin", path=pipe.path)
        seen.wait_for(b"cleaning")
        pipe.release()
        noted(child, ["KeyboardInterrupt", "clean"])


def test_thousand_cancels_of_short_calls_hit_no_other_call(child: Context) -> None:
    service = child.service(Plain)
    for number in range(1000):
        wanted = child.submit_service(Plain, "add", left=number)
        doomed = child.submit_service(Plain, "add", left=0)
        assert doomed.cancel() or doomed.result(DEADLINE) == 2
        assert wanted.result(DEADLINE) == number + 2
    assert service.add(1) == 3


# -- ends ----------------------------------------------------------------------------------------


def test_pool_that_is_closed_tells_those_who_wait_and_those_who_run(router: Router) -> None:
    desk = Desk(router)
    pool = Pool(router, [desk], size=1)
    running = router.myself.submit_service(Desk, "wait")
    assert desk.begun.wait(DEADLINE)
    waiting = [router.myself.submit_service(Desk, "ask", value=n) for n in range(5)]
    router.myself.call_service_no_reply(Desk, "ask", value=6)
    pool.close()

    for one in (running, *waiting):
        with pytest.raises(RefusedError, match=r"Desk\.\w+: the services of this context were"):
            one.result(DEADLINE)
    assert desk.seen == [], "what waited did not run"
    with pytest.raises(RefusedError, match="the services of the controller are closed"):
        router.myself.call_service(Desk, "ask", value=1)
    pool.close()


def test_child_whose_pool_was_closed_refuses_and_may_have_a_new_one(child: Context) -> None:
    child.service(Plain).add(1)
    assert child.call(services_odd.close_pool)
    for _ in range(2):
        with pytest.raises(RefusedError, match=f"services of context {child.id} are closed"):
            child.service(Plain).add(1)
    child.call(services_odd.make_pool, 3)
    assert child.service(Plain).add(1) == 3


def test_lost_child_ends_all_waits_for_its_services(
    router: Router, lines: Lines, pipe: Pipe
) -> None:
    child = router.local()
    running = start(child, lines, "wait", path=pipe.path)
    queued = child.submit_service(Plain, "add", left=1)
    queued.result(DEADLINE)
    pid = child.info.pid
    child.kill()

    assert isinstance(running.exception(DEADLINE), DisconnectedError)
    wait_for_end(pid)
    with pytest.raises(DisconnectedError):
        child.service(Plain).add(1)


def test_calls_of_a_child_that_is_lost_are_ended_in_the_controller(router: Router) -> None:
    desk = Desk(router)
    ended = threading.Event()

    class Patient(Desk):
        @expose(policy=AllowAny())
        def linger(self) -> None:
            """Wait in Python until interrupted."""
            self.begun.set()
            try:
                while not self.gate.wait(0.001):
                    pass
            finally:
                ended.set()

    patient = Patient(router)
    with Pool(router, [patient, desk]):
        child = router.local()
        child.submit(services.service_of_parent, Patient.name(), "linger")
        assert patient.begun.wait(DEADLINE)
        child.kill()
        assert ended.wait(DEADLINE)
        assert not patient.gate.is_set()


@pytest.mark.parametrize("way", ["shutdown", "close"])
def test_end_of_a_child_shuts_its_services_down(
    no_leaks: None, empty_home: Path, tmp_path: Path, lines: Lines, way: str
) -> None:
    path = tmp_path / "ended"
    with Router(output=lines) as router:
        child = router.local()
        pid = child.service(Ending).write_to(str(path))
        if way == "shutdown":
            child.shutdown()
    wait_for_end(pid)
    assert path.read_text() == "shut down"


def test_end_of_a_child_shuts_its_services_down_though_a_method_is_stuck(
    no_leaks: None, empty_home: Path, tmp_path: Path, lines: Lines, pipe: Pipe
) -> None:
    path = tmp_path / "ended"
    with Router(output=lines) as router:
        child = router.local()
        pid = child.service(Ending).write_to(str(path))
        stuck = start(child, lines, "wait", path=pipe.path)
    wait_for_end(pid)
    assert path.read_text() == "shut down"
    assert stuck.exception(DEADLINE) is not None


@pytest.mark.sshd
def test_services_run_over_ssh_with_errors_and_streams(
    tmp_path: Path, router: Router, lines: Lines, pipe: Pipe
) -> None:
    with start_host(tmp_path) as host:
        check_services(router, host.connect(router), lines, pipe)


def check_services(router: Router, child: Context, lines: Lines, pipe: Pipe) -> None:
    """Do a bit of everything."""
    service = child.service(Plain)
    assert service.add(1) == 3
    with pytest.raises(LookupError, match="over there"):
        service.fail("over there")
    stream: Any = child.service(services.Annotated).count(2000)
    assert list(stream) == list(range(2000))
    future = start(child, lines, "spin", path=pipe.path)
    assert future.cancel()
    lines.wait_for(b"cleaning")
    pipe.release()
    with Pool(router, [Desk(router)]):
        assert child.call(services.service_of_parent, NAME, "ask", value=1) == 2
