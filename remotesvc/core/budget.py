"""What one message of values may cost: the limits, and the count of its keys.

Encoder and both decoders obey these numbers, so a value too large or too deep is refused where
it was made, with the path to it.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List

__all__ = [
    "MAX_DEPTH",
    "MAX_ELEMENTS",
    "MAX_KEYS",
    "MAX_KEY_BYTES",
    "MAX_SCALAR_BYTES",
    "NUMBER_COST",
    "RANDOM_HASH",
    "Keys",
    "Unfit",
]

# Arrays and maps inside one another, counted through extensions. Enough for any report, and
# little enough that printing, comparing or copying the value cannot exhaust a thread's stack.
MAX_DEPTH = 64

# Elements of all arrays (maps: keys and values) of one message; an extension costs two more.
# Each of these units takes at least one byte, so a message of no more bytes than this needs no
# count. The greediest, empty sets and small dicts, take some 80 bytes of memory per unit: 350 MB.
MAX_ELEMENTS = 4 * 1024 * 1024

# A big integer, a Decimal, a path: longer ones cost quadratic time when they are printed.
MAX_SCALAR_BYTES = 64 * 1024

# Keys and set members that are neither text, bytes, None, bool nor a number of 64 bits: who
# chooses such keys chooses their hashes, and n that collide cost n * n / 2 comparisons, each as
# long as the key. These two together bound the worst message to a few seconds.
MAX_KEYS = 4096
MAX_KEY_BYTES = 256 * 1024

# What a number of 64 bits costs of that. Few of them have one hash, but they can be chosen so that
# each walks past all before it; 16,384 of them hold everything up for a quarter of a second.
NUMBER_COST = 16

# Their hashes are different in every process, so nobody can make them collide from outside.
RANDOM_HASH = frozenset((str, bytes))


class Unfit(Exception):
    """Something breaks a limit, or cannot travel; `steps` lead to it, innermost first."""

    def __init__(self, reason: "object") -> "None":
        Exception.__init__(self, reason)
        self.steps: "List[int]" = []


class Keys(object):
    """What the keys and set members of one message may still cost."""

    __slots__ = ("count", "size")

    def __init__(self, size: "int" = MAX_KEY_BYTES) -> "None":
        self.count = MAX_KEYS
        self.size = size

    def charge(self, keys: "List[Any]") -> "None":
        """Pay for `keys` before any of them is hashed; raise Unfit when it is too much."""
        if RANDOM_HASH.issuperset(map(type, keys)):
            return
        chosen = [key for key in keys if not _has_tame_hash(key)]
        self.count -= len(chosen)
        self.size -= NUMBER_COST * (len(keys) - len(chosen))
        if self.count >= 0:
            self.size -= sum(map(_weigh, chosen))
        if self.count < 0 or self.size < 0:
            raise Unfit("has too many keys or members that are not text: send them in a list")


def _has_tame_hash(key: "Any") -> "bool":
    kind = type(key)
    if kind is int:
        return bool(-(1 << 63) <= key < 1 << 64)
    # NaN is unequal to itself, and before Python 3.10 all of them had one hash.
    return kind in (str, bytes, bool, type(None)) or (kind is float and key == key)


def _weigh(key: "Any") -> "int":
    """Return about how many bytes two equal keys make a comparison read.

    A Decimal turns an int into one of its own for each comparison, in quadratic time: 0.4 s for
    64 KiB, and a set can ask for 4,000 of these.
    """
    if isinstance(key, (tuple, frozenset)):
        return 8 + sum(map(_weigh, key))
    if not isinstance(key, int):
        return 8 + len(repr(key))
    size = key.bit_length() // 8
    return 8 + size + size * size // 64
