"""What the log says of a peer that breaks a rule: its name, and no numbers of the wire."""

import pytest

from remotesvc.core.complaints import complain, in_words
from remotesvc.core.switch import Switch
from remotesvc.core.wire import PLAIN, Message
from tests.integration.waiting import wait_until

NAMES = {0: "the controller", 1: "web1", 9: "context 9"}

MESSAGE = Message(0, 1, 1, 5, 257, PLAIN, bytes(43))


@pytest.mark.parametrize(
    ("text", "peer", "expected"),
    [
        (f"refused {MESSAGE!r}: no services", 1, "web1: refused: no services"),
        (f"refused {MESSAGE!r}: no services", None, "web1: refused: no services"),
        (f"dropped {MESSAGE!r}: why", 9, "context 9: dropped what came in the name of web1: why"),
        (f"refused {MESSAGE!r}: it said: (\n)", 1, "web1: refused: it said: (\n)"),
        ("dropped log records of web1: garbage", 1, "dropped log records of web1: garbage"),
    ],
)
def test_report_names_who_it_was(text: str, peer: int | None, expected: str) -> None:
    assert in_words(text, peer, NAMES.__getitem__) == expected


def test_switch_of_a_child_logs_each_kind_once(caplog: pytest.LogCaptureFixture) -> None:
    switch = Switch(1, (0,), 1 << 20, False, lambda text: None)
    complain(switch)
    complain(switch)
    for _ in range(3):
        switch.report_once(None, "refused", f"refused {MESSAGE!r}: why")
    wait_until(lambda: caplog.messages != [])
    assert caplog.messages == ["context 1: refused: why"]
