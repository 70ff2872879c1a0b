"""What a method of a service prints and logs is shown before its outcome; and the very end."""

from collections.abc import Callable
from pathlib import Path

import pytest

from remotesvc import Context, RefusedError
from tests.integration.hosts import Print
from tests.integration.lines import Lines
from tests.integration.targets.printing_service import Printer, Sleeper

# It is told in any case; whether it was in time shows in some of many calls.
CALLS = 200


def fail(printer: Printer, text: str) -> None:
    with pytest.raises(LookupError, match=text):
        printer.fail(text)


@pytest.mark.parametrize(
    "call",
    [
        lambda printer, text: printer.show(text),
        fail,
        lambda printer, text: list(printer.count(text)),
    ],
    ids=["returns", "raises", "yields"],
)
def test_prints_of_a_method_are_shown_before_its_outcome(
    child: Context, prints: list[Print], call: Callable[[Printer, str], object]
) -> None:
    printer, late = child.service(Printer), []

    for number in range(CALLS):
        call(printer, f"line {number}")
        if (child.name, "stdout", b"line %d" % number) not in prints[-1:]:
            late.append(number)

    assert late == []


def test_records_of_a_method_are_there_before_its_outcome(
    child: Context, caplog: pytest.LogCaptureFixture
) -> None:
    printer, late = child.service(Printer), []

    for number in range(CALLS):
        printer.log(f"record {number}")
        if [record.getMessage() for record in caplog.records[-1:]] != [f"record {number}"]:
            late.append(number)

    assert late == []


def test_service_is_shut_down_though_a_method_of_it_does_not_end(
    child: Context, lines: Lines, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    future = child.submit_service(Sleeper, "sleep", path=str(path))
    lines.wait_for(b"it sleeps")

    child.shutdown()

    assert path.read_text() == "shut down"
    with pytest.raises(RefusedError, match="the services of this context were closed"):
        future.result()
