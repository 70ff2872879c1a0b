"""Hosts as they are found: without Python, with an old one, noisy, full, strangely set up."""

import errno
import os
import platform
import subprocess
from pathlib import Path

import pytest

from remotesvc import BootstrapError, Context, InterpreterError, Router
from tests.conftest import has_sshd
from tests.integration.hosts import (
    PYTHON,
    Print,
    needs_namespaces,
    needs_program,
    start_host,
    write_program,
)
from tests.integration.targets import hops, odd
from tests.interpreters import find_interpreters
from tests.testing.client import connected, run

OLD_PYTHONS = [found for found in find_interpreters(include_python2=True) if found.version[0] == 2]

needs_old_python = pytest.mark.skipif(not OLD_PYTHONS, reason="no Python 2.7 on this machine")
needs_sshd = pytest.mark.skipif(not has_sshd(), reason="no sshd on this machine")

MEGABYTE = 1024 * 1024

# Of the standard library, what a first call, an exception and a lambda make a child import.
STANDARD_MODULES = (
    *("bisect", "codecs", "collections", "contextlib", "datetime", "functools", "heapq", "io"),
    *("keyword", "linecache", "operator", "os", "pickle", "platform", "re", "reprlib", "select"),
    *("selectors", "signal", "site", "struct", "subprocess", "threading", "tokenize"),
    *("traceback", "types", "typing", "weakref", "zlib"),
)


def works(context: Context) -> bool:
    return context.call(odd.sum_of, [1, 2]) == 3


# -- which Python --------------------------------------------------------------------------------


@needs_old_python
def test_a_host_with_python_2_alone_is_refused_by_version(router: Router, tmp_path: Path) -> None:
    old = OLD_PYTHONS[0].path
    with (
        start_host(tmp_path, {"python": old, "python3": old}) as host,
        pytest.raises(InterpreterError) as raised,
    ):
        host.connect(router).call(os.getpid)

    error = raised.value
    assert "python3.13" in str(error)
    assert "/usr/libexec/platform-python" in str(error)
    assert "Python 2.7." in str(error)
    assert "python_path" in str(error)
    assert (error.phase, error.exit_status) == ("interpreter", 93)


def test_a_host_without_python_is_refused_with_what_was_tried(
    router: Router, tmp_path: Path
) -> None:
    with start_host(tmp_path, {}) as host, pytest.raises(InterpreterError) as raised:
        host.connect(router).call(os.getpid)

    error = raised.value
    assert "python3.13" in str(error)
    assert "no Python found on this host" in str(error)
    assert (error.phase, error.exit_status) == ("interpreter", 93)


@needs_old_python
def test_an_old_python3_hands_over_to_the_next_one(router: Router, tmp_path: Path) -> None:
    programs = {"python3": OLD_PYTHONS[0].path, "python3.11": PYTHON}
    with start_host(tmp_path, programs) as host:
        version = host.connect(router).call(platform.python_version)

    assert version == platform.python_version()


def test_an_interpreter_behind_links_runs(router: Router, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "snake").symlink_to(PYTHON)
    link = tmp_path / "linked"
    link.symlink_to("elsewhere/snake")

    with start_host(tmp_path, {"python3": str(link)}) as host:
        assert works(host.connect(router))
        assert works(router.local(python_path=str(link)))


@pytest.mark.parametrize(("status", "kind"), [(127, InterpreterError), (1, BootstrapError)])
def test_a_wrapper_that_fails_is_quoted_and_another_python_can_be_named(
    router: Router, tmp_path: Path, status: int, kind: type[Exception]
) -> None:
    text = f"#!/bin/sh\necho no version of python3 is chosen >&2\nexit {status}\n"
    wrapper = write_program(tmp_path / "wrapper", text)
    with start_host(tmp_path, {"python3": wrapper, "python3.11": PYTHON}) as host:
        with pytest.raises(kind, match="said: no version of python3 is chosen") as caught:
            host.connect(router).call(os.getpid)
        assert works(host.connect(router, python_path="python3.11"))

    assert "python_path" in str(caught.value)


