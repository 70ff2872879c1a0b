"""A program whose main thread calls in a row; each line that it writes tells how far it is.

usage: reading_program.py MODE [CONFIG]; with an ssh_config it calls the host "demo". It runs by
itself, for the handlers of signals and the main thread are the program's own there, and not those
of a test.
"""

import os
import signal
import sys
import threading
import time
from typing import Any

import remotesvc
from remotesvc.core.loop import Loop
from remotesvc.service import Pool
from tests.integration.targets import upward
from tests.integration.targets.upward import Controller

ROW = 100

LARGE = 1 << 20

turns: dict[str, int] = {}


def _watch() -> None:
    """Count the turns of the loop by the names of the threads that turn it."""
    turn = Loop._turn

    def counted(loop: Loop, is_hasty: bool = False) -> None:
        name = threading.current_thread().name
        turns[name] = turns.get(name, 0) + 1
        turn(loop, is_hasty)

    Loop._turn = counted  # type: ignore[method-assign, assignment]


def call_in_a_row(child: Any, count: int = ROW) -> None:
    """Call, and check what comes."""
    for number in range(count):
        assert child.call(divmod, number, 7) == divmod(number, 7)


def say(*words: object) -> None:
    """Write a line at once."""
    print(*words, flush=True)


def row(router: Any, child: Any) -> None:
    """Call in a row, and tell who read."""
    call_in_a_row(child, 300)
    say("main" if turns.get("MainThread") else "not main")
    say(signal.getsignal(signal.SIGINT) is signal.default_int_handler)


def with_handler(router: Any, child: Any) -> None:
    """Do that with a handler of the program's own."""
    signal.signal(signal.SIGTERM, lambda *_: None)
    row(router, child)


def with_own_interrupt(router: Any, child: Any) -> None:
    """Take SIGINT by a handler of the program's own, which hears of it."""
    heard = []
    signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    say("ready")
    while not heard:
        call_in_a_row(child)
    row(router, child)


def ignoring(router: Any, child: Any) -> None:
    """Ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.kill(os.getpid(), signal.SIGINT)
    row(router, child)


def interrupted(router: Any, child: Any) -> None:
    """Be interrupted while calling in a row, until a line says that it is enough."""
    thread = threading.Thread(target=sys.stdin.readline)
    thread.start()
    untold = b"ready\n"
    while thread.is_alive():
        try:
            if untold:
                # From in here: whoever reads it sends the next one.
                os.write(1, untold)
                untold = b""
            while thread.is_alive():
                call_in_a_row(child)
        except KeyboardInterrupt:
            untold = b"interrupted\n"
    call_in_a_row(child)
    say("main" if turns.get("MainThread") else "not main")


def interrupted_in_a_long_call(router: Any, child: Any) -> None:
    """Be interrupted in a call that takes long."""
    for _ in range(10):
        call_in_a_row(child)
        try:
            os.write(1, b"ready\n")
            child.call(time.sleep, 1000)
        except KeyboardInterrupt:
            say("interrupted")
    call_in_a_row(child)


def lost_meanwhile(router: Any, child: Any) -> None:
    """Lose the context by another thread, in a call that takes long."""
    for _ in range(10):
        other = router.local()
        call_in_a_row(other)
        threading.Thread(target=other.kill).start()
        try:
            other.call(time.sleep, 1000)
        except remotesvc.DisconnectedError:
            say("lost")
    call_in_a_row(child)


def large(router: Any, child: Any) -> None:
    """Call in a row what returns much: after the first of them, another thread reads."""
    call_in_a_row(child)
    child.call(bytes, LARGE)
    turns.clear()
    for _ in range(20):
        assert child.call(bytes, LARGE) == bytes(LARGE)
    say("main" if turns.get("MainThread") else "not main")


def many_threads(router: Any, child: Any) -> None:
    """Call by several threads, each of its own context and all of one."""
    others = [router.local() for _ in range(3)]

    def work(own: Any) -> None:
        for _ in range(5):
            call_in_a_row(own)
            call_in_a_row(child)

    threads = [threading.Thread(target=work, args=(other,)) for other in others]
    for thread in threads:
        thread.start()
    work(child)
    for thread in threads:
        thread.join()
    say("done")


def services(router: Any, child: Any) -> None:
    """Serve the child while the main thread waits for it, and call its services in a row."""
    with Pool(router, services=[Controller]):
        for _ in range(10):
            call_in_a_row(child, 20)
            child.call(upward.readers, 50)
            for number in range(50):
                assert child.call_service(Controller, "quick", value=number) == number
    row(router, child)


def callbacks(router: Any, child: Any) -> None:
    """Have prints and callbacks of futures come while the main thread reads."""
    done = threading.Semaphore(0)
    for number in range(50):
        call_in_a_row(child, 20)
        child.submit(print, "line", number).add_done_callback(lambda _: done.release())
    for _ in range(50):
        assert done.acquire(timeout=60)
    say("done")


def by_turns(router: Any, child: Any) -> None:
    """Call it and another one by turns."""
    other = router.local()
    for _ in range(20):
        call_in_a_row(other, 20)
        call_in_a_row(child, 20)
    say("done")


MODES = (
    row,
    with_handler,
    with_own_interrupt,
    ignoring,
    interrupted,
    interrupted_in_a_long_call,
    lost_meanwhile,
    large,
    many_threads,
    services,
    callbacks,
    by_turns,
)


def main() -> None:
    """Do what the command line says."""
    _watch()
    with remotesvc.Router(output=lambda name, stream, line: None) as router:
        files = sys.argv[2:]
        child = router.ssh("demo", config_file=files[0]) if files else router.local()
        child.call(os.getpid)
        {mode.__name__: mode for mode in MODES}[sys.argv[1]](router, child)
    say("end")


if __name__ == "__main__":
    main()
