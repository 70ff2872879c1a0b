"""The text that says why a value cannot travel: the path to the offender and the way out.

A child fetches this module when it first has such a value, so the words cost no bootstrap.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List

    from .budget import Unfit

__all__ = ["describe"]

# A path shows this many steps: a value that contains itself has endless ones.
SHOWN_STEPS = 8


def describe(name: "str", value: "Any", unfit: "Unfit") -> "str":
    """Return the text for `unfit`, which was raised somewhere in `value`, called `name`."""
    reason = unfit.args[0]
    if isinstance(reason, type):
        reason = "%s.%s cannot travel; %s" % (
            reason.__module__,
            reason.__qualname__,
            _suggest(reason),
        )
    # The outermost step is the one into the value itself.
    return "%s: %s" % (_describe_path(name, value, unfit.steps[-2::-1]), reason)


def _suggest(kind: "type") -> "str":
    if hasattr(kind, "__dataclass_fields__"):
        return "return dataclasses.asdict(x)"
    if kind.__name__ == "coroutine":
        return "call a plain function that returns asyncio.run(...)"
    if kind.__module__ == "builtins" and hasattr(kind, "__iter__"):
        return "return list(x)"  # a generator, a map, the keys of a dict
    return "make it plain: numbers, text, bytes, lists, dicts, dates, paths"


def _describe_path(path: "str", value: "Any", steps: "List[int]") -> "str":
    try:
        for step in steps[:SHOWN_STEPS]:
            if isinstance(value, dict):
                key, item = list(value.items())[step // 2]
                path += ("[%s]" if step % 2 else " key %s") % repr(key)[:40]
                value = item if step % 2 else key
            elif isinstance(value, (set, frozenset)):
                value = list(value)[step]
                path += " member"
            else:
                value = value[step]
                path += "[%d]" % step
    except Exception:  # noqa: BLE001 - it changed meanwhile or has a bad repr(): half a path will do
        return path
    return path + "..." * (len(steps) > SHOWN_STEPS)
