"""Express: what a relay does with a frame that comes alone and may go on at once.

Such a frame leaves as the very bytes that came. Only what takes no effect then is left out: the
queue, which is empty, and the shares in it (relay.py). Who may send what to whom is asked of the
same functions; for everything else, and for every refusal, the frame goes the ordinary way.
"""

from .reach import refuse_relay, refuse_source
from .wire import FRAME_LIMIT, HEADER, MAGIC, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Optional

    from .link import Link
    from .switch import Switch

__all__ = ["find_way", "reader", "write_at_once"]


def find_way(
    switch: "Switch", link: "Link", dst: "int", src: "int", auth: "int"
) -> "Optional[Link]":
    """Return where a frame goes next if nothing has to be noted of it; None: the ordinary way."""
    to_link = switch.routes.get(dst)
    if link is switch.upstream:
        return None if dst == switch.id else to_link
    if refuse_source(link.reach, src, auth) is not None or dst == switch.id:
        return None
    if refuse_relay(True, to_link is not None, switch.siblings) is not None:
        return None
    if switch.siblings and dst not in switch.parents:
        return None  # who talks to whom is noted (routes.py)
    return switch.upstream if to_link is None else None


def write_at_once(link: "Link", frame: "bytes", wants_answer: "int") -> "bool":
    """Write a frame as Link.send() would to an idle link; False, and nothing done, if it is not.

    What the stream does not take at once it keeps, and the link is not idle any more.
    """
    with link._lock:
        stream = link._stream
        outbox = link.outbox
        if link._is_writing or outbox._small or outbox.lanes:
            return False
        if stream is None or link.error is not None:
            return False
        link._has_spoken = True
        if wants_answer:
            link.unanswered += 1
        link.bytes_sent += len(frame)
        link._is_writing = not stream.write(frame)
        return True


def reader(switch: "Switch", link: "Link") -> "Callable[[bytes], None]":
    """Return what takes the bytes of a link of a relay, in the place of its own on_bytes()."""
    take = link.on_bytes
    decoder = link._decoder
    unpack = HEADER.unpack_from
    header_size = HEADER.size

    def on_bytes(data: "bytes") -> "None":
        size = len(data)
        if size >= header_size and not decoder._buffer and link.error is None:
            magic, version, _, dst, src, auth, _, reply_to, length = unpack(data)
            is_whole = length == size - header_size and length <= FRAME_LIMIT
            if is_whole and magic == MAGIC and version == VERSION:
                to_link = find_way(switch, link, dst, src, auth)
                if to_link is not None and write_at_once(to_link, data, reply_to):
                    link._has_heard = True
                    link.bytes_received += size
                    if link.unanswered and not reply_to:
                        link.unanswered -= 1
                    return
        take(data)

    return on_bytes
