"""Which deadlines are taken, and what is said of the others."""

import math

import pytest

from remotesvc.core.seconds import check_seconds


@pytest.mark.parametrize("value", [0, 1, 0.25, -1, 1e8])
def test_numbers_of_seconds_are_taken_as_they_are(value: float) -> None:
    assert check_seconds("timeout", value) == value


@pytest.mark.parametrize("value", [None, math.inf, 1e300])
def test_what_nobody_lives_to_see_is_no_deadline(value: "float | None") -> None:
    assert check_seconds("timeout", value) is None


@pytest.mark.parametrize("value", ["5", b"5", True, [1], object])
def test_what_is_no_number_is_named(value: object) -> None:
    with pytest.raises(TypeError, match=r"timeout=.*: seconds as a number, or None"):
        check_seconds("timeout", value)  # type: ignore[arg-type]


def test_not_a_number_is_no_number_of_seconds() -> None:
    with pytest.raises(ValueError, match="timeout=nan"):
        check_seconds("timeout", math.nan)
