"""Channels and Selects between real processes."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from remotesvc import (
    Channel,
    Context,
    DisconnectedError,
    EndOfStream,
    Receiver,
    RefusedError,
    RemoteError,
    Router,
    Select,
)
from remotesvc.controller.modules.responder import Responder
from remotesvc.core.values import decode
from tests.integration.targets import channels

DEADLINE = 30.0


@pytest.fixture
def child(router: Router) -> Iterator[Context]:
    """A child of this Python; afterwards no handle but those of the router may be taken."""
    before = set(router.switch._waiters)
    context = router.local()
    yield context
    context.kill()
    assert set(router.switch._waiters) == before
    assert (router.streams._outlets, router.streams._inboxes) == ({}, {})


@pytest.mark.matrix
def test_channel_carries_values_both_ways_with_any_python(
    router: Router, any_child: Context
) -> None:
    with Channel(router) as channel:
        running = any_child.submit(channels.echo, channel)
        for value in [*range(500), "text", b"raw", {"a": (1, None)}, bytes(300_000)]:
            channel.send(value)
            assert channel.get(DEADLINE) == value
        channel.end()
        with pytest.raises(EndOfStream):
            channel.get(DEADLINE)
        running.result(DEADLINE)


def test_channel_asks_for_no_modules(
    router: Router, child: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    answer = Responder._answer_module

    def note(responder: Responder, message: Any) -> None:
        asked.append(decode(message.payload))
        answer(responder, message)

    monkeypatch.setattr(Responder, "_answer_module", note)
    with Channel(router) as channel:
        child.submit(channels.add_up, channel)
        for number in range(1000):
            channel.send(number)
        channel.end()
        assert channel.get(DEADLINE) == 499500
    assert [name for name in asked if name.startswith("remotesvc.")] == []


def test_channel_goes_along_in_a_closure(router: Router, child: Context) -> None:
    with Channel(router) as channel:
        child.submit(lambda: channels.send_numbers(channel, 3))
        assert list(channel) == [0, 1, 2]


def test_channel_that_is_made_over_there_arrives_here(router: Router, child: Context) -> None:
    with Receiver(router) as receiver:
        running = child.submit(channels.make, receiver.sender)
        with receiver.get(DEADLINE) as channel:
            for number in range(100):
                channel.send(number)
                assert channel.get(DEADLINE) == 2 * number
        running.result(DEADLINE)


def test_error_over_there_arrives_in_its_turn(router: Router, child: Context) -> None:
    with Channel(router) as channel:
        running = child.submit(channels.fail, channel)
        assert channel.get(DEADLINE) == "first"
        with pytest.raises(RemoteError, match="LookupError: no more"):
            channel.get(DEADLINE)
        with pytest.raises(LookupError):
            running.result(DEADLINE)


def test_close_here_ends_the_other_end(router: Router, child: Context) -> None:
    channel = Channel(router)
    running = child.submit(channels.send_numbers, channel, 10_000_000)
    assert channel.get(DEADLINE) == 0
    channel.close()
    with pytest.raises(RemoteError, match="DisconnectedError"):
        running.result(DEADLINE)


def test_channel_that_closes_before_the_ends_have_met_leaves_nobody_waiting(
    router: Router, child: Context
) -> None:
    with Channel(router) as channel:
        running = child.submit(channels.echo, channel)
    with pytest.raises(RemoteError, match="the other end of this channel is closed"):
        running.result(DEADLINE)


def test_death_of_the_other_end_is_told(router: Router, child: Context) -> None:
    with Channel(router) as channel:
        child.submit(channels.echo, channel)
        channel.send(1)
        assert channel.get(DEADLINE) == 1
        child.kill()
        with pytest.raises(DisconnectedError, match="killed from here"):
            channel.get(DEADLINE)
        with pytest.raises(DisconnectedError):
            channel.send(2)


def test_channel_is_for_one_context(router: Router, child: Context) -> None:
    other = router.local()
    with Channel(router) as channel:
        child.submit(channels.echo, channel)
        with pytest.raises(RefusedError, match="the other one is given away"):
            other.submit(channels.echo, channel)


def test_select_merges_channels_here_and_there(router: Router, child: Context) -> None:
    others = [child, router.local()]
    made = [Channel(router) for _ in others]
    for one, channel in zip(others, made, strict=True):
        one.submit(channels.send_numbers, channel, 1000)
    with Select(made) as select:
        events = list(select)
    for channel in made:
        seen = [event.value for event in events if event.receiver is channel]
        assert seen == [*range(1000), None]
        channel.close()
    made = [Channel(router) for _ in range(3)]
    running = child.submit(channels.merge, made, 3)
    for number, channel in enumerate(made):
        channel.send(number)
    assert running.result(DEADLINE) == [0, 1, 2]
    for channel in made:
        channel.close()


def test_channels_are_read_by_an_asyncio_program(router: Router, child: Context) -> None:
    async def read(channel: Channel) -> int:
        with channel:
            return sum([value async for value in channel])

    async def run() -> list[int]:
        made = [Channel(router) for _ in range(10)]
        for channel in made:
            child.submit(channels.send_numbers, channel, 1000)
        return list(await asyncio.gather(*map(read, made)))

    assert asyncio.run(run()) == [499500] * 10
