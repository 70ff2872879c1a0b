"""What the children return when the size of a result is what counts; travels to them by name."""

import functools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["megabyte", "nested", "send_numbers"]

MEGABYTE = 1024 * 1024

# Ten elements each, the row itself not counted.
ROWS = 10_000


@functools.lru_cache(maxsize=1)
def megabyte() -> bytes:
    """Return 1 MiB that no encoding makes shorter; made by the first call."""
    block = bytes(range(256))
    return b"".join(block[shift:] + block[:shift] for shift in range(256)) * 16


@functools.lru_cache(maxsize=1)
def nested() -> list[dict[str, object]]:
    """Return 100,000 elements in the shape of a report: rows of texts, numbers and a list."""
    return [
        {
            "id": number,
            "name": f"file{number:05}",
            "size": number * 512,
            "changed": number / 7,
            "is_file": True,
            "owner": None,
            "path": ["srv", "data", f"part{number % 97}"],
        }
        for number in range(ROWS)
    ]


def send_numbers(sender: "Any", count: int) -> None:
    """Send numbers one by one through whatever has send() and close()."""
    for number in range(count):
        sender.send(number)
    sender.close()
