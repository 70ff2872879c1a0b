"""Zones 1 and 2 under a real old Python: they compile, they import, and they stay light.

The standard library's own check (`ast` with a feature version) lets too much through.
"""

import json
import subprocess
from typing import Any

import pytest

from tests.architecture.test_statements import PROGRAMS
from tests.architecture.tree import MODULES, ROOT, is_old_python, old_python_files
from tests.interpreters import Interpreter, find_interpreters

pytestmark = pytest.mark.matrix

# What a light child must not have imported when it is ready for its first call.
HEAVY = ("asyncio", "dataclasses", "inspect", "logging", "subprocess", "typing")

COMPILE = """
import sys, json
failures = []
for path in json.load(sys.stdin):
    with open(path, "rb") as file:
        try:
            compile(file.read(), path, "exec", dont_inherit=True)
        except SyntaxError as error:
            failures.append("%s, line %s: %s" % (path, error.lineno, error))
json.dump(failures, sys.stdout)
"""

IMPORT = """
import sys, json
names = json.load(sys.stdin)
sys.path.insert(0, names.pop(0))
import importlib
failures = []
for name in names:
    try:
        importlib.import_module(name)
    except Exception as error:
        failures.append("%s: %s: %s" % (name, type(error).__name__, error))
json.dump(failures, sys.stdout)
"""

WEIGH = """
import sys, json
root, name = json.load(sys.stdin)
before = set(sys.modules)
sys.path.insert(0, root)
__import__(name)
json.dump(sorted(set(sys.modules) - before), sys.stdout)
"""


def old_pythons() -> list[Any]:
    """Return the oldest Python that hosts may have, as a parameter; a skip where it is missing."""
    found = [python for python in find_interpreters() if python.version == (3, 6)]
    if found:
        return [pytest.param(found[0], id=str(found[0]))]
    missing = pytest.mark.skip(reason="no Python 3.6 here: see tests/interpreters.py")
    return [pytest.param(None, id="python3.6", marks=missing)]


def run(python: Interpreter, program: str, question: Any) -> Any:
    """Run a program in an isolated interpreter; question and answer are JSON."""
    done = subprocess.run(
        [python.path, "-I", "-S", "-B", "-c", program],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def importable() -> list[str]:
    return [
        name
        for name in MODULES
        if is_old_python(name) and name not in PROGRAMS and name != "remotesvc.types"
    ]


@pytest.mark.parametrize("python", old_pythons())
def test_what_runs_on_the_host_compiles(python: Interpreter) -> None:
    paths = [str(ROOT / path) for path in old_python_files() if path.name != "types.py"]

    assert run(python, COMPILE, paths) == []


@pytest.mark.parametrize("python", old_pythons())
def test_what_runs_on_the_host_imports(python: Interpreter) -> None:
    assert run(python, IMPORT, [str(ROOT), *importable()]) == []


@pytest.mark.skipif("remotesvc.bootstrap.child" not in MODULES, reason="there is no child yet")
@pytest.mark.parametrize("python", find_interpreters(), ids=str)
def test_child_imports_nothing_heavy_before_its_first_call(python: Interpreter) -> None:
    loaded = run(python, WEIGH, [str(ROOT), "remotesvc.bootstrap.child"])

    assert sorted(set(loaded) & set(HEAVY)) == []
