"""Both decoders refuse what is made to hurt them, in little memory and on a small stack."""

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from remotesvc import ProtocolError
from remotesvc.controller.decoder import decode as fast
from remotesvc.core.extensions import SET
from remotesvc.core.values import MAX_ELEMENTS, decode, encode
from tests.core.bombs import BOMBS, colliding_integers, converted, keyed

PROGRAM = Path(__file__).with_name("small_stack_program.py")
ROOT = Path(__file__).resolve().parents[2]

# What a refused message may have a decoder hold: a bomb has up to 4 MiB itself.
REFUSED_MEMORY = 32 * 1024 * 1024

# What the greediest message of all that are taken may cost: budget.py says 350 MB.
TAKEN_MEMORY = 400 * 1024 * 1024

DECODERS = pytest.mark.parametrize("decoder", [decode, fast], ids=["exact", "fast"])


def padded(raw: bytes) -> bytes:
    """Return a message that holds a bomb, and is too long for the short way of the fast one."""
    return b"\x92" + raw + encode([[{}] * 40, "padding " * 400])


@pytest.mark.parametrize("name", BOMBS)
@DECODERS
def test_bomb_is_refused_in_little_memory(decoder: Callable[[bytes], Any], name: str) -> None:
    bomb = BOMBS[name]
    for raw in (bomb, padded(bomb)) if decoder is fast else (bomb,):
        tracemalloc.start()
        try:
            with pytest.raises(ProtocolError) as caught:
                decoder(raw)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < REFUSED_MEMORY
        assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("stack", [64 * 1024, 128 * 1024])
@DECODERS
def test_no_bomb_crashes_a_thread_with_a_small_stack(
    decoder: Callable[[bytes], Any], stack: int
) -> None:
    # In a process of its own: a stack that overflows ends it without a word.
    done = subprocess.run(
        [sys.executable, str(PROGRAM), decoder.__module__, str(stack)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, f"{len(BOMBS)} refused, 5 taken\n"), done.stderr


@DECODERS
def test_key_that_is_compared_at_a_price_pays_that_price(decoder: Callable[[bytes], Any]) -> None:
    # A Decimal makes one of its own out of an integer, for each comparison: 0.4 s for 64 KiB.
    for keys in (converted(), converted()[:1], [(converted()[0],)]):
        with pytest.raises(ProtocolError, match="too many keys"):
            decoder(keyed(SET, keys))
    moduli = set(colliding_integers(50, 512))
    assert decoder(encode(moduli)) == moduli


@pytest.mark.soak
@pytest.mark.parametrize("one", [b"\x80", b"\x81\xa0\xc0"])
def test_greediest_messages_that_are_taken_cost_what_the_limits_say(one: bytes) -> None:
    count = (MAX_ELEMENTS - 5) // len(one)
    tracemalloc.start()
    try:
        assert len(fast(b"\xdd" + count.to_bytes(4, "big") + one * count)) == count
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < TAKEN_MEMORY
