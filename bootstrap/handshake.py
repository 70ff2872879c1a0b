"""The parent's side of the handshake: skip noise, find the marker, check HELLO. Sans-IO.

Bytes go in, and nothing, Ready or Failed comes out. What stands before the marker is noise of
login scripts: skipped, and its end kept for an error text. After the marker every byte is a frame.
"""

from remotesvc.bootstrap.info import Info
from remotesvc.bootstrap.settings import MARKER
from remotesvc.core.authority import HELLO
from remotesvc.core.errors import ProtocolError
from remotesvc.core.values import decode
from remotesvc.core.visible import visible
from remotesvc.core.wire import HEADER, PLAIN, VERSION, FrameDecoder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Union

    from remotesvc.core.wire import Message

__all__ = ["NOISE_LIMIT", "Failed", "Handshake", "Ready", "refuse_hello"]

# A login script that prints more than this before Python starts is not going to stop.
NOISE_LIMIT = 64 * 1024 * 1024

# So much of the noise stands in an error text.
NOISE_KEPT = 2048

# HELLO holds a handful of short facts.
HELLO_LIMIT = 16 * 1024
TEXT_LIMIT = 4096

# A version, a pid, a uid: none needs more, and longer numbers may not even be printed.
NUMBER_LIMIT = 1 << 64


class Ready:
    """The child is there: its facts, and the bytes that followed HELLO."""

    __slots__ = ("info", "rest")

    def __init__(self, info: "Info", rest: "bytes") -> "None":
        self.info = info
        self.rest = rest


class Failed:
    """What came is no child of ours; `reason` quotes it."""

    __slots__ = ("reason",)

    def __init__(self, reason: "str") -> "None":
        self.reason = reason


class Handshake:
    """Reads the beginning of a new link, cut anywhere."""

    def __init__(self, nonce: "bytes", child_id: "int", own_id: "int") -> "None":
        self._marker = MARKER + nonce
        self._child_id = child_id
        self._own_id = own_id
        self._buffer = b""
        self._noise_size = 0
        self._noise = b""
        self.has_marker = False

    @property
    def noise(self) -> "str":
        """The end of what was printed before the marker."""
        shown = self._noise if self.has_marker else self._noise + self._buffer
        return shown[-NOISE_KEPT:].decode("utf-8", "backslashreplace")

    def feed(self, data: "bytes") -> "Union[Ready, Failed, None]":
        """Take bytes; return the outcome once there is one."""
        self._buffer += data
        if not self.has_marker:
            failed = self._skip_noise()
            if failed is not None or not self.has_marker:
                return failed
        return self._read_hello()

    def _skip_noise(self) -> "Optional[Failed]":
        before, found, after = self._buffer.partition(self._marker)
        if found:
            self.has_marker = True
            self._note_noise(before)
            self._buffer = after
            return None
        # The marker may have begun in the last bytes.
        kept = len(self._marker) - 1
        self._note_noise(self._buffer[:-kept])
        self._buffer = self._buffer[-kept:]
        if self._noise_size > NOISE_LIMIT:
            return Failed("more than %d bytes of output before Python started" % NOISE_LIMIT)
        return None

    def _note_noise(self, noise: "bytes") -> "None":
        self._noise_size += len(noise)
        self._noise = (self._noise + noise)[-NOISE_KEPT:]

    def _read_hello(self) -> "Union[Ready, Failed, None]":
        buffer = self._buffer
        if len(buffer) < HEADER.size:
            return None
        size = HEADER.unpack(buffer[: HEADER.size])[-1]
        end = HEADER.size + size
        fields: "Any" = None
        try:
            # A bad header is told at once, not after a body that may never come.
            messages = FrameDecoder().feed(buffer[:end])
            if size > HELLO_LIMIT:
                return Failed("a HELLO of %d bytes" % size)
            if not messages:
                return None
            refusal = refuse_envelope(messages[0], self._child_id, self._own_id)
            if refusal is None:
                fields = decode(messages[0].payload)
                refusal = refuse_hello(fields)
        except ProtocolError as error:
            return Failed(str(error))
        if refusal is not None:
            return Failed(refusal)
        # They are printed and logged, and a hostile host may have written them.
        shown = (visible(fact) if type(fact) is str else fact for fact in fields)
        return Ready(Info(*shown), buffer[end:])


def refuse_envelope(message: "Message", child_id: "int", own_id: "int") -> "Optional[str]":
    """Judge the header of what should be HELLO."""
    if message.handle != HELLO or message.encoding != PLAIN or message.dst != own_id:
        return "the first frame is no HELLO: %r" % message
    if message.src != child_id or message.auth != child_id:
        return "HELLO from context %d, it was named %d" % (message.src, child_id)
    return None


def refuse_hello(fields: "Any") -> "Optional[str]":
    """Judge the facts of a HELLO: a child may say anything."""
    kinds = (int, tuple, str, int, str, str, int)
    if type(fields) is not tuple or tuple(map(type, fields)) != kinds:
        return "HELLO without its seven facts"
    if tuple(map(type, fields[1])) != (int, int, int):
        return "HELLO with a strange Python version"
    if not all(0 <= number < NUMBER_LIMIT for number in (fields[0], *fields[1], *fields[3::3])):
        return "HELLO with a number that is none of these"
    if fields[0] != VERSION:
        return "the child speaks version %d, this side %d" % (fields[0], VERSION)
    if any(len(text) > TEXT_LIMIT for text in (fields[2], fields[4], fields[5])):
        return "HELLO with a text of more than %d characters" % TEXT_LIMIT
    return None
