"""What the tests of streams share: a router without threads, and a child that speaks by hand."""

from typing import Any, cast

from remotesvc.channel.channel import Channel
from remotesvc.channel.frames import VALUE, cut
from remotesvc.channel.receiver import Receiver
from remotesvc.channel.sender import Sender, open_sender
from remotesvc.channel.streams import Streams
from remotesvc.core.credit import GRANT
from remotesvc.core.switch import Switch
from remotesvc.core.values import SENDER, decode, encode
from remotesvc.core.wire import DEAD, RAW, Message
from tests.core.ends import Clock, Neighbour, message

__all__ = ["CHILD", "CREDIT", "OTHER", "Station", "fields_of"]

CHILD, OTHER = 5, 6

# The handle of a child's writing end.
CREDIT = 4711


class Station:
    """The controller: its switch, two children, and what was reported.

    Time passes for its loop when the test says so (clock).
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.loop = cast(Any, self.clock)
        self.reports: list[str] = []
        self.switch = Switch(0, (), 1 << 27, False, self.reports.append)
        self.streams = Streams(self.switch, self.loop, self.name_of)
        self.child = Neighbour(self.switch, CHILD)
        self.other = Neighbour(self.switch, OTHER)

    def name_of(self, context_id: int) -> str:
        return {CHILD: "web1", OTHER: "web2"}.get(context_id, f"context {context_id}")

    def check_may_block(self) -> None:
        """Allow it: there is no I/O thread."""

    def decode(self, payload: bytes, src: int, auth: int) -> Any:
        def resolve(code: int, fields: tuple[Any, ...]) -> Sender | Channel:
            assert code == SENDER
            return open_sender(self, src, auth, fields)

        return decode(payload, resolve)

    # -- a child writes to a receiver of ours ----------------------------------------------------

    def frames(
        self, receiver: Receiver, value: Any, kind: int = VALUE, token: bytes | None = None
    ) -> list[bytes]:
        """Return the frames of a value; one that is bytes travels as it is."""
        data = value if isinstance(value, bytes) else encode(value)
        return list(cut(fields_of(receiver)[2] if token is None else token, kind, data))

    def write(
        self,
        receiver: Receiver,
        *values: Any,
        kind: int = VALUE,
        src: int = CHILD,
        token: bytes | None = None,
    ) -> None:
        """Have a child send values, as a Sender would."""
        for value in values:
            for frame in self.frames(receiver, value, kind, token):
                self.write_frame(receiver, frame, src=src)

    def write_frame(
        self, receiver: Receiver, frame: bytes, src: int = CHILD, encoding: int = RAW
    ) -> None:
        """Have a child send a frame, whatever it holds."""
        handle = fields_of(receiver)[1]
        child = self.child if src == CHILD else self.other
        child.say(
            message(frame, dst=0, src=src, handle=handle, reply_to=CREDIT, encoding=encoding)
        )

    def granted(self) -> int:
        """Return what the first child was granted since it was last asked."""
        return sum(
            GRANT.unpack(one.payload)[0]
            for one in self.child.hear()
            if one.handle == CREDIT and one.encoding == RAW
        )

    def refusals(self, src: int = CHILD) -> list[str]:
        """Return the texts of the dead replies that a child got since it was last asked."""
        child = self.child if src == CHILD else self.other
        return [decode(one.payload)[1] for one in child.hear() if one.encoding == DEAD]

    # -- we write to a receiver of the child's ---------------------------------------------------

    def lent_sender(self, window: int = 4096, handle: int = 300) -> Sender:
        """Return a Sender that came in a message of the first child."""
        sender = open_sender(self, CHILD, CHILD, (CHILD, handle, bytes(16), window))
        assert isinstance(sender, Sender)
        return sender

    def heard(self) -> list[Message]:
        """Return what came to the first child."""
        return self.child.hear()

    def answer(self, to: Message, payload: bytes, encoding: int = RAW, src: int = CHILD) -> None:
        """Have a child answer a frame."""
        child = self.child if src == CHILD else self.other
        child.say(message(payload, dst=0, src=src, handle=to.reply_to, encoding=encoding))


def fields_of(receiver: Receiver) -> tuple[int, int, bytes, int]:
    """Return context, handle, token and window."""
    fields: tuple[int, int, bytes, int] = receiver.sender.__wire__()[1]
    return fields