# -- what the login does -------------------------------------------------------------------------


@pytest.mark.sshd
@needs_sshd
@pytest.mark.parametrize("size", [40, MEGABYTE])
@pytest.mark.parametrize("redirection", ["", " >&2"], ids=["stdout", "stderr"])
def test_noise_of_a_login_script_is_skipped(
    router: Router, tmp_path: Path, size: int, redirection: str
) -> None:
    command = f"head -c {size} /dev/zero | tr '\\0' '#'{redirection}\n"
    programs = {"python3": PYTHON, "head": needs_program("head"), "tr": needs_program("tr")}
    with start_host(tmp_path, programs, kind="sshd") as host:
        (host.home / ".bashrc").write_text(command)
        with connected(host.server) as client:
            heard = run(client, "true")
        if not heard.output + heard.errors:
            pytest.skip("the shell of this account reads no ~/.bashrc under sshd")
        assert works(host.connect(router))

    assert len(heard.errors if redirection else heard.output) == size


@pytest.mark.sshd
@needs_sshd
def test_a_forced_command_is_quoted_in_the_error(router: Router, tmp_path: Path) -> None:
    forced = 'command="echo This account is closed."'
    with (
        start_host(tmp_path, authorized_keys_options=forced) as host,
        pytest.raises(BootstrapError, match="It said: This account is closed") as raised,
    ):
        host.connect(router).call(os.getpid)

    assert raised.value.exit_status == 0


@pytest.mark.parametrize("name", ["bash", "busybox", "dash", "fish", "ksh", "tcsh", "zsh"])
def test_any_login_shell_will_do(router: Router, tmp_path: Path, name: str) -> None:
    shell = needs_program(name)
    if name == "busybox":
        shell = str(tmp_path / "sh")
        Path(shell).symlink_to(needs_program(name))
    with start_host(tmp_path, shell=shell) as host:
        assert works(host.connect(router))


@pytest.mark.parametrize("name", ["bash", "busybox", "dash"])
def test_any_sh_will_do(router: Router, tmp_path: Path, name: str) -> None:
    with start_host(tmp_path, {"python3": PYTHON, "sh": needs_program(name)}) as host:
        assert works(host.connect(router))


def test_few_descriptors_are_enough(router: Router, tmp_path: Path) -> None:
    with start_host(tmp_path, login=["ulimit -n 20"]) as host:
        assert works(host.connect(router))


def test_a_mask_of_the_login_is_kept(router: Router, tmp_path: Path) -> None:
    with start_host(tmp_path, login=["umask 0777"]) as host:
        assert host.connect(router).call(odd.umask) == 0o777


def test_a_login_that_ignores_signals_leaves_the_child_interruptible(
    router: Router, tmp_path: Path
) -> None:
    with start_host(tmp_path, login=["trap '' INT TERM HUP PIPE"]) as host:
        assert host.connect(router).call(odd.is_interruptible)


# -- file systems --------------------------------------------------------------------------------


def test_a_home_that_cannot_be_written_is_enough(router: Router, tmp_path: Path) -> None:
    needs_namespaces()
    login = ['mount -t tmpfs -o ro none "$HOME"', 'cd "$HOME" || exit 1']
    with start_host(tmp_path, login=login, namespace=True) as host:
        context = host.connect(router)
        assert works(context)
        assert context.call(os.getcwd) == str(host.home)
        assert context.call(odd.write, "witness", 1) == errno.EROFS


def test_a_full_tmp_is_enough(router: Router, tmp_path: Path) -> None:
    needs_namespaces()
    login = ["mount -t tmpfs -o size=4k none /tmp", "head -c 4096 /dev/zero >/tmp/full"]
    with start_host(tmp_path, login=login, namespace=True) as host:
        context = host.connect(router, python_path=PYTHON)
        assert works(context)
        assert context.call(odd.write, "/tmp/witness", 1) == errno.ENOSPC


