"""A hostile child that lies about who sends, who commands, who answers and who lies where."""

import importlib
import os
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

from remotesvc import ProtocolError, RemoteError, Router
from remotesvc.controller.ids import BLOCK, END, SHARE, SHARE_OF_ONE
from remotesvc.core.authority import (
    ADD_ROUTE,
    ALLOCATE_ID,
    CALL_FUNCTION,
    DEL_ROUTE,
    FIRST_DYNAMIC,
    GET_MODULE,
    HANDLES,
    HELLO,
    LOAD_MODULE,
    PING,
    SHUTDOWN,
)
from remotesvc.core.finder import REFUSED
from remotesvc.core.values import CONTEXT, REMOTE_ERROR, SENDER, decode, encode
from remotesvc.core.wire import DEAD, ERROR, PICKLE, PLAIN, RAW, VERSION
from tests.core.value_shapes import Live
from tests.integration.fake_child import REPLY_HANDLE
from tests.integration.hostile_scene import DEADLINE, MEMORY, Scene, memory_stays_below

CALL = encode(("os", "getpid", (), {}))

# Run as a pickle, it would end the process that loads it.
DEADLY_PICKLE = bytes(sys.version_info[:2]) + b"cos\n_exit\n(I1\ntR."

# Never given to anybody.
NOBODY = 4_000_000_000


