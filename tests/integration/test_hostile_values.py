"""A hostile child that sends bytes which are made to hurt whoever decodes them."""

import threading
import traceback
from typing import Any

import pytest

from remotesvc import Error, ProtocolError
from remotesvc.core.authority import GET_MODULE, GET_RESOURCE
from remotesvc.core.dead import bury
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import DEAD, ERROR, PLAIN, RAW
from tests.core.bombs import BOMBS, names_below
from tests.integration.hostile_scene import DEADLINE, MEMORY, Scene, memory_stays_below

# Small, and what threads have by default where the C library is musl. Python's own least is
# 32 KiB, in which not even `import` is safe.
SMALL_STACK = 64 * 1024


def outcome_on_small_stack(scene: Scene, frame: list[Any]) -> list[BaseException]:
    """Have the hostile child answer with a frame; return what a thread of small stack catches."""
    caught: list[BaseException] = []

    def ask() -> None:
        try:
            scene.tell("say", [frame])
        except Exception as error:  # it is looked at by the caller
            caught.append(error)

    before = threading.stack_size(SMALL_STACK)
    try:
        thread = threading.Thread(target=ask)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join(DEADLINE)
    return caught


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_the_error_of_its_call_wherever_it_hides(lasting_scene: Scene, name: str) -> None:
    scene = lasting_scene
    bomb = BOMBS[name]
    scene.tell("settle")
    with memory_stays_below(2 * MEMORY):
        for encoding in (PLAIN, ERROR):
            (error,) = outcome_on_small_stack(scene, [None, encoding, bomb])
            assert type(error) is ProtocolError
            assert str(error).isprintable() and len(str(error)) < 1000
        with pytest.raises(ProtocolError):
            scene.tell("say", [[None, DEAD, bomb]])
    assert scene.evil.connected
    scene.check_the_rest_is_well()


@pytest.mark.parametrize("name", names_below(200_000))
def test_bomb_in_a_request_is_refused(
    lasting_scene: Scene, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    scene = lasting_scene
    with memory_stays_below(MEMORY):
        for handle in (GET_MODULE, GET_RESOURCE):
            encoding, payload = scene.tell("ask", handle, BOMBS[name])
            assert encoding == DEAD or (encoding, handle) == (RAW, GET_MODULE)
            if encoding == DEAD:
                assert decode(payload)[0] in ("refused", "congested", "protocol")
    assert len(caplog.records) <= 2
    scene.check_the_rest_is_well()


def test_pickle_in_place_of_plain_values_is_not_loaded(scene: Scene) -> None:
    for name in ("a pickle", "an old pickle"):
        for encoding in (PLAIN, ERROR, DEAD):
            with pytest.raises(Error) as caught:
                scene.tell("say", [[None, encoding, BOMBS[name]]])
            assert isinstance(caught.value, ProtocolError)
    scene.check_the_rest_is_well()


# -- records of exceptions -----------------------------------------------------------------------

LEAF = ("ValueError", ("ValueError",), "x", (), (), (), "", None, None, ())

# What is shown of an error, whatever was sent: an escape takes four characters.
SHOWN_LIMIT = 300_000
PRINTED_LIMIT = 2_000_000


def wrapped(depth: int, where: int) -> Any:
    """Return records of exceptions inside one another, in the field `where`."""
    record: Any = LEAF
    for _ in range(depth):
        fields = list(LEAF)
        fields[where] = (record,) if where == 9 else record
        record = tuple(fields)
    return record


RECORDS: dict[str, Any] = {
    "many members": (*LEAF[:9], (LEAF,) * 5_000),
    "thirty causes": wrapped(30, 7),
    "thirty contexts": wrapped(30, 8),
    "fifteen groups": wrapped(15, 9),
    "a huge message": ("ValueError", ("ValueError",), "x" * 10_000_000, *LEAF[3:]),
    "a huge name": ("\x1b" * 1_000_000, *LEAF[1:]),
    "a huge line": (
        "SyntaxError",
        ("SyntaxError",),
        *LEAF[2:4],
        (("text", "\x1b" * 1_000_000), ("filename", "\x1b" * 1_000_000)),
        *LEAF[5:],
    ),
    "a huge traceback": (*LEAF[:6], "\x1b[2J" * 1_000_000, *LEAF[7:]),
    "many notes": (*LEAF[:5], ("\x1b",) * 100_000, *LEAF[6:]),
    "many bases": (LEAF[0], ("SystemExit",) * 100_000, *LEAF[2:]),
    "huge numbers": (*LEAF[:3], (1 << 500_000,) * 50, *LEAF[4:]),
}


@pytest.mark.parametrize("name", RECORDS)
def test_record_of_an_exception_is_an_ordinary_error(lasting_scene: Scene, name: str) -> None:
    scene = lasting_scene
    scene.tell("settle")
    with memory_stays_below(8 * MEMORY):
        with pytest.raises(Error) as caught:
            scene.tell("say", [[None, ERROR, encode(RECORDS[name])]])
        shown = str(caught.value)
        printed = "".join(traceback.format_exception(caught.value))
    for text, limit in ((shown, SHOWN_LIMIT), (printed, PRINTED_LIMIT)):
        assert all(char.isprintable() or char in "\n\t" for char in text)
        assert len(text) < limit
    scene.check_the_rest_is_well()


def test_text_of_a_refusal_is_cut(scene: Scene) -> None:
    with pytest.raises(Error) as caught:
        scene.tell("say", [[None, DEAD, bury("refused", "\x1b" * 5_000_000)]])
    assert len(str(caught.value)) < SHOWN_LIMIT
