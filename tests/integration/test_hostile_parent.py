"""A child whose parent sends garbage: it ends or refuses, in one line, and leaves nothing."""

import os
import signal
import zlib
from pathlib import Path
from typing import Any

import pytest

from remotesvc.bootstrap.settings import MARKER, Settings
from remotesvc.core.authority import (
    CALL_FUNCTION,
    CANCEL,
    CONFIGURE,
    FIRST_DYNAMIC,
    HANDLES,
    LOAD_MODULE,
    PING,
)
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import DEAD, ERROR, FRAME_LIMIT, HEADER, PICKLE, PLAIN, RAW
from tests.core.bombs import BOMBS, names_below
from tests.integration.fake_parent import CHILD, OWN, FakeParent, settings
from tests.integration.pipes import Pipe

pytestmark = pytest.mark.usefixtures("no_leaks")


def header(length: int, handle: int = CONFIGURE, magic: bytes = b"RS", version: int = 1) -> bytes:
    return HEADER.pack(magic, version, PLAIN, CHILD, OWN, OWN, handle, 0, length)


def check_one_line(said: str) -> None:
    """Fail unless this is one harmless line of ours."""
    assert said.startswith("remotesvc: ") and said.count("\n") == 1 and said.endswith("\n")
    assert said[:-1].isprintable()


# -- instead of CONFIGURE ------------------------------------------------------------------------

GOOD = settings()

