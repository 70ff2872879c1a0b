"""The short way through a relay: nothing and nobody can tell it from the ordinary one."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remotesvc.core import relay as relay_module
from remotesvc.core.errors import DisconnectedError
from remotesvc.core.express import find_way, write_at_once
from remotesvc.core.link import Link
from remotesvc.core.switch import Switch
from remotesvc.core.wire import (
    DEAD,
    FRAGMENT,
    FRAGMENT_SIZE,
    PLAIN,
    RAW,
    Message,
    encode_frame,
)
from remotesvc.testing.links import pair
from tests.core.ends import Neighbour, fields, message

# Context 10 has the parents 2 and 0 and the children 20 and 30; 21, 22 and 31 lie behind those.
RELAY = 10
PARENTS = (2, 0)
BEHIND = {20: (21, 22), 30: (31,)}
EVERYBODY = (0, 2, RELAY, 20, 21, 22, 30, 31, 77)

# So small that a few frames fill it.
CAPACITY = 100


class Family:
    """A relay and its neighbours; without the short way for comparison."""

    def __init__(self, siblings: bool, is_hastened: bool, capacity: int | None = None) -> None:
        self.reports: list[str] = []
        self.switch = Switch(RELAY, PARENTS, 1 << 20, siblings, self.reports.append)
        parent = Neighbour(self.switch, PARENTS[0], is_parent=True, capacity=capacity)
        self.ends = {PARENTS[0]: parent}
        own = parent.link.on_bytes
        for child, behind in BEHIND.items():
            self.ends[child] = Neighbour(self.switch, child, *behind, capacity=capacity)
        parent.hear()
        if not is_hastened:
            for end in self.ends.values():
                end.link.on_bytes = Link.on_bytes.__get__(end.link)  # type: ignore[method-assign]
                stream: Any = end.link._stream
                stream.on_bytes = end.link.on_bytes
        else:
            assert parent.link.on_bytes is not own

    def say(self, who: int, data: bytes | None) -> None:
        """Have a neighbour say something, unless its link has ended."""
        if data is not None and self.ends[who].link.error is None:
            self.ends[who].say_bytes(data)

    def hear(self, who: int) -> list[Any]:
        """Return what a neighbour hears."""
        return [fields(one) for one in self.ends[who].hear()]

    def state(self) -> Any:
        """Return all that a frame may leave behind here."""
        links = [
            (
                end.link.bytes_sent,
                end.link.bytes_received,
                end.link.unanswered,
                end.link.outbox.size,
                end.link._is_writing,
                end.link._has_spoken,
                end.link._has_heard,
                repr(end.link.error),
            )
            for end in self.ends.values()
        ]
        talks: Any = self.switch.relay
        return links, sorted(map(sorted, talks.routes._talks.values())), self.reports


ids = st.sampled_from(EVERYBODY)
frames = st.builds(
    lambda dst, src, auth, handle, reply_to, encoding, payload: encode_frame(
        Message(dst, src, auth, handle, reply_to, encoding, payload)
    ),
    ids,
    ids,
    ids,
    st.sampled_from([0, 1, 5, 7, 300]),
    st.sampled_from([0, 300]),
    st.sampled_from([PLAIN, RAW, DEAD, PLAIN | FRAGMENT]),
    st.binary(max_size=40),
)
# Mostly one frame at a time; also several, pieces, and what is none.
bytes_said = st.one_of(
    frames,
    frames,
    st.lists(frames, min_size=2, max_size=3).map(b"".join),
    st.tuples(frames, st.integers(1, 60)).map(lambda pair: pair[0][: pair[1]]),
    frames.map(lambda frame: b"XX" + frame[2:]),
    frames.map(lambda frame: frame[:24] + b"\xff\xff\xff\xff" + frame[28:]),
)
# Who says what, or (None) that somebody reads what came for him.
steps = st.lists(
    st.tuples(st.sampled_from([2, 20, 30]), st.one_of(bytes_said, st.none())), max_size=25
)


@settings(max_examples=300, deadline=None)
@given(steps, st.booleans(), st.sampled_from([None, CAPACITY]))
def test_both_ways_do_the_same(
    said: list[tuple[int, bytes | None]], siblings: bool, capacity: int | None
) -> None:
    short, ordinary = (Family(siblings, is_short, capacity) for is_short in (True, False))
    for who, data in said:
        for family in (short, ordinary):
            family.say(who, data)
        assert short.state() == ordinary.state()
        if data is None:
            assert short.hear(who) == ordinary.hear(who)
    for who in short.ends:
        assert short.hear(who) == ordinary.hear(who)


def test_frame_that_comes_alone_leaves_as_it_came_without_a_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    family = Family(False, True)
    monkeypatch.setattr(relay_module.Relay, "receive", None)  # nobody asks there
    down = message(b"down", dst=22, src=0, reply_to=300)
    up = message(b"up", dst=0, src=22, handle=300)
    family.ends[2].say(down)
    family.ends[20].say(up)
    assert family.hear(20) == [fields(down)] and family.hear(2) == [fields(up)]
    assert family.ends[20].link.unanswered == 0


@pytest.mark.parametrize("siblings", [False, True])
def test_way_is_free_for_those_only_whom_nothing_is_noted_or_refused_of(siblings: bool) -> None:
    switch = Family(siblings, True).switch
    links = {2: switch.upstream, 20: switch.routes[20], 30: switch.routes[30]}
    free = {
        (who, dst, src, auth)
        for who, link in links.items()
        if link is not None
        for dst in EVERYBODY
        for src in EVERYBODY
        for auth in EVERYBODY
        if find_way(switch, link, dst, src, auth) is not None
    }
    behind = {20: (20, 21, 22), 30: (30, 31)}
    # Down: to all below. Up: to parents, from whom and on whose authority lies behind the link;
    # without siblings also to nobody known, whom a parent may know.
    down = {
        (2, dst, src, auth)
        for dst in (20, 21, 22, 30, 31)
        for src in EVERYBODY
        for auth in EVERYBODY
    }
    above = PARENTS if siblings else (*PARENTS, 77)
    up = {
        (who, dst, src, auth)
        for who in behind
        for dst in above
        for src in behind[who]
        for auth in behind[who]
    }
    assert free == down | up


def test_nothing_overtakes_what_waits() -> None:
    link = Link(20, lambda link, message: None, lambda link, error: None)
    frame = encode_frame(message(b"second", dst=20, src=0))
    assert not write_at_once(link, frame, 0)  # there is no stream yet
    ours, theirs = pair(CAPACITY)
    theirs.start()
    link.attach(ours)
    link.send(message(bytes(FRAGMENT_SIZE + 1), dst=20, src=0))
    assert not write_at_once(link, frame, 0)
    assert link.outbox.size > 0
    link.end(DisconnectedError("gone"))
    assert not write_at_once(link, frame, 0)


def test_stream_that_takes_a_part_is_given_the_rest_before_anything_else() -> None:
    family = Family(False, True, CAPACITY)
    sent = [message(b"%d" % number * 40, dst=20, src=0) for number in range(5)]
    for one in sent:
        family.ends[2].say(one)
    assert family.ends[20].link.outbox.size > 0
    assert family.hear(20) == [fields(one) for one in sent]
    assert family.ends[20].link.outbox.size == 0
