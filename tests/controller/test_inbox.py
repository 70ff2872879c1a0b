"""Inbox: whom it remembers. What it does with messages is tested with those who use it."""

from collections.abc import Iterator

from remotesvc.controller.inbox import Inbox, Source
from remotesvc.core.errors import DisconnectedError
from remotesvc.core.switch import Switch
from remotesvc.core.wire import RAW, Message
from tests.core.ends import Neighbour, message

CHILD = 5


def handle(source: Source, arrived: Message | None) -> Iterator[None]:
    """Do nothing, in one turn."""
    yield


def test_message_that_is_handled_while_its_context_is_lost_makes_nobody_known_again() -> None:
    switch = Switch(0, (), 1 << 20, False, lambda text: None)
    inbox = Inbox(switch, "test", handle, str)
    switch.observe(inbox.lose)
    child = Neighbour(switch, CHILD)
    late = message(b"late", dst=0, src=CHILD, encoding=RAW)
    inbox.put(late, 4)
    assert inbox._sources.keys() == {CHILD}
    switch.lose_link(child.link, DisconnectedError("gone"))
    inbox.put(late, 4)
    assert inbox._sources == {}
    inbox.close()
