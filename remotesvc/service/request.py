"""Requests: what a CALL_SERVICE message holds. Pure.

    flags u8 | length of the service's name u16 | length of the method's name u16
    service, UTF-8 | method, UTF-8 | plain dict of the arguments

The names stand before everything else, so that the I/O thread finds the service by two slices,
and decodes nothing that a stranger made; the arguments are for the thread that runs the method. A
raw message to the same handle cancels: the u32 reply handle of a call that nobody waits for now.
"""

import struct

from ..core.errors import ProtocolError, ValueNotSupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Tuple

__all__ = ["ACTIVATE", "NAME_LIMIT", "pack_cancel", "pack_request", "read_cancel", "read_request"]

HEAD = struct.Struct(">BHH")
HANDLE = struct.Struct(">I")

# The caller asks for the service to be activated if it is not: parents only.
ACTIVATE = 1

# Bytes of a name: longer than any that Python code has.
NAME_LIMIT = 1024


def pack_request(flags: "int", service: "str", method: "str", arguments: "bytes") -> "bytes":
    """Return the payload of a call; `arguments` are encoded already, and stand at its end."""
    names = service.encode("utf-8"), method.encode("utf-8")
    if max(map(len, names)) > NAME_LIMIT:
        raise ValueNotSupported("a name of more than %d bytes: %.60r..." % (NAME_LIMIT, service))
    return b"".join((HEAD.pack(flags, *map(len, names)), *names, arguments))


def read_request(payload: "bytes") -> "Tuple[int, str, str, bytes]":
    """Return flags, service, method and encoded arguments; ProtocolError for what is none."""
    try:
        flags, service_size, method_size = HEAD.unpack_from(payload)
        middle = HEAD.size + service_size
        end = middle + method_size
        service, method = str(payload[HEAD.size : middle], "utf-8"), payload[middle:end]
        if service_size > NAME_LIMIT or method_size > NAME_LIMIT or end >= len(payload):
            raise ProtocolError("a call of a service whose names exceed it")
        return flags, service, str(method, "utf-8"), payload[end:]
    except (struct.error, UnicodeDecodeError) as error:
        raise ProtocolError("a call of a service that cannot be read: %s" % error) from None


def pack_cancel(handle: "int") -> "bytes":
    """Return the raw payload that cancels the call with this reply handle."""
    return HANDLE.pack(handle)


def read_cancel(payload: "bytes") -> "int":
    """Return the reply handle of a call to be cancelled, 0 for what is no cancel."""
    return int(HANDLE.unpack(payload)[0]) if len(payload) == HANDLE.size else 0
