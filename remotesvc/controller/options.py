"""What a Router, `local()` and `ssh()` may be told: a table of options, and its check. Pure.

A wrong option is told where it was given. Most are read much later, or over there, where the error
would be about something else. What env holds is never quoted: it may be a password.
"""

import reprlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..core.context import Context
from .modules.grants import ModulePolicy

__all__ = ["LONGEST", "MESSAGE_SIZES", "Rule", "can_be_passed", "check_options"]

# Two weeks, in seconds. The timers of poll(2) end at 24 days, and a child sums several of these.
LONGEST = 14 * 24 * 60 * 60

# Chunks of prints, batches of log records and tracebacks are messages, too, most of them smaller
# than the first; the length of a message has 32 bits on the wire.
MESSAGE_SIZES = range(64 * 1024, 2**32)


@dataclass(frozen=True)
class Rule:
    """What one option takes: these types, as far as `is_fine`; `wanted` says it to the user."""

    wanted: str
    types: tuple[type, ...]
    is_fine: Callable[[Any], bool] = lambda value: True
    is_quoted: bool = True

    def check(self, name: str, value: object) -> None:
        """Raise TypeError or ValueError if this is not what is wanted; a bool is no number."""
        came = reprlib.repr(value) if self.is_quoted else f"a value of type {type(value).__name__}"
        text = f"{name}: wanted is {self.wanted}; got {came}"
        is_flag = isinstance(value, bool) and bool not in self.types
        if is_flag or not isinstance(value, self.types):
            raise TypeError(text)
        if not self.is_fine(value):
            raise ValueError(text)


def can_be_passed(text: str) -> bool:
    """Tell whether the system takes a text: no NUL, and no half of a character."""
    return "\0" not in text and not any(
        "\ud800" <= one <= "\udfff" and not "\udc80" <= one <= "\udcff" for one in text
    )


_SECONDS = Rule(
    "a number of seconds, more than 0 and at most two weeks",
    (int, float),
    lambda value: 0 < value <= LONGEST,
)
_NO_TYPE = type(None)

RULES = {
    "siblings": Rule("True or False", (bool,)),
    "max_message_size": Rule(
        "bytes as an int, from 65,536 on, as prints, logs and errors are messages too, to 2**32-1",
        (int,),
        lambda value: value in MESSAGE_SIZES,
    ),
    "modules": Rule("a remotesvc.ModulePolicy, or None", (ModulePolicy, _NO_TYPE)),
    "heartbeat": _SECONDS,
    "heartbeat_misses": Rule("an int of at least 1", (int,), lambda value: value >= 1),
    "grace": Rule(
        "a number of seconds, at least 0 and at most two weeks",
        (int, float),
        lambda value: 0 <= value <= LONGEST,
    ),
    "output": Rule(
        "something to call as output(name, stream, line), or None",
        (object,),
        lambda value: value is None or callable(value),
    ),
    "name": Rule("text that is not empty, or None", (str, _NO_TYPE), lambda value: value != ""),
    "connect_timeout": _SECONDS,
    "pool_size": Rule(
        "a number of threads, an int of at least 1, or None",
        (int, _NO_TYPE),
        lambda value: value is None or value >= 1,
    ),
    "results": Rule("'plain' or 'pickle'", (str,), lambda value: value in ("plain", "pickle")),
    "via": Rule("a context of this router, or None", (Context, _NO_TYPE)),
    "env": Rule("a dict of text to text, or None", (dict, _NO_TYPE), is_quoted=False),
    "cwd": Rule(
        "the path of a folder over there, as text without NUL, or None",
        (str, _NO_TYPE),
        lambda value: value is None or (value != "" and can_be_passed(value)),
    ),
}

_VARIABLE = Rule(
    "text that is not empty, with no '=' and no NUL",
    (str,),
    lambda value: value != "" and "=" not in value and can_be_passed(value),
)
_CONTENT = Rule("text that the system takes, without NUL", (str,), can_be_passed, is_quoted=False)


def check_options(**given: Any) -> None:
    """Raise TypeError or ValueError for the first option that is not what RULES want.

    The error names the option, what came and what is wanted.
    """
    for name, value in given.items():
        RULES[name].check(name, value)
    for variable, content in (given.get("env") or {}).items():
        _VARIABLE.check("a name in env", variable)
        _CONTENT.check(f"env[{variable!r}]", content)
    silence = given.get("heartbeat", 0) * given.get("heartbeat_misses", 0)
    if silence > LONGEST:
        text = "a link may be silent for heartbeat * heartbeat_misses seconds, at most two weeks"
        raise ValueError(f"heartbeat_misses: {text}; got {silence:g}")
