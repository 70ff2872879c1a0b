"""What the tests of streams have called over there. Python 3.6, and light imports only."""

import threading

import remotesvc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "count_streams",
    "echo",
    "fail_in_the_middle",
    "give_back",
    "open_receiver",
    "read_all",
    "read_ready",
    "send_all",
    "send_for_ever",
    "send_from_threads",
    "send_later",
    "send_numbers",
]

# Receivers and threads that outlive the call that made them.
KEPT: "list[Any]" = []


def send_numbers(sender: "Any", count: "int") -> "int":
    """Send so many numbers, and close."""
    with sender:
        for number in range(count):
            sender.send(number)
    return count


def send_all(sender: "Any", values: "list[Any]") -> "None":
    """Send values, and leave the sender open."""
    for value in values:
        sender.send(value)


def send_for_ever(sender: "Any") -> "None":
    """Send numbers until somebody ends it."""
    number = 0
    while True:
        sender.send(number)
        number += 1


def send_later(sender: "Any", gate: "str", count: "int") -> "None":
    """Send from a thread, once the pipe at `gate` was written and closed."""

    def run() -> "None":
        with open(gate) as pipe:
            pipe.read()
        send_numbers(sender, count)

    KEPT.append(threading.Thread(target=run, daemon=True))
    KEPT[-1].start()


def send_from_threads(sender: "Any", threads: "int", count: "int", size: "int") -> "None":
    """Send (thread, number, padding) from several threads that share the sender."""

    def run(thread: "int") -> "None":
        for number in range(count):
            sender.send((thread, number, bytes(size)))

    with sender:
        running = [threading.Thread(target=run, args=(n,)) for n in range(threads)]
        for one in running:
            one.start()
        for one in running:
            one.join()


def fail_in_the_middle(sender: "Any") -> "None":
    """Send one value, then raise."""
    with sender:
        sender.send("first")
        raise LookupError("no more \x1b[31m")


def give_back(value: "Any") -> "Any":
    """Return what came."""
    return value


def open_receiver() -> "Any":
    """Return the sender of a receiver that stays open here."""
    KEPT.append(remotesvc.Receiver(remotesvc.current_router()))
    return KEPT[-1].sender


def read_all() -> "list[Any]":
    """Return all that comes to the receiver of open_receiver(), until the stream ends."""
    with KEPT.pop() as receiver:
        return list(receiver)


def read_ready() -> "list[Any]":
    """Return what has come to the receiver of open_receiver(), without waiting for more."""
    got = []
    with KEPT.pop() as receiver:
        try:
            while True:
                got.append(receiver.get(0))
        except remotesvc.CallTimeout:
            return got


def echo(sender: "Any") -> "None":
    """Give a sender of one's own, through the other one, and send back what comes."""
    with remotesvc.Receiver(remotesvc.current_router()) as receiver:
        sender.send(receiver.sender)
        with sender:
            for value in receiver:
                sender.send(value)


def count_streams() -> "tuple[int, int]":
    """Return how many writing and reading ends there are in this process."""
    streams = remotesvc.current_router().streams
    return (len(streams._outlets), len(streams._inboxes))
