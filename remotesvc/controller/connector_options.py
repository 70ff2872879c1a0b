"""What a connector may be told: the options of its `connect`, each with its rule. Pure.

They are checked here, where they are given, though the connector may run elsewhere.
"""

import inspect
import os
from collections.abc import Callable
from typing import Any

from ..connect.sshwords import POLICIES
from .options import Rule, can_be_passed

__all__ = ["check_connector_options"]

# What the router itself gives to every connector.
GIVEN = ("router", "context_id", "attempt")

_NO_TYPE = type(None)


def _is_word(text: str) -> bool:
    return text != "" and not text.startswith("-") and can_be_passed(text)


def _is_named(value: Any) -> bool:
    """Tell whether the members of a list, if it is one, are texts."""
    return not isinstance(value, list | tuple) or all(isinstance(one, str) for one in value)


_NAME = Rule("a name, as text that does not begin with '-'", (str,), _is_word)
_NAME_OR_NONE = Rule(
    "a name, as text that does not begin with '-', or None",
    (str, _NO_TYPE),
    lambda value: value is None or _is_word(value),
)
_SECRET = Rule(
    "text of one line, or None",
    (str, _NO_TYPE),
    lambda value: value is None or not set("\n\r\0") & set(value),
    is_quoted=False,
)
_NUMBER = Rule(
    "the number of a user, or None", (int, _NO_TYPE), lambda value: value is None or value >= 0
)
_FOLDER = Rule(
    "the absolute path of a folder over there, or None",
    (str, _NO_TYPE),
    lambda value: value is None or (value.startswith("/") and can_be_passed(value)),
)
_WORDS = Rule(
    "a list of words, each a text",
    (list, tuple),
    lambda value: all(isinstance(word, str) and can_be_passed(word) for word in value),
    is_quoted=False,
)

_NUMBER_OF_SECONDS = Rule(
    "a whole number of seconds, 0 for never, or None",
    (int, _NO_TYPE),
    lambda value: value is None or value >= 0,
)
_FLAG = Rule("True, False or None", (bool, _NO_TYPE))
_PATH_TYPES = (str, os.PathLike, _NO_TYPE)
_PATHS = Rule(
    "a path, a list of paths, or None",
    (*_PATH_TYPES, list, tuple),
    lambda value: (
        not isinstance(value, list | tuple)
        or all(isinstance(path, str | os.PathLike) for path in value)
    ),
)

RULES = {
    "address": _NAME,
    "args": _WORDS,
    "cluster": _NAME_OR_NONE,
    "compression": _FLAG,
    "config_file": Rule("a path, or None", _PATH_TYPES),
    "container": _NAME_OR_NONE,
    "host": _NAME,
    "host_key_policy": Rule(
        f"one of {', '.join(POLICIES)}, or None",
        (str, _NO_TYPE),
        lambda value: value is None or value in POLICIES,
    ),
    "identity_file": _PATHS,
    "instance": _NAME,
    "jump": Rule(
        "hosts, as text with commas or as a list, or None", (str, list, tuple, _NO_TYPE), _is_named
    ),
    "keepalive": _NUMBER_OF_SECONDS,
    "known_hosts": _PATHS,
    "machine": _NAME,
    "namespace": _NAME_OR_NONE,
    "passphrase": _SECRET,
    "password": _SECRET,
    "pod": _NAME,
    "port": Rule(
        "a number from 1 to 65535, or None",
        (int, _NO_TYPE),
        lambda value: value is None or 0 < value < 65536,
    ),
    "program": _NAME_OR_NONE,
    "prompts": Rule(
        "something to call as prompts(title, instructions, [(question, is_echoed)]), or None",
        (object,),
        lambda value: value is None or callable(value),
    ),
    "python_path": Rule(
        "the name or path of a Python, a list of them, or None",
        (str, list, tuple, _NO_TYPE),
        lambda value: value is None or (len(value) > 0 and _is_named(value)),
    ),
    "retries": Rule("a whole number of further tries", (int,), lambda value: value >= 0),
    "root": Rule("the path of a folder", (str, os.PathLike), lambda value: str(value) != ""),
    "share": Rule("True or False", (bool,)),
    "template": Rule(
        "a list of words, the program first", (list, tuple), lambda value: len(value) > 0
    ),
    "tty": _FLAG,
    "user": _NAME_OR_NONE,
    "username": _NAME_OR_NONE,
    "workdir": _FOLDER,
}

# Where an option means something else.
OF_KIND = {
    ("lxc", "user"): _NUMBER,
    ("nspawn", "user"): _NUMBER,
    ("ssh", "passphrase"): Rule(
        "text of one line, something to call with the path of a key, or None",
        (object,),
        lambda value: callable(value) or value is None or isinstance(value, str),
        is_quoted=False,
    ),
}


def check_connector_options(kind: str, connect: Callable[..., Any], opts: dict[str, Any]) -> None:
    """Raise TypeError or ValueError for the first option that `connect` does not take so."""
    parameters = inspect.signature(connect).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return  # it checks them by itself
    names = [parameter.name for parameter in parameters if parameter.name not in GIVEN]
    for name, value in opts.items():
        if name not in names:
            raise TypeError(f"{kind}() has no option {name!r}; it has {', '.join(names)}")
        rule = OF_KIND.get((kind, name)) or RULES.get(name)
        if rule is not None:
            rule.check(name, value)
