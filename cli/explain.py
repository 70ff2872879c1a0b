"""Tells what an exception means to whoever typed the command: its kind, its line, its traceback.

The table of kinds stands here. No traceback of ours is ever part of it: a user's mistake and an
unreachable host are told in words.
"""

import re
import traceback
from dataclasses import dataclass

from remotesvc.core.errors import (
    CallTimeout,
    ConnectError,
    DisconnectedError,
    Error,
    HostKeyError,
    ProtocolError,
    RefusedError,
    RemoteError,
)
from remotesvc.core.visible import visible

from .outcome import Kind, Problem

__all__ = ["PLEA", "Call", "Subject", "explain"]

# The first class that fits decides.
KINDS: tuple[tuple[type[Exception], Kind], ...] = (
    (ConnectError, Kind.UNREACHABLE),
    (CallTimeout, Kind.TIMED_OUT),
    (DisconnectedError, Kind.LOST),
    (ProtocolError, Kind.LOST),
    (Error, Kind.FAILED),
    (Exception, Kind.INTERNAL),
)

# What looking a function up and calling it raise, before it runs.
LOOKUP_ERRORS = frozenset({"AttributeError", "ImportError", "ModuleNotFoundError", "TypeError"})

# The same for services; a method that runs has lines of its own in the traceback.
SERVICE_LOOKUP_ERRORS = LOOKUP_ERRORS | {"LookupError"}

# What a service says of a method that it does not have, and of none that it has.
NOT_EXPOSED = " exposes no method "

# What follows an error that should not have happened.
PLEA = "please report this, with what REMOTESVC_DEBUG=1 in the environment adds to it"

# The library's words for what has another name on the command line.
OPTIONS = {
    "-i (identity_file=)": "-i",
    "identity_file=": "-i",
    "or password= in a program": "or a password with -k",
    "password= or prompts=": "or a password with -k",
    "give prompts= to answer that": "only at a terminal can that be answered",
    "give tty=True": "-K opens one",
    "config_file=": "-F",
    "connect_timeout": "--connect-timeout",
    ", or name it with program=": "",
    "passphrase=, or add it": "it",
    "python_path": "--python",
}


# A login asks for the password of somebody somewhere; sudo and its like ask here.
OF_SSH = re.compile(r"(password of \S+@\S+: give) password=")


@dataclass(frozen=True)
class Subject:
    """What is called, as its user names it.

    `hint` is for when the host does not have it: "" or a text that begins with "; ".
    """

    name: str
    hint: str = ""
    is_service: bool = False


@dataclass(frozen=True)
class Call:
    """Whose exception it is: what was called, where, and the caller's patience.

    With `is_stream` it had begun to yield. With `is_debug` an error of ours keeps its traceback.
    """

    subject: Subject
    host: str
    timeout: float | None = None
    is_stream: bool = False
    is_debug: bool = False


def explain(error: Exception, call: Call) -> tuple[Kind, Problem]:
    """Return the kind of an exception and what is to be said about it."""
    if isinstance(error, RemoteError):
        return _explain_remote(error, call)
    kind = _kind_of(error)
    name, message = type(error).__name__, str(error)
    text = visible(_without_prefix(message, call.host), not isinstance(error, HostKeyError))
    if isinstance(error, ConnectError):
        return kind, Problem(_connect_text(text, error.phase), name, message, None, error.phase)
    if isinstance(error, CallTimeout):
        done = "yielded nothing for" if call.is_stream else "did not return within"
        text = f"{call.subject.name} {done} {call.timeout:g} s (--timeout)"
    if kind is not Kind.INTERNAL:
        return kind, Problem(text, name, message)
    trace = "".join(traceback.format_exception(error)) if call.is_debug else None
    return kind, Problem(f"{name}: {text}; {PLEA}", name, message, trace)


def _kind_of(error: Exception) -> Kind:
    if isinstance(error, RefusedError) and NOT_EXPOSED in str(error):
        return Kind.MISUSED
    return next(kind for base, kind in KINDS if isinstance(error, base))


def _explain_remote(error: RemoteError, call: Call) -> tuple[Kind, Problem]:
    line = visible(str(error))
    has_frames = any(text.startswith("  File ") for text in error.traceback.splitlines())
    if has_frames:
        problem = Problem(line, error.type_name, error.message, error.traceback)
        return Kind.RAISED, problem
    known = SERVICE_LOOKUP_ERRORS if call.subject.is_service else LOOKUP_ERRORS
    if error.type_name not in known:
        return Kind.RAISED, Problem(line, error.type_name, error.message)
    text = _lookup_text(line, error, call)
    return Kind.MISUSED, Problem(text, error.type_name, error.message)


def _lookup_text(line: str, error: RemoteError, call: Call) -> str:
    """Return the line for a function that is not there, or that does not take the arguments."""
    if call.subject.is_service and error.type_name in ("LookupError", "TypeError"):
        return f"{visible(error.message)}{call.subject.hint}"  # of ours, and says which service
    if error.type_name == "TypeError":
        return f"{call.subject.name} cannot be called like that: {visible(error.message)}"
    return f"{line}{call.subject.hint}"


def _without_prefix(message: str, host: str) -> str:
    """Take away the host's name: the report begins with it."""
    for name in (host, host.removeprefix("@")):  # the library has no @ before local
        message = message.removeprefix(f"{name}: ").removeprefix(f"{name} ")
    return message


def _connect_text(text: str, phase: str) -> str:
    for ours, option in OPTIONS.items():
        text = text.replace(ours, option)
    text = OF_SSH.sub(r"\1 -k", text).replace("give password=", "give -K")
    if "phase:" in text:
        return text
    first, newline, rest = text.partition("\n")
    return f"{first} (phase: {phase}){newline}{rest}"
