"""What the tests of channels and of Senders handed on call over there. Python 3.6, light."""

import remotesvc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "add_up",
    "echo",
    "fail",
    "fill",
    "give",
    "make",
    "merge",
    "open_receiver",
    "read_all",
    "send_and_keep",
    "send_numbers",
]

# What outlives the call that made it.
KEPT = []  # type: list[Any]


def echo(channel: "Any") -> "None":
    """Send back what comes, until the other end has no more."""
    with channel:
        for value in channel:
            channel.send(value)


def add_up(channel: "Any") -> "None":
    """Send the sum of what comes."""
    with channel:
        channel.send(sum(channel))


def send_numbers(sender: "Any", count: "int") -> "None":
    """Send so many numbers, and close; by a Sender or a Channel."""
    with sender:
        for number in range(count):
            sender.send(number)


def fail(channel: "Any") -> "None":
    """Fail in the middle."""
    with channel:
        channel.send("first")
        raise LookupError("no more")


def make(sender: "Any") -> "None":
    """Make a channel here, give the other end away, and send back what comes by it."""
    with remotesvc.Channel(remotesvc.current_router()) as channel:
        sender.send(channel)
        for value in channel:
            channel.send(value * 2)


def merge(channels: "list[Any]", count: "int") -> "list[Any]":
    """Return the first values that come by any of several channels, sorted."""
    with remotesvc.Select(channels) as select:
        return sorted(select.get(30).value for _ in range(count))


def open_receiver() -> "Any":
    """Return the sender of a receiver that stays open here."""
    KEPT.append(remotesvc.Receiver(remotesvc.current_router()))
    return KEPT[-1].sender


def read_all() -> "list[Any]":
    """Return all that comes to the receiver of open_receiver(), and how it ends."""
    got = []
    with KEPT.pop() as receiver:
        try:
            for value in receiver:
                got.append(value)
        except remotesvc.Error as error:
            got.append("%s: %s" % (type(error).__name__, error))
    return got


def send_and_keep(sender: "Any", value: "Any") -> "None":
    """Send a value, and keep the sender open."""
    KEPT.append(sender)
    sender.send(value)


def fill(sender: "Any") -> "str":
    """Send until that fails; return how."""
    try:
        while True:
            sender.send("x" * 5000)
    except remotesvc.Error as error:
        return "%s: %s" % (type(error).__name__, error)


def give(sender: "Any", other: "Any") -> "None":
    """Send a Sender through another one."""
    with sender:
        sender.send(other)
