"""Hang-up: how a child lives on when the terminal goes that it was started with.

The kernel hangs up on the leader of a terminal's session (tty(4)). sudo gives what it runs a
terminal and a session of its own, where a monitor waits for it; at the end of sudo that signals
the group of processes that it began: SIGHUP, SIGTERM, SIGKILL after 2 s. That of sudo-rs does the
same, and stays until the child ends. So a leader lets its
terminal go, and any other child moves to another group of the session.
"""

import fcntl
import os
import signal
import termios

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..bootstrap.child import Child

__all__ = ["survive"]

# Of the 2 s that a child has for its end.
LAST_MOMENT = 1.8

REFUSAL = "its terminal takes it along when it goes (%s): open it with tty=False"


def survive(child: "Child") -> "str":
    """Make this child independent of its terminal (on the main thread); return why it cannot be.

    Nothing has changed then. Processes that it started before cannot be taken along.
    """
    try:
        fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return ""  # it has none
    try:
        return _leave(child, fd)
    except OSError as error:
        return REFUSAL % error
    finally:
        os.close(fd)


def _leave(child: "Child", terminal: "int") -> "str":
    own, led = os.getpid(), os.getpgrp()
    group = os.fork()
    if group == 0:
        os._exit(0)
    try:
        # It is empty, and there until it is waited for.
        os.setpgid(group, group)
        if os.getsid(0) == own:
            os.tcsetpgrp(terminal, group)  # it is hung up on in the place of ours
            fcntl.ioctl(terminal, termios.TIOCNOTTY)
            return ""
        os.setpgid(0, group)
        if _has_members(led):
            os.setpgid(0, led)
            return REFUSAL % "processes that it started run there"
    finally:
        os.waitpid(group, 0)
    _end_with(child, group)
    return ""


def _has_members(group: "int") -> "bool":
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _end_with(child: "Child", group: "int") -> "None":
    """Have what will be started in a group end with the child, as in the one that it led."""
    leave = child.leave

    def kill() -> "None":
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def begin_end() -> "None":
        if not child.is_leaving:
            os.setpgid(0, 0)
            settle = child.settle

            def settle_and_kill() -> "None":
                settle()
                kill()

            child.settle = settle_and_kill
            child.loop.call_later(LAST_MOMENT, kill)
        leave()

    child.leave = begin_end  # type: ignore[method-assign]
