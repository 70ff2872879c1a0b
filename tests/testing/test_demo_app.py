"""The demo application does here what it does on a host."""

import subprocess
import sys
from pathlib import Path

import pytest

import remotesvc
from remotesvc.testing.demo_app import report

EXAMPLES = Path(remotesvc.__path__[0]).parent / "examples"
PLAIN = (type(None), bool, int, float, str)


def test_collect_prints_one_line_for_each_step(capsys: pytest.CaptureFixture[str]) -> None:
    report.collect(title="Now", lines=5)

    assert capsys.readouterr().out.splitlines() == [
        "[1/5] Now: looking around",
        "[2/5] Now: counting processors",
        "[3/5] Now: measuring the load",
        "[4/5] Now: weighing the disk",
        "[5/5] Now: looking around",
    ]


def test_collect_returns_plain_values_only() -> None:
    def check(value: object) -> None:
        if isinstance(value, dict):
            value = [*value, *value.values()]
        if isinstance(value, list):
            for item in value:
                check(item)
        else:
            assert type(value) in PLAIN

    result = report.collect(title="Now", lines=1)

    check(result)
    assert result["title"] == "Now"
    assert isinstance(result["host"], dict)
    assert result["heading"] == f"Report of {result['host']['hostname']}"


def test_collect_refuses_to_print_nothing() -> None:
    with pytest.raises(ValueError, match="at least 1, not 0"):
        report.collect(lines=0)


def test_fail_raises_two_calls_below() -> None:
    with pytest.raises(FileNotFoundError, match="/nonexistent") as caught:
        report.fail()

    assert [entry.name for entry in caught.traceback][1:] == ["fail", "first_setting", "_lines"]


def test_the_example_runs_from_its_folder() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from hosts_app import health; print(health.check(disk='/'))"],
        cwd=EXAMPLES,
        env={"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "/ is" in done.stdout
    assert "'verdict': '" in done.stdout
