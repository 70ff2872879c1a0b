"""What an odd host is asked about itself. Python 3.6."""

import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Sequence

__all__ = [
    "flags",
    "import_and_fail",
    "is_blocking",
    "is_interruptible",
    "list_tree",
    "loaded",
    "say",
    "search_path",
    "sum_of",
    "umask",
    "write",
]


def sum_of(numbers: "Sequence[int]") -> "int":
    """Add up."""
    return sum(numbers)


def say(text: "str") -> "None":
    """Print a text on both streams."""
    print(text)
    sys.stderr.write(text + "\n")


def write(path: "str", size: "int") -> "Optional[int]":
    """Write a file; return the error number that this ends with, None if it is there."""
    try:
        with open(path, "wb") as stream:
            stream.write(bytes(size))
    except OSError as error:
        return error.errno
    return None


def list_tree(folders: "Sequence[str]") -> "Dict[str, List[str]]":
    """List all files and folders below each folder."""
    return {
        folder: sorted(
            os.path.join(parent, name)
            for parent, folders, files in os.walk(folder)
            for name in folders + files
        )
        for folder in folders
    }


def import_and_fail(names: "Sequence[str]") -> "None":
    """Import modules by their names, then fail, so that a traceback is made."""
    for name in names:
        __import__(name)
    raise LookupError(", ".join(names))


def search_path() -> "List[str]":
    """Return where this interpreter looks for modules."""
    return [entry for entry in sys.path if isinstance(entry, str)]


def is_blocking(fd: "int") -> "bool":
    """Tell whether a descriptor is in blocking mode."""
    return os.get_blocking(fd)


def is_interruptible() -> "bool":
    """Tell whether SIGINT reaches this interpreter."""
    return signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, signal.SIG_DFL, None)


def loaded(names: "Sequence[str]") -> "List[str]":
    """Return those modules that this interpreter has imported so far."""
    return [name for name in names if name in sys.modules]


def umask() -> "int":
    """Return the mask of new files."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def flags() -> "Dict[str, int]":
    """Return how this interpreter was started."""
    return {"optimize": sys.flags.optimize, "verbose": sys.flags.verbose}
