"""The targets of the fuzzer keep their promises for the seeds, and notice when one is broken."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from remotesvc.core.errors import ProtocolError
from remotesvc.core.wire import FrameDecoder
from tests.fuzz import targets
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("target", TARGETS)
def test_every_seed_keeps_the_promises_of_its_target(target: str) -> None:
    inputs = seeds(target)
    assert len(inputs) >= 10
    for one in inputs:
        TARGETS[target](one)


@pytest.mark.parametrize("target", TARGETS)
def test_every_seed_of_the_others_keeps_them_too(target: str) -> None:
    for other in TARGETS:
        for one in seeds(other):
            TARGETS[target](one)


def test_decoders_that_differ_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "fast_decode", lambda data, resolve: 5)
    with pytest.raises(AssertionError, match="both decoders agree"):
        TARGETS["values"](b"\x04")


def test_frames_that_depend_on_where_they_are_cut_are_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Forgetful(FrameDecoder):
        def feed(self, data: bytes) -> list[Any]:
            return FrameDecoder().feed(data)

    monkeypatch.setattr(targets, "FrameDecoder", Forgetful)
    frame = next(one for one in seeds("wire") if one.startswith(b"RS"))
    with pytest.raises(AssertionError, match="byte by byte"):
        TARGETS["wire"](frame)


def test_error_of_another_kind_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(data: bytes, resolve: object) -> Any:
        raise ProtocolError("refused") if data != b"\x04" else KeyError(4)

    monkeypatch.setattr(targets, "decode", crash)
    with pytest.raises(KeyError):
        TARGETS["values"](b"\x04")


def test_input_is_fed_again_by_its_hex() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "replay", "values", "c70301920102"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "values: this input keeps all promises\n")
