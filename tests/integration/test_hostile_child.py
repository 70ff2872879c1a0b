"""A child that speaks the protocol by hand, beside an honest one: it gets and breaks nothing."""

import os
import sys
import threading
import traceback
from concurrent.futures import wait
from typing import Any

import pytest

from remotesvc import BootstrapError, DisconnectedError, Error, ProtocolError, RemoteError, Router
from remotesvc.controller.modules.responder import LOG_LIMIT
from remotesvc.core.authority import (
    ALLOCATE_ID,
    CALL_FUNCTION,
    FIRST_DYNAMIC,
    GET_MODULE,
    GET_RESOURCE,
    HANDLES,
    LOAD_MODULE,
    PING,
    SHUTDOWN,
    STDIO,
)
from remotesvc.core.dead import bury
from remotesvc.core.finder import REFUSED
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import DEAD, ERROR, FRAGMENT, PICKLE, PLAIN, RAW
from tests.integration.fake_child import GREETING, REPLY_HANDLE
from tests.integration.hostile_scene import (
    DEADLINE,
    FAKE,
    MEMORY,
    POISON,
    Scene,
    first_fragment,
    memory_stays_below,
    target,
)
from tests.integration.pipes import Pipe

BIG = 128 * 1024 * 1024

# -- forging -------------------------------------------------------------------------------------


def test_reply_to_a_call_of_another_child_is_dropped(
    scene: Scene, pipe: Pipe, caplog: pytest.LogCaptureFixture
) -> None:
    waiting = scene.good.submit(os.open, pipe.path, os.O_RDONLY)  # until somebody writes
    handle, forged = FIRST_DYNAMIC, encode("forged")

    scene.say(
        [handle, PLAIN, forged],
        [handle, PLAIN, forged, 0, scene.good.id],
        [handle, PLAIN, forged, 0, 0],
        [handle, PLAIN, forged, 0, None, scene.good.id],
        [handle, DEAD, bury("refused", "forged")],
    )

    assert "answers a call that was made to context 2" in caplog.text  # it was the right handle
    pipe.release()
    assert isinstance(waiting.result(DEADLINE), int)


def test_child_commands_neither_controller_nor_sibling(scene: Scene) -> None:
    call = encode(["os", "getpid", [], {}])
    for handle in sorted({*HANDLES, 0, 17, 255} - {ALLOCATE_ID, GET_MODULE, GET_RESOURCE}):
        for encoding in (PLAIN, PICKLE, RAW, ERROR, DEAD, 0x7F):
            scene.say(
                [handle, encoding, call, REPLY_HANDLE],
                [handle, encoding, call, REPLY_HANDLE, None, None, scene.good.id],
                [handle, encoding, call, REPLY_HANDLE, 0, 0],
                [handle, encoding, call, REPLY_HANDLE, None, None, 999],
            )

    answers = [encoding for number, encoding, _ in scene.tell("heard") if number == REPLY_HANDLE]
    assert set(answers) == {DEAD}
    assert scene.good.call(abs, -1) == 1


@pytest.mark.parametrize("encoding", [PICKLE, RAW, 5, 0x7F])
def test_reply_in_an_encoding_for_parents_is_not_looked_at(scene: Scene, encoding: int) -> None:
    # As a pickle, it would run a command.
    payload = bytes(sys.version_info[:2]) + b"cos\n_exit\n(I1\ntR."
    with pytest.raises(ProtocolError, match=r"evil answered with (encoding|a pickle)"):
        scene.tell("say", [[None, encoding, payload]])


def test_reference_to_a_context_that_is_not_there_is_refused(scene: Scene) -> None:
    payload = b"\xc7\x06\x20" + encode([999, "x", "\x1b"])
    with pytest.raises(ProtocolError) as caught:
        scene.tell("say", [[None, PLAIN, payload]])
    assert "\x1b" not in str(caught.value)


# -- reading what was not given ------------------------------------------------------------------


@pytest.mark.parametrize(
    "relative",
    ["../router.py", "/etc/passwd", "..", "a/../../router.py", "wire.py\0", "WIRE.PY", "x" * 5000],
)
def test_path_that_leaves_a_package_gives_nothing(scene: Scene, relative: str) -> None:
    encoding, payload = scene.resource("remotesvc.core", relative)
    assert (encoding, decode(payload)[0]) == (DEAD, "refused")


