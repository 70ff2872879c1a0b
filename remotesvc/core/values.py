"""Plain values to bytes and back: MessagePack with extensions; no pickle, nothing is run.

Pure: no I/O, no clock, no state between two calls. This file is the door; behind it only
`encoder` and `decoder` know the forms of MessagePack, `extensions` the types that it lacks, and
`budget` what one message may cost.

    MessagePack        value              note
    nil, bool          None, bool
    int, uint          int                up to 64 bits; longer ones are an extension
    float 64           float              float 32 is understood, never sent
    str                str                UTF-8; lone surrogates pass as three bytes (file names)
    bin                bytes
    array              list
    map                dict               only with str keys; bytes keys are understood
    ext                the other types    see `extensions`

Why a tuple is not the plain array: most results are made of lists and dicts, and in C those
decode without a call into Python. One tuple costs one such call, and a list of tuples, which is
the shape of a table, travels as one extension that costs one call for all of its rows.

A subclass of a builtin type travels as that type: a namedtuple as tuple, an IntEnum as int. A
Secret stays a Secret.
"""

from .budget import MAX_DEPTH, MAX_ELEMENTS, MAX_KEY_BYTES, MAX_KEYS, MAX_SCALAR_BYTES
from .decoder import decode
from .encoder import encode
from .extensions import CONTEXT, REMOTE_ERROR, SENDER

__all__ = [
    "CONTEXT",
    "MAX_DEPTH",
    "MAX_ELEMENTS",
    "MAX_KEYS",
    "MAX_KEY_BYTES",
    "MAX_SCALAR_BYTES",
    "REMOTE_ERROR",
    "SENDER",
    "decode",
    "encode",
]
