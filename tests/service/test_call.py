"""Calls, and which of them runs on a thread."""

import threading

import pytest

from remotesvc.core.errors import Error
from remotesvc.service.call import current_call, run_as, running_call
from tests.service.stations import Answers, make_call


def test_call_tells_what_it_is_asked_by_whom() -> None:
    call = make_call(src=9, reply_to=400)

    assert (call.name, call.src, call.auth, call.key) == ("Logs.tail", 9, 9, (9, 400))
    assert repr(call) == "<Call of Logs.tail from context 9>"
    assert call.is_awaited
    assert not make_call(reply_to=0).is_awaited


def test_cancel_of_who_reads_a_stream_is_one_of_who_asked_for_it() -> None:
    reading, asked = make_call(), make_call()
    reading.origin = asked
    reading.cancel()

    assert (reading.cancelled, asked.cancelled) == (True, True)


def test_answer_goes_to_who_took_the_call_in() -> None:
    answers = Answers()
    call = make_call(answers)
    call.answer(2, b"x")

    assert answers.given == [(call, 2, b"x")]


def test_running_call_is_that_of_the_thread() -> None:
    outer, inner = make_call(), make_call()
    assert run_as(outer) is None
    before = run_as(inner)
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.append(running_call()))
    thread.start()
    thread.join()

    assert (before, current_call(), seen) == (outer, inner, [None])
    run_as(None)
    with pytest.raises(Error, match="no service method runs on this thread"):
        current_call()
