"""Results that are too long to be read."""

from collections.abc import Iterator

import pytest

from remotesvc.cli.outcome import Kind, Outcome
from remotesvc.cli.output import Output
from remotesvc.cli.report import Report
from remotesvc.cli.shorten import SHOWN, shorten
from remotesvc.core.secret import Secret


@pytest.mark.parametrize(
    "value", [None, 5, "text" * 100, [1, 2], {"a": (1, 2)}, b"x" * 16, {1, 2}, [{"a": []}]]
)
def test_what_is_short_enough_stays_what_it_is(value: object) -> None:
    shown, is_cut = shorten(value, 5)

    assert shown is value
    assert not is_cut


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1, 2, 3, 4], "[1, 2, <2 more>]"),
        ((1, (2, 3), 4), "(1, (<2 more>,), <1 more>)"),
        ({"a": 1, "b": 2}, "{'a': 1, <1 more>: Ellipsis}"),
        ({(1, 2): 3}, "{(<2 more>,): 3}"),
        (frozenset([1, 2, 3]), "frozenset({"),
        (["x" * 100], "['xxxxxxxxxxxxxxxx' <84 more>]"),
        (b"y" * 1048, f"b'{'y' * 32}' <1,016 more>"),
        ([Secret("hush" * 100)], "[Secret('"),
    ],
)
def test_what_is_left_out_is_counted_in_its_place(value: object, text: str) -> None:
    shown, _ = shorten(value, 3)

    assert repr(shown).startswith(text)
    assert "hush" not in repr(shown)


def test_elements_beyond_the_limit_are_not_even_looked_at() -> None:
    class Counted(list[int]):
        taken = 0

        def __iter__(self) -> Iterator[int]:
            for item in super().__iter__():
                Counted.taken += 1
                yield item

    shorten(Counted(range(1000)), 10)

    assert Counted.taken == 10


def test_a_long_result_is_shown_as_far_as_it_makes_sense(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = Report(Output(), 1)

    report.add(Outcome("web1", Kind.OK, 0.1, [0] * (2 * SHOWN)))

    shown = capsys.readouterr()
    assert shown.out.endswith(" 0,\n <100,001 more>]\n")
    assert shown.err == "web1: the result is too long to be shown; --json has all of it\n"