@pytest.mark.parametrize("package", ["", ".", "..", "/etc", "remotesvc/core", "remotesvc.cli"])
def test_resources_of_what_was_not_given_are_refused(scene: Scene, package: str) -> None:
    for relative in ("", "passwd", "__init__.py"):
        encoding, payload = scene.resource(package, relative)
        assert (encoding, decode(payload)[0]) == (DEAD, "refused")


@pytest.mark.parametrize(
    "name", ["__main__", "tests", "REMOTESVC.core", "remotesvc.controller", "pytest", "a\x1b\n"]
)
def test_module_that_was_not_given_is_refused(scene: Scene, name: str) -> None:
    assert scene.module(name)[1] == REFUSED


def test_parts_of_the_toolkit_do_not_say_where_they_are_installed(scene: Scene) -> None:
    _, _, path, source, _ = scene.module("remotesvc.core.capture")
    assert path == "remotesvc/core/capture.py"
    assert source


# -- floods --------------------------------------------------------------------------------------

FLOODS: dict[str, list[Any]] = {
    "signs of life": [PING, RAW, b""],
    "late replies": [99999, PLAIN, b"\xc0"],
    "dead late replies": [99999, DEAD, bury("refused", "x")],
    "no such handle": [200, RAW, b"", REPLY_HANDLE],
    "commands": [SHUTDOWN, RAW, b"", REPLY_HANDLE],
    "modules": [GET_MODULE, PLAIN, encode("vault"), REPLY_HANDLE],
    "nonsense for modules": [GET_MODULE, PLAIN, b"\xc1", REPLY_HANDLE],
    "resources": [GET_RESOURCE, PLAIN, encode(("remotesvc", "")), REPLY_HANDLE],
    "prints": [STDIO, RAW, b"\x01\n"],
    "long prints": [STDIO, RAW, b"\x02" + b"x" * 100_000],
    "prints to no stream": [STDIO, RAW, b"\x07x"],
    "forged sources": [GET_MODULE, PLAIN, b"\xc0", 0, 999],
    "to a sibling": [CALL_FUNCTION, PLAIN, b"\xc0", REPLY_HANDLE, None, None, 2],
    "large claims": [GET_MODULE, FRAGMENT, first_fragment(1 << 31), REPLY_HANDLE],
    "never finished": [GET_MODULE, FRAGMENT, first_fragment(1 << 20)],
    "no prefix": [GET_MODULE, FRAGMENT, b"x"],
}


