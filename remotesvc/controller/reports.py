"""Reports: what peers do wrong, as the log of the controller tells it: by name, and in words.

core/switch.py, which travels, says it with the numbers of the message. Texts may quote what a
stranger made, so all of it is made visible here.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..core.complaints import in_words
from ..core.errors import ProtocolError
from ..core.fragments import Reassembler
from ..core.switch import Switch
from ..core.visible import visible

if TYPE_CHECKING:
    from ..core.fragments import _Partial
    from ..core.link import Link
    from ..core.wire import Message

__all__ = ["ReportingSwitch", "account_of"]


class ReportingSwitch(Switch):
    """The switch of a controller. name_of: our own name for a context."""

    def __init__(
        self, max_message_size: int, siblings: bool, name_of: Callable[[int], str]
    ) -> None:
        super().__init__(0, (), max_message_size, siblings, _log)
        self._name_of = name_of
        self._reassembler = _FairReassembler(self, self._reassembler._budget)

    def report_once(self, link: "Link | None", kind: str, text: str) -> None:
        """Report what a link did wrong, once per kind, in words."""
        peer = None if link is None else link.peer_id
        super().report_once(link, kind, in_words(text, peer, self._name_of))


class _FairReassembler(Reassembler):
    """One that also gives a child no more than half, whatever children it makes up."""

    def __init__(self, switch: Switch, budget: int) -> None:
        super().__init__(budget)
        self._switch = switch

    def _begin(self, fragment: "Message", message_id: int, total: int) -> "_Partial":
        account = account_of(self._switch, fragment.src)
        held = sum(
            part.total
            for (other, _), part in self._partials.items()
            if account_of(self._switch, other) == account
        )
        if account != fragment.src and held + total > self._budget // 2:
            raise ProtocolError(
                f"no room to join a message of {total} bytes from context {fragment.src}: "
                f"{held} bytes are taken by it and those that count as the same"
            )
        return super()._begin(fragment, message_id, total)


def account_of(switch: Switch, src: int) -> int:
    """Return whom that counts as which `src` has us do: see core/routes.py."""
    return src if switch.relay is None else switch.relay.routes.account_of(src)


def _log(text: str) -> None:
    logging.getLogger("remotesvc").warning("%s", visible(text))
