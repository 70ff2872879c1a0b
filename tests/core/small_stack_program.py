"""Run by tests: decode every bomb, and some deep values that are fine, on a small stack.

argv: the module of the decoder, bytes of stack. Prints how many were refused and taken.
"""

import importlib
import sys
import threading
from typing import Any

from remotesvc import ProtocolError
from tests.core.bombs import BOMBS, nest, nest_extensions

FINE = [
    nest(64, b"\x91"),
    nest_extensions(60, 1),
    nest_extensions(3, 5),
    b"\x07",
    nest(30, b"\x91"),
]


def main() -> None:
    """Decode all of them on one thread."""
    decode = importlib.import_module(sys.argv[1]).decode
    outcomes: list[Any] = []

    def run() -> None:
        for raw in (*BOMBS.values(), *FINE):
            try:
                decode(raw)
                outcomes.append("taken")
            except ProtocolError:
                outcomes.append("refused")

    for raw in FINE:
        decode(raw)  # what is imported meanwhile needs a stack of its own
    threading.stack_size(int(sys.argv[2]))
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    print(f"{outcomes.count('refused')} refused, {outcomes.count('taken')} taken")


if __name__ == "__main__":
    main()
