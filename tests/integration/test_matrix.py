"""From this Python to every Python 3.6 to 3.13 that is found, as a local child and over SSH."""

import configparser
import datetime
import decimal
import os
import pathlib
import platform
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Context, RemoteError, Router, Secret
from tests.integration.hosts import Print, nothing_left, start_host, write_program
from tests.integration.targets import odd, tour, values
from tests.interpreters import Interpreter, find_interpreters

pytestmark = pytest.mark.matrix

MEGABYTE = 1024 * 1024

# traceback, tokenize and re are missing here: before Python 3.8, threading imports them.
HEAVY_MODULES = (
    *("ast", "asyncio", "concurrent.futures", "dataclasses", "datetime", "decimal", "inspect"),
    *("json", "logging", "pathlib", "pickle", "socket", "subprocess", "typing", "urllib"),
)

CHECKOUT = Path(__file__).resolve().parents[2]

ZONE = datetime.timezone(datetime.timedelta(hours=-3, minutes=-30), "Newfoundland")

PLAIN_VALUES: list[Any] = [
    None,
    True,
    *(0, -1, 2**63, -(2**64), 3**1000),
    *(0.5, -0.0, float("inf"), 1 + 2j),
    *("", "grüß dich, 世界 \N{PILE OF POO}", "file\udcff", "\0\n"),
    *(b"", bytes(range(256)), bytearray(b"\xff\0")),
    [],
    [1, ["two", [b"three"]]],
    *((), (1, (2,), [(3,)]), [(1, "a"), (2, "b")]),
    *({}, {"key": {"nested": [None]}}, {(1, 2): b"pair", 3: "int", None: 4.0}),
    *(set(), {1, "two", b"three"}, frozenset({(1, 2)})),
    datetime.datetime(2024, 2, 29, 23, 59, 59, 999999),
    datetime.datetime(1999, 12, 31, tzinfo=ZONE, fold=1),
    datetime.date(1, 1, 1),
    datetime.time(12, 30, tzinfo=datetime.timezone.utc),
    datetime.timedelta(days=-1, microseconds=1),
    decimal.Decimal("-1.20E+3"),
    pathlib.PurePosixPath("/etc/hosts"),
    uuid.UUID(int=2**127 + 1),
    Secret("not shown"),
]


@dataclass(frozen=True)
class There:
    """One host of the matrix."""

    interpreter: Interpreter
    context: Context
    prints: list[Print]


def _stations() -> list[Any]:
    return [
        pytest.param((interpreter, way), id=f"{interpreter}-{way}")
        for interpreter in find_interpreters()
        for way in ("local", "ssh")
    ]


@pytest.fixture(scope="module", params=_stations())
def there(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[There]:
    """One connection per interpreter and way; over SSH it is found as python3 on the PATH."""
    interpreter, way = request.param
    folder = tmp_path_factory.mktemp("host")
    prints: list[Print] = []
    with nothing_left(), Router(output=lambda *line: prints.append(line)) as router:
        if way == "local":
            yield There(interpreter, router.local(python_path=interpreter.path), prints)
        else:
            with start_host(folder, {"python3": interpreter.path}) as host:
                yield There(interpreter, host.connect(router), prints)


def test_the_host_runs_the_python_that_was_asked_for(there: There) -> None:
    version = there.context.call(platform.python_version)

    assert tuple(map(int, version.split("."))) == there.context.info.python_version
    assert there.context.info.python_version[:2] == there.interpreter.version


def test_a_package_of_several_modules_runs_and_prints(there: There) -> None:
    there.prints.clear()

    result = there.context.call(tour.collect, "the longest wörd")

    name = there.context.name
    assert result == {"count": 3, "longest": "longest", "separator": " "}
    assert sorted(there.prints) == [
        (name, "stderr", b"almost done"),
        (name, "stdout", "counting the longest wörd".encode()),
    ]


def test_a_missing_file_there_is_a_missing_file_here(there: There, tmp_path: Path) -> None:
    path = str(tmp_path / "lost")

    with pytest.raises(FileNotFoundError) as raised:
        there.context.call(tour.fail, path)

    error = raised.value
    assert isinstance(error, RemoteError)
    assert (error.errno, error.filename, error.strerror) == (2, path, "No such file or directory")
    assert "with open(path):" in error.traceback
    assert tour.fail.__code__.co_filename in error.traceback


def test_every_plain_value_arrives_as_its_type_and_comes_back_the_same(there: There) -> None:
    types = there.context.call(values.kinds, PLAIN_VALUES)
    back = there.context.call(values.same, PLAIN_VALUES)

    assert types == [type(value).__name__ for value in PLAIN_VALUES]
    assert list(map(_written, back)) == list(map(_written, PLAIN_VALUES))
    assert back == PLAIN_VALUES


@pytest.mark.parametrize("value", [bytes(range(256)) * 4096, "aä€" * (MEGABYTE // 6)])
def test_a_megabyte_goes_there_and_comes_back(there: There, value: "bytes | str") -> None:
    digest = there.context.call(values.digest, value)
    back = there.context.call(values.same, value)

    assert digest == values.digest(value)
    assert back == value


@pytest.mark.parametrize("interpreter", find_interpreters(), ids=str)
def test_nothing_heavy_is_imported_before_the_first_call(
    router: Router, tmp_path: Path, interpreter: Interpreter
) -> None:
    # Without site: what this machine installs may import some of them before the bootstrap runs.
    program = f'#!/bin/sh\nexec "{interpreter.path}" -S "$@"\n'
    context = router.local(python_path=write_program(tmp_path / "python", program))

    assert context.call(odd.loaded, HEAVY_MODULES) == []


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("interpreter", find_interpreters(at_least=(3, 10)), ids=str)
def test_every_controller_reaches_every_host(interpreter: Interpreter, tmp_path: Path) -> None:
    """Run these tests, and those of the ends, in an environment of each controller's own."""
    if interpreter.version == sys.version_info[:2]:
        pytest.skip("that is what the ordinary run does")
    settings = configparser.ConfigParser()
    settings.read(CHECKOUT / "setup.cfg")
    wanted = settings["options"]["install_requires"].split("\n")
    wanted += settings["options.extras_require"]["test"].split("\n")
    python = str(tmp_path / "venv" / "bin" / "python")
    subprocess.run([interpreter.path, "-m", "venv", str(tmp_path / "venv")], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", *filter(None, wanted)], check=True)

    command = [python, "-m", "pytest", "-q", "tests/integration/test_matrix.py"]
    done = subprocess.run(
        [*command, "tests/integration/test_ends.py"],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


def _written(value: Any) -> str:
    """Return what shows what equality does not (the type, -0.0, a fold); sets have no order."""
    if isinstance(value, (set, frozenset)):
        return f"{type(value).__name__} of {sorted(map(repr, value))}"
    return repr(value)
