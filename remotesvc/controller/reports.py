"""Reports: what peers do wrong, as the log of the controller tells it: by name, and in words.

core/switch.py, which travels, says it with the numbers of the message. Texts may quote what a
stranger made, so all of it is made visible here.
"""

import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..core.switch import Switch
from ..core.visible import visible

if TYPE_CHECKING:
    from ..core.link import Link

__all__ = ["ReportingSwitch", "in_words"]

# As switch.py, relay.py and inbox.py begin what they report, with the repr() of a Message.
BEGINNING = re.compile(
    r"(?P<done>refused|dropped) Message\(dst=\d+, src=(?P<src>\d+), [^()]*\): ", re.ASCII
)


class ReportingSwitch(Switch):
    """The switch of a controller. name_of: our own name for a context."""

    def __init__(
        self, max_message_size: int, siblings: bool, name_of: Callable[[int], str]
    ) -> None:
        super().__init__(0, (), max_message_size, siblings, _log)
        self._name_of = name_of

    def report_once(self, link: "Link | None", kind: str, text: str) -> None:
        """Report what a link did wrong, once per kind, in words."""
        peer = None if link is None else link.peer_id
        super().report_once(link, kind, in_words(text, peer, self._name_of))


def in_words(text: str, peer: int | None, name_of: Callable[[int], str]) -> str:
    """Return a report without the numbers of its message. Pure.

    peer: the neighbour that it came from, whatever it says of itself; None for this context.
    """
    found = BEGINNING.match(text)
    if found is None:
        return text
    src = int(found["src"])
    where = name_of(src if peer is None else peer)
    behind = "" if peer in (None, src) else f" what came in the name of {name_of(src)}"
    return f"{where}: {found['done']}{behind}: {text[found.end() :]}"


def _log(text: str) -> None:
    logging.getLogger("remotesvc").warning("%s", visible(text))
