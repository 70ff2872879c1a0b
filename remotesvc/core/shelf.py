"""Shelf: files of packages that a relay keeps; and how one says that a file is still the same.

Whoever asks for a file that it has names its stamp, and is told SAME in the place of the bytes.
So each time, and for each context, the controller decides who may read what, and no old file is
given: what is kept saves bytes, not questions, and needs no grants of its own.
"""

import zlib
from collections import OrderedDict

from .values import encode
from .wire import PLAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Tuple

    Place = Tuple[str, str]

__all__ = ["SAME", "SHELF_LIMIT", "File", "Shelf"]

# The payload, PLAIN, that says: it is what you have. A listing is a list.
SAME = encode("same")

# Bytes that are kept. Templates, tables and certificates are far below; more than a small machine
# can spare gains nothing, and what is large is sent by put().
SHELF_LIMIT = 16 * 1024 * 1024

# What a file takes beside its bytes: its names, and its place in the table.
FILE_COST = 1024


class File:
    """What is answered for a place: a file (RAW), or what lies in a folder (PLAIN)."""

    __slots__ = ("_stamp", "encoding", "payload")

    def __init__(self, encoding: "int", payload: "bytes") -> "None":
        self.encoding = encoding
        self.payload = payload
        self._stamp: "Optional[int]" = None

    @property
    def stamp(self) -> "int":
        """What tells whether it has changed; 0 if it is empty.

        Who names another one than his own gets the bytes, which he may have, or none: it has not
        to withstand anybody.
        """
        if self._stamp is None:
            self._stamp = len(self.payload) << 32 | zlib.crc32(self.payload)
        return self._stamp

    def answer_to(self, has: "int") -> "Tuple[int, bytes]":
        """Return encoding and payload for one who has what is of that stamp; 0 for nothing."""
        return (PLAIN, SAME) if has and has == self.stamp else (self.encoding, self.payload)


class Shelf:
    """The files that were answered last, up to a number of bytes."""

    def __init__(self, limit: "int" = SHELF_LIMIT) -> "None":
        self._limit = limit
        self._size = 0
        self._files: "OrderedDict[Place, File]" = OrderedDict()

    def get(self, place: "Place") -> "Optional[File]":
        """Return what is kept of a place, which counts as a use of it."""
        file = self._files.get(place)
        if file is not None:
            self._files.move_to_end(place)
        return file

    def keep(self, place: "Place", file: "File") -> "None":
        """Keep a file, unless it is too large; the least recently used ones make room."""
        self._drop(place)
        cost = _cost(file)
        if cost > self._limit:
            return
        self._files[place] = file
        self._size += cost
        while self._size > self._limit:
            self._drop(next(iter(self._files)))

    def _drop(self, place: "Place") -> "None":
        file = self._files.pop(place, None)
        if file is not None:
            self._size -= _cost(file)


def _cost(file: "File") -> "int":
    return len(file.payload) + FILE_COST
