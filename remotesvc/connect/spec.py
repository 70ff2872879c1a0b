"""Spec: a chain of contexts as one text, such as "bastion/sudo:root/podman:web". Pure.

Each part is a host that ssh knows, or a kind of context, a colon and what its method takes:
`ssh:admin@web1:2222`, `sudo`, `sudo:postgres`, `podman:web`, `local`. A slash inside square
brackets separates nothing: `chroot:[/srv/old]`.
"""

from ..core.errors import ConnectError
from .connectors import CONNECTORS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List

__all__ = ["Part", "parse_spec"]

# Kinds that are complete without a colon.
ALONE = ("doas", "local", "su", "sudo")

# Kinds that no text is long enough for, or that are another one's second name.
NEVER = {
    "attach": "is no place to go through",
    "exec": "takes a list of words",
    "openssh": "is the ssh of every part but the first",
}


class Part:
    """One context of a chain: its kind, and its target, "" for the one that is meant without."""

    __slots__ = ("kind", "target", "text")

    def __init__(self, kind: "str", target: "str", text: "str") -> "None":
        self.kind = kind
        self.target = target
        self.text = text

    @property
    def where(self) -> "str":
        """What the context is called that its method opens."""
        if self.kind in ("local", "ssh"):
            return self.target or self.kind
        return "%s:%s" % (self.kind, self.target or "root")

    def __eq__(self, other: "object") -> "bool":
        if not isinstance(other, Part):
            return NotImplemented
        return (self.kind, self.target) == (other.kind, other.target)

    def __repr__(self) -> "str":
        return "Part(%r, %r)" % (self.kind, self.target)


def parse_spec(spec: "str") -> "List[Part]":
    """Return the parts of a chain; ConnectError (phase resolve) for a text that is none."""
    texts = _split(spec)
    if not all(texts):
        raise ConnectError("%r: a part of this chain is empty" % spec, "resolve")
    return [_parse(text, spec) for text in texts]


def _parse(text: "str", spec: "str") -> "Part":
    kind, colon, target = text.partition(":")
    if kind in NEVER:
        raise ConnectError("%r: %s %s: use its method" % (spec, kind, NEVER[kind]), "resolve")
    if not colon and kind in ALONE:
        return Part(kind, "", text)
    if colon and kind in CONNECTORS:
        target = _unbracket(target)
        if not target or (kind == "local" and target):
            way = "%s:..." % kind if kind != "local" else "local"
            raise ConnectError("%r: write %s in the place of %r" % (spec, way, text), "resolve")
        return Part(kind, target, text)
    if kind in CONNECTORS and kind != "ssh":
        raise ConnectError("%r: %s needs to know which: %s:NAME" % (spec, kind, kind), "resolve")
    return Part("ssh", text, text)  # a host, maybe with user and port


def _unbracket(target: "str") -> "str":
    is_path = target.startswith("[/") and target.endswith("]")
    return target[1:-1] if is_path else target


def _split(spec: "str") -> "List[str]":
    """Return what stands between slashes that are in no brackets."""
    parts, depth = [""], 0
    for letter in spec:
        depth += {"[": 1, "]": -1}.get(letter, 0)
        if letter == "/" and depth <= 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
