"""Sending: what leaves a child for others: calls of services, and of functions in its children.

Functions travel by name only, and modules by request: a child of a child gets from here what this
one may have itself.
"""

import sys

from ..core.errors import RefusedError, ValueNotSupported
from ..core.values import encode
from ..core.wire import PLAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Sequence, Tuple

    from ..core.context import Context
    from ..core.hops import Hops

__all__ = ["Sending"]

# A child of ours starts its services only if it was sent this.
SERVICES = "remotesvc.core.services"


class Sending:
    """Encodes calls (types.Outgoing) in a child that has children."""

    def __init__(self, hops: "Hops") -> "None":
        self._hops = hops

    def encode_call(
        self,
        context: "Context",
        fn: "Any",
        args: "Tuple[Any, ...]",
        kwargs: "Dict[str, Any]",
        options: "Dict[str, Any]",
    ) -> "Tuple[int, bytes]":
        """Return (encoding, payload) of a call; the callee may ask for what it imports."""
        if context.id not in self._hops.child.switch.routes:
            raise RefusedError(
                "%s: functions may be called in one's own children only; what others may call is "
                "a service" % context.name
            )
        module, qualname = _name(fn)
        self._allow(context, module)
        fields: "List[Any]" = [module, qualname, list(args), kwargs]
        if options:
            fields.append(options)
        return PLAIN, encode(fields, "call")

    def encode_service(self, context: "Context", fn: "Any", kwargs: "Dict[str, Any]") -> "bytes":
        """Return the encoded arguments of a call of a service."""
        if context.id in self._hops.child.switch.routes:
            self._allow(context, fn.service)
            self._hops.child._finder.find_spec(SERVICES)
            self._hops.depot.push(context.id, [SERVICES])
        return encode(kwargs, "kwargs")

    def push(self, context_id: "int", names: "Sequence[str]") -> "None":
        """Send nothing ahead: who is called has it, or asks for it."""

    def _allow(self, context: "Context", name: "str") -> "None":
        self._hops.depot.allow(context.id, name.partition(".")[0])


def _name(fn: "Any") -> "Tuple[str, str]":
    """Return the names that lead to a callable; ValueNotSupported if none do."""
    module, qualname = getattr(fn, "__module__", None), getattr(fn, "__qualname__", "")
    found: "Any" = sys.modules.get(module or "builtins")
    for part in qualname.split("."):
        found = getattr(found, part, None)
    if found is None or found != fn or not qualname:
        raise ValueNotSupported(
            "%r cannot be sent from here: no name leads to it over there; from a child, functions "
            "travel by name, so define it at the top of a module" % (fn,)
        )
    return module or "builtins", qualname
