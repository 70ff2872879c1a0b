"""What waits for modules on the link of a child, and what does not."""

import pytest

from remotesvc.core.authority import (
    CALL_FUNCTION,
    CALL_SERVICE,
    CANCEL,
    LOAD_MODULE,
    OPEN_CHILD,
    PASS_MODULES,
    TEND_CHILD,
)
from remotesvc.core.lanes import Lanes
from remotesvc.core.outbox import Outbox
from tests.core.ends import message
from tests.core.test_outbox import LARGE, drain, join


def down() -> Outbox:
    outbox = Outbox()
    Lanes(outbox)
    return outbox


def test_call_never_overtakes_the_modules_sent_ahead_of_it() -> None:
    outbox = down()
    outbox.put(message(LARGE, handle=LOAD_MODULE))
    outbox.put(message(b"call", handle=CALL_FUNCTION))
    outbox.put(message(b"cancel", handle=CANCEL))
    assert [one.handle for one in join(drain(outbox))] == [CANCEL, LOAD_MODULE, CALL_FUNCTION]


@pytest.mark.parametrize("handle", [CALL_SERVICE, OPEN_CHILD, TEND_CHILD])
def test_what_needs_modules_never_overtakes_those_sent_ahead_of_it(handle: int) -> None:
    outbox = down()
    outbox.put(message(LARGE, handle=LOAD_MODULE))
    outbox.put(message(b"small", handle=LOAD_MODULE))
    outbox.put(message(b"order", handle=handle))
    assert [one.handle for one in join(drain(outbox))] == [LOAD_MODULE, LOAD_MODULE, handle]


@pytest.mark.parametrize("handle", [CALL_FUNCTION, CALL_SERVICE, OPEN_CHILD])
def test_nor_does_it_when_modules_go_to_the_relay_before_it(handle: int) -> None:
    outbox = down()
    outbox.put(message(LARGE, dst=1, handle=PASS_MODULES))
    outbox.put(message(b"order", dst=9, handle=handle))
    assert [one.handle for one in join(drain(outbox))] == [PASS_MODULES, handle]


def test_large_call_of_a_service_holds_up_no_function() -> None:
    outbox = down()
    outbox.put(message(LARGE, handle=CALL_SERVICE))
    outbox.put(message(b"call", handle=CALL_FUNCTION))
    assert [one.handle for one in join(drain(outbox))] == [CALL_FUNCTION, CALL_SERVICE]


def test_calls_of_two_contexts_take_turns_once_no_modules_wait() -> None:
    outbox = down()
    outbox.put(message(LARGE, dst=1, handle=PASS_MODULES))
    assert len(join(drain(outbox))) == 1
    outbox.put(message(LARGE, dst=8, handle=CALL_FUNCTION))
    outbox.put(message(b"call", dst=9, handle=CALL_FUNCTION))
    assert [one.dst for one in join(drain(outbox))] == [9, 8]


@pytest.mark.parametrize("handle", [CALL_FUNCTION, CALL_SERVICE])
def test_large_messages_of_one_kind_never_mix(handle: int) -> None:
    outbox = down()
    outbox.put(message(LARGE, dst=9, handle=handle))
    outbox.put(message(LARGE, dst=1, handle=PASS_MODULES))
    outbox.put(message(LARGE[::-1], dst=9, handle=handle))
    outbox.put(message(b"last", dst=9, handle=handle))
    arrived = [one for one in join(drain(outbox)) if one.handle == handle]
    assert [len(one.payload) for one in arrived] == [len(LARGE), len(LARGE), 4]
