"""Questions for modules and files, as a relay and the controller read them."""

from hypothesis import given
from hypothesis import strategies as st

from remotesvc.core.authority import GET_MODULE, GET_RESOURCE
from remotesvc.core.questions import read_question
from remotesvc.core.values import encode
from remotesvc.core.wire import PLAIN
from tests.core.ends import message


@given(st.binary(max_size=60), st.sampled_from([GET_MODULE, GET_RESOURCE]))
def test_any_bytes_are_a_question_or_none(payload: bytes, handle: int) -> None:
    question = read_question(message(payload, handle=handle))
    assert question is None or (type(question[1]) is int and type(question[2]) is bool)


def test_question_in_full() -> None:
    for wanted, handle in (("app.one", GET_MODULE), (("app", "a.txt"), GET_RESOURCE)):
        assert read_question(message(encode(wanted), handle=handle)) == (wanted, 0, False)
        asked = message(encode((wanted, 7, True)), handle=handle, encoding=PLAIN)
        assert read_question(asked) == (wanted, 7, True)
