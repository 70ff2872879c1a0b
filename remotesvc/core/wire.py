"""Bytes to messages and back: the frame, its header, and the decoder. Sans-IO.

Only this file knows the header layout; docs/protocol.md draws it byte by byte.

A frame is a header of 28 bytes, all numbers unsigned and big-endian, and a payload:

    magic "RS" | version u8 | encoding u8 | dst u32 | src u32 | auth u32
    | handle u32 | reply_to u32 | length u32 | payload

A message whose payload exceeds FRAGMENT_SIZE travels as several frames that carry the FRAGMENT
flag; fragments.py cuts and joins them. So no frame is ever longer than FRAME_LIMIT, and a decoder
never holds more than one frame, whatever length a peer claims.
"""

import struct

from .errors import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional, Union

__all__ = [
    "DEAD",
    "ERROR",
    "FRAGMENT",
    "FRAGMENT_SIZE",
    "FRAME_LIMIT",
    "PICKLE",
    "PLAIN",
    "RAW",
    "VERSION",
    "FrameDecoder",
    "Message",
    "encode_frame",
]

MAGIC = b"RS"
VERSION = 1

# Encodings of a payload. The receiver decides which of them it takes, never the header alone.
PLAIN = 0  # one plain value (values.py)
PICKLE = 1  # major u8, minor u8, then a pickle: from parents only
RAW = 2  # bytes that the handle gives a meaning
ERROR = 3  # a captured exception (capture.py)
DEAD = 4  # a refusal or a loss: plain (code, text); never answered itself

# Flag on the encoding: the payload is one piece of a larger message (fragments.py).
FRAGMENT = 0x80

HEADER = struct.Struct(">2sBB6L")

# Large enough that a header costs nothing beside it, small enough that a small message waits
# at most for this many bytes of a big one.
FRAGMENT_SIZE = 256 * 1024

# The longest payload of one frame.
FRAME_LIMIT = FRAGMENT_SIZE


class Message:
    """One addressed payload: who sent it, on whose authority, to which handle of whom."""

    __slots__ = ("auth", "dst", "encoding", "handle", "payload", "reply_to", "src")

    def __init__(
        self,
        dst: "int",
        src: "int",
        auth: "int",
        handle: "int",
        reply_to: "int",
        encoding: "int",
        payload: "bytes",
    ) -> "None":
        self.dst = dst
        self.src = src
        self.auth = auth
        self.handle = handle
        self.reply_to = reply_to
        self.encoding = encoding
        self.payload = payload

    def __repr__(self) -> "str":
        return "Message(dst=%d, src=%d, auth=%d, handle=%d, reply_to=%d, enc=%d, %d bytes)" % (
            self.dst,
            self.src,
            self.auth,
            self.handle,
            self.reply_to,
            self.encoding,
            len(self.payload),
        )


def encode_frame(
    message: "Message", prefix: "bytes" = b"", piece: "Optional[memoryview]" = None
) -> "bytes":
    """Return the one frame of a message whose payload is at most FRAME_LIMIT long.

    With a prefix, it is the frame of a fragment: of that, and a piece of its payload.
    """
    payload: "Union[bytes, memoryview]" = message.payload if piece is None else piece
    return (
        HEADER.pack(
            MAGIC,
            VERSION,
            message.encoding | (FRAGMENT if prefix else 0),
            message.dst,
            message.src,
            message.auth,
            message.handle,
            message.reply_to,
            len(prefix) + len(payload),
        )
        + prefix
        + payload
    )


class FrameDecoder:
    """Turns a byte stream, cut anywhere, into messages; holds at most one frame."""

    def __init__(self) -> "None":
        self._buffer: "Union[bytes, bytearray]" = b""

    def feed(self, data: "bytes") -> "List[Message]":
        """Return the messages that `data` completes; raise ProtocolError on a bad header."""
        buffer = self._buffer
        if buffer:
            if type(buffer) is bytes:
                buffer = bytearray(buffer)
            buffer += data
        else:
            buffer = data
        messages = []
        start = 0
        size = len(buffer)
        header_size = HEADER.size
        while size - start >= header_size:
            magic, version, encoding, dst, src, auth, handle, reply_to, length = (
                HEADER.unpack_from(buffer, start)
            )
            if magic != MAGIC or version != VERSION or length > FRAME_LIMIT:
                raise ProtocolError(_complaint(buffer[start : start + header_size]))
            body = start + header_size
            end = body + length
            if end > size:
                break
            # Of a bytearray this copies once, and a slice of it would be a copy more.
            payload = buffer[body:end] if buffer is data else bytes(memoryview(buffer)[body:end])
            messages.append(Message(dst, src, auth, handle, reply_to, encoding, payload))
            start = end
        self._buffer = buffer[start:] if start else buffer
        return messages

    @property
    def pending(self) -> "int":
        """The number of bytes of an incomplete frame: 0 where a stream may end."""
        return len(self._buffer)


def _complaint(header: "Union[bytes, bytearray]") -> "str":
    """Say which field of a bad header is wrong, and quote what came."""
    magic, version, length = bytes(header[:2]), header[2], HEADER.unpack(header)[8]
    if magic != MAGIC:
        reason = "it does not begin with %r" % MAGIC
    elif version != VERSION:
        reason = "version %d, this side speaks %d" % (version, VERSION)
    else:
        reason = "a length of %d, at most %d" % (length, FRAME_LIMIT)
    return "no valid frame (%s): %r" % (reason, bytes(header))
