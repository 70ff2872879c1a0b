"""`remotesvc run` where all goes well, or as well as the function does."""

import sys
from pathlib import Path

import pytest

from remotesvc.testing.server import SshServer
from tests.cli.program import Done, Program

CHECKED = "{'disk': '/srv', 'limit': 0.5, 'word': 'healthy'}\n"


def test_a_function_of_the_standard_library_runs_over_there(
    remotesvc: Program, server: SshServer
) -> None:
    done = remotesvc("run", "-F", server.config_file, f"127.0.0.1:{server.port}", "os.getcwd")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("/")


def test_a_function_from_the_current_folder_travels_with_its_modules(
    remotesvc: Program, server: SshServer
) -> None:
    done = remotesvc(
        "run", "-F", server.config_file, "web1", "app.health.check", "/srv", "limit=0.5"
    )

    assert done == Done(0, CHECKED, "web1: looking at /srv\n")


def test_the_same_works_on_this_machine_without_ssh(remotesvc: Program) -> None:
    done = remotesvc("run", "@local", "app.health.check", "/srv", "limit=0.5")

    assert done == Done(0, CHECKED, "@local: looking at /srv\n")


def test_none_shows_nothing_and_text_is_shown_as_it_is(remotesvc: Program) -> None:
    assert remotesvc("run", "@local", "time.sleep", "0") == Done(0, "", "")
    assert remotesvc("run", "@local", "os.path.join", "a", "b") == Done(0, "a/b\n", "")


def test_arguments_are_literals_unless_text_is_asked_for(remotesvc: Program) -> None:
    assert remotesvc("run", "@local", "builtins.repr", "5").out == "5\n"
    assert remotesvc("run", "@local", "builtins.repr", "5", "--text").out == "'5'\n"
    assert remotesvc("run", "@local", "builtins.repr", "-5").out == "-5\n"
    assert remotesvc("run", "@local", "builtins.repr", "--", "--json").out == "'--json'\n"
    assert remotesvc("run", "@local", "builtins.dict", "a=1", "b=x").out == "{'a': 1, 'b': 'x'}\n"
    assert remotesvc("run", "@local", "builtins.repr", "--", "a=1").out == "'a=1'\n"


@pytest.mark.parametrize(("options", "level"), [((), 2), (("-v",), 1), (("-vv",), 0)])
def test_what_a_function_logs_is_shown_from_warnings_on_and_more_with_each_v(
    remotesvc: Program, options: tuple[str, ...], level: int
) -> None:
    done = remotesvc("run", "@local", "app.health.warn", *options)

    shown = [line for line in done.err.splitlines() if "% full" in line]
    expected = [f"@local: {name}: app.disk: 90 % full" for name in ("debug", "info", "warning")]
    assert (done.code, done.out, shown) == (0, "", expected[level:])


def test_several_hosts_name_every_line_and_end_in_a_summary(
    remotesvc: Program, server: SshServer
) -> None:
    done = remotesvc("run", "-F", server.config_file, "web1,web2,web1", "app.health.check", "/")

    assert done.code == 0
    assert sorted(done.out.splitlines()) == [
        f"{host}: {{'disk': '/', 'limit': 0.9, 'word': 'healthy'}}" for host in ("web1", "web2")
    ]
    *prints, summary = done.err.splitlines()
    assert sorted(prints) == ["web1: looking at /", "web2: looking at /"]
    assert summary.startswith("2 ok in ")


def test_a_function_that_raises_shows_its_remote_lines(remotesvc: Program) -> None:
    done = remotesvc("run", "@local", "app.health.fail")

    assert (done.code, done.out) == (1, "")
    lines = done.err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert '/app/health.py", line ' in lines[1]
    assert lines[2].strip() == 'raise LookupError("nothing there")'
    assert lines[-1] == "@local: LookupError: nothing there"
    assert done.err.count("LookupError: nothing there") == 1


def test_a_function_written_in_c_that_raises_is_told_in_one_line(remotesvc: Program) -> None:
    done = remotesvc("run", "@local", "os.listdir", "/nonexistent")

    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "@local: FileNotFoundError: [Errno 2] No such file or directory: '/nonexistent'\n"
    )


def test_a_call_that_takes_too_long_times_out_and_is_ended(remotesvc: Program) -> None:
    done = remotesvc("run", "@local", "time.sleep", "60", "--timeout", "0.2")

    assert done == Done(4, "", "@local: time.sleep did not return within 0.2 s (--timeout)\n")


def test_mixed_outcomes_are_counted_and_the_worst_decides(
    remotesvc: Program, server: SshServer
) -> None:
    done = remotesvc(
        "run", "-F", server.config_file, f"web1,@local,127.0.0.1:{unused_port()}", "time.sleep",
        "60", "--timeout", "0.5",
    )  # fmt: skip

    assert done.code == 3
    assert done.out == ""
    summary = done.err.splitlines()[-1]
    assert summary.startswith("1 unreachable (127.0.0.1:")
    assert "2 timed out (" in summary


