"""Streams in memory, and the contract that every stream keeps (remotesvc/core/link.py)."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from remotesvc.connect.process import ProcessStream
from remotesvc.core.link import DescriptorStream
from remotesvc.core.loop import Loop
from remotesvc.testing.links import MemoryStream, pair, pump
from remotesvc.types import Stream

DEADLINE = 30.0
LARGE = bytes(range(256)) * 20_000


class Subject:
    """A way from one stream to another, or through one and back, and what happened on it.

    `write` goes in at one end and must come out at `reader`; `end()` lets the reader see the end.
    """

    def __init__(self, writer: Stream, reader: Stream, end: Callable[[], None]) -> None:
        self.writer = writer
        self.reader = reader
        self.end = end
        self.chunks: list[bytes] = []
        self.endings: list[str] = []
        self.pulled: list[bytes] = []
        self.to_pull: list[bytes] = []
        self.changed = threading.Condition()
        reader.on_bytes = self._on_bytes
        reader.on_end = self._on_end
        writer.pull = self._pull

    def _on_bytes(self, data: bytes) -> None:
        with self.changed:
            self.chunks.append(data)
            self.changed.notify_all()

    def _on_end(self, reason: str) -> None:
        with self.changed:
            self.endings.append(reason)
            self.changed.notify_all()

    def _pull(self) -> bytes:
        with self.changed:
            self.pulled.append(self.to_pull.pop(0) if self.to_pull else b"")
            self.changed.notify_all()
            return self.pulled[-1]

    @property
    def data(self) -> bytes:
        return b"".join(self.chunks)

    def wait(self, is_done: Callable[[], bool]) -> None:
        """Wait until something has happened; fail at the deadline."""
        with self.changed:
            assert self.changed.wait_for(is_done, DEADLINE), "it did not happen"


class MemorySubject(Subject):
    """Nothing moves unless the test pumps; so waiting is pumping."""

    step: int | None = None

    def wait(self, is_done: Callable[[], bool]) -> None:
        assert isinstance(self.reader, MemoryStream)
        while not is_done():
            assert self.reader.pump(self.step) or self.endings, "nothing moves any more"


@contextmanager
def running_loop() -> Iterator[Loop]:
    loop = Loop()
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        yield loop
    finally:
        loop.stop()
        thread.join()


@contextmanager
def in_memory(step: int | None) -> Iterator[Subject]:
    writer, reader = pair(capacity=64 * 1024)
    subject = MemorySubject(writer, reader, writer.close)
    subject.step = step
    reader.start()
    writer.start()
    yield subject


@contextmanager
def over_pipes() -> Iterator[Subject]:
    with running_loop() as loop:
        (there_read, there_write), (back_read, back_write) = os.pipe(), os.pipe()
        writer = DescriptorStream(loop, back_read, there_write)
        reader = DescriptorStream(loop, there_read, back_write)
        subject = Subject(writer, reader, writer.close)
        reader.start()
        writer.start()
        yield subject
        writer.close()
        reader.close()


@contextmanager
def through_cat() -> Iterator[Subject]:
    with running_loop() as loop:
        stream = ProcessStream(loop, ["cat"])
        subject = Subject(stream, stream, stream.kill)
        stream.start()
        yield subject
        stream.close()
        assert stream.gone.wait(DEADLINE)


WAYS = {
    "memory": lambda: in_memory(None),
    "memory by the byte": lambda: in_memory(1),
    "memory in sevens": lambda: in_memory(7),
    "pipes": over_pipes,
    "cat": through_cat,
}


@pytest.fixture(params=WAYS)
def subject(request: pytest.FixtureRequest, no_leaks: None) -> Iterator[Subject]:
    """Each kind of stream in turn."""
    with WAYS[request.param]() as subject:
        yield subject


# -- the contract --------------------------------------------------------------------------------


def test_what_is_written_arrives(subject: Subject) -> None:
    assert subject.writer.write(b"first") is True
    assert subject.writer.write(b"second") is True
    subject.wait(lambda: len(subject.data) == 11)
    assert subject.data == b"firstsecond"


def test_stream_never_pulls_while_it_is_idle(subject: Subject) -> None:
    assert subject.writer.write(b"small") is True
    subject.wait(lambda: subject.data == b"small")
    assert subject.pulled == []


def test_stream_that_has_no_room_keeps_the_rest_then_pulls_until_there_is_no_more(
    subject: Subject,
) -> None:
    subject.to_pull += [b"one", LARGE[:100_000], b"two"]
    expected = LARGE[:300_000] + b"one" + LARGE[:100_000] + b"two"
    assert subject.writer.write(LARGE[:300_000]) is False
    subject.wait(lambda: len(subject.data) == len(expected))
    assert subject.data == expected
    subject.wait(lambda: subject.pulled[-1:] == [b""])
    assert subject.pulled.count(b"") == 1 and len(subject.pulled) == 4
    # It is idle again, and can be written to.
    subject.writer.write(b"again")
    subject.wait(lambda: subject.data.endswith(b"again"))


def test_no_chunk_is_empty(subject: Subject) -> None:
    subject.writer.write(b"")
    subject.writer.write(LARGE[:50_000])
    subject.wait(lambda: len(subject.data) == 50_000)
    assert all(subject.chunks)


def test_end_is_told_once_after_all_that_came_before(subject: Subject) -> None:
    subject.writer.write(b"last words")
    subject.wait(lambda: len(subject.data) == 10)
    subject.end()
    subject.wait(lambda: bool(subject.endings))
    assert subject.data == b"last words"
    assert len(subject.endings) == 1 and subject.endings[0]


def test_nothing_arrives_after_the_reading_side_closed(subject: Subject) -> None:
    taken: list[bytes] = []

    def take_one(data: bytes) -> None:
        with subject.changed:
            taken.append(data)
            subject.reader.close()
            subject.changed.notify_all()

    subject.reader.on_bytes = take_one
    subject.to_pull += [LARGE] * 3
    subject.writer.write(LARGE)
    subject.wait(lambda: bool(taken))
    if isinstance(subject.reader, MemoryStream):
        assert subject.reader.pump() == 0
    subject.reader.close()
    assert len(taken) == 1 and subject.endings == []


def test_closing_twice_is_fine(subject: Subject) -> None:
    subject.reader.close()
    subject.reader.close()
    subject.writer.close()
    subject.writer.close()


# -- memory only ---------------------------------------------------------------------------------


def test_nothing_moves_before_start() -> None:
    left, right = pair()
    seen: list[bytes] = []
    right.on_bytes = seen.append
    left.write(b"x")
    assert right.pump() == 0 and seen == [] and right.waiting == 1
    right.start()
    assert right.pump() == 1 and seen == [b"x"]


@pytest.mark.parametrize(
    ("step", "pieces"),
    [(None, [b"abcde"]), (1, [b"a", b"b", b"c", b"d", b"e"]), (2, [b"ab", b"cd", b"e"])],
)
def test_pump_delivers_in_pieces_of_the_size_asked_for(
    step: int | None, pieces: list[bytes]
) -> None:
    left, right = pair()
    seen: list[bytes] = []
    right.on_bytes = seen.append
    right.start()
    left.write(b"abc")
    left.write(b"de")
    assert right.pump(step) == 5 and seen == pieces


def test_pump_goes_on_until_neither_end_has_anything() -> None:
    left, right = pair()
    left.start()
    right.start()
    seen: list[bytes] = []

    def answer(data: bytes) -> None:
        seen.append(data)
        if len(seen) < 6:
            (right if len(seen) % 2 else left).write(b"%d" % len(seen))

    left.on_bytes = right.on_bytes = answer
    left.write(b"0")
    assert pump(left, right) == 6
    assert seen == [b"0", b"1", b"2", b"3", b"4", b"5"]


def test_cut_loses_what_is_under_way_and_ends_both() -> None:
    left, right = pair()
    seen: list[object] = []
    for end in (left, right):
        end.on_bytes = seen.append
        end.on_end = seen.append
        end.start()
    left.write(b"lost")
    right.cut("the cable was pulled")
    assert pump(left, right) == 0
    assert seen == ["the cable was pulled"] * 2


def test_owner_that_breaks_the_contract_is_told() -> None:
    left, _ = pair(capacity=1)
    assert left.write(b"ab") is False
    with pytest.raises(ValueError, match="before pull"):
        left.write(b"c")
    left.close()
    with pytest.raises(ValueError, match="after close"):
        left.write(b"d")
    with pytest.raises(ValueError, match="make it with pair"):
        MemoryStream().pump()
