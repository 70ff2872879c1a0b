"""Functions of the main program, started in every way in which a program can be started."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration.pythons import OLDEST

DEADLINE = 60.0

GUARDED = """
    import os
    import remotesvc
    import helper

    class Disk:
        @classmethod
        def name(cls):
            return cls.__name__ + helper.SUFFIX

    def where():
        return (__name__, os.getpid(), helper.SUFFIX)

    def fail():
        raise KeyError("in main")  # the line that is shown

    if __name__ == "__main__":
        made_here = 42

        def below_the_guard():
            return made_here

        with remotesvc.Router() as router:
            child = router.local(python_path={python!r})
            name, pid, suffix = child.call(where)
            assert (name, suffix) == ({name!r}, "!"), name
            assert pid == child.info.pid != os.getpid()
            assert child.call(Disk.name) == "Disk!"
            try:
                child.call(fail)
            except KeyError as error:
                assert "# the line that is shown" in error.traceback
            if {is_same!r}:
                assert child.call(below_the_guard) == 42
                assert child.call(lambda: made_here) == 42
        print("done")
"""

UNGUARDED = """
    import remotesvc

    def double(number):
        return 2 * number

    with remotesvc.Router() as router:
        try:
            print(router.local().call(double, 4))
        except remotesvc.RefusedError as error:
            print(error)
"""


def write(path: Path, source: str, **values: object) -> Path:
    text = textwrap.dedent(source)
    for name, value in values.items():
        text = text.replace(f"{{{name}!r}}", repr(value))
    path.write_text(text)
    return path


def run(folder: Path, *arguments: str, stdin: str = "") -> str:
    """Run a program, which must end well; return what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path, empty_home: Path) -> Path:
    (tmp_path / "helper.py").write_text("SUFFIX = '!'\n")
    return tmp_path


@pytest.mark.parametrize("python", [sys.executable, OLDEST.path], ids=["same", str(OLDEST)])
def test_guarded_program_travels_without_what_starts_it(folder: Path, python: str) -> None:
    is_same = python == sys.executable
    write(folder / "program.py", GUARDED, python=python, name="__main__", is_same=is_same)

    assert run(folder, "program.py") == "done\n"


def test_program_of_a_package_travels_under_its_true_name(folder: Path) -> None:
    package = folder / "tool"
    package.mkdir()
    (package / "__init__.py").touch()
    values = {"python": None, "name": "tool.__main__", "is_same": False}
    write(package / "__main__.py", GUARDED, **values)

    assert run(folder, "-m", "tool") == "done\n"


def test_unguarded_program_is_refused_with_the_way_out(folder: Path) -> None:
    write(folder / "program.py", UNGUARDED)

    said = run(folder, "program.py")

    assert said.startswith("double cannot be sent: ")
    assert "has no main guard" in said
    assert "under `if __name__ == '__main__':`" in said


@pytest.mark.parametrize("arguments", [("-c",), ("-",)])
def test_program_without_a_file_travels_by_pickle(folder: Path, arguments: Sequence[str]) -> None:
    text = textwrap.dedent(UNGUARDED)
    words = ["-c", text] if arguments == ("-c",) else ["-"]

    assert run(folder, *words, stdin=text) == "8\n"


def test_program_that_fails_to_import_over_there_can_be_called_again(folder: Path) -> None:
    source = """
        import os
        import remotesvc

        if os.environ.get("OVER_THERE"):
            os.environ.pop("OVER_THERE")
            raise LookupError("not this time")

        def name():
            return __name__

        if __name__ == "__main__":
            with remotesvc.Router() as router:
                child = router.local(env={"OVER_THERE": "1"})
                try:
                    child.call(name)
                except LookupError as error:
                    print(error.message)
                print(child.call(name))
    """
    write(folder / "program.py", source)

    assert run(folder, "program.py") == "not this time\n__main__\n"
