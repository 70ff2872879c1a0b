"""Lanes: what waits for what on the link of a child, where modules are sent ahead.

What needs modules waits for those before it, whoever they are for: what goes to a context behind
the child waits for modules that the child passes on. A child that starts no children never gets
this file.
"""

from .authority import (
    CALL_FUNCTION,
    CALL_SERVICE,
    LOAD_MODULE,
    OPEN_CHILD,
    PASS_MODULES,
    TEND_CHILD,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .outbox import Lane, Outbox
    from .wire import Message

__all__ = ["Lanes"]

# Calls and the modules that they need are one lane, whichever parent sends them.
COMMANDS = (CALL_FUNCTION, LOAD_MODULE)

# These wait for modules, and nothing waits for them: services run side by side with functions.
FOLLOWERS = (CALL_SERVICE, OPEN_CHILD, TEND_CHILD)


class Lanes:
    """The rule for one outbox, in the place of its own."""

    def __init__(self, outbox: "Outbox") -> "None":
        self._outbox = outbox
        # Where modules that are passed on wait, if any do.
        self._parcels: "Lane" = (0, -1, 0)
        outbox.lane_of = self.lane_of  # type: ignore[method-assign]

    def lane_of(self, message: "Message") -> "Lane":
        """Return the lane of a message."""
        own = (message.src, message.dst, message.handle)
        commands = (0, message.dst, CALL_FUNCTION)
        if message.handle == PASS_MODULES:
            self._parcels = commands
            return commands
        if message.handle in COMMANDS + FOLLOWERS:
            # Where one before it waits it waits too: two large ones may not mix.
            for lane in (own, commands, self._parcels):
                if lane in self._outbox.lanes:
                    return lane
        return commands if message.handle in COMMANDS else own
