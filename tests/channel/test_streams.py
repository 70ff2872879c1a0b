"""Streams: a call that is not sent gives no Sender away."""

from collections.abc import Iterator

import pytest

from remotesvc import Context, DisconnectedError, EndOfStream, MessageTooLarge, Receiver, Router
from tests.integration.targets import streams

DEADLINE = 30.0


@pytest.fixture
def router() -> Iterator[Router]:
    with Router(max_message_size=1 << 20) as opened:
        yield opened


@pytest.fixture
def child(router: Router) -> Context:
    return router.local()


def test_receiver_does_not_wait_for_who_got_its_sender_in_a_call_that_was_not_sent(
    router: Router, child: Context
) -> None:
    with Receiver(router) as receiver:
        with pytest.raises(MessageTooLarge):
            child.call(print, receiver.sender, b"x" * (2 << 20))
        assert receiver._inbox._writers == {}
        child.call(streams.send_numbers, receiver.sender, 2)
        assert [receiver.get(DEADLINE), receiver.get(DEADLINE)] == [0, 1]
        with pytest.raises(EndOfStream):
            receiver.get(DEADLINE)


def test_call_to_a_lost_context_gives_no_sender_away(router: Router, child: Context) -> None:
    child.call(abs, -1)
    with Receiver(router) as receiver:
        # As it is seen by a call that was begun before, and encoded after.
        router.outgoing.encode_call(child, print, (receiver.sender,), {}, {})
        assert receiver._inbox._writers.keys() == {child.id}
        child.kill()
        with pytest.raises(DisconnectedError):
            receiver.get(DEADLINE)
        with pytest.raises(DisconnectedError):
            router.outgoing.encode_call(child, print, (receiver.sender,), {}, {})
        assert receiver._inbox._writers == {}