def test_full_disks_are_enough_behind_a_relay(
    router: Router, tmp_path: Path, prints: list[Print]
) -> None:
    needs_namespaces()
    fill = "mount -t tmpfs -o size=4k none {0} && head -c 4096 /dev/zero >{0}/full || exit 1"
    with start_host(tmp_path, login=[fill.format("/tmp")], namespace=True) as host:
        relay = host.connect(router, python_path=PYTHON)
        # Behind it one with full disks of its own, its home and current folder on one of them.
        folders = ["/var/tmp", "/dev/shm"]
        lines = [*map(fill.format, folders), "cd /var/tmp", "HOME=/var/tmp exec {line}"]
        words = ["unshare", "-m", "sh", "-c", "\n".join(lines)]
        below = router.exec(words, via=relay, python_path=PYTHON)
        beside = router.local(via=relay, python_path=PYTHON)

        for context in (relay, below, beside):
            assert works(context)
            assert context.call(odd.write, "/tmp/witness", 1) == errno.ENOSPC
        for folder in folders:
            assert below.call(odd.write, f"{folder}/witness", 1) == errno.ENOSPC
        assert below.call(os.getcwd) == below.call(os.path.expanduser, "~") == "/var/tmp"
        # What is fetched, thrown and logged later is written nowhere, either.
        with pytest.raises(LookupError):
            below.call(odd.import_and_fail, ["tests.integration.targets.values"])
        assert below.call_service(hops.Desk, "where") == below.info.pid
        assert below.call(hops.in_child, "add", 1, 2) == 3
        below.call(hops.say, "said")
    assert (below.name, "stdout", b"said") in prints


def test_nothing_is_written_on_the_host(router: Router, tmp_path: Path) -> None:
    needs_namespaces()
    home = str(tmp_path / "home_there")
    folders = ["/tmp", "/var/tmp", "/dev/shm", home]
    login = [f'mkdir -p "{path}" && mount -t tmpfs none "{path}" || exit 1' for path in folders]
    login += ['cd "$HOME" || exit 1', "echo 'NUMBER = 7' >on_the_host.py"]
    login += ['export PYTHONPATH="$HOME"']
    with start_host(tmp_path, login=login, namespace=True) as host:
        context = host.connect(router, python_path=PYTHON)
        with pytest.raises(LookupError):
            context.call(odd.import_and_fail, ["on_the_host"])
        tree = context.call(odd.list_tree, folders)

    (made, *others), here = tree.pop(home), tree.pop("/tmp")
    assert (made, others) == (f"{home}/on_the_host.py", [])
    assert [path for path in here if not home.startswith(path)] == [made]
    assert set(map(tuple, tree.values())) == {()}


def test_modules_in_the_current_folder_are_not_imported(router: Router, tmp_path: Path) -> None:
    folder = tmp_path / "home_there"
    folder.mkdir()
    witness = tmp_path / "witness"
    for name in STANDARD_MODULES:
        text = f"with open({str(witness)!r}, 'a') as f: f.write('{name} ')\nraise SystemExit\n"
        (folder / f"{name}.py").write_text(text)
    # Without site: what this machine installs may import half of them before the command runs.
    subprocess.run([PYTHON, "-SBc", "import struct"], cwd=folder, check=True)
    assert witness.read_text() == "struct "
    witness.unlink()
    python = write_program(tmp_path / "python", f'#!/bin/sh\nexec {PYTHON} -S "$@"\n')

    with start_host(tmp_path, {"python3": python}, login=['cd "$HOME"']) as host:
        context = host.connect(router)
        assert context.call(os.getcwd) == str(folder)
        with pytest.raises(LookupError) as raised:
            context.call(odd.import_and_fail, list(STANDARD_MODULES))

    assert str(raised.value) == "LookupError: " + ", ".join(STANDARD_MODULES)
    assert not witness.exists()


# -- descriptors and environment -----------------------------------------------------------------


