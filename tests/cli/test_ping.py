"""`remotesvc ping`: times of each context on the way."""

import json
from pathlib import Path

import pytest

from remotesvc.cli.main import main
from remotesvc.cli.ping import show_pings, summarize


def test_each_context_has_its_times_and_what_its_hop_takes() -> None:
    found = summarize(["bastion", "sudo:root"], [[0.003, 0.001, 0.002], [0.004, 0.006, 0.005]])

    assert found == [
        {"context": "bastion", "min": 0.001, "median": 0.002, "max": 0.003, "hop": 0.002},
        {"context": "sudo:root", "min": 0.004, "median": 0.005, "max": 0.006, "hop": 0.003},
    ]
    assert show_pings(found).text == (
        "bastion    1.00 / 2.00 / 3.00 ms\nsudo:root  4.00 / 5.00 / 6.00 ms, +3.00 ms for this hop"
    )


def test_hop_takes_no_less_than_nothing() -> None:
    found = summarize(["a", "b", "c"], [[0.003], [0.002], [0.0025]])

    assert [one["hop"] for one in found] == [0.003, 0.0, 0.0005]
    assert (show_pings(found).text or "").splitlines()[1].endswith(", +0.00 ms for this hop")


def test_every_context_of_a_chain_answers(
    no_leaks: None, empty_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ping", "@local/local", "--count", "3", "--json"]) == 0

    record = json.loads(capsys.readouterr().out)
    first, last = record["result"]
    assert (record["host"], first["context"], last["context"]) == (
        "@local/local",
        "local",
        "local",
    )
    assert 0 < first["min"] <= first["median"] <= first["max"]
    more = max(0.0, last["median"] - first["median"])
    assert last["hop"] == pytest.approx(more, abs=2e-6)


def test_host_that_is_lost_is_told_as_for_run(
    no_leaks: None, empty_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ping", "127.0.0.1:7", "-F", "none"]) == 3

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("127.0.0.1:7: cannot connect to 127.0.0.1 port 7")
