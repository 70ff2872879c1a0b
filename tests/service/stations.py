"""What the tests of services share: calls made by hand, and what was answered to them."""

from typing import Any

from remotesvc.core.values import encode
from remotesvc.core.wire import PLAIN, Message
from remotesvc.service.call import Call

__all__ = ["DEADLINE", "Answers", "make_call"]

DEADLINE = 30.0


class Answers:
    """Keeps what calls were answered."""

    def __init__(self) -> None:
        self.given: list[tuple[Call, int, bytes]] = []

    def __call__(self, call: Call, encoding: int, payload: bytes) -> None:
        """Take an answer."""
        self.given.append((call, encoding, payload))


def make_call(
    answers: Any = None,
    *,
    src: int = 7,
    reply_to: int = 300,
    is_commanded: bool = False,
    names: tuple[str, str] = ("app.Logs", "tail"),
    payload: bytes | None = None,
) -> Call:
    """Return a call of a child."""
    message = Message(0, src, src, 5, reply_to, PLAIN, b"")
    given = encode({}) if payload is None else payload
    return Call(message, names, given, is_commanded, answers or Answers())