@pytest.mark.parametrize("flood", FLOODS)
def test_flood_ends_nothing_and_is_reported_in_few_lines(
    scene: Scene, flood: str, caplog: pytest.LogCaptureFixture
) -> None:
    frame = FLOODS[flood]
    threads = threading.active_count()

    with memory_stays_below(MEMORY):
        scene.say(frame, count=max(20, min(3000, 4_000_000 // len(frame[2] or b"x"))))

    scene.check_the_rest_is_well()
    assert scene.evil.connected
    assert len(caplog.records) <= LOG_LIMIT + 2
    assert threading.active_count() <= threads + 3  # two workers, and who prints


def test_prints_beyond_credit_are_lost_and_that_is_shown(on_path: None, no_leaks: None) -> None:
    is_read = threading.Event()
    lines: list[bytes] = []

    def sink(name: str, stream: str, line: bytes) -> None:
        is_read.wait(DEADLINE)
        lines.append(line)

    with Router(output=sink) as router:
        evil = router.local(name="evil", python_path=str(FAKE))
        evil.call_no_reply(target("say"), [[STDIO, RAW, b"\x01" + b"x" * 250_000]], 100)
        handled = evil.submit(target("heard"))
        wait([handled], DEADLINE)  # not for its result: that would wait for the prints
        is_read.set()
        handled.result(DEADLINE)
        evil.call_no_reply(target("say"), [[STDIO, RAW, b"\x01end\n"]])
        evil.options(DEADLINE).call(target("heard"))

    assert sum(map(len, lines)) < 1_000_000
    assert any(b"printed beyond its credit" in line for line in lines)


def test_replies_that_never_end_leave_room_for_those_of_others(scene: Scene) -> None:
    unfinished = [[None, PLAIN | FRAGMENT, first_fragment(BIG)]]
    calls = [scene.evil.submit(target("say"), unfinished) for _ in range(6)]
    scene.tell("heard")

    assert len(scene.good.call(bytes, 3 << 20)) == 3 << 20

    refused = [call.exception(DEADLINE) for call in calls if call.done()]
    assert refused and all("no room to join" in str(error) for error in refused)
    scene.evil.kill()
    for call in calls:
        assert isinstance(call.exception(DEADLINE), Error)


# -- ends ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "garbage", [b"\0" * 28, b"GET / HTTP/1.1\r\nHost: \x1b[2J\r\n\r\n", b"RS\x02" + bytes(25)]
)
def test_bytes_that_are_no_frame_end_the_link_and_every_wait(scene: Scene, garbage: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        scene.tell("babble", garbage)
    assert str(caught.value).isprintable()
    assert not scene.evil.connected
    assert scene.good.call(abs, -1) == 1


def test_child_that_reads_nothing_keeps_neither_caller_nor_close(scene: Scene) -> None:
    scene.evil.call_no_reply(target("deafen"))
    waiting = [scene.evil.submit(target("heard"), bytes(1 << 20)) for _ in range(4)]
    scene.evil.kill()
    for call in waiting:
        assert isinstance(call.exception(DEADLINE), DisconnectedError)


def test_child_that_speaks_and_never_reads_is_given_up(on_path: None, no_leaks: None) -> None:
    with Router(heartbeat=0.25, heartbeat_misses=2, output=lambda *line: None) as router:
        evil = router.local(name="evil", python_path=str(FAKE))
        _ = evil.info
        evil.call_no_reply(target("say"), [[PING, RAW, b""]], 1 << 40)
        with pytest.raises(DisconnectedError):
            for _ in range(20):
                evil.submit(target("heard"), bytes(1 << 20))


@pytest.mark.parametrize("greeting", ["", "\xc1", "\x93\x01\x02\x03", "\x91" * 2000, "x" * 20000])
def test_greeting_that_is_none_fails_at_once(on_path: None, router: Router, greeting: str) -> None:
    evil = router.local(
        name="evil", python_path=str(FAKE), env={GREETING: greeting.encode("latin-1").hex()}
    )
    with pytest.raises(BootstrapError, match="evil: the child did not start"):
        _ = evil.info


# -- texts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["refused", "disconnected", "size", "value", "made up"])
def test_text_of_a_refusal_is_one_harmless_line(scene: Scene, code: str) -> None:
    with pytest.raises(Error) as caught:
        scene.tell("say", [[None, DEAD, bury(code, POISON)]])
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("base", ["ValueError", "SyntaxError", "OSError", "ImportError"])
def test_nothing_of_a_remote_error_steers_a_terminal(scene: Scene, base: str) -> None:
    fields = tuple((name, POISON) for name in ("filename", "text", "name", "path", "strerror"))
    place = (POISON, 1, 1, POISON)
    record = (POISON, (base,), POISON, (POISON, place), fields, (POISON,), POISON, None, None, ())
    with pytest.raises(RemoteError) as caught:
        scene.tell("say", [[None, ERROR, encode(record)]])
    shown = "".join(traceback.format_exception(caught.value))
    assert all(char.isprintable() or char == "\n" for char in shown)


def test_facts_of_a_greeting_are_harmless(on_path: None, router: Router) -> None:
    greeting = encode((1, (3, 9, 0), POISON, 1, POISON, POISON, 0)).hex()
    info = router.local(python_path=str(FAKE), env={GREETING: greeting}).info
    assert all(text.isprintable() for text in (info.executable, info.hostname, info.platform))


def test_names_that_a_child_asks_for_are_logged_in_one_harmless_line(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.module("vault." + POISON)
    scene.resource("vault", POISON)
    scene.say([LOAD_MODULE, RAW, POISON.encode("utf-8", "surrogatepass"), REPLY_HANDLE])
    assert len(caplog.records) == 3
    assert all(record.getMessage().isprintable() for record in caplog.records)
