"""Awaiting: values of a stream in an asyncio program."""

import asyncio
import threading
from typing import Any

import pytest

from remotesvc import CallTimeout, EndOfStream, Error, Receiver, RemoteError, Select
from remotesvc.channel.frames import END
from tests.channel.ends import Station

DEADLINE = 30.0


@pytest.fixture
def station() -> Station:
    return Station()


def test_value_that_is_there_is_taken_at_once(station: Station) -> None:
    with Receiver(station) as receiver:
        station.write(receiver, 1)
        assert asyncio.run(receiver.aget()) == 1


def test_wait_ends_when_a_value_comes_from_another_thread(station: Station) -> None:
    async def run() -> Any:
        loop = asyncio.get_running_loop()
        loop.call_soon(threading.Thread(target=lambda: station.write(receiver, "hello")).start)
        return await receiver.aget(DEADLINE)

    with Receiver(station) as receiver:
        assert asyncio.run(run()) == "hello"
        assert receiver._inbox._watchers == ()


def test_many_receivers_are_read_without_a_thread_each(station: Station) -> None:
    async def read(receiver: Receiver) -> list[Any]:
        return [value async for value in receiver]

    async def run() -> list[list[Any]]:
        reading = asyncio.gather(*map(read, receivers))
        await asyncio.sleep(0)
        threads = threading.active_count()
        for number, receiver in enumerate(receivers):
            station.write(receiver, number, number + 1)
            station.write(receiver, None, kind=END)
        result = await reading
        assert threading.active_count() <= threads  # one of another test may have ended
        return result

    receivers = [Receiver(station) for _ in range(50)]
    assert asyncio.run(run()) == [[n, n + 1] for n in range(50)]
    for receiver in receivers:
        receiver.close()


def test_deadline_and_failures_are_raised(station: Station) -> None:
    async def run() -> None:
        with pytest.raises(CallTimeout, match="nothing came within 0 s"):
            await receiver.aget(0)
        with pytest.raises(TypeError):
            await receiver.aget("5")  # type: ignore[arg-type]
        station.write(receiver, ("E", "no"), kind=END)
        with pytest.raises(RemoteError, match="E: no"):
            await receiver.aget()
        with pytest.raises(RemoteError):
            async for _ in receiver:
                pass

    with Receiver(station) as receiver:
        asyncio.run(run())


def test_cancelled_wait_loses_no_value(station: Station) -> None:
    async def run() -> Any:
        task = asyncio.ensure_future(receiver.aget())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        station.write(receiver, 1)
        return await receiver.aget(DEADLINE)

    with Receiver(station) as receiver:
        assert asyncio.run(run()) == 1
        assert receiver._inbox._watchers == ()


def test_value_that_comes_after_the_loop_was_closed_harms_nobody(station: Station) -> None:
    loop = asyncio.new_event_loop()
    with Receiver(station) as receiver:
        task: Any = loop.create_task(receiver.aget())
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        station.write(receiver, 1)
        assert receiver.get(0) == 1
        task.get_coro().close()
        task._log_destroy_pending = False


def test_events_of_a_select_are_awaited(station: Station) -> None:
    async def run() -> list[Any]:
        station.write(one, 1)
        station.write(one, None, kind=END)
        events = [event async for event in select]
        with pytest.raises(Error, match="nothing to wait for"):
            await select.aget()
        return [event.value if event.error is None else type(event.error) for event in events]

    with Receiver(station) as one, Select([one]) as select:
        assert asyncio.run(run()) == [1, EndOfStream]


def test_whoever_awaits_sends_what_is_gathered(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("remotesvc.channel.gathering.time.monotonic", station.clock.monotonic)

    async def run() -> None:
        sender = station.lent_sender(1 << 20)
        for number in range(3):
            sender.send(number)
        assert len(station.heard()) == 1
        with pytest.raises(CallTimeout):
            await receiver.aget(0)
        assert len(station.heard()) == 1

    with Receiver(station) as receiver:
        asyncio.run(run())
