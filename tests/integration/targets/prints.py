"""What prints, in every way in which a program can. Python 3.6."""

import os
import subprocess
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List

__all__ = [
    "ask",
    "close_stdout",
    "finish",
    "flood",
    "flood_aside",
    "leave_holder",
    "leave_printer",
    "leave_subprocess",
    "modes",
    "print_and_wait",
    "shell",
    "shell_and_wait",
    "wait_aside",
    "write",
    "write_text",
]

LINE = "x" * 99 + "\n"

# What goes on beside the calls of this process.
ASIDE: "List[Any]" = []


def write(data: "bytes", fd: "int" = 1) -> "None":
    """Write bytes to a descriptor, as C code would."""
    while data:
        data = data[os.write(fd, data) :]


def write_text(text: "str") -> "None":
    """Print without a newline."""
    sys.stdout.write(text)


def finish() -> "None":
    """Do nothing: what was printed before is there when this has returned."""


def print_and_wait(text: "str", path: "str") -> "str":
    """Print a line, then wait until somebody has written to a pipe; return what."""
    print(text)
    with open(path) as pipe:
        return pipe.read()


def shell(command: "str") -> "int":
    """Run a command in a shell, return its status."""
    return subprocess.call(["sh", "-c", command])


def shell_and_wait(text: "str", path: "str") -> "int":
    """Have a shell print a line on stdout, one on stderr, and then wait at a pipe."""
    return subprocess.call(["sh", "-c", 'echo "$1"; echo "$1" >&2; cat "$2"', "sh", text, path])


def modes() -> "List[bool]":
    """Tell of stdin, stdout and stderr whether they block."""
    return [os.get_blocking(fd) for fd in (0, 1, 2)]


def ask(prompt: "str") -> "str":
    """Ask the user, who is not there."""
    return input(prompt)


def flood(size: "int") -> "int":
    """Print `size` bytes, in lines of 100."""
    for _ in range(size // len(LINE)):
        sys.stdout.write(LINE)
    return size


def flood_aside(size: "int") -> "None":
    """Begin to print `size` bytes beside the calls that follow."""
    thread = threading.Thread(target=write, args=(LINE.encode() * (size // len(LINE)),))
    thread.start()
    ASIDE.append(thread)


def wait_aside() -> "None":
    """Wait until all that was begun is printed."""
    while ASIDE:
        ASIDE.pop().join()


def leave_printer() -> "None":
    """Leave a thread that prints for ever."""

    def work() -> "None":
        while True:
            write(LINE.encode() * 100)

    threading.Thread(target=work, daemon=True).start()


def leave_subprocess() -> "None":
    """Leave a process that prints for ever."""
    _leave(["yes", LINE.strip()])


def leave_holder() -> "None":
    """Leave a process that has our stdout and stderr, and does nothing with them."""
    _leave(["sleep", "10000"])


def _leave(command: "List[str]") -> "None":
    process = subprocess.Popen(command)
    process.returncode = 0  # nobody waits for it, and nobody is to be warned of that


def close_stdout(how: "str") -> "str":
    """Take stdout away from whoever prints later."""
    if how == "none":
        sys.stdout = None
    elif how == "object":
        sys.stdout.close()
    else:
        os.close(1)
    return "done"
