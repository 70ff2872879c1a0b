"""Outgoing: a call on its way down, named if it has a name, with the modules that it needs.

Order matters: modules are sent before the call that needs them, on the same link, so they are
there when it runs. Plain values wherever possible; the pickle is the exception.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..core.errors import RefusedError, ValueNotSupported
from ..core.values import encode
from ..core.wire import PICKLE, PLAIN
from .modules.main_module import Refused, TrueName, bound_names
from .modules.responder import Responder
from .modules.shipment import Shipment
from .modules.target import Target, name_of

if TYPE_CHECKING:
    from ..core.context import Context
    from ..core.switch import Switch
    from .modules.grants import ModulePolicy
    from .workers import Workers

__all__ = ["Outgoing"]


class Outgoing:
    """Encodes calls and pushes what they import."""

    def __init__(
        self,
        switch: "Switch",
        policy: "ModulePolicy | None",
        workers: "Workers",
        name_of: Callable[[int], str],
    ) -> None:
        self._shipment = Shipment(switch, policy)
        self.responder = Responder(switch, self._shipment, workers, name_of)

    def encode_call(
        self, context: "Context", fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[int, bytes]:
        """Return (encoding, payload) of a call, having sent ahead what it imports.

        `fn` is a callable, or a Target for one that can only be imported over there.
        """
        target = fn if isinstance(fn, Target) else name_of(fn)
        if target is not None and target.module == "__main__":
            target = self._main_target(target)
        if target is None:
            return self._pickle(context, fn, args, kwargs)
        try:
            # Lists, not tuples: they are MessagePack arrays, at a third of the cost.
            payload = encode([target.module, target.qualname, list(args), kwargs], "call")
        except ValueNotSupported as error:
            refusal = ValueNotSupported(_name_arguments(str(error), target))
            return self._pickle_arguments(context, fn, args, kwargs, refusal)
        self._shipment.push(context.id, target.module)
        return PLAIN, payload

    def lose(self, ids: set[int], error: Exception) -> None:
        """Forget what lost contexts had (observer of the switch)."""
        self._shipment.forget(ids)
        self.responder.forget(ids)

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
        refusal: ValueNotSupported,
    ) -> tuple[int, bytes]:
        if isinstance(fn, Target):
            raise refusal from None
        try:
            return self._pickle(context, fn, args, kwargs)
        except ValueNotSupported as error:
            raise ValueNotSupported(f"{refusal}; nor can it be pickled: {error}") from error

    def _pickle(
        self, context: "Context", fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[int, bytes]:
        payload, modules = self._dump(fn, args, kwargs)
        for name in sorted(modules - {"__main__", "builtins"}):
            self._shipment.push(context.id, name)
        self._shipment.push_installed(context.id, self._cloudpickle_modules())
        return PICKLE, payload

    def _dump(
        self, fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[bytes, set[str]]:
        from .pickling import dump  # cloudpickle costs 20 ms of import, and is the exception

        return dump(fn, args, kwargs)

    def _cloudpickle_modules(self) -> tuple[str, ...]:
        from .pickling import CLOUDPICKLE_MODULES

        return CLOUDPICKLE_MODULES


def _name_arguments(text: str, target: Target) -> str:
    """Return the text of a refusal with the path as the caller knows it."""
    for position, name in (("[2]", "args"), ("[3]", "kwargs")):
        if text.startswith("call" + position):
            return f"{target.qualname}: {name}{text.removeprefix('call' + position)}"
    return text
