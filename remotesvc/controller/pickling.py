"""What has no name travels by value: lambdas, closures and objects, through cloudpickle.

Only this file knows cloudpickle. Downward only: nothing here reads a pickle.
"""

import dis
import importlib
import io
import sys
import types
from collections.abc import Iterator
from typing import Any

import cloudpickle

from ..core.errors import ValueNotSupported
from .modules.target import name_of

__all__ = ["CLOUDPICKLE_MODULES", "dump"]

# Protocol 4 is what every Python from 3.6 on reads; the receiver compares versions anyway.
PROTOCOL = 4

# What a pickle of cloudpickle's needs over there.
CLOUDPICKLE_MODULES = ("cloudpickle", "cloudpickle.cloudpickle", "remotesvc.core.pickled")


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Notes the modules that the pickle will import over there."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=PROTOCOL)
        self.modules: set[str] = set()

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, types.ModuleType):
            self.modules.add(obj.__name__)
            if type(obj) is not types.ModuleType and sys.modules.get(obj.__name__) is obj:
                # Such as remotesvc itself: cloudpickle knows modules of the plain type only.
                return importlib.import_module, (obj.__name__,)
        elif isinstance(obj, types.CodeType):
            # Only what travels by value comes by here: its imports stand in no module of ours.
            self.modules.update(_imported_by(obj))
        elif isinstance(obj, type | types.FunctionType):
            target = name_of(obj)
            if target is not None:
                self.modules.add(target.module)
        return super().reducer_override(obj)


def _imported_by(code: types.CodeType) -> Iterator[str]:
    """Yield the modules that a function's own import statements may name.

    Relative ones are left out: they lead into the package that the function came from.
    """
    before: list[Any] = [None, None]
    for instruction in dis.get_instructions(code):
        if instruction.opname == "EXTENDED_ARG":
            continue
        if instruction.opname == "IMPORT_NAME" and before[0] == 0:
            name = str(instruction.argval)
            yield name
            yield from (f"{name}.{item}" for item in before[1] or () if item != "*")
        before = [before[1], instruction.argval]


def dump(fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bytes, set[str]]:
    """Return the payload of a pickled call, and the names of the modules that it will import.

    Raises ValueNotSupported, with what the pickler said, for what cannot be pickled either.
    """
    buffer = io.BytesIO()
    buffer.write(bytes(sys.version_info[:2]))
    pickler = _Pickler(buffer)
    try:
        pickler.dump((fn, args, kwargs))
    except Exception as error:
        raise ValueNotSupported(
            f"the call of {getattr(fn, '__qualname__', fn)!s} cannot be sent: {error}"
        ) from error
    return buffer.getvalue(), pickler.modules
