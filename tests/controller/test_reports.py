"""What the log says of a peer that breaks a rule: its name, and no numbers of the wire."""

import pytest

from remotesvc import Router
from remotesvc.core.wire import PLAIN, Message


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
