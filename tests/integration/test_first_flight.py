"""The first flight: what is written before anything is answered, and how much of it is ours."""

import os
import sys
from pathlib import Path

import pytest

import remotesvc
from remotesvc.bootstrap.command import shell_command
from remotesvc.bootstrap.manifest import LIMIT
from remotesvc.bootstrap.payload import build
from remotesvc.core.authority import CALL_FUNCTION, CONFIGURE, GET_MODULE, LOAD_MODULE
from remotesvc.core.link import Link
from remotesvc.core.wire import FrameDecoder, Message
from remotesvc.testing.demo_app import report
from tests.integration.waiting import wait_until

# Takes whatever comes and never answers.
RECORDER = """#!/bin/sh
exec 3>&1  # so that it does not end what it never answers on
exec cat > {path}
"""


def frames_without_an_answer(folder: Path) -> list[Message]:
    """Return what follows the payload when the other side says nothing at all."""
    program, taken = folder / "recorder", folder / "taken"
    taken.touch()
    program.write_text(RECORDER.format(path=taken))
    program.chmod(0o755)
    with remotesvc.Router() as router:
        router.local(python_path=str(program)).submit(report.collect, title="first")
        wait_until(lambda: CALL_FUNCTION in [one.handle for one in frames_in(taken)])
    return frames_in(taken)


def frames_in(taken: Path) -> list[Message]:
    """Return the frames behind the payload that have come whole."""
    data = taken.read_bytes()
    assert build().startswith(data[: len(build())])
    return FrameDecoder().feed(data[len(build()) :])


def test_payload_settings_modules_and_call_are_written_without_an_answer(tmp_path: Path) -> None:
    handles = [message.handle for message in frames_without_an_answer(tmp_path)]
    assert handles == [CONFIGURE, LOAD_MODULE, CALL_FUNCTION]


def test_library_bytes_of_a_first_call_keep_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Message] = []
    with remotesvc.Router() as router:
        router.switch.serve(GET_MODULE, lambda link, message: asked.append(message))
        context = router.local(python_path=sys.executable)
        links: list[Link] = [router.switch.routes[context.id]]
        assert context.call(os.getpid) != os.getpid()
        total = links[0].bytes_sent + len(shell_command(None, len(build())))
    assert asked == [], "a first call fetches nothing of ours"
    assert total <= LIMIT


def test_second_call_sends_no_module_again() -> None:
    with remotesvc.Router(output=lambda name, stream, line: None) as router:
        context = router.local()
        context.call(report.collect, title="one", lines=1)
        link = router.switch.routes[context.id]
        before = link.bytes_sent
        context.call(report.collect, title="one", lines=1)
        assert link.bytes_sent - before < 1000
