"""What is called from outside: it prints, counts with the help of others, and fails."""

import sys

import tests.integration.targets.tour.words
from tests.integration.targets.tour.words import longest

from . import numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Union

__all__ = ["collect", "fail"]


def collect(text: "str") -> "Dict[str, Union[int, str]]":
    """Describe a text, and say so on both streams."""
    print("counting %s" % text)
    sys.stderr.write("almost done\n")
    return {
        "count": numbers.count(text),
        "longest": longest(text),
        "separator": tests.integration.targets.tour.words.SEPARATOR,
    }


def fail(path: "str") -> "None":
    """Open a file that is not there."""
    with open(path):
        print("it is there")
