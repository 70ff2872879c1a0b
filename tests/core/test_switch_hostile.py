"""Whatever a child sends, a switch keeps its rules: a search for messages that break them."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remotesvc.core.authority import FIRST_DYNAMIC, HANDLES, PARENTS
from remotesvc.core.errors import ProtocolError
from remotesvc.core.fragments import PIECE_SIZE
from remotesvc.core.link import Link
from remotesvc.core.switch import Switch
from remotesvc.core.wire import FRAGMENT, Message, encode_frame
from tests.core.ends import Neighbour, Waiter

CONTEXTS = st.sampled_from([0, 1, 10, 20, 21, 30, 99, 2**32 - 1])
HANDLE_NUMBERS = st.one_of(
    st.sampled_from([0, *HANDLES, 17, 255]),
    st.integers(FIRST_DYNAMIC, FIRST_DYNAMIC + 3),  # the waiters' own
    st.integers(0, 2**32 - 1),
)
PAYLOADS = st.one_of(
    st.binary(max_size=40),
    # Prefixes of fragments: number, total, and a piece that fits it or does not.
    st.builds(
        lambda number, total, size: struct.pack(">LL", number, total) + bytes(size),
        st.integers(0, 2),
        st.sampled_from([0, 1, 16, PIECE_SIZE, PIECE_SIZE + 16, 2**20, 2**20 + 1, 2**32 - 1]),
        st.sampled_from([0, 1, 16, PIECE_SIZE]),
    ),
)
ENCODINGS = st.one_of(
    st.integers(0, 4), st.integers(0, 4).map(FRAGMENT.__or__), st.integers(0, 255)
)
MESSAGES = st.builds(
    Message, CONTEXTS, CONTEXTS, CONTEXTS, HANDLE_NUMBERS, HANDLE_NUMBERS, ENCODINGS, PAYLOADS
)


class Fortress:
    """Context 10 below 1 and 0, with a hostile child 20 (and 21 behind it) and an honest 30."""

    def __init__(self) -> None:
        self.commanded: list[Message] = []
        self.switch = Switch(10, (1, 0), 2**20, False, lambda text: None)
        for handle, (_, who) in HANDLES.items():
            self.switch.serve(handle, self._command if who == PARENTS else self._ignore)
        self.parent = Neighbour(self.switch, 1, 0, is_parent=True)
        self.hostile = Neighbour(self.switch, 20, 21)
        self.honest = Neighbour(self.switch, 30)
        self.waiters = [Waiter(respondent) for respondent in (20, 21, 30, 1)]
        self.handles = list(map(self.switch.listen, self.waiters))

    def _command(self, link: Link | None, message: Message) -> None:
        self.commanded.append(message)

    def _ignore(self, link: Link | None, message: Message) -> None:
        pass

    def check(self) -> None:
        """Fail if a rule is broken."""
        assert self.commanded == []
        assert self.honest.hear() == []
        for passed_on in self.parent.hear():
            assert passed_on.src in (20, 21) and passed_on.auth in (20, 21)
        for answer in self.hostile.hear():
            assert answer.src == 10 and answer.handle >= FIRST_DYNAMIC
        for waiter in self.waiters:
            assert len(waiter.replies) + len(waiter.losses) <= 1
            for reply in waiter.replies:
                assert reply.src == waiter.respondent or reply.encoding == 4
        assert not self.waiters[2].replies and not self.waiters[3].replies
        assert not self.waiters[2].losses and not self.waiters[3].losses


@given(st.lists(MESSAGES, max_size=30))
def test_no_message_of_a_child_commands_forges_or_raises(script: list[Message]) -> None:
    fortress = Fortress()
    for message in script:
        fortress.switch.receive(fortress.hostile.link, message)
    fortress.check()


@given(st.lists(st.one_of(MESSAGES.map(encode_frame), st.binary(max_size=60)), max_size=10))
@settings(max_examples=50)
def test_any_bytes_of_a_child_end_its_link_at_worst(script: list[bytes]) -> None:
    fortress = Fortress()
    for data in script:
        if fortress.hostile.link.error is None:
            fortress.hostile.say_bytes(data)
    error = fortress.hostile.link.error
    if error is None:
        fortress.check()
    else:
        assert isinstance(error, ProtocolError)
        assert [len(waiter.losses) for waiter in fortress.waiters[2:]] == [0, 0]


@given(st.lists(MESSAGES, max_size=15), st.lists(MESSAGES, max_size=15))
def test_no_message_of_a_parent_raises_either(above: list[Message], below: list[Message]) -> None:
    fortress = Fortress()
    for message in above:
        fortress.switch.receive(fortress.parent.link, message)
    for message in below:
        fortress.switch.receive(fortress.hostile.link, message)


@pytest.mark.parametrize("step", [1, 7, None])
def test_flood_of_refused_messages_ends_nothing_and_reports_little(step: int | None) -> None:
    reports: list[str] = []
    switch = Switch(10, (1, 0), 2**20, False, reports.append)
    hostile = Neighbour(switch, 20)
    frames = [
        encode_frame(Message(dst, src, src, handle, 0, 0, b""))
        for dst in (0, 10, 20, 30)
        for src in (0, 10, 20, 30)
        for handle in (0, *HANDLES, 300)
    ]
    hostile.say_bytes(b"".join(frames), step)
    assert hostile.link.error is None and len(reports) < 6
