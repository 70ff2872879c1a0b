"""How results look: for people, and in the stable shape of --json. Pure.

What comes from a host passes `visible` (text) or is escaped to ASCII (JSON) before it is shown.
"""

import base64
import json
import math
import pprint
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import timedelta

from remotesvc.core.visible import visible

from .outcome import Item, Outcome
from .shorten import shorten

__all__ = ["Shown", "json_line", "plain", "show_value", "text_of"]

WIDTH = 99

# Python refuses to write more than 4,300 digits: one such number of one host may not end the
# reports on all others.
LONGEST_INT_BITS = 14_000


@dataclass(frozen=True)
class Shown:
    """A result for people: what goes to stdout, and what is to be said about it, if anything."""

    text: str | None
    note: str | None = None


def show_value(value: object) -> Shown:
    """Return how a result looks that is nothing special."""
    shown, is_cut = shorten(value)
    note = "the result is too long to be shown; --json has all of it" if is_cut else None
    return Shown(text_of(shown), note)


def text_of(value: object) -> str | None:
    """Return a result as text of one or more lines; None for None, which shows nothing."""
    if value is None:
        return None
    if isinstance(value, str):
        # str(): a Secret shows its mask, its methods would show the text.
        return visible(str(value).removesuffix("\n"), is_one_line=False)
    try:
        text = pprint.pformat(value, width=WIDTH, sort_dicts=False)
    except ValueError:  # a number with too many digits
        text = pprint.pformat(plain(value), width=WIDTH, sort_dicts=False)
    return visible(text, is_one_line=False)


def json_line(event: Outcome | Item) -> str:
    """Return the one line of JSON, ASCII only, for an event; docs/cli.md has the schema."""
    record = _of_item(event) if isinstance(event, Item) else _of_outcome(event)
    # DEL is ASCII, and a control character.
    return json.dumps(record, allow_nan=False).replace("\x7f", "\\u007f")


def _of_item(item: Item) -> dict[str, object]:
    return {"host": item.host, "index": item.index, "item": plain(item.value)}


def _of_outcome(outcome: Outcome) -> dict[str, object]:
    problem = outcome.problem
    return {
        "host": outcome.host,
        "outcome": outcome.kind.label,
        "exit_code": int(outcome.kind.exit_code),
        "elapsed": round(outcome.elapsed, 3),
        "result": plain(outcome.value),
        "error": None
        if problem is None
        else {
            "type": problem.type_name,
            "message": problem.message,
            "traceback": problem.traceback,
            "phase": problem.phase,
        },
    }


def plain(value: object) -> object:
    """Return a value as JSON has it.

    Tuples and sets become arrays, bytes {"base64": text}, numbers that JSON lacks and complex
    ones their text, an integer of more than 4,200 digits its hexadecimal text, a timedelta its
    seconds, dates, paths, UUIDs and decimals their text; a key that is no text becomes its repr().
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value.bit_length() <= LONGEST_INT_BITS else hex(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes | bytearray):
        return {"base64": base64.b64encode(value).decode("ascii")}
    if isinstance(value, Mapping):
        return {
            str(key) if isinstance(key, str) else _repr(key): plain(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | Set):
        return [plain(item) for item in value]
    if isinstance(value, timedelta):
        return value.total_seconds()
    isoformat = getattr(value, "isoformat", None)
    return isoformat() if callable(isoformat) else str(value)


def _repr(value: object) -> str:
    try:
        return repr(value)
    except ValueError:  # a number with too many digits
        return repr(plain(value))
