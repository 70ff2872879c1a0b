"""What has no name travels by value: lambdas, closures and objects, through cloudpickle.

Only this file knows cloudpickle. Downward only: nothing here reads a pickle.
"""

import io
import sys
import types
from typing import Any

import cloudpickle

from ..core.errors import ValueNotSupported

__all__ = ["CLOUDPICKLE_MODULES", "dump"]

# Protocol 4 is what every Python from 3.6 on reads; the receiver compares versions anyway.
PROTOCOL = 4

# What a pickle of cloudpickle's needs over there.
CLOUDPICKLE_MODULES = ("cloudpickle", "cloudpickle.cloudpickle")


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Notes the modules that the pickle will import over there."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=PROTOCOL)
        self.modules: set[str] = set()

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, types.ModuleType):
            self.modules.add(obj.__name__)
        elif isinstance(obj, type | types.FunctionType):
            self.modules.add(str(obj.__module__))
        else:
            self.modules.add(type(obj).__module__)
        return super().reducer_override(obj)


def dump(fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bytes, set[str]]:
    """Return the payload of a pickled call, and the names of the modules that it will import.

    Raises ValueNotSupported, with what the pickler said, for what cannot be pickled either.
    """
    buffer = io.BytesIO()
    buffer.write(bytes(sys.version_info[:2]))
    pickler = _Pickler(buffer)
    try:
        pickler.dump((fn, args, kwargs))
    except Exception as error:  # noqa: BLE001 pickling runs user code: __reduce__, __getstate__
        raise ValueNotSupported(
            f"the call of {getattr(fn, '__qualname__', fn)!s} cannot be sent: {error}"
        ) from error
    return buffer.getvalue(), pickler.modules
