"""What the tests of chains call, and look at, over there. Python 3.6."""

import gc
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Unloadable", "count_known"]


class Unloadable:
    """Can be pickled, and not be loaded."""

    def __reduce__(self) -> "Any":
        return (_refuse, ())


def _refuse() -> "None":
    raise RuntimeError("not here")


def count_known() -> "int":
    """Return how many chains this child remembers."""
    kind = sys.modules["remotesvc.core.calls"].CallLoop
    (loop,) = [one for one in gc.get_objects() if type(one) is kind]
    return len(loop.chains)
