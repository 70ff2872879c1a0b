"""The parent's side of the handshake: noise, marker, and a HELLO that may say anything."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remotesvc.bootstrap.handshake import (
    HELLO_LIMIT,
    NOISE_LIMIT,
    TEXT_LIMIT,
    Failed,
    Handshake,
    Ready,
    refuse_hello,
)
from remotesvc.bootstrap.settings import MARKER
from remotesvc.core.authority import CALL_FUNCTION, HELLO
from remotesvc.core.values import encode
from remotesvc.core.wire import (
    FRAGMENT,
    FRAME_LIMIT,
    HEADER,
    PICKLE,
    PLAIN,
    VERSION,
    Message,
    encode_frame,
)
from tests.core.value_shapes import plain_values

NONCE = bytes(range(16))
CHILD, OWN = 5, 3
FACTS = (VERSION, (3, 9, 2), "/usr/bin/python3", 4711, "web1", "Linux-6.1.0-x86_64", 1000)


def hello(
    facts: object = FACTS,
    *,
    dst: int = OWN,
    src: int = CHILD,
    auth: int = CHILD,
    handle: int = HELLO,
    encoding: int = PLAIN,
) -> bytes:
    return encode_frame(Message(dst, src, auth, handle, 0, encoding, encode(facts)))


def feed(data: bytes, step: int | None = None) -> tuple[Handshake, Ready | Failed | None]:
    """Feed a new handshake, `step` bytes at a time, up to its outcome."""
    handshake = Handshake(NONCE, CHILD, OWN)
    size = step or max(1, len(data))
    for start in range(0, len(data), size):
        outcome = handshake.feed(data[start : start + size])
        if outcome is not None:
            return handshake, outcome
    return handshake, None


def reason(data: bytes, step: int | None = None) -> str:
    outcome = feed(data, step)[1]
    assert isinstance(outcome, Failed), f"it was taken: {outcome}"
    return outcome.reason


@pytest.mark.parametrize("step", [None, 1, 7])
def test_child_is_ready_after_its_hello(step: int | None) -> None:
    handshake, outcome = feed(MARKER + NONCE + hello(), step)
    assert isinstance(outcome, Ready) and handshake.has_marker and handshake.noise == ""
    info = outcome.info
    assert (info.protocol, info.python_version, info.executable) == FACTS[:3]
    assert (info.pid, info.hostname, info.platform, info.uid) == FACTS[3:]
    assert outcome.rest == b""


def test_facts_that_could_steer_a_terminal_are_escaped() -> None:
    facts = (VERSION, (3, 9, 2), "/bin/\udcff", 1, "web1\x1b[2J", "Linux\nweb2", 0)
    _, outcome = feed(MARKER + NONCE + hello(facts))
    assert isinstance(outcome, Ready)
    info = outcome.info
    shown = (info.executable, info.hostname, info.platform)
    assert shown == ("/bin/\\udcff", "web1\\x1b[2J", "Linux\\x0aweb2")


def test_what_follows_hello_is_handed_on() -> None:
    _, outcome = feed(MARKER + NONCE + hello() + b"RS and so on")
    assert isinstance(outcome, Ready) and outcome.rest == b"RS and so on"


@pytest.mark.parametrize("step", [None, 1, 5])
@pytest.mark.parametrize(
    "noise",
    [
        b"Welcome to web1!\r\nLast login: yesterday\n",
        b"\0remotesvc",
        MARKER,
        MARKER + NONCE[:-1],
        MARKER + bytes(16),
        MARKER * 10 + b"RS\x01",
        b"\xff\xfe\x00",
    ],
)
def test_noise_before_the_marker_is_skipped_and_kept(noise: bytes, step: int | None) -> None:
    handshake, outcome = feed(noise + MARKER + NONCE + hello(), step)
    assert isinstance(outcome, Ready)
    assert handshake.noise == noise.decode("utf-8", "backslashreplace")


@given(st.binary(max_size=300), st.data())
def test_marker_is_found_in_any_noise_however_the_stream_is_cut(
    noise: bytes, data: st.DataObject
) -> None:
    stream = noise + MARKER + NONCE + hello()
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=12).map(sorted))
    handshake = Handshake(NONCE, CHILD, OWN)
    outcomes = [
        handshake.feed(stream[start:end])
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        if end > start
    ]
    assert isinstance(outcomes[-1], Ready) and outcomes[:-1] == [None] * (len(outcomes) - 1)


@pytest.mark.parametrize("step", [None, 4096])
def test_a_megabyte_of_noise_is_skipped_and_its_end_kept(step: int | None) -> None:
    noise = b"motd\n" * 200_000 + b"the end"
    handshake, outcome = feed(noise + MARKER + NONCE + hello(), step)
    assert isinstance(outcome, Ready)
    assert handshake.noise.endswith("motd\nthe end") and len(handshake.noise) < 5000


def test_noise_without_an_end_is_given_up() -> None:
    handshake = Handshake(NONCE, CHILD, OWN)
    chunk = bytes(1024 * 1024)
    outcomes = [handshake.feed(chunk) for _ in range(NOISE_LIMIT // len(chunk) + 1)]
    assert outcomes[:-1] == [None] * (len(outcomes) - 1)
    assert isinstance(outcomes[-1], Failed) and str(NOISE_LIMIT) in outcomes[-1].reason


def test_wrong_nonce_is_noise_and_shows_in_the_error() -> None:
    handshake, outcome = feed(MARKER + bytes(16) + hello())
    assert outcome is None and not handshake.has_marker and "remotesvc" in handshake.noise


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (hello(src=7), "HELLO from context 7, it was named 5"),
        (hello(auth=0), "HELLO from context 5, it was named 5"),
        (hello(dst=9), "no HELLO"),
        (hello(handle=CALL_FUNCTION), "no HELLO"),
        (hello(encoding=PICKLE), "no HELLO"),
        (hello(encoding=PLAIN | FRAGMENT), "no HELLO"),
        (hello((VERSION + 1, *FACTS[1:])), f"version {VERSION + 1}, this side {VERSION}"),
        (hello(FACTS[:-1]), "without its seven facts"),
        (hello([*FACTS]), "without its seven facts"),
        (hello(None), "without its seven facts"),
        (hello((True, *FACTS[1:])), "without its seven facts"),
        (hello((VERSION, (3, 9), *FACTS[2:])), "strange Python version"),
        (hello((VERSION, (3, 9, "2"), *FACTS[2:])), "strange Python version"),
        (hello((*FACTS[:6], -1)), "a number"),
        (hello((*FACTS[:6], 1 << 64)), "a number"),
        (hello((*FACTS[:4], "x" * (TEXT_LIMIT + 1), *FACTS[5:])), "a text of more than 4096"),
        (hello((VERSION, (3, 9, 1 << 60_000), *FACTS[2:])), "a number"),
        (hello((1 << 60_000,)), "without its seven facts"),
        (hello("x" * HELLO_LIMIT), "a HELLO of 16387 bytes"),
        (b"Traceback (most recent call last):", "Traceback (most recent"),
        (HEADER.pack(b"RS", 1, 0, OWN, CHILD, CHILD, HELLO, 0, 2**32 - 1), "4294967295"),
        (HEADER.pack(b"RS", 1, 0, OWN, CHILD, CHILD, HELLO, 0, 1) + b"\xc1", "malformed"),
    ],
)
@pytest.mark.parametrize("step", [None, 1])
def test_hello_that_is_none_fails_with_the_reason(
    frame: bytes, text: str, step: int | None
) -> None:
    assert text in reason(MARKER + NONCE + frame, step)


@pytest.mark.parametrize("length", [HELLO_LIMIT + 1, FRAME_LIMIT, FRAME_LIMIT + 1])
def test_oversized_hello_is_refused_by_its_header_alone(length: int) -> None:
    header = HEADER.pack(b"RS", 1, 0, OWN, CHILD, CHILD, HELLO, 0, length)
    assert str(length) in reason(MARKER + NONCE + header)


@given(st.binary(max_size=100))
def test_any_bytes_after_the_marker_give_an_outcome_or_wait(data: bytes) -> None:
    _, outcome = feed(MARKER + NONCE + data)
    assert outcome is None or isinstance(outcome, Failed)


@given(st.one_of(plain_values, st.tuples(*[plain_values] * 7)))
@settings(max_examples=60)
def test_any_value_as_hello_is_judged_without_an_error(facts: object) -> None:
    _, outcome = feed(MARKER + NONCE + hello(facts))
    assert isinstance(outcome, Failed)


FACT = [
    st.just(VERSION),
    st.tuples(*[st.integers(-1, 1 << 70)] * 3),
    st.text(max_size=10),
    st.integers(-1, 1 << 70),
    st.text(max_size=10),
    st.text(max_size=10),
    st.integers(-1, 1 << 70),
]


@given(st.tuples(*FACT))
def test_facts_that_are_taken_can_be_shown(facts: tuple[object, ...]) -> None:
    _, outcome = feed(MARKER + NONCE + hello(facts))
    assert (refuse_hello(facts) is None) == isinstance(outcome, Ready)
    if isinstance(outcome, Ready):
        assert repr(outcome.info)
        assert "%d.%d.%d" % outcome.info.python_version  # noqa: UP031 as an error text does