@pytest.mark.parametrize("fds", [(0,), (0, 1, 2)])
def test_descriptors_that_do_not_block_are_as_good(
    router: Router, tmp_path: Path, fds: tuple[int, ...], prints: list[Print]
) -> None:
    wrapper = write_program(
        tmp_path / "python",
        f"#!{PYTHON}\nimport os, sys\nfor fd in {fds}: os.set_blocking(fd, False)\n"
        f"os.execv({PYTHON!r}, [{PYTHON!r}] + sys.argv[1:])\n",
    )
    context = router.local(python_path=wrapper)

    echo = context.call(bytes, bytes(MEGABYTE))
    context.call(odd.say, "x" * 100_000)

    assert echo == bytes(MEGABYTE)
    for stream in ("stdout", "stderr"):
        assert b"".join(line for _, name, line in prints if name == stream) == b"x" * 100_000
    assert all(context.call(odd.is_blocking, fd) for fd in (0, 1, 2))


def test_python_settings_of_the_host_stay_in_force(router: Router, tmp_path: Path) -> None:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "on_the_host.py").write_text("")
    startup = tmp_path / "startup.py"
    startup.write_text("raise SystemExit('PYTHONSTARTUP was run')")
    environment = {
        "PYTHONPATH": str(tmp_path / "modules"),
        "PYTHONSTARTUP": str(startup),
        "PYTHONUNBUFFERED": "1",
        "PYTHONOPTIMIZE": "2",
        "PYTHONINSPECT": "1",
    }
    with start_host(tmp_path, environment=environment) as host:
        context = host.connect(router)
        path = context.call(odd.search_path)
        flags = context.call(odd.flags)
        with pytest.raises(LookupError):
            context.call(odd.import_and_fail, ["on_the_host"])

    assert str(tmp_path / "modules") in path
    assert "" not in path
    assert flags["optimize"] == 2


@pytest.mark.parametrize(
    "setting",
    [
        "PYTHONVERBOSE=2",
        "PYTHONWARNINGS=error",
        "PYTHONDEVMODE=1",
        "PYTHONPROFILEIMPORTTIME=1",
        "PYTHONDONTWRITEBYTECODE=1",
        "PYTHONSAFEPATH=1",
        "PYTHONUTF8=0",
        "PYTHONFAULTHANDLER=1",
        "PYTHONTRACEMALLOC=5",
        "PYTHONDUMPREFS=1",
    ],
)
def test_a_setting_for_developers_does_no_harm(router: Router, setting: str) -> None:
    env = needs_program("env")
    program = f'#!/bin/sh\nexec {env} {setting} {PYTHON} "$@"\n'
    wrapper = write_program(Path(os.environ["HOME"]) / "python", program)

    assert works(router.local(python_path=wrapper))


@pytest.mark.matrix
@pytest.mark.parametrize("interpreter", find_interpreters(), ids=str)
def test_a_host_without_a_locale_prints_and_names_files_beyond_ascii(
    router: Router, tmp_path: Path, prints: list[Print], interpreter: object
) -> None:
    path = getattr(interpreter, "path")  # noqa: B009
    names = tmp_path / "names"
    names.mkdir()
    (names / "grüße").touch()
    environment = {"LANG": "C", "LC_ALL": "POSIX", "PYTHONIOENCODING": "latin-1"}
    with start_host(tmp_path, {"python3": path}, environment=environment) as host:
        context = host.connect(router, name="there")
        context.call(odd.say, "grüße, 世界")
        listed = context.call(os.listdir, str(names))
        context.call(odd.say, listed[0])

    text = "grüße, 世界".encode()
    assert [os.fsencode(name) for name in listed] == ["grüße".encode()]
    assert {line for _, _, line in prints} == {text, "grüße".encode()}
    assert len(prints) == 4


def test_a_home_of_pythons_that_is_wrong_is_told(router: Router, tmp_path: Path) -> None:
    with (
        start_host(tmp_path, environment={"PYTHONHOME": "/nonexistent"}) as host,
        pytest.raises(BootstrapError) as raised,
    ):
        host.connect(router).call(os.getpid)

    assert "encodings" in str(raised.value)
