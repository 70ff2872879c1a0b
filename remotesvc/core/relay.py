"""Relay: what a switch with children does besides: it judges what comes from below, and passes on.

It decides nothing by itself: each question goes to a pure function of reach.py. A child that
starts no children never gets this file.
"""

from .link import QUEUE_LIMIT
from .reach import refuse_relay, refuse_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .link import Link
    from .switch import Switch
    from .wire import Message

__all__ = ["Relay"]


class Relay:
    """Stands before the delivery of a switch, from its first child on."""

    def __init__(self, switch: "Switch") -> "None":
        self._switch = switch

    def receive(self, link: "Link", message: "Message") -> "None":
        """Take one message from any link: deliver it, pass it on, or refuse it."""
        switch = self._switch
        if link is not switch.upstream:
            refusal = refuse_source(link.reach, message.src, message.auth)
            if refusal is not None:
                switch.report_once(link, "source", "dropped %r: %s" % (message, refusal))
                return
        if message.dst == switch.id:
            switch.deliver(link, message)
        else:
            self._pass_on(link, message)

    def _pass_on(self, link: "Link", message: "Message") -> "None":
        switch = self._switch
        to_link = switch.routes.get(message.dst)
        from_below = link is not switch.upstream
        refusal = refuse_relay(from_below, to_link is not None, switch.siblings)
        if refusal is not None:
            switch.refuse(link, message, "refused", refusal)
            return
        if to_link is None and from_below:
            to_link = switch.upstream
        if to_link is None:
            switch.refuse_route(link, message)
        elif to_link.queued > QUEUE_LIMIT:
            text = "the way to context %d is congested" % message.dst
            switch.refuse(link, message, "congested", text)
        else:
            self._forward(link, to_link, message)

    def _forward(self, link: "Link", to_link: "Link", message: "Message") -> "None":
        try:
            to_link.send(message)
        except Exception as error:  # noqa: BLE001 whatever ended the link is told to the sender
            self._switch.refuse(link, message, "disconnected", str(error))
