"""parse(): `ast.parse` that may be called while other threads parse.

Before Python 3.12 an interpreter counts the depth of all the trees that it makes in one place. A
collection of garbage in the middle of one lets another thread make its own, and the first is lost
with a SystemError. It is made once more.
"""

import ast

__all__ = ["parse"]

# A second failure in a row is rare, even where many threads do nothing but parse.
ATTEMPTS = 100


def parse(source: "str") -> "ast.Module":
    """Return the tree of a source; raises what `ast.parse` raises."""
    for _ in range(ATTEMPTS):
        try:
            return ast.parse(source)
        except SystemError:
            continue
    return ast.parse(source)
