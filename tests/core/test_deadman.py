"""The dead man's switch: wound up while the loop turns, the end of the process if it cannot."""

import pathlib
import signal
import subprocess

import pytest

from tests.interpreters import Interpreter, find_interpreters

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEADLINE = 120.0

# A loop that turns, and a limit of 0.3 seconds of CPU time. What holds the GIL here burns a
# multiple of that: a sum over a range is one C call.
PROGRAM = """
import sys, threading, time
sys.path.insert(0, sys.argv[1])
from remotesvc.core.deadman import DeadMan
from remotesvc.core.loop import Loop

def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass

def hold_the_gil():
    before = time.process_time()
    while time.process_time() - before < 0.9:
        sum(range(10000000))

loop = Loop()
switch = DeadMan(loop, 0.3)
threading.Thread(target=loop.run, daemon=True).start()
exec(sys.argv[2])
print("alive")
"""


def run(interpreter: Interpreter, body: str) -> "subprocess.CompletedProcess[str]":
    argv = [interpreter.path, "-c", PROGRAM, str(ROOT), body]
    return subprocess.run(argv, capture_output=True, text=True, timeout=DEADLINE, check=False)


@pytest.fixture(params=find_interpreters()[::7], ids=str)
def interpreter(request: pytest.FixtureRequest) -> Interpreter:
    one: Interpreter = request.param
    return one


def test_process_whose_gil_is_held_is_ended(interpreter: Interpreter) -> None:
    result = run(interpreter, "sum(range(10 ** 12))")
    assert (result.returncode, result.stdout) == (-signal.SIGVTALRM, "")


def test_process_that_works_hard_lives(interpreter: Interpreter) -> None:
    threads = "[threading.Thread(target=burn, args=(0.4,)) for _ in range(4)]"
    result = run(interpreter, f"for one in {threads}: one.start()\nburn(0.9)")
    assert (result.returncode, result.stdout) == (0, "alive\n"), result.stderr


def test_process_that_declared_it_may_hold_the_gil(interpreter: Interpreter) -> None:
    result = run(interpreter, "switch.hold(60)\nhold_the_gil()\nswitch.hold(0)")
    assert (result.returncode, result.stdout) == (0, "alive\n"), result.stderr


def test_what_was_declared_ends_with_the_call(interpreter: Interpreter) -> None:
    result = run(interpreter, "switch.hold(60)\nswitch.hold(0)\nsum(range(10 ** 12))")
    assert result.returncode == -signal.SIGVTALRM
