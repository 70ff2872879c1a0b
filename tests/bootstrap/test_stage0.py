"""The program on the command line, run by real interpreters, old ones included."""

import fcntl
import os
import struct
import subprocess
import termios
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from remotesvc.bootstrap.command import interpreter_argv, probe_argv
from remotesvc.bootstrap.handshake import Handshake, Ready
from remotesvc.bootstrap.payload import build
from remotesvc.bootstrap.settings import Settings
from remotesvc.core.authority import CONFIGURE
from remotesvc.core.values import encode
from remotesvc.core.wire import PLAIN, Message, encode_frame
from tests.interpreters import Interpreter, find_interpreters

DEADLINE = 60.0
PYTHONS = find_interpreters()
ENDS = [PYTHONS[0], PYTHONS[-1]]  # the oldest and the newest
OLD = [found for found in find_interpreters(include_python2=True) if found.version < (3, 6)]

# A payload for stage0: a program, and the fields that it finds in `p`.
PROGRAM = """
import os, sys
sys.stdout.write(ascii((sys.version_info[:2], p, os.read(0, 100))))
"""
PAYLOAD = zlib.compress(("\0".join((PROGRAM, "field", "fünf"))).encode("utf-8"))

needs_python2 = pytest.mark.skipif(not OLD, reason="no Python 2.7 here")


def run(
    argv: list[str], data: bytes, path: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    env = {"PATH": f"{path}:/usr/bin:/bin"} if path else None
    return subprocess.run(argv, input=data, capture_output=True, timeout=DEADLINE, env=env)


def folder_of(tmp_path: Path, **pythons: Interpreter) -> Path:
    """Return a folder for PATH with interpreters under names of the test's choice."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, found in pythons.items():
        (folder / name.replace("_", ".")).symlink_to(found.path)
    return folder


@pytest.mark.matrix
@pytest.mark.parametrize("python", PYTHONS, ids=str)
def test_payload_is_read_to_the_byte_and_its_program_run(python: Interpreter) -> None:
    argv = interpreter_argv(python.path, len(PAYLOAD))
    done = run(argv, PAYLOAD + b"what follows is not for stage0")
    assert done.stderr == b"" and done.returncode == 0
    expected = (python.version, ["field", "fünf"], b"what follows is not for stage0")
    assert done.stdout.decode() == ascii(expected)


@pytest.mark.parametrize("python", ENDS, ids=str)
@pytest.mark.parametrize("given", [0, 1, len(PAYLOAD) - 1])
def test_stdin_that_ends_early_is_an_error_and_not_a_spin(python: Interpreter, given: int) -> None:
    done = run(interpreter_argv(python.path, len(PAYLOAD)), PAYLOAD[:given])
    assert done.returncode == 1 and done.stdout == b""
    text = f"remotesvc: stdin ended after {given} of {len(PAYLOAD)} bytes"
    assert done.stderr.decode().strip() == text


def wait_until_read(fd: int) -> None:
    """Wait until a pipe is empty: there is no event for it, so ask again and again."""
    end = time.monotonic() + DEADLINE
    while struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))[0]:
        assert time.monotonic() < end, "nobody reads"
        time.sleep(0.001)


@pytest.mark.parametrize("is_blocking", [True, False])
@pytest.mark.parametrize("python", ENDS, ids=str)
def test_payload_may_come_in_pieces_on_any_stdin(
    python: Interpreter, is_blocking: bool, no_leaks: None
) -> None:
    read, write = os.pipe()
    os.set_blocking(read, is_blocking)
    argv = interpreter_argv(python.path, len(PAYLOAD))
    with subprocess.Popen(argv, stdin=read, stdout=subprocess.PIPE) as process:
        for piece in (PAYLOAD[:1], PAYLOAD[1:40], PAYLOAD[40:] + b"rest"):
            os.write(write, piece)
            if piece[-4:] != b"rest":
                wait_until_read(read)
        os.close(write)
        os.close(read)
        assert process.stdout is not None
        output = process.stdout.read()
        assert process.wait(DEADLINE) == 0
    assert output.endswith(b"b'rest')")


# -- old interpreters ----------------------------------------------------------------------------


@needs_python2
def test_it_is_valid_in_python_2() -> None:
    stage0 = interpreter_argv("python", 1)[4].replace("~", "\n")
    program = "import sys; compile(sys.stdin.read(), 'stage0', 'exec')"
    done = run([OLD[0].path, "-c", program], stage0.encode())
    assert done.returncode == 0, done.stderr


@needs_python2
def test_old_interpreter_hands_over_to_the_next_candidate(tmp_path: Path) -> None:
    path = folder_of(tmp_path, python3=OLD[0], python=OLD[0], python3_new=PYTHONS[0])
    argv = probe_argv(["python3", "nonesuch", "python", "python3.new"], len(PAYLOAD))
    done = run(argv, PAYLOAD + b"rest", path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(repr((PYTHONS[0].version,))[:-2].encode())
    assert done.stdout.endswith(b"b'rest')")  # the old ones have read nothing


@needs_python2
def test_host_with_old_interpreters_only_is_refused_with_their_version(tmp_path: Path) -> None:
    path = folder_of(tmp_path, python3=OLD[0], python=OLD[0])
    done = run(probe_argv(["python3", "python"], len(PAYLOAD)), PAYLOAD, path)
    assert (done.returncode, done.stdout) == (93, b"")
    assert done.stderr.startswith(b"remotesvc: Python 2.7.")
    assert done.stderr.endswith(b" is too old")


# -- the current folder --------------------------------------------------------------------------

SHADOWED = (
    *("binascii", "collections", "heapq", "io", "os", "random", "select", "selectors", "signal"),
    *("struct", "tempfile", "threading", "traceback", "types", "zlib", "remotesvc", "encodings"),
)


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Path]:
    """A folder of modules that leave a witness when they are imported."""
    folder = tmp_path / "trap"
    folder.mkdir()
    witness = tmp_path / "witness"
    for name in SHADOWED:
        text = f"open({str(witness)!r}, 'a').write({name!r} + ' ')\nraise SystemExit({name!r})\n"
        (folder / f"{name}.py").write_text(text)
    yield folder
    assert not witness.exists(), f"imported from the current folder: {witness.read_text()}"


@pytest.mark.parametrize("python", ENDS, ids=str)
def test_modules_in_the_current_folder_are_not_imported(
    python: Interpreter, trap: Path, no_leaks: None
) -> None:
    nonce = os.urandom(16)
    fields = Settings(
        nonce, 5, (0,), 1 << 20, False, 1 << 18, 15.0, 3, 5.0, 30, None, None
    ).plain()
    configure = encode_frame(Message(5, 0, 0, CONFIGURE, 0, PLAIN, encode(fields)))
    handshake = Handshake(nonce, 5, 0)
    with subprocess.Popen(
        interpreter_argv(python.path, len(build())),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        cwd=trap,
        start_new_session=True,
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(build() + configure)
        outcome = None
        while outcome is None:
            data = process.stdout.read(65536)
            assert data, process.stderr.read().decode()
            outcome = handshake.feed(data)
        process.stdin.close()
        process.wait(DEADLINE)
    assert isinstance(outcome, Ready), outcome
    assert outcome.info.python_version[:2] == python.version
    assert outcome.info.pid == process.pid
