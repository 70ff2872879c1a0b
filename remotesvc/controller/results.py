"""Pickled results: the one place that reads a pickle from below.

Whether it may be read at all was decided before (core/reach.py). A child pickles with the standard
library, which writes no code, only data and the names of classes and functions: so the pickle of
one version loads in another one wherever these names lead to something.
"""

import pickle
from typing import Any

from ..core.errors import ValueNotSupported

__all__ = ["load"]


def load(payload: bytes, where: str) -> Any:
    """Return the value of a pickled result from `where`: (major, minor) and a pickle.

    Raises ValueNotSupported, with what the unpickler said, when it cannot be loaded here.
    """
    try:
        return pickle.loads(payload[2:])  # noqa: S301  it was asked for, of one who is trusted
    except Exception as error:
        version = ".".join(map(str, payload[:2]))
        raise ValueNotSupported(
            f"the result from {where}, pickled by Python {version}, cannot be loaded here: "
            f"{type(error).__name__}: {error}. Return something plain, or a class that this "
            "program can import"
        ) from error
