"""A program that runs before its connector is there: taken by that one, or ended."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Context, Error, Router
from remotesvc.bootstrap.seed import get_payload
from remotesvc.connect import openssh
from remotesvc.connect.ahead import Ahead
from remotesvc.connect.base import Attempt
from remotesvc.core.loop import Loop
from tests.integration.hosts import write_program
from tests.loops import running_loop
from tests.testing.client import is_running

DEADLINE = 30.0

WORDS = ["sleep", "600"]

# Says how often it was started, and starts what it was asked for.
STAND_IN = """#!/bin/sh
echo "$$" >> {log}
for word; do :; done
exec sh -c "exec $word"
"""


@pytest.fixture
def loop(no_leaks: None) -> Iterator[Loop]:
    """A loop on its thread."""
    with running_loop() as running:
        yield running


def test_program_is_given_once_and_for_its_own_words_only(loop: Loop) -> None:
    ahead = Ahead(loop, WORDS)
    assert ahead.take([*WORDS, "1"]) is None
    assert ahead.take(list(WORDS)) is ahead.stream
    assert ahead.take(list(WORDS)) is None
    ahead.close()
    assert is_running(ahead.stream.pid)  # it is not ours any more
    ahead.stream.kill()
    ahead.stream.close()
    assert ahead.stream.gone.wait(DEADLINE)


def test_program_that_nobody_takes_is_ended(loop: Loop) -> None:
    ahead = Ahead(loop, WORDS)
    ahead.close()
    ahead.close()
    assert ahead.take(list(WORDS)) is None
    assert ahead.stream.gone.wait(DEADLINE)


@pytest.mark.parametrize(
    "opts",
    [
        {},
        {"username": "root", "port": 22, "jump": ["a", "b"], "compression": True, "share": False},
        {"retries": 3, "python_path": "python3", "program": "/opt/ssh", "args": ("-v",)},
        {"identity_file": "/key", "known_hosts": ["/a", "/b"], "password": None},
    ],
)
def test_words_are_those_that_the_connector_starts_with(
    router: Router, monkeypatch: pytest.MonkeyPatch, opts: dict[str, Any]
) -> None:
    begun: list[list[str]] = []

    def begin(router: Any, attempt: Any, words: list[str]) -> Any:
        begun.append(words)
        raise InterruptedError

    monkeypatch.setattr(openssh, "_begin", begin)
    monkeypatch.setattr(openssh, "find_program", lambda attempt, names: names[0])
    with pytest.raises(InterruptedError):
        openssh.connect(router, 7, Attempt("web1", 30.0), "web1", **opts)
    assert begun == [openssh.words_ahead(30.0, len(get_payload()), "web1", **opts)]


@pytest.mark.parametrize(
    "opts",
    [
        {"password": "x"},
        {"passphrase": "x"},
        {"prompts": True},
        {"config_file": "~/ssh_config"},
        {"identity_file": ["/key", Path("~/key")]},
        {"known_hosts": "~root/hosts"},
    ],
    ids=str,
)
def test_nothing_is_started_ahead_that_asks_or_that_each_host_reads_in_its_own_way(
    opts: dict[str, Any],
) -> None:
    assert openssh.words_ahead(30.0, 1000, "web1", **opts) is None


@pytest.fixture
def relay(router: Router) -> Context:
    return router.local("relay")


def test_relay_starts_ssh_once(router: Router, relay: Context, tmp_path: Path) -> None:
    log, program = tmp_path / "log", tmp_path / "ssh"
    write_program(program, STAND_IN.format(log=log))
    child = router.ssh("web1", via=relay, program=str(program), python_path=sys.executable)
    assert child.call(os.getppid) == relay.info.pid
    assert log.read_text().split() == [str(child.info.pid)]


def test_relay_that_reads_the_words_in_another_way_ends_what_it_started(
    router: Router, relay: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, program, idle = tmp_path / "log", tmp_path / "ssh", tmp_path / "idle"
    write_program(program, STAND_IN.format(log=log))
    write_program(idle, f"#!/bin/sh\necho $$ > {idle}.pid\nexec sleep 600\n")
    monkeypatch.setattr(openssh, "words_ahead", lambda *given, **opts: [str(idle)])
    child = router.ssh("web1", via=relay, program=str(program), python_path=sys.executable)
    assert child.call(os.getppid) == relay.info.pid
    assert log.read_text().split() == [str(child.info.pid)]
    router.close()
    started = Path(f"{idle}.pid")
    assert not started.exists() or not is_running(int(started.read_text()))


def test_program_that_cannot_be_started_is_told_by_its_connector(
    router: Router, relay: Context
) -> None:
    child = router.ssh("web1", via=relay, program="/nonexistent/ssh")
    with pytest.raises(Error, match=r"relay/web1: /nonexistent/ssh is not installed on"):
        child.call(os.getpid)


def test_what_is_wrong_with_the_words_is_told_by_the_connector(
    router: Router, relay: Context
) -> None:
    child = router.ssh("web1", via=relay, python_path="it's")
    with pytest.raises(Error, match=r'python_path "it\'s": name an interpreter'):
        child.call(os.getpid)