def reports(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged about links."""
    return [one.getMessage() for one in caplog.records if one.name == "remotesvc"]


# -- src and auth --------------------------------------------------------------------------------

# (src, auth): None stands for the child itself, "good" for its sibling.
FORGERIES: dict[str, tuple[Any, Any]] = {
    "src of the controller": (0, 0),
    "src of a sibling": ("good", "good"),
    "src of nobody": (NOBODY, NOBODY),
    "src alone": (0, None),
    "auth of the controller": (None, 0),
    "auth of a sibling": (None, "good"),
    "auth of nobody": (None, NOBODY),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_origin_is_dropped_and_logged_once(
    scene: Scene, forgery: str, caplog: pytest.LogCaptureFixture
) -> None:
    src, auth = (scene.good.id if one == "good" else one for one in FORGERIES[forgery])
    frames = [
        [handle, encoding, CALL, REPLY_HANDLE, src, auth, dst]
        for handle in (*HANDLES, FIRST_DYNAMIC, FIRST_DYNAMIC + 1)
        for encoding in (PLAIN, PICKLE, RAW, DEAD)
        for dst in (0, scene.evil.id, scene.good.id, NOBODY)
    ]

    scene.say(*frames, count=20)

    assert scene.heard(REPLY_HANDLE) == []  # not even a refusal: it would go to whoever was named
    assert len(reports(caplog)) == 1 and "does not lie behind this link" in caplog.text
    scene.check_the_rest_is_well()


def test_forged_call_to_itself_does_not_bounce_with_authority(scene: Scene) -> None:
    # To its own id, by way of its parent: what comes back would come from above.
    scene.say([CALL_FUNCTION, PLAIN, CALL, REPLY_HANDLE, None, None, scene.evil.id])
    answers = scene.heard(REPLY_HANDLE)
    assert [decode(payload)[0] for encoding, payload in answers if encoding == DEAD] == ["refused"]
    scene.check_the_rest_is_well()


# -- routes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("handle", [ADD_ROUTE, DEL_ROUTE])
def test_claim_of_a_route_moves_nobody(
    scene: Scene, handle: int, caplog: pytest.LogCaptureFixture
) -> None:
    claimed: list[Any] = [
        0,
        scene.evil.id,
        scene.good.id,
        scene.good.id + 1,
        NOBODY,
        -1,
        1 << 32,
        None,
    ]
    payloads = [encode(one) for one in claimed] + [b"", b"\xc1", struct.pack(">L", scene.good.id)]
    frames = [[handle, encoding, one, REPLY_HANDLE] for one in payloads for encoding in (0, 2)]

    scene.say(*frames, count=10)

    answers = scene.heard(REPLY_HANDLE)
    assert len(answers) == 10 * len(frames)
    assert {encoding for encoding, _ in answers} == {DEAD}
    assert len(reports(caplog)) <= 2  # once for each kind: of claims, and of what is none
    next_one = scene.router.local(name="next")
    assert next_one.id == scene.good.id + 1
    for context in (scene.good, next_one):
        assert context.call(os.getpid) == context.info.pid
    assert scene.tell("heard")  # and it is where it was itself


def test_ids_cannot_be_drained(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    ids: Any = scene.router._roster._take_id.__self__  # type: ignore[attr-defined]
    share = 4000 * BLOCK
    ids._next = first = END - SHARE * SHARE_OF_ONE * share
    # To remember all of these ids would take three times that.
    with memory_stays_below(MEMORY // 6):
        scene.say([ALLOCATE_ID, RAW, b""], count=4500)  # its share is used up by then
        scene.say([ALLOCATE_ID, RAW, b"", REPLY_HANDLE], count=10)

    assert {encoding for encoding, _ in scene.heard(REPLY_HANDLE)} == {DEAD}
    taken = scene.router.local(name="next").id - first
    assert 0 < taken <= share
    assert len(reports(caplog)) == 1


def test_handles_cannot_be_drained(scene: Scene) -> None:
    # It names as many handles of its own, and writes to as many of ours, as it likes.
    with memory_stays_below(MEMORY):
        for start in range(0, 20_000, 2_000):
            numbers = range(FIRST_DYNAMIC + start, FIRST_DYNAMIC + start + 2_000)
            scene.say(
                *[[number, PLAIN, b"\xc0"] for number in numbers if number % 50],
                *[[GET_MODULE, PLAIN, encode("vault"), number] for number in numbers[::50]],
            )
    scene.check_the_rest_is_well()


# -- commands to a sibling -----------------------------------------------------------------------


def test_sibling_that_may_talk_may_not_command(
    on_path: None, no_leaks: None, tmp_path: Path
) -> None:
    with Router(siblings=True, output=lambda *line: None) as router:
        scene = Scene(router)
        waiting = scene.good.submit(os.getpid)  # its handles begin with this one
        waiting.result(DEADLINE)
        touched = tmp_path / "touched"
        touch = encode(("os", "mkdir", (str(touched),), {}))
        frames = [
            [handle, encoding, payload, REPLY_HANDLE, None, None, scene.good.id]
            for handle in (*HANDLES, 0, 17, 255, *range(FIRST_DYNAMIC, FIRST_DYNAMIC + 8))
            for encoding in (PLAIN, PICKLE, RAW, ERROR, DEAD, 0x7F, 0x80)
            for payload in (touch, DEADLY_PICKLE, b"", b"\xc1" * 9)
        ]
        pid = scene.good.info.pid

        scene.say(*frames)

        # It answers each in turn, so once it answers a call of ours it has seen them all.
        assert scene.good.call(os.getpid) == pid
        assert not touched.exists()
        answers = scene.heard(REPLY_HANDLE)
        assert answers and {encoding for encoding, _ in answers} == {DEAD}


def test_pickle_of_a_sibling_is_refused_unread(on_path: None, no_leaks: None) -> None:
    with Router(siblings=True, output=lambda *line: None) as router:
        scene = Scene(router)
        pid = scene.good.info.pid
        scene.say([CALL_FUNCTION, PICKLE, DEADLY_PICKLE, REPLY_HANDLE, None, None, scene.good.id])
        assert scene.good.call(os.getpid) == pid
        answers = scene.heard(REPLY_HANDLE)
        assert [(encoding, decode(payload)[0]) for encoding, payload in answers] == [
            (DEAD, "refused")
        ]


# -- answers -------------------------------------------------------------------------------------


def test_second_answer_is_dropped_and_the_next_call_gets_its_own(scene: Scene) -> None:
    for answer in ("first", "second"):
        twice = [[None, PLAIN, encode(answer)], [None, PLAIN, encode("again")]]
        assert scene.tell("say", twice) == answer
        assert scene.tell("say", [*twice, [None, DEAD, encode(("refused", "no"))]]) == answer
    scene.check_the_rest_is_well()


def test_answer_to_calls_that_are_not_made_yet_is_dropped(scene: Scene) -> None:
    ahead = range(FIRST_DYNAMIC, FIRST_DYNAMIC + 200)
    scene.say(*[[handle, PLAIN, encode("too early")] for handle in ahead])
    assert scene.good.call(abs, -2) == 2


def test_second_hello_is_refused(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    before = scene.evil.info
    facts = (VERSION, (3, 9, 0), "/bin/other", 1, "other", "Other-1", 0)
    scene.say([HELLO, PLAIN, encode(facts), REPLY_HANDLE], count=3)
    assert {encoding for encoding, _ in scene.heard(REPLY_HANDLE)} == {DEAD}
    assert scene.evil.info is before and before.hostname == "fake"
    assert len(reports(caplog)) == 1
    scene.check_the_rest_is_well()


def test_second_hello_for_a_sibling_is_dropped(scene: Scene) -> None:
    before = scene.good.info
    facts = (VERSION, (3, 9, 0), "/bin/other", 1, "other", "Other-1", 0)
    scene.say([HELLO, PLAIN, encode(facts), 0, scene.good.id, scene.good.id])
    assert scene.good.info is before
    scene.check_the_rest_is_well()


# -- what a result may refer to ------------------------------------------------------------------

# (code, fields): "good" and "evil" stand for their ids.
REFERENCES: dict[str, tuple[int, list[Any]]] = {
    "context of a sibling": (CONTEXT, ["good", "evil"]),
    "context of the controller": (CONTEXT, [0, "controller"]),
    "context of nobody": (CONTEXT, [NOBODY, "x"]),
    "context without a number": (CONTEXT, ["x", "x"]),
    "context of nothing": (CONTEXT, []),
    "context with a huge number": (CONTEXT, [1 << 4000, "x"]),
    "context with a true number": (CONTEXT, [True, "x"]),
    "sender to a sibling's calls": (SENDER, ["good", CALL_FUNCTION, bytes(16), 1 << 20]),
    "sender to our own calls": (SENDER, [0, CALL_FUNCTION, bytes(16), 1 << 20]),
    "sender to a sibling's shutdown": (SENDER, ["good", SHUTDOWN, bytes(16), 1 << 20]),
    "sender to a sibling's modules": (SENDER, ["good", LOAD_MODULE, bytes(16), 1 << 20]),
    "sender to a reserved handle of its own": (SENDER, ["evil", PING, bytes(16), 1 << 20]),
    "sender to nobody": (SENDER, [NOBODY, 300, bytes(16), 1 << 20]),
    "sender of nothing": (SENDER, []),
    "error without its fields": (REMOTE_ERROR, ["ValueError", "x"]),
    "error of many": (REMOTE_ERROR, ["V", (), "x", None, (), (), "", None, None, (1,) * 300]),
}


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("way", ["result", "error", "nested"])
def test_reference_that_is_not_its_own_to_give_is_refused(
    lasting_scene: Scene, name: str, way: str
) -> None:
    scene = lasting_scene
    ids = {"good": scene.good.id, "evil": scene.evil.id}
    code, fields = REFERENCES[name]
    live: Any = Live(code, tuple(ids.get(one, one) for one in fields))
    value = {"deep": [(live, 1)]} if way == "nested" else live
    record = ("ValueError", ("ValueError",), "x", (value,), (), (), "", None, None, ())
    frame = [None, ERROR, encode(record)] if way == "error" else [None, PLAIN, encode(value)]

    with pytest.raises(ProtocolError) as caught:
        scene.tell("say", [frame])

    assert not isinstance(caught.value, RemoteError)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 500
    scene.check_the_rest_is_well()


def test_context_in_a_result_that_is_its_sender_has_our_name_and_its_authority(
    scene: Scene,
) -> None:
    live = Live(CONTEXT, (scene.evil.id, "a better name"))
    told = scene.tell("say", [[None, PLAIN, encode(live)]])
    assert told == scene.evil
    assert (told.name, told.auth) == ("evil", scene.evil.id)


# -- modules -------------------------------------------------------------------------------------


def test_module_that_another_context_was_granted_is_refused(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    package = tmp_path / "given_to_good"
    package.mkdir()
    (package / "__init__.py").write_text("def answer():\n    return 42\n")
    (package / "secret.txt").write_text("secret")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("given_to_good")
    try:
        assert scene.good.call(module.answer) == 42
    finally:
        del sys.modules["given_to_good"]

    for name in ("given_to_good", "given_to_good.other"):
        assert scene.module(name)[1] == REFUSED
    for relative in ("", "__init__.py", "secret.txt"):
        assert scene.resource("given_to_good", relative)[0] == DEAD
    assert len(caplog.records) == 5


def test_module_asked_for_in_the_name_of_a_sibling_is_not_answered(scene: Scene) -> None:
    scene.say([GET_MODULE, PLAIN, encode("remotesvc.core.capture"), 300, scene.good.id])
    assert scene.heard(300) == []
    scene.check_the_rest_is_well()
