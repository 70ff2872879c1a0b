"""Opens a local child and does not close it, for the tests that end controllers in odd ways.

    controller_program.py WHAT END

WHAT is nothing, idle, or the name of a function in targets/stubborn.py; END is `hold`, to be killed
while it waits, or `return`, to let the interpreter exit, or `raise`. The child's process id is
printed once all is under way.
"""

import sys
import threading

from remotesvc import Router
from tests.integration.targets import stubborn


def main(what: str, end: str) -> None:
    """Open, start, say the child's pid, and end."""
    is_busy = threading.Event()
    router = Router(output=lambda name, stream, line: is_busy.set())
    context = router.local()
    if what == "nothing":
        stream = context._connection.stream  # type: ignore[union-attr]
        print(stream.pid, flush=True)
    else:
        print_pid = context.info.pid
        if what != "idle":
            context.submit(getattr(stubborn, what))
            is_busy.wait()
        print(print_pid, flush=True)
    if end == "hold":
        sys.stdin.read()
    elif end == "raise":
        raise LookupError("the program has a defect")


if __name__ == "__main__":
    main(*sys.argv[1:])
