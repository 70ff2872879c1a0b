"""One exit code for many outcomes."""

import signal

import pytest

from remotesvc.cli.exit_codes import ExitCode, after_signal, combine

OK, RAISED, USAGE = ExitCode.OK, ExitCode.RAISED, ExitCode.USAGE
UNREACHABLE, TIMED_OUT = ExitCode.UNREACHABLE, ExitCode.TIMED_OUT


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], OK),
        ([OK, OK], OK),
        ([OK, USAGE], USAGE),
        ([USAGE, RAISED], RAISED),
        ([RAISED, TIMED_OUT, OK], TIMED_OUT),
        ([RAISED, UNREACHABLE, TIMED_OUT], UNREACHABLE),
        ([ExitCode.INTERRUPTED, UNREACHABLE], ExitCode.INTERRUPTED),
    ],
)
def test_the_worst_outcome_decides(codes: list[ExitCode], expected: ExitCode) -> None:
    assert combine(codes) is expected


def test_every_code_but_success_has_its_rank() -> None:
    # A closed stdout, and a SIGTERM, are no outcomes of a host.
    ranked = set(ExitCode) - {OK, ExitCode.OUTPUT_CLOSED, ExitCode.TERMINATED}

    assert {code for code in ranked if combine([OK, code]) is code} == ranked


def test_the_numbers_are_the_documented_ones() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "OK": 0,
        "RAISED": 1,
        "USAGE": 2,
        "UNREACHABLE": 3,
        "TIMED_OUT": 4,
        "INTERNAL": 70,
        "INTERRUPTED": 130,
        "OUTPUT_CLOSED": 141,
        "TERMINATED": 143,
    }


def test_only_what_was_cut_short_tells_by_which_signal() -> None:
    assert after_signal(ExitCode.INTERRUPTED, signal.SIGINT) is ExitCode.INTERRUPTED
    assert after_signal(ExitCode.INTERRUPTED, signal.SIGTERM) is ExitCode.TERMINATED
    assert after_signal(ExitCode.INTERRUPTED, 0) is ExitCode.INTERRUPTED
    assert after_signal(RAISED, signal.SIGTERM) is RAISED
