"""The parent's main program in a child, which gets this file together with it."""

import sys
from importlib.util import module_from_spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .finder import Finder

__all__ = ["import_main"]


def import_main(finder: "Finder") -> "None":
    """Make the parent's __main__ this interpreter's, once: its classes pickle by that name."""
    if getattr(sys.modules["__main__"], "__loader__", None) is finder:
        return
    record = finder.records.get("__main__") or finder.request("__main__")
    spec = finder.spec("__main__", record)
    if spec is None:
        raise ModuleNotFoundError("the main program did not come along", name="__main__")
    module = module_from_spec(spec)
    before = sys.modules["__main__"]
    sys.modules["__main__"] = module
    try:
        finder.exec_module(module)
    except BaseException:
        sys.modules["__main__"] = before
        raise