GARBAGE: dict[str, bytes] = {
    "wrong magic": header(0, magic=b"XY"),
    "wrong version": header(0, version=2),
    "text": b"Last login: Mon Jan  1 00:00:00 on tty1\n" * 3,
    "zeros": bytes(1000),
    "a length of 2**32-1": header(2**32 - 1) + bytes(10_000),
    "a length above the limit": header(FRAME_LIMIT + 1),
    "another handle": header(0, handle=PING),
    "a reply": header(0, handle=FIRST_DYNAMIC),
    "no payload": header(0),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_instead_of_configure_ends_the_child_in_one_line(name: str) -> None:
    with FakeParent() as parent:
        parent.write(GARBAGE[name])  # and stdin stays open: it is not the end that ends it
        status, said = parent.outcome()
    assert status == 1
    check_one_line(said)


# Each is a process; all the others are refused by the same lines of the decoder (test_bombs.py).
ENOUGH = names_below(100_000)[::4]


@pytest.mark.parametrize("name", ENOUGH)
def test_configure_of_no_value_ends_the_child_in_one_line(name: str) -> None:
    with FakeParent() as parent:
        parent.say(CONFIGURE, BOMBS[name])
        status, said = parent.outcome()
    assert status == 1
    check_one_line(said)


FIELDS = list(decode(GOOD))
WRONG: dict[str, Any] = {
    "nothing": None,
    "a number": 7,
    "no fields": (),
    "one field": tuple(FIELDS[:1]),
    "a field too few": tuple(FIELDS[:-1]),
    "a field too many": (*FIELDS, None),
    "a text": "x" * len(FIELDS),
    "a folder that is not there": (*FIELDS[:-1], "/nowhere"),
    "an environment of numbers": (*FIELDS[:-2], {"x": 1}, None),
    "an environment that is none": (*FIELDS[:-2], [1], None),
}


@pytest.mark.parametrize("name", WRONG)
def test_configure_with_wrong_fields_ends_the_child_in_one_line(name: str) -> None:
    with FakeParent() as parent:
        parent.say(CONFIGURE, encode(WRONG[name]))
        status, said = parent.outcome()
    assert status == 1
    check_one_line(said)


@pytest.mark.parametrize("field", ["own_id", "parents", "max_message_size", "window", "heartbeat"])
@pytest.mark.parametrize("value", ["x", None, -1, ()], ids=repr)
def test_configure_with_one_wrong_field_leaves_no_child(field: str, value: Any) -> None:
    assert field in Settings.__slots__
    with FakeParent() as parent:
        parent.say(CONFIGURE, settings(**{field: value}))
        parent.close()
        _, said = parent.outcome()
    assert "Traceback" not in said


@pytest.mark.parametrize("size", [0, 1, HEADER.size - 1, HEADER.size, HEADER.size + len(GOOD) - 1])
def test_configure_that_ends_early_ends_the_child_without_a_word(size: int) -> None:
    with FakeParent() as parent:
        parent.write((header(len(GOOD)) + GOOD)[:size])
        parent.close()
        assert parent.outcome() == (1, "")


@pytest.mark.parametrize("payload", [b"", b"garbage" * 100, zlib.compress(b"1/0")], ids=len)
def test_garbage_instead_of_the_payload_ends_the_interpreter(payload: bytes) -> None:
    with FakeParent(payload) as parent:
        status, said = parent.outcome()
    assert status == 1 and said


def test_configure_that_comes_byte_by_byte_is_taken() -> None:
    with FakeParent() as parent:
        for byte in header(len(GOOD)) + GOOD:
            parent.write(bytes((byte,)))
        parent.greet()  # a second one: refused, and HELLO has come
        assert decode(parent.call("operator", "neg", 4).payload) == -4


# -- later ---------------------------------------------------------------------------------------


@pytest.fixture
def parent(no_leaks: None) -> Any:
    """A parent that has taken HELLO."""
    with FakeParent() as one:
        one.greet()
        yield one


def check_lives(parent: FakeParent) -> None:
    """Fail unless the child takes the next call."""
    answer = parent.call("operator", "neg", 4)
    assert (answer.encoding, decode(answer.payload)) == (PLAIN, -4)


def test_unknown_handles_are_refused_and_the_child_lives(parent: FakeParent) -> None:
    unserved = {0, 17, 200, 255, *HANDLES} - {PING, CALL_FUNCTION, CANCEL, LOAD_MODULE}
    unserved -= {number for number, (name, _) in HANDLES.items() if name == "SHUTDOWN"}
    for handle in sorted(unserved):
        for encoding in (PLAIN, PICKLE, RAW, ERROR, 0x7F):
            answer = parent.ask(handle, b"\xc0", encoding)
            assert (answer.encoding, decode(answer.payload)[0]) == (DEAD, "refused")
        parent.say(handle, b"\xc0", DEAD)
    for handle in (FIRST_DYNAMIC, FIRST_DYNAMIC + 7, 2**32 - 1):
        parent.say(handle, b"\xc1", PLAIN)
    check_lives(parent)


def test_commands_of_others_than_parents_are_refused(parent: FakeParent, tmp_path: Path) -> None:
    call = encode(["os", "mkdir", [str(tmp_path / "made")], {}])
    for src, auth in ((7, 7), (7, OWN), (OWN, 7), (CHILD, 7)):
        for handle in (CALL_FUNCTION, CANCEL, LOAD_MODULE):
            parent.say(handle, call, PLAIN, 1000, src=src, auth=auth)
    check_lives(parent)
    assert not (tmp_path / "made").exists()


def test_message_for_somebody_else_is_not_taken(parent: FakeParent, tmp_path: Path) -> None:
    call = encode(["os", "mkdir", [str(tmp_path / "made")], {}])
    answer = parent.ask(CALL_FUNCTION, call, dst=CHILD + 1)
    assert (answer.encoding, decode(answer.payload)[0]) == (DEAD, "disconnected")
    assert not (tmp_path / "made").exists()
    check_lives(parent)


CALLS: dict[str, Any] = {
    "nothing": None,
    "too short": ["os", "getpid"],
    "too long": ["os", "getpid", [], {}, {}, {}, {}],
    "no module": ["", "", [], {}],
    "module of no type": [1, 2, [], {}],
    "no such module": ["no.such.module", "x", [], {}],
    "no such name": ["os", "no.such.name", [], {}],
    "no function": ["os", "name", [], {}],
    "no arguments": ["os", "getpid", None, {}],
    "no keywords": ["os", "getpid", [], None],
    "strange options": ["os", "getpid", [], {}, {"\x1b": 1}],
    "options of no type": ["os", "getpid", [], {}, 7],
}


def test_call_that_is_none_is_an_error_of_that_call(parent: FakeParent) -> None:
    for name, call in CALLS.items():
        answer = parent.ask(CALL_FUNCTION, encode(call))
        assert answer.encoding in (ERROR, DEAD) or name == "strange options", name
        check_lives(parent)


def test_bomb_as_a_call_is_an_error_of_that_call(parent: FakeParent) -> None:
    for name, bomb in BOMBS.items():
        if len(bomb) < 200_000:
            assert parent.ask(CALL_FUNCTION, bomb).encoding == ERROR, name
            assert parent.ask(CALL_FUNCTION, bomb, PICKLE).encoding == ERROR, name
            check_lives(parent)


@pytest.mark.parametrize("handle", [LOAD_MODULE, CANCEL])
@pytest.mark.parametrize("payload", [b"", b"x", b"\xc0", zlib.compress(b"\xc0"), b"\x93\x01"])
def test_nonsense_as_a_command_is_refused_or_ends_the_child(handle: int, payload: bytes) -> None:
    with FakeParent() as parent:
        parent.greet()
        parent.say(handle, payload)
        parent.close()
        status, said = parent.outcome()
    assert status in (0, -signal.SIGKILL) and said == ""


@pytest.mark.parametrize(
    "garbage",
    [b"\0" * 28, b"SSH-2.0-x\r\n" * 5, header(2**32 - 1, CALL_FUNCTION), MARKER * 9],
    ids=["zeros", "text", "length", "marker"],
)
def test_garbage_later_ends_the_child_and_what_it_runs(garbage: bytes, pipe: Pipe) -> None:
    with FakeParent() as parent:
        parent.greet()
        pid = decode(parent.call("os", "getpid").payload)
        parent.say(CALL_FUNCTION, encode(["builtins", "open", [pipe.path], {}]))  # for ever
        parent.write(garbage)
        _, said = parent.outcome()
    assert said == ""
    assert not os.path.exists(f"/proc/{pid}") or os.uname().sysname != "Linux"


def test_parent_that_reads_nothing_can_still_end_a_child_that_prints() -> None:
    with FakeParent() as parent:
        parent.greet()
        parent.say(CALL_FUNCTION, encode(["builtins", "print", ["x" * 10_000_000], {}]))
        parent.say(CALL_FUNCTION, encode(["builtins", "bytes", [10_000_000], {}]), reply_to=1000)
        parent.close()  # nothing of it was read: `with` waits for the end of the process alone
        parent.process.wait(20)
