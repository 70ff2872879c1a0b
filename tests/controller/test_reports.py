"""What the log says of a peer that breaks a rule: its name, and no numbers of the wire."""

import pytest

from remotesvc import Router
from remotesvc.controller.reports import in_words
from remotesvc.core.wire import PLAIN, Message

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


def test_router_reports_in_words_and_shows_no_control_characters(
    caplog: pytest.LogCaptureFixture,
) -> None:
    message = Message(0, 0, 0, 5, 0, PLAIN, b"")
    with Router() as router:
        router.switch.refuse(None, message, "refused", "no \x1b[31m\nsuch")
    assert caplog.messages == ["the controller: refused: no \\x1b[31m\\x0asuch"]


def test_root_has_one_name() -> None:
    with Router() as router:
        assert router.myself.name == router.name_of(0) == "the controller"
