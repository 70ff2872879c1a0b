"""Protocols and aliases for type checkers; never imported at run time."""

import threading
from typing import Callable, Protocol

__all__ = ["ProcessLike", "Stream"]


class Stream(Protocol):
    """A byte stream, as core/link.py describes it."""

    on_bytes: Callable[[bytes], None]
    on_end: Callable[[str], None]
    pull: Callable[[], bytes]

    def start(self) -> None:
        """Begin to read."""

    def write(self, data: bytes) -> bool:
        """Write without blocking; True if all is written."""

    def close(self) -> None:
        """Drop everything."""


class ProcessLike(Stream, Protocol):
    """The stream of a program that was started for us, here or over there."""

    stderr: str
    exit_status: int | None
    gone: threading.Event

    def kill(self) -> None:
        """End the program now."""
