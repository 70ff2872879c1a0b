"""What runs in the children of these tests, in any Python from 3.6 on."""

import os
import sys

__all__ = ["has_terminal", "is_isolated"]


def is_isolated():  # type: ignore[no-untyped-def]
    """Return whether this interpreter listens to its command line only."""
    return bool(sys.flags.ignore_environment and sys.flags.no_user_site)


def has_terminal():  # type: ignore[no-untyped-def]
    """Return whether any of the standard streams is a terminal."""
    return any(os.isatty(fd) for fd in (0, 1, 2))
