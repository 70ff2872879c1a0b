"""Fetching from the parent: module records, asked for or pushed, and answers to other questions.

Only this file knows how records travel: zlib over the plain value of a list of
(name, kind, file name, source bytes | reason, names of submodules | None).
"""

import zlib

from .authority import GET_MODULE
from .errors import Error
from .pending import Pending
from .values import decode, encode
from .wire import DEAD, PLAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Sequence, Tuple

    from .finder import Finder
    from .link import Link
    from .switch import Switch
    from .wire import Message

__all__ = ["FETCH_TIMEOUT", "Fetcher", "pack_records"]

# An import waits for its parent this long: an answer takes milliseconds, a lost one is a defect.
FETCH_TIMEOUT = 30.0


def pack_records(records: "Sequence[Tuple[Any, ...]]") -> "bytes":
    """Return the payload of LOAD_MODULE, and of the reply to GET_MODULE."""
    return zlib.compress(encode(list(records)), 6)


class Fetcher:
    """Feeds a Finder with what the parent sends."""

    def __init__(self, switch: "Switch", finder: "Finder") -> "None":
        self._switch = switch
        self._finder = finder
        finder.ask = self.ask
        finder.request_of = self.request

    def load(self, link: "Optional[Link]", message: "Message") -> "None":
        """Take pushed records (handler of LOAD_MODULE)."""
        self._add(message.payload)

    def ask(self, name: "str") -> "None":
        """Ask for a module; return when the finder has a record of it, or of its absence."""
        try:
            reply = self.request(GET_MODULE, name, "the request for module %r" % name)
        except Error as error:
            raise ImportError("module %r: %s" % (name, error), name=name) from None
        if reply.encoding == DEAD:
            raise ImportError("module %r: %s" % (name, decode(reply.payload)[1]), name=name)
        self._add(reply.payload)

    def _add(self, payload: "bytes") -> "None":
        for name, kind, origin, source, submodules in decode(zlib.decompress(payload)):
            self._finder.add(name, (kind, origin, source, submodules))

    def request(self, handle: "int", question: "Any", what: "str") -> "Message":
        """Return the parent's reply to a question, within FETCH_TIMEOUT."""
        switch = self._switch
        parent = switch.parents[0]
        pending = Pending(parent)
        reply_to = switch.listen(pending)
        try:
            switch.send(parent, handle, PLAIN, encode(question), reply_to)
            return pending.wait(FETCH_TIMEOUT, what)
        except BaseException:
            switch.unlisten(reply_to)
            raise
