"""How contexts are drawn as a tree, for people. Pure.

What a context says of itself is made visible where it is shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from remotesvc.core.visible import visible

__all__ = ["draw_tree"]

UNITS = ("B", "kB", "MB", "GB", "TB")

MINUTE, HOUR = 60, 3600


def draw_tree(root: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> str:
    """Return the lines of a tree; a node that is given twice counts once, as it was last."""
    by_id = {node["id"]: node for node in nodes}
    return "\n".join([_line(root), *_branches(root["id"], by_id)])


def _branches(parent: int, by_id: Mapping[int, Mapping[str, Any]]) -> Iterator[str]:
    children = [by_id[key] for key in sorted(by_id) if by_id[key]["parent"] == parent]
    for node in children:
        is_last = node is children[-1]
        yield f"{'└─' if is_last else '├─'} {_line(node)}"
        for line in _branches(node["id"], by_id):
            yield f"{'  ' if is_last else '│ '} {line}"


def _line(node: Mapping[str, Any]) -> str:
    facts = [
        node["connector"],
        node["user"],
        f"Python {node['python']}" if node["python"] else "",
        f"pid {node['pid']}" if node["pid"] is not None else "",
        _duration(node["age"]) if node["age"] is not None else "",
    ]
    if node["sent"] is not None:
        facts.append(f"{_size(node['sent'])} sent, {_size(node['received'])} received")
    return visible(f"{node['name']}: {', '.join(fact for fact in facts if fact)}")


def _duration(seconds: float) -> str:
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    minutes = int(seconds) // MINUTE
    return f"{minutes} min" if seconds < HOUR else f"{minutes // MINUTE} h {minutes % MINUTE} min"


def _size(count: float) -> str:
    for unit in UNITS:
        if count < 1000 or unit == UNITS[-1]:
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
