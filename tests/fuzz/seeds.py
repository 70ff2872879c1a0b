"""Where the fuzzer begins: the golden bytes of docs/protocol.md, and what hurt before."""

import re
from pathlib import Path

from remotesvc.bootstrap.settings import MARKER
from remotesvc.core.authority import HANDLES
from tests.core.bombs import BOMBS
from tests.fuzz.targets import NONCE

__all__ = ["seeds"]

ROOT = Path(__file__).resolve().parents[2]

# Longer ones would slow the fuzzer down, and what they show shows sooner.
SEED_LIMIT = 4096


def seeds(target: str) -> list[bytes]:
    """Return the inputs that a target is fed first."""
    text = (ROOT / "docs" / "protocol.md").read_text("utf-8")
    frames = list(map(_bytes_of, re.findall(r"^```hex \S+\n(.*?)^```", text, re.M | re.S)))
    values = [
        bytes.fromhex(one) for one in re.findall(r"^\| `[^|]+` \| `([0-9a-f ]+)` \|", text, re.M)
    ]
    made = {
        "wire": [*frames, b"".join(frames)],
        "values": [*values, *BOMBS.values()],
        "authority": _scripts(),
        "handshake": [b"\0" + MARKER + NONCE, *(b"\x80" + frame for frame in frames)],
    }
    return [one for one in made[target] if len(one) <= SEED_LIMIT]


def _bytes_of(block: str) -> bytes:
    return b"".join(bytes.fromhex(line.split("  ")[0]) for line in block.splitlines())


def _scripts() -> list[bytes]:
    """Return a message to every handle from every context, as targets.py reads them."""
    messages = [
        bytes((dst, src, src, handle, far, 44, encoding, 1, 0xC0))
        for handle in (0, *HANDLES, 17)
        for dst in (1, 2, 5)
        for src in (0, 3, 4)
        for far, encoding in ((0, 0), (3, 4))
    ]
    return [b"".join(messages[start : start + 6]) for start in range(0, len(messages), 6)]
