"""Opens a child and does not close it, for the tests that end controllers in odd ways.

    controller_program.py END WHAT [ARGUMENT...]

WHAT is a function in targets/stubborn.py that is called with the arguments, or
`nothing`         the first answer of the child is not waited for
`idle`, `ssh`     it is; for ssh, and for ssh:FUNCTION, the argument is an ssh_config
`tree:FUNCTION`   the function runs in each context of a chain of three
`login`           a login to HOST:PORT that does not come to its end; no child, its pid is 0
`stuck_callback`  a callback of the user's that does not return

END is
`hold`    wait for the end of stdin, and let the interpreter exit then
`return`  let the interpreter exit
`raise`   the same by an exception
`fork`    let a fork exit first, and call the child once more
`talk`    call the child for each line of stdin

The child's process id is printed once all is under way. ROUTER in the environment holds options
of the router as JSON.
"""

import json
import os
import sys
import threading
import warnings
from typing import Any

from remotesvc import Context, Error, Router
from tests.integration.targets import stubborn


def main(end: str, what: str, *arguments: str) -> None:
    """Open, start, say the child's pid, and end."""
    is_busy = threading.Event()
    options = json.loads(os.environ.get("ROUTER", "{}"))
    router = Router(output=lambda name, stream, line: is_busy.set(), **options)
    if what == "login":
        threading.Thread(target=log_in, args=(router, *arguments), daemon=True).start()
        print(0, flush=True)
        context = router.myself
    else:
        context = begin(router, what, arguments, is_busy)
    if end == "hold":
        sys.stdin.read()
    elif end == "talk":
        talk(context)
    elif end == "fork":
        fork(context)
    elif end == "raise":
        raise LookupError("the program has a defect")


def begin(
    router: Router, what: str, arguments: tuple[str, ...], is_busy: threading.Event
) -> Context:
    """Open a context, have it do something, and say its pid."""
    way, _, function = what.rpartition(":")
    if way == "tree":
        return begin_tree(router, function)
    if "ssh" in (way, function):
        context = router.ssh("demo", config_file=arguments[0])
        function, arguments = function if way else "idle", arguments[1:]
    else:
        context = router.local()
    if function == "nothing":
        connection: Any = context._connection
        print(connection.stream.pid, flush=True)
        return context
    pid = context.info.pid
    if function == "stuck_callback":
        context.submit(os.getpid).add_done_callback(lambda future: hang(is_busy))
        is_busy.wait()
    elif function != "idle":
        context.submit(getattr(stubborn, function), *arguments)
        is_busy.wait()
    print(pid, flush=True)
    return context


def begin_tree(router: Router, function: str) -> Context:
    """Open three contexts, each in the one before it, all busy, and say the last one's pid."""
    tree = [router.local()]
    while len(tree) < 3:
        tree.append(router.local(via=tree[-1]))
    pid = tree[-1].info.pid
    for context in tree:
        context.submit(getattr(stubborn, function))
    print(pid, flush=True)
    return tree[-1]


def hang(is_busy: threading.Event) -> None:
    """Say that it begins, and do not return."""
    is_busy.set()
    threading.Event().wait()


def log_in(router: Router, host: str) -> None:
    """Log in, as far as that goes."""
    try:
        router.ssh(host, config_file="none")
    except Error:
        return


def talk(context: Context) -> None:
    """Call the child whenever a line comes, and say what it says."""
    for _ in sys.stdin:
        try:
            print(context.call(os.getpid), flush=True)
        except Error as error:
            print(type(error).__name__, error, flush=True)


def fork(context: Context) -> None:
    """Fork, and call the child when the fork has ended."""
    warnings.simplefilter("ignore", DeprecationWarning)
    if os.fork() == 0:
        sys.exit(0)
    print(os.wait()[1], context.call(os.getpid), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
