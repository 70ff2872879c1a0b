"""`@remotesvc.main()`: what a program with it does, started in every way, ended in every way."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import remotesvc
from tests.integration.pythons import OLDEST

DEADLINE = 60.0

# What stands in a file of its own in each test, before the function that is decorated.
HEAD = """
    import os
    import sys
    import remotesvc

    def where():
        return __name__, "main" in globals(), "AFTER" in globals()

"""

RUNS = """
    @remotesvc.main()
    def main(router):
        child = router.local(python_path=sys.argv[1:] or None)
        print(*child.call(where))
"""


def write(path: Path, source: str) -> Path:
    path.write_text(textwrap.dedent(HEAD) + textwrap.dedent(source))
    return path


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end."""
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


def said(folder: Path, *arguments: str) -> str:
    """Run a program, which must end well; return what it printed."""
    done = run(folder, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


# -- ways to start it ----------------------------------------------------------------------------


@pytest.mark.parametrize("python", [sys.executable, OLDEST.path], ids=["own", str(OLDEST)])
def test_function_of_such_a_program_runs_in_a_child_where_main_is_cut_out(
    tmp_path: Path, empty_home: Path, python: str
) -> None:
    program = write(tmp_path / "program.py", RUNS)

    assert said(tmp_path, program.name, python) == "__main__ False False\n"


def test_module_of_a_package_is_imported_over_there_and_not_run(
    tmp_path: Path, empty_home: Path
) -> None:
    package = tmp_path / "tool"
    package.mkdir()
    (package / "__init__.py").touch()
    write(package / "show.py", RUNS)

    assert said(tmp_path, "-m", "tool.show") == "tool.show True False\n"


def test_imported_file_is_left_as_it_is(tmp_path: Path, empty_home: Path) -> None:
    write(tmp_path / "program.py", RUNS + '\n    AFTER = "is run"\n')

    printed = said(tmp_path, "-c", "import program; print(program.main.__name__, program.AFTER)")

    assert printed == "main is run\n"


def test_decorated_function_of_an_imported_file_can_be_called_with_any_router() -> None:
    @remotesvc.main(siblings=True)
    def main(router: remotesvc.Router) -> object:
        return router

    with remotesvc.Router() as router:
        assert main(router) is router


def test_worker_processes_of_the_program_do_not_run_it_again(
    tmp_path: Path, empty_home: Path
) -> None:
    source = """
        @remotesvc.main()
        def main(router):
            import multiprocessing

            worker = multiprocessing.get_context("spawn").Process(target=where)
            worker.start()
            worker.join()
            print("started once", worker.exitcode)
    """
    program = write(tmp_path / "program.py", source)

    assert said(tmp_path, program.name) == "started once 0\n"


# -- its router ----------------------------------------------------------------------------------


def test_options_are_those_of_the_router(tmp_path: Path, empty_home: Path) -> None:
    source = """
        @remotesvc.main(siblings=True, grace=2)
        def main(router):
            print(router.switch.siblings, router.grace)
    """
    program = write(tmp_path / "program.py", source)

    assert said(tmp_path, program.name) == "True 2\n"


def test_wrong_option_is_told_before_the_function_begins(tmp_path: Path, empty_home: Path) -> None:
    source = """
        @remotesvc.main(grace="long")
        def main(router):
            print("it began")
    """
    done = run(tmp_path, write(tmp_path / "program.py", source).name)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith("TypeError: grace: ")


def test_decorator_without_parentheses_says_what_to_write() -> None:
    with pytest.raises(TypeError, match=r"write @remotesvc\.main\(\), with parentheses"):
        remotesvc.main(lambda router: None)  # type: ignore[arg-type]


def test_coroutine_function_is_run_by_asyncio(tmp_path: Path, empty_home: Path) -> None:
    source = """
        import asyncio

        @remotesvc.main()
        async def main(router):
            child = await asyncio.to_thread(router.local)
            print(await asyncio.wrap_future(child.submit(len, "four")))
            return 4
    """
    done = run(tmp_path, write(tmp_path / "program.py", source).name)

    assert (done.returncode, done.stdout, done.stderr) == (4, "4\n", "")


# -- ways in which it ends -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code", "errors"),
    [
        ("pass", 0, ""),
        ("return 0", 0, ""),
        ("return 7", 7, ""),
        ("return 'no host left'", 1, "no host left\n"),
        ("sys.exit(3)", 3, ""),
    ],
)
def test_result_is_the_exit_status(
    tmp_path: Path, empty_home: Path, body: str, code: int, errors: str
) -> None:
    source = f"""
        @remotesvc.main()
        def main(router):
            {body}
    """
    done = run(tmp_path, write(tmp_path / "program.py", source).name)

    assert (done.returncode, done.stdout, done.stderr) == (code, "", errors)


# The end of the function that runs over there shows in a file: its prints are not shown any more.
ENDS = """
    def wait(sender, path):
        import time

        try:
            sender.send("it waits")
            time.sleep(600)
        finally:
            with open(path, "w") as file:
                file.write("ended")

    @remotesvc.main()
    def main(router):
        receiver = remotesvc.Receiver(router)
        future = router.local().submit(wait, receiver.sender, sys.argv[1])
        print(receiver.get(), flush=True)
        END
"""


def test_exception_is_shown_once_the_router_is_closed(tmp_path: Path, empty_home: Path) -> None:
    source = """
        import atexit

        @remotesvc.main()
        def main(router):
            child = router.local()
            child.on_disconnect(lambda context, error: print(error))
            child.call(os.listdir, "/nonexistent")
    """
    done = run(tmp_path, write(tmp_path / "program.py", source).name)

    assert (done.returncode, done.stdout) == (1, "local: the router was closed\n")
    assert done.stderr.splitlines()[-1].endswith(
        "FileNotFoundError: [Errno 2] No such file or directory: '/nonexistent'"
    )


def test_interrupt_ends_what_runs_over_there_and_gives_130_without_a_traceback(
    tmp_path: Path, empty_home: Path
) -> None:
    path = tmp_path / "end"
    program = write(tmp_path / "program.py", ENDS.replace("END", "future.result()"))

    process = subprocess.Popen(
        [sys.executable, "-W", "error", program.name, str(path)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "it waits\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=DEADLINE)

    assert (process.returncode, errors) == (130, "")
    assert path.read_text() == "ended"


def test_what_still_runs_when_the_function_returns_is_ended(
    tmp_path: Path, empty_home: Path
) -> None:
    path = tmp_path / "end"
    program = write(tmp_path / "program.py", ENDS.replace("END", "return"))

    assert said(tmp_path, program.name, str(path)) == "it waits\n"
    assert path.read_text() == "ended"
