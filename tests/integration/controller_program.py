"""Opens a child and does not close it, for the tests that end controllers in odd ways.

    controller_program.py END WHAT [ARGUMENT...]

WHAT is nothing, idle, ssh (idle on a host: the argument is an ssh_config), or a function in
targets/stubborn.py that is called with the arguments. END is `hold`, to be killed while it waits,
or `return`, to let the interpreter exit, or `raise`, or `fork`, to let a fork exit first and call
the child once more. The child's process id is printed once all is under way.
"""

import os
import sys
import threading
import warnings
from typing import Any

from remotesvc import Router
from tests.integration.targets import stubborn


def main(end: str, what: str, *arguments: str) -> None:
    """Open, start, say the child's pid, and end."""
    is_busy = threading.Event()
    router = Router(output=lambda name, stream, line: is_busy.set())
    context = router.ssh("demo", config_file=arguments[0]) if what == "ssh" else router.local()
    if what == "nothing":
        connection: Any = context._connection
        print(connection.stream.pid, flush=True)
    else:
        pid = context.info.pid
        if what not in ("idle", "ssh"):
            context.submit(getattr(stubborn, what), *arguments)
            is_busy.wait()
        print(pid, flush=True)
    if end == "hold":
        sys.stdin.read()
    elif end == "fork":
        warnings.simplefilter("ignore", DeprecationWarning)
        if os.fork() == 0:
            sys.exit(0)
        print(os.wait()[1], context.call(os.getpid), flush=True)
    elif end == "raise":
        raise LookupError("the program has a defect")


if __name__ == "__main__":
    main(*sys.argv[1:])
