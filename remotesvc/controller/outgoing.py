"""Outgoing: a call on its way down, named if it has a name, with the modules that it needs.

Order matters: modules are sent before the call that needs them, on the same link, so they are
there when it runs. Plain values wherever possible; the pickle is the exception.
"""

from collections.abc import Callable, Sequence
from types import BuiltinFunctionType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.errors import RefusedError, ValueNotSupported
from ..core.values import encode
from ..core.wire import PICKLE, PLAIN
from .modules.bundles import OPTION_MODULES, SERVICE_MODULES
from .modules.main_module import Refused, TrueName, bound_names
from .modules.responder import Responder
from .modules.shipment import Shipment
from .modules.target import Target, leads_to, name_of

if TYPE_CHECKING:
    from ..core.context import Context
    from ..core.switch import Switch
    from ..service.verbs import MethodName
    from .modules.grants import ModulePolicy
    from .workers import Workers

__all__ = ["Outgoing"]

# The names of so many callables are remembered, of the kinds that are hashed by identity.
KNOWN_LIMIT = 1024
KNOWN_KINDS = frozenset((BuiltinFunctionType, FunctionType, type))

# Lists, not tuples: they are MessagePack arrays, at a third of the cost.
FOUR_FIELDS, FIVE_FIELDS = b"\x94", b"\x95"
NO_ARGS, NO_KWARGS = b"\x90", b"\x80"


class _Named(NamedTuple):
    """How a callable is named over there, and that as the beginning of a payload."""

    target: Target
    head: bytes
    # The whole payload of a call without arguments and options.
    bare: bytes


