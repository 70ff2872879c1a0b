"""Program: `@remotesvc.main()`, the shortest way from a script to a Router.

A function under it counts as the program's main guard: over there, where the script is imported
and not run, it is cut out.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, NoReturn, TypeVar

    from .router import Router

    Main = TypeVar("Main", bound=Callable[[Router], Any])

__all__ = ["main"]

# As the shell shows a program that SIGINT has ended; the command line does the same.
INTERRUPTED = 130


def main(*misplaced: "NoReturn", **options: "Any") -> "Callable[[Main], Main]":
    """Run the decorated function at once if its file is the program, with a Router of its own.

    options: those of Router(). The router is closed when the function has ended, however it did.
    What it returns is the exit status of the program, as `sys.exit()` takes it: None is 0, a text
    is shown and is 1. An exception is shown as ever; Ctrl-C is not, and gives 130. A coroutine
    function is run by asyncio. Imported, the function is left as it is. It stands last in its
    file, as what follows it is not run.

        @remotesvc.main()
        def main(router):
            print(router.ssh("web1").call(os.getloadavg))
    """
    if misplaced:
        raise TypeError("write @remotesvc.main(), with parentheses; options are named")

    def decorate(function: "Main") -> "Main":
        if function.__module__ == "__main__":
            sys.exit(_run(function, options))
        return function

    return decorate


def _run(function: "Callable[[Router], Any]", options: "Dict[str, Any]") -> "Any":
    """Return the exit status of a program."""
    from .router import Router

    try:
        with Router(**options) as router:
            status = function(router)
            if type(status).__name__ == "coroutine":
                import asyncio

                status = asyncio.run(status)
            return status
    except KeyboardInterrupt:
        return INTERRUPTED
