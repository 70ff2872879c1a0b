"""What the tests have logged over there. Python 3.6, and logging only where it is used."""

import os
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List

__all__ = [
    "configure_and_log",
    "fork_and_log",
    "handle_signal",
    "has_logging",
    "log",
    "log_and_format",
    "log_error",
    "log_from_threads",
    "log_many",
    "log_of_a_collected_object",
    "log_on_the_io_thread",
    "log_twice_to_stderr",
    "replace_configuration",
    "root_level",
]


def has_logging() -> "bool":
    """Tell whether anything has imported logging in this process."""
    return "logging" in sys.modules


def log(name: "str", level: "int", text: "str", *args: "Any", **extra: "Any") -> "int":
    """Log one record, and return the process id."""
    import logging

    logging.getLogger(name).log(level, text, *args, extra=extra)
    return os.getpid()


def log_many(count: "int", size: "int" = 0) -> "int":
    """Log numbered warnings of at least so many characters."""
    import logging

    for number in range(count):
        logging.warning("%d %s", number, "x" * size)
    return count


def log_error() -> "None":
    """Log an exception with its traceback."""
    import logging

    try:
        raise FileNotFoundError(2, "gone\nfor good", "/nowhere")
    except OSError:
        logging.exception("it\nfailed")


class Odd:
    """Neither a text nor anything with one."""

    def __str__(self) -> "str":
        raise RuntimeError("no text")

    __repr__ = __str__


def log_and_format() -> "None":
    """Log what cannot be formatted, as programs do by mistake."""
    import logging

    logging.warning("%d items", "many")
    logging.warning("one too many", 1)
    logging.warning("%s", Odd())
    logging.warning("odd field", extra={"odd": Odd(), "lock": threading.Lock()})


def configure_and_log(level: "int", **options: "Any") -> "None":
    """Configure logging as a program does, and log on three levels."""
    import logging

    logging.basicConfig(level=level, format="%(levelname)s of %(name)s: %(message)s", **options)
    for number in (logging.DEBUG, logging.INFO, logging.WARNING):
        logging.getLogger("app").log(number, "level %d", number)


def replace_configuration() -> "None":
    """Configure logging the way that drops every handler there was."""
    import logging.config

    handler = {"class": "logging.NullHandler"}
    root = {"handlers": ["none"], "level": "INFO"}
    logging.config.dictConfig({"version": 1, "handlers": {"none": handler}, "root": root})
    logging.getLogger("app").info("still heard")


def log_twice_to_stderr() -> "None":
    """Log to a handler on stderr, and on to the root."""
    import logging

    logger = logging.getLogger("app")
    logger.addHandler(logging.StreamHandler())
    logger.warning("seen once")


def log_from_threads(threads: "int", count: "int") -> "None":
    """Log from several threads at once, the first record included."""
    start = threading.Barrier(threads)

    def work(name: "int") -> "None":
        import logging

        start.wait()
        for number in range(count):
            logging.getLogger("t%d" % name).warning("%d", number)

    workers: "List[threading.Thread]" = [
        threading.Thread(target=work, args=(name,)) for name in range(threads)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def fork_and_log() -> "int":
    """Log in a fork of this process, and return its exit status."""
    import logging
    import warnings

    with warnings.catch_warnings():
        # Python 3.12 warns of any fork of a program with threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        logging.getLogger("app").warning("from the fork")
        sys.stderr.flush()
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def handle_signal(count: "int") -> "int":
    """Log in the handler of a signal that interrupts this very thread, again and again.

    Each sets the timer for the next: on a busy machine one interrupts the other else, without end.
    """
    import logging
    import signal

    handled: "List[int]" = []
    logging.warning("the first one")

    def log_it(number: "int", frame: "Any") -> "None":
        logging.warning("signal %d", len(handled))
        handled.append(number)
        if len(handled) < count:
            signal.setitimer(signal.ITIMER_REAL, 0.0005)

    signal.signal(signal.SIGALRM, log_it)
    signal.setitimer(signal.ITIMER_REAL, 0.0005)
    logged = 1
    while len(handled) < count:
        logging.warning("between %d", logged)
        print("and a print")
        logged += 1
    return logged + len(handled)


class Talker:
    """Logs when it is collected."""

    def __del__(self) -> "None":
        import logging

        logging.warning("collected")


def log_of_a_collected_object() -> "None":
    """Have the garbage collector run code that logs."""
    import gc

    circle = Talker()
    circle.self = circle  # type: ignore[attr-defined]
    del circle
    gc.collect()


def log_on_the_io_thread() -> "None":
    """Log as an object does that happens to be collected on the I/O thread."""
    import logging

    done = threading.Event()

    def work() -> "None":
        logging.warning("from the I/O thread")
        done.set()

    sys.meta_path[0].child.loop.call_soon(work)  # type: ignore[attr-defined]
    done.wait()


def root_level() -> "int":
    """Return the level of the root logger."""
    import logging

    return logging.getLogger().level
