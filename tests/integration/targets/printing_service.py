"""Services whose methods print, and one that does not end. Python 3.6."""

import logging
import time

from remotesvc.service import AllowParents, Service, expose

__all__ = ["Printer", "Sleeper"]


class Printer(Service):
    """Prints what it is told to."""

    @expose(policy=AllowParents())
    def show(self, text: "str") -> "None":
        """Print a line."""
        print(text)

    @expose(policy=AllowParents())
    def fail(self, text: "str") -> "None":
        """Print what is no whole line, and raise."""
        print(text)
        raise LookupError(text)

    @expose(policy=AllowParents())
    def log(self, text: "str") -> "None":
        """Log a line."""
        logging.getLogger("printer").warning(text)

    @expose(policy=AllowParents())
    def count(self, text: "str"):  # type: ignore[no-untyped-def]
        """Print when the end has come."""
        yield 1
        print(text)


class Sleeper(Service):
    """Sleeps, and tells in a file that it is shut down."""

    @expose(policy=AllowParents())
    def sleep(self, path: "str") -> "None":
        """Sleep where no interrupt reaches it."""
        self.path = path
        print("it sleeps")
        time.sleep(600)

    def on_shutdown(self) -> "None":
        """Write the file."""
        with open(self.path, "w") as file:
            file.write("shut down")
