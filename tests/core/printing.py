"""What a child prints for test_stdio.py: nothing here needs more than the standard library."""

import os
import subprocess
import sys

__all__ = ["flood", "print_everywhere", "print_then_return", "write_bytes"]


def print_then_return(lines: int) -> str:
    """Print some lines and return a text that comes after them."""
    for number in range(lines):
        print(f"line {number}")
    sys.stdout.write("without an end")
    return "result"


def flood(size: int) -> int:
    """Print `size` bytes in lines of 1,000, and return how many."""
    line = "x" * 999 + "\n"
    for _ in range(size // 1000):
        sys.stdout.write(line)
    return size // 1000 * 1000


def write_bytes(data: bytes) -> None:
    """Write bytes to the descriptor, as C code would."""
    while data:
        data = data[os.write(1, data) :]


def print_everywhere() -> None:
    """Print by Python, by a subprocess and by a shell, on both streams."""
    print("python out")
    print("python err", file=sys.stderr)
    subprocess.check_call(["sh", "-c", "echo shell out; echo shell err >&2"])
