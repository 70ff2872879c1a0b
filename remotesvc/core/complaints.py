"""Complaints: what peers do wrong, in words; and how a child has its own appear in the log.

Not in the payload: a child that only obeys has nobody to complain of. This comes with the first
order to open a context, and with the router of a child.
"""

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Optional

    from .link import Link
    from .switch import Switch

__all__ = ["complain", "in_words"]

# As switch.py, relay.py and inbox.py begin what they report, with the repr() of a Message.
DONE = ("refused", "dropped")


def in_words(text: "str", peer: "Optional[int]", name_of: "Callable[[int], str]") -> "str":
    """Return a report without the numbers of its message. Pure.

    peer: the neighbour that it came from, whatever it says of itself; None for this context.
    """
    # Not by a pattern: a child need not have `re` yet, and this is no thread to import it on.
    beginning, _, reason = text.partition("): ")
    done, _, numbers = beginning.partition(" Message(dst=")
    if done not in DONE or not numbers:
        return text
    src = int(numbers.partition(" src=")[2].partition(",")[0])
    where = name_of(src if peer is None else peer)
    behind = "" if peer in (None, src) else " what came in the name of %s" % name_of(src)
    return "%s: %s%s: %s" % (where, done, behind, reason)


def complain(switch: "Switch") -> "None":
    """Have what the switch of a child reports logged, once per link and kind; twice is fine."""
    if switch.report is _tell:
        return
    report_once = switch.report_once

    def report_in_words(link: "Optional[Link]", kind: "str", text: "str") -> "None":
        report_once(link, kind, in_words(text, None if link is None else link.peer_id, _name))

    switch.report_once = report_in_words  # type: ignore[method-assign]
    switch.report = _tell


def _name(context_id: "int") -> "str":
    return "context %d" % context_id if context_id else "the controller"


def _tell(text: "str") -> "None":
    """Log a text, and do not keep the reading thread: logging may have to be imported for it."""
    try:
        threading.Thread(
            target=_log, args=(text,), name="remotesvc-complaint", daemon=True
        ).start()
    except RuntimeError:
        return  # no threads are left, or the process ends: who was refused was told all the same


def _log(text: "str") -> "None":
    import logging

    logging.getLogger("remotesvc").warning("%s", text)
