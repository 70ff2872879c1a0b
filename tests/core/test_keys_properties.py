"""remotesvc.core.budget: no choice of keys makes a message expensive."""

import sys
import uuid
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from remotesvc.core.budget import MAX_KEY_BYTES, MAX_KEYS, Keys, Unfit

PRIME = sys.hash_info.modulus

# All of one hash, or easily made so.
SMALL = st.integers(1, 50)
COLLIDING: st.SearchStrategy[Any] = st.one_of(
    st.builds(
        lambda n, bits: (1 << bits) // PRIME * PRIME + n * PRIME + 3,
        SMALL,
        SMALL.map((1500).__mul__),
    ),
    SMALL.map(lambda n: Decimal(n * PRIME + 3)),
    SMALL.map(lambda n: uuid.UUID(int=n * PRIME + 3)),
    SMALL.map(lambda n: complex(n, n)),
)
KEYS = COLLIDING | st.lists(COLLIDING, max_size=3).map(tuple)


def cost(keys: list[Any]) -> int:
    """Return the steps of the worst comparisons: every key with every other one."""
    numbers = [one for key in keys for one in (key if isinstance(key, tuple) else (key,))]
    decimals = sum(isinstance(one, Decimal) for one in numbers)
    sizes = [one.bit_length() // 8 for one in numbers if type(one) is int]
    return len(keys) * len(keys) + decimals * sum(size * size for size in sizes)


@given(st.lists(KEYS, max_size=60), st.integers(1, 80))
def test_what_is_let_through_is_cheap_to_compare(keys: list[Any], times: int) -> None:
    many = keys * times
    budget = Keys()
    try:
        budget.charge(many)
    except Unfit:
        return
    # Squares of bytes: 64 of them are paid by a byte of the budget.
    assert cost(many) <= MAX_KEYS * MAX_KEYS + MAX_KEYS * 64 * MAX_KEY_BYTES
