"""Program: `@remotesvc.main()`, the shortest way from a script to a Router.

A function under it counts as the program's main guard: over there, where the script is imported
and not run, it is cut out.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, TypeVar

    from .router import Router

    Main = TypeVar("Main", bound=Callable[[Router], Any])

__all__ = ["main"]


def main(**options: "Any") -> "Callable[[Main], Main]":
    """Run the decorated function at once if its file is the program, with a Router of its own.

    options: those of Router(). The router is closed at the end; the program ends with what the
    function returns as its exit status, None for 0. Imported, the function is left as it is. So
    it stands last in the file.

        @remotesvc.main()
        def main(router):
            print(router.ssh("web1").call(os.getloadavg))
    """
    def decorate(function: "Main") -> "Main":
        if function.__module__ == "__main__":
            from .router import Router

            with Router(**options) as router:
                status = function(router)
            sys.exit(status)
        return function

    return decorate
