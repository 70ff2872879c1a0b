"""A child that breaks the rules of methods that yield: as who is read, and as who reads."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from remotesvc import CallTimeout, Receiver
from remotesvc.channel.frames import END
from remotesvc.core.authority import CALL_SERVICE
from remotesvc.core.values import SENDER, decode, encode
from remotesvc.core.wire import DEAD, PLAIN, RAW
from remotesvc.service import AllowAny, Invoker, Pool, SerializedInvoker, Service, expose
from remotesvc.service.catalog import CATALOG
from remotesvc.service.offers import NUMBER
from remotesvc.service.request import pack_request
from remotesvc.service.stream import Stream
from remotesvc.service.verbs import ServiceVerbs
from tests.integration.hostile_scene import Scene

REPLY = 4711


def wait_for(stream: Stream) -> Any:
    """Take the next value."""
    return next(stream)


def await_it(stream: Stream) -> Any:
    """Do the same in an asyncio program, where the end is another exception."""

    async def take() -> Any:
        try:
            return await stream.__anext__()
        except StopAsyncIteration:
            return StopIteration

    if (taken := asyncio.run(take())) is StopIteration:
        raise StopIteration
    return taken


@pytest.mark.parametrize("take", [wait_for, await_it])
def test_end_without_an_answer_is_waited_for_as_long_as_a_value(
    scene: Scene, take: Callable[[Stream], Any]
) -> None:
    with Stream(ServiceVerbs(scene.evil, 0.05), NUMBER.pack(1)) as stream:
        inbox = stream._open()._inbox
        scene.say([inbox.handle, RAW, inbox.token + bytes((END,)) + encode(None)])
        for _ in range(2):
            with pytest.raises(CallTimeout):
                take(stream)
        assert stream._future is not None
        scene.say([stream._future.handle, PLAIN, encode(7)])
        # The answer is here, and what raises first is the end itself.
        with pytest.raises(StopIteration):
            take(stream)
        assert stream.value == 7


class _Sender:
    """Encodes as a Sender to a context."""

    def __init__(self, *fields: Any) -> None:
        self.fields = fields

    def __wire__(self) -> tuple[int, tuple[Any, ...]]:
        return SENDER, self.fields


class Shared(Service):
    """Yields to everybody, on any thread."""

    invoker_class: Any = Invoker

    @expose(policy=AllowAny())
    def values(self) -> Any:
        """Yield something."""
        yield "for the child only"


class Serial(Shared):
    """Runs one call at a time."""

    invoker_class = SerializedInvoker

    @expose(policy=AllowAny())
    def values(self) -> Any:
        """Yield something."""
        yield "for the child only"


@pytest.mark.parametrize("service", [Shared, Serial])
def test_child_has_no_stream_written_to_a_receiver_of_ours(
    scene: Scene, service: type[Service]
) -> None:
    with Pool(scene.router, [service]), Receiver(scene.router) as ours:
        sender = ours.sender
        request = pack_request(0, service.name(), "values", encode({}))
        scene.say([CALL_SERVICE, PLAIN, request, REPLY + 1])
        while not (heard := scene.heard(REPLY + 1)):
            scene.check_the_rest_is_well()
        (number,) = NUMBER.unpack(heard[0][1])
        given = encode({"number": number, "sender": _Sender(*sender._address, sender._window)})
        request = pack_request(0, CATALOG, "open_stream", given)
        scene.say([CALL_SERVICE, PLAIN, request, REPLY])
        while not (heard := scene.heard(REPLY)):
            scene.check_the_rest_is_well()
        ((encoding, payload),) = heard
        code, text = decode(payload)
        assert (encoding, code) == (DEAD, "refused")
        assert "go to context 1, who called, and not to context 0" in text
        assert ours.poll() is None
