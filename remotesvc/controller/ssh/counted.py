"""Counted: packets that say how many parts they have, checked before anybody counts to there.

paramiko reads as many as a packet says, and empty ones once the packet is at its end: a server
could have it count for an hour, or fill the memory with questions, in one packet. Pure.
"""

import paramiko
from paramiko.common import MSG_EXT_INFO, MSG_USERAUTH_INFO_REQUEST

__all__ = ["checked"]

# By kind: how many strings stand before the number, and how many bytes each part takes at least.
# RFC 8308, 2.3: two strings; RFC 4256, 3.2: a string and a byte.
COUNTED = {MSG_EXT_INFO: (0, 8), MSG_USERAUTH_INFO_REQUEST: (3, 5)}


def checked(kind: int, message: paramiko.Message) -> tuple[int, paramiko.Message]:
    """Return the packet as it is; SSHException if it says that it has more than it can hold."""
    if kind in COUNTED:
        before, least = COUNTED[kind]
        for _ in range(before):
            message.get_binary()
        count = message.get_int()
        size = len(message.get_remainder())
        message.rewind()
        if count * least > size:
            text = f"a packet of kind {kind} says that it has {count} parts, in {size} bytes"
            raise paramiko.SSHException(text)
    return kind, message
