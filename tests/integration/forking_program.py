"""Opens a child, forks, and tries everything in the fork; for the tests of forks.

    forking_program.py END [SSH_CONFIG]

END is how the fork ends: `exit`, `leave` (os._exit), `fall` (out of the program), `raise`, or
`close` (its copy of the router).
"""

import os
import sys
from collections.abc import Callable

from remotesvc import Context, RefusedError, Router


def main(end: str, *arguments: str) -> None:
    """Open, fork, and use the child again."""
    with Router() as router:
        if arguments:
            context = router.ssh("demo", config_file=arguments[0])
        else:
            context = router.local()
        pid = context.call(os.getpid)
        if os.fork() == 0:
            try_everything(router, context)
            leave(end, router)
            return
        status = os.waitstatus_to_exitcode(os.wait()[1])
        print(f"the fork: {status}")
        print(f"the parent: {context.call(os.getpid) == pid}", flush=True)


def try_everything(router: Router, context: Context) -> None:
    """Use what is the parent's."""
    verbs: dict[str, Callable[[], object]] = {
        "call": lambda: context.call(os.getpid),
        "submit": lambda: context.submit(os.getpid),
        "shutdown": context.shutdown,
        "kill": context.kill,
        "open": router.local,
    }
    for name, verb in verbs.items():
        try:
            verb()
        except RefusedError as error:
            assert "fork" in str(error), error
            print(f"refused: {name}", flush=True)


def leave(end: str, router: Router) -> None:
    """End the fork."""
    if end == "exit":
        sys.exit(0)
    elif end == "leave":
        os._exit(0)
    elif end == "raise":
        raise LookupError("the fork has a defect")
    elif end == "close":
        router.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