class Outgoing:
    """Encodes calls and pushes what they import."""

    def __init__(
        self,
        switch: "Switch",
        policy: "ModulePolicy | None",
        workers: "Workers",
        name_of: Callable[[int], str],
        call_later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        self._switch = switch
        self._shipment = Shipment(switch, policy)
        self.responder = Responder(switch, self._shipment, workers, name_of, call_later)
        self._known: dict[Any, _Named] = {}

    def encode_call(
        self,
        context: "Context",
        fn: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        options: dict[str, Any],
    ) -> tuple[int, bytes]:
        """Return (encoding, payload) of a call, having sent ahead what it imports.

        `fn` is a callable, or a Target for one that can only be imported over there. `options`
        is what the call tells the child beside itself.
        """
        if options:
            self._shipment.push_installed(context.id, OPTION_MODULES)
        named = self._name(fn)
        if named is None:
            return self._pickle(context, fn, args, kwargs, options)
        try:
            payload = named.bare
            if args or kwargs or options:
                payload = _encode_plainly(named.head, args, kwargs, options)
        except ValueNotSupported as error:
            refusal = ValueNotSupported(f"{named.target.qualname}: {error}")
            return self._pickle_arguments(context, fn, args, kwargs, options, refusal)
        self._shipment.push(context.id, named.target.module)
        return PLAIN, payload

    def encode_service(
        self, context: "Context", fn: "MethodName", kwargs: dict[str, Any]
    ) -> bytes:
        """Return the encoded arguments of a call of a service, having sent ahead what it imports.

        Only to a child of ours: elsewhere the service is there, or is not ours to bring.
        """
        arguments = encode(kwargs, "kwargs") if kwargs else NO_KWARGS
        if context.id in self._switch.routes:
            self._shipment.push_installed(context.id, SERVICE_MODULES)
            module = self._service_module(fn)
            if module:
                self._shipment.push(context.id, module)
        return arguments

    def _service_module(self, fn: "MethodName") -> str:
        """Return the module that a service comes from, "" when its name tells of none."""
        if fn.cls is None:
            # What is nowhere here is looked for over there, which need not ask for it.
            return self._shipment.module_of(fn.service) or fn.service.rpartition(".")[0]
        named = self._name(fn.cls)
        if named is None and fn.service == f"{fn.cls.__module__}.{fn.cls.__qualname__}":
            raise ValueNotSupported(
                f"service {fn.service}: no name leads to it over there; define the class at the "
                f"top of a module that can be imported"
            )
        return "" if named is None else named.target.module

    def push(self, context_id: int, names: Sequence[str]) -> None:
        """Send parts of remotesvc ahead that a call needs, and that the child would ask for."""
        if context_id in self._switch.routes:  # this very program has them
            self._shipment.push_installed(context_id, names)

    def push_connector(self, context_id: int, connector: str) -> None:
        """Send ahead what a context needs to open another one."""
        self._shipment.push_connector(context_id, connector)

    def lose(self, ids: set[int], error: Exception) -> None:
        """Forget what lost contexts had (observer of the switch)."""
        self._shipment.forget(ids)
        self.responder.forget(ids)

    def _name(self, fn: Any) -> _Named | None:
        """Name a callable; None for what has no name and can only be pickled."""
        is_kept = type(fn) in KNOWN_KINDS
        known = self._known.get(fn) if is_kept else None
        if known is not None and leads_to(known.target, fn):
            return known
        target = fn if isinstance(fn, Target) else name_of(fn)
        if target is not None and target.module == "__main__":
            target = self._main_target(target)
        if target is None:
            return None
        head = encode(target.module) + encode(target.qualname)
        named = _Named(target, head, _encode_plainly(head, (), {}, {}))
        if is_kept and len(self._known) < KNOWN_LIMIT:
            self._known[fn] = named
        return named

    def _main_target(self, target: Target) -> Target | None:
        """Return how a function of the main program is named over there; None: it is pickled."""
        main = self._shipment.main()
        if isinstance(main, TrueName):
            return Target(main.name, target.qualname)
        if isinstance(main, Refused):
            if main.has_file:
                raise RefusedError(f"{target.qualname} cannot be sent: {main.reason}")
            return None
        if target.qualname.partition(".")[0] not in bound_names(main.source):
            return None  # made under the guard, so it is not in what travels
        return target

    def _pickle_arguments(
        self,
        context: "Context",
        fn: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        options: dict[str, Any],
        refusal: ValueNotSupported,
    ) -> tuple[int, bytes]:
        if isinstance(fn, Target):
            raise refusal from None
        try:
            return self._pickle(context, fn, args, kwargs, options)
        except ValueNotSupported as error:
            reason = str(error.__cause__) or type(error.__cause__).__name__
            if str(refusal).endswith(": " + reason):
                raise refusal from None  # what travels in no way gives its reason both times
            raise ValueNotSupported(f"{refusal}; nor can it be pickled: {reason}") from error

    def _pickle(
        self,
        context: "Context",
        fn: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        options: dict[str, Any],
    ) -> tuple[int, bytes]:
        payload, modules = self._dump(fn, args, kwargs)
        for name in sorted(modules - {"__main__", "builtins"}):
            self._shipment.push(context.id, name)
        self._shipment.push_installed(context.id, self._cloudpickle_modules())
        if options:
            # Plain around the pickle: options count even when it cannot be loaded over there.
            fields = ["remotesvc.core.pickled", "run", [payload], {}, options]
            return PLAIN, encode(fields, "call")
        return PICKLE, payload

    def _dump(
        self, fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[bytes, set[str]]:
        from .pickling import dump  # cloudpickle costs 20 ms of import, and is the exception

        return dump(fn, args, kwargs)

    def _cloudpickle_modules(self) -> tuple[str, ...]:
        from .pickling import CLOUDPICKLE_MODULES

        return CLOUDPICKLE_MODULES


def _encode_plainly(
    head: bytes, args: tuple[Any, ...], kwargs: dict[str, Any], options: dict[str, Any]
) -> bytes:
    """Return the payload of a call whose first two fields are encoded already."""
    parts = [
        FIVE_FIELDS if options else FOUR_FIELDS,
        head,
        encode(list(args), "args", 1) if args else NO_ARGS,
        encode(kwargs, "kwargs", 1) if kwargs else NO_KWARGS,
    ]
    if options:
        parts.append(encode(options, "options", 1))
    return b"".join(parts)