def test_json_is_one_object_for_each_host(remotesvc: Program, server: SshServer) -> None:
    nobody = f"127.0.0.1:{unused_port()}"
    done = remotesvc(
        "run", "-F", server.config_file, f"web1,{nobody}", "app.health.check", "/", "--json"
    )

    assert done.code == 3
    lost, good = done.records
    assert set(good) == {"host", "outcome", "exit_code", "elapsed", "result", "error"}
    assert good["elapsed"] > 0
    assert {**good, "elapsed": 0} == {
        "host": "web1",
        "outcome": "ok",
        "exit_code": 0,
        "elapsed": 0,
        "result": {"disk": "/", "limit": 0.9, "word": "healthy"},
        "error": None,
    }
    assert (lost["host"], lost["outcome"], lost["exit_code"]) == (nobody, "unreachable", 3)
    assert (lost["result"], lost["error"]["type"]) == (None, "ConnectError")
    assert (lost["error"]["phase"], lost["error"]["traceback"]) == ("tcp", None)


def test_json_has_the_traceback_of_a_function_that_raised(remotesvc: Program) -> None:
    (record,) = remotesvc("run", "@local", "app.health.fail", "--json").records

    assert (record["outcome"], record["exit_code"]) == ("raised", 1)
    assert (record["error"]["type"], record["error"]["message"]) == (
        "LookupError",
        "nothing there",
    )
    assert record["error"]["traceback"].startswith("Traceback (most recent call last):\n")


@pytest.mark.parametrize(("forks", "outcomes"), [(2, ["ok", "ok"]), (1, ["ok", "raised"])])
def test_forks_are_how_many_hosts_are_at_work_at_one_time(
    remotesvc: Program, server: SshServer, forks: int, outcomes: list[str]
) -> None:
    places = remotesvc.folder / "places"
    places.mkdir()
    # Alone, a host would wait in vain; the second one would find the traces of the first.
    patience = 0.3 if forks == 1 else 30

    done = remotesvc(
        "run", "-F", server.config_file, "web1,web2", "app.health.meet", places, patience,
        "--json", "--forks", forks,
    )  # fmt: skip

    assert sorted(record["outcome"] for record in done.records) == outcomes


def test_what_would_travel_can_be_listed_without_a_host(remotesvc: Program) -> None:
    done = remotesvc("run", "nosuch.invalid", "app.health.check", "/", "--dry-run")

    assert done.code == 0
    assert [line.split()[1] for line in done.out.splitlines()] == [
        "app",
        "app.health",
        "app.words",
    ]
    assert done.out.splitlines()[2].split()[0] == "17"
    assert done.err.startswith("3 modules of your own source")
    assert done.err.endswith("Nothing was sent\n")


def test_the_list_of_what_would_travel_has_a_json_form(remotesvc: Program) -> None:
    done = remotesvc("run", "web1", "app.words.x.y", "--dry-run", "--json")
    assert done.code == 2  # checked all the same

    done = remotesvc("run", "web1", "platform.node", "--dry-run", "--json")
    assert (done.code, done.out) == (0, "")

    done = remotesvc("run", "web1", "app.health.check", "/", "--dry-run", "--json")
    assert '{"module": "app.words", "bytes": 17, "path": "' in done.out


@pytest.mark.skipif(not Path("/proc/self/exe").exists(), reason="no /proc on this system")
def test_the_named_python_is_the_one_that_runs(remotesvc: Program, server: SshServer) -> None:
    choice = ("--python", "/nonexistent/python3", "--python", sys.executable)

    done = remotesvc(
        "run", "-F", server.config_file, "web1", "os.readlink", "/proc/self/exe", *choice
    )

    assert done == Done(0, str(Path(sys.executable).resolve()) + "\n", "")


def test_a_module_lying_in_the_folder_is_not_imported_here(
    tmp_path: Path, server: SshServer
) -> None:
    # As the installed command starts: without the current folder on its path.
    start = "import sys; del sys.path[0]; from remotesvc.cli.main import main; sys.exit(main())"
    remotesvc = Program(tmp_path, (sys.executable, "-c", start))
    for name in ("queue", "signal", "zlib", "stringprep", "own"):
        (tmp_path / f"{name}.py").write_text("def f(): return __name__\n")
    for name in ("queue", "signal", "zlib", "stringprep"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name} was imported')\n")

    done = remotesvc("run", "-F", server.config_file, "web1", "own.f")

    assert done == Done(0, "own\n", "")


def unused_port() -> int:
    """Return a port that refuses: the one of echo, which no machine has served for decades."""
    return 7
