"""Every mistake and every unreachable host: the right exit code, a line or few, nothing left."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from remotesvc.testing.keys import make_key
from remotesvc.testing.server import SshServer
from remotesvc.testing.silent import SilentServer
from tests.cli.program import Done, Program

# What no one of these shows: that is for functions that raised.
TRACE = "Traceback (most recent call last)"


@pytest.fixture
def silent() -> Iterator[SilentServer]:
    """A port that accepts and says nothing."""
    with SilentServer() as server:
        yield server


def line_of(done: Done, code: int) -> str:
    """Return the one line that a command ended with."""
    assert (done.code, done.out) == (code, "")
    assert TRACE not in done.err
    (line,) = done.err.splitlines()
    return line


# -- hosts that are not reached ----------------------------------------------------------------


def test_an_unknown_host_is_told_with_its_name(remotesvc: Program) -> None:
    line = line_of(remotesvc("run", "-F", "none", "nosuch.invalid", "platform.node"), 3)

    assert line.startswith("nosuch.invalid: the name 'nosuch.invalid' cannot be resolved")
    assert "Check the spelling" in line
    assert line.endswith("(phase: resolve)")


def test_a_port_that_refuses_is_told_with_its_number(remotesvc: Program) -> None:
    line = line_of(remotesvc("run", "-F", "none", "127.0.0.1:7", "platform.node"), 3)

    assert line.startswith("127.0.0.1:7: cannot connect to 127.0.0.1 port 7: Connection refused")
    assert line.endswith("(phase: tcp)")


def test_a_host_that_does_not_come_is_told_with_the_number_of_tries(remotesvc: Program) -> None:
    done = remotesvc("run", "-F", "none", "127.0.0.1:7", "platform.node", "--retries", "1")

    assert "Connection refused" in (line := line_of(done, 3))
    assert "(tried 2 times in " in line


def test_a_silent_port_ends_with_the_deadline(remotesvc: Program, silent: SilentServer) -> None:
    host = f"127.0.0.1:{silent.port}"

    line = line_of(
        remotesvc("run", "-F", "none", host, "platform.node", "--connect-timeout", "1"), 3
    )

    assert line.startswith(f"{host}: no answer within 1 s (phase: tcp")
    assert "--connect-timeout" in line


def test_a_wrong_user_is_told_with_what_was_tried(remotesvc: Program, server: SshServer) -> None:
    done = remotesvc("run", "-F", server.config_file, "web1", "platform.node", "-l", "nosuchuser")
    line = line_of(done, 3)

    assert line.startswith("web1: user 'nosuchuser' was not let in")
    assert "Check the user name" in line
    assert line.endswith("(phase: auth)")


def test_a_wrong_key_is_told_with_its_file(remotesvc: Program, server: SshServer) -> None:
    key = remotesvc.folder / "wrong_key"
    key.write_bytes(make_key("ed25519").private)
    key.chmod(0o600)

    line = line_of(
        remotesvc("run", "-F", server.config_file, "web1", "platform.node", "-i", key), 3
    )

    assert f"was not let in by 127.0.0.1 port {server.port}. Tried: key {key}" in line
    assert line.endswith("(phase: auth)")


def test_a_changed_host_key_is_told_with_the_command_that_mends_it(
    remotesvc: Program, server: SshServer
) -> None:
    known = remotesvc.folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {make_key('ed25519').public}\n")

    done = remotesvc(
        "run", "-F", server.config_file, "web1", "platform.node", "--known-hosts", known
    )

    assert (done.code, done.out) == (3, "")
    assert TRACE not in done.err
    first, *others = done.err.splitlines()
    assert first.startswith(f"web1: the key of [127.0.0.1]:{server.port} has changed")
    assert first.endswith("(phase: host key)")
    assert others[-2] == f"  ssh-keygen -R '[127.0.0.1]:{server.port}' -f {known}"
    assert others[-1] == "then run again with --host-key-policy accept-new"


def test_an_unknown_host_key_is_told_and_accepted_when_asked_for(
    remotesvc: Program, server: SshServer
) -> None:
    known = remotesvc.folder / "known_hosts"
    words = ("run", "-F", server.config_file, "web1", "os.getpid", "--known-hosts", known)

    refused = remotesvc(*words)
    accepted = remotesvc(*words, "--host-key-policy", "accept-new")

    assert refused.code == 3
    assert "is not known (phase: host key)" in refused.err.splitlines()[0]
    assert "--host-key-policy accept-new" in refused.err
    assert (accepted.code, accepted.err) == (0, "")
    assert remotesvc(*words).code == 0


def test_a_host_without_the_named_python_says_what_was_tried(
    remotesvc: Program, server: SshServer
) -> None:
    done = remotesvc(
        "run", "-F", server.config_file, "web1", "os.getpid", "--python", "/no/python"
    )
    line = line_of(done, 3)

    assert line.startswith(
        "web1: no Python 3.6 or newer (tried /no/python). Name one with --python"
    )
    assert line.endswith("(phase: interpreter)")


@pytest.mark.parametrize(
    ("python", "expected"),
    [
        ("nosuch", "nosuch could not be started: No such file or directory. Name a Python with"),
        ("/bin/true", "(exit status 0). Is /bin/true a Python? Name another with"),
    ],
)
def test_a_program_of_this_machine_that_is_no_python_is_told(
    remotesvc: Program, python: str, expected: str
) -> None:
    line = line_of(remotesvc("run", "@local", "os.getpid", "--python", python), 3)

    assert not line.startswith("@local: local")
    assert f"{expected} --python" in line


def test_a_connection_that_ends_during_the_call_is_told(remotesvc: Program) -> None:
    line = line_of(remotesvc("run", "@local", "os._exit", "7"), 3)

    assert line.startswith("@local: is gone: ")
    assert "exit status 7" in line


# -- functions that are not there --------------------------------------------------------------


def test_an_unknown_module_is_told_with_where_it_was_looked_for(
    remotesvc: Program, server: SshServer
) -> None:
    done = remotesvc("run", "-F", server.config_file, "web1", "ap.health.check")
    line = line_of(done, 2)

    assert line.startswith(
        "web1: ModuleNotFoundError: No module named 'ap'; nor is 'ap' here, in "
    )
    assert str(remotesvc.folder) in line


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("app.helth.check", "has no module or function 'helth'; did you mean 'health'?"),
        ("app.health.chek", "has no 'chek'; did you mean 'check'?"),
        ("app.health.LIMIT", "app.health.LIMIT is no function, it is the constant 5"),
        ("app.health", "app.health is a module: name a function in it; it has check, fail"),
        ("app", "app is a module: name a function in it; it has health"),
        ("check", "'check' is one word: write module.function, for example app.health.check"),
    ],
)
def test_an_unknown_function_is_told_before_a_host_is_asked(
    remotesvc: Program, target: str, words: str
) -> None:
    line = line_of(remotesvc("run", "nosuch.invalid", target), 2)

    assert line.startswith("remotesvc run: ")
    assert words in line


def test_an_unknown_function_of_the_standard_library_is_looked_for_over_there(
    remotesvc: Program,
) -> None:
    line = line_of(remotesvc("run", "@local", "platform.nodee"), 2)

    assert line == (
        "@local: AttributeError: module 'platform' has no attribute 'nodee'; did you mean 'node'?"
    )


# -- arguments and results ---------------------------------------------------------------------


def test_wrong_arguments_are_told_with_the_signature_before_a_host_is_asked(
    remotesvc: Program,
) -> None:
    line = line_of(remotesvc("run", "nosuch.invalid", "app.health.check", "size=5"), 2)

    assert line == (
        "remotesvc run: app.health.check: missing a required argument: 'disk'; "
        "its signature is check(disk, limit=0.9)"
    )


def test_wrong_arguments_of_other_functions_are_told_over_there(remotesvc: Program) -> None:
    line = line_of(remotesvc("run", "@local", "os.getcwd", "5"), 2)

    assert line.startswith("@local: os.getcwd cannot be called like that: ")
    assert "takes no arguments (1 given)" in line


def test_an_argument_that_cannot_be_sent_is_told_before_a_host_is_asked(
    remotesvc: Program,
) -> None:
    line = line_of(remotesvc("run", "nosuch.invalid", "app.health.check", "[1,...]"), 2)

    assert line.startswith("remotesvc run: argument 1[1]: builtins.ellipsis cannot travel")
    assert "--text" in line


def test_a_result_that_cannot_be_sent_is_told_with_its_type(remotesvc: Program) -> None:
    line = line_of(remotesvc("run", "@local", "app.health.lock"), 1)

    assert line.startswith("@local: result: _thread.lock cannot travel; make it plain")


# -- the command line itself -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run"], "Missing argument 'HOST[,HOST…]'. See remotesvc run --help"),
        (["run", "web1"], "Missing argument 'MODULE.FUNC'"),
        (["run", ",", "a.b"], "no host is named"),
        (["run", "@web", "a.b"], "there is no group @web"),
        (["run", "web1:x", "a.b"], "the destination 'web1:x' has the port 'x'"),
        (["run", "web1", "a.b", "--timeout", "nan"], "'nan' is not a positive number of seconds"),
        (["run", "web1", "a.b", "--timeout", "-5"], "'-5' is not a positive number of seconds"),
        (["run", "web1", "a.b", "-f", "0"], "Invalid value for '-f'"),
        (["run", "web1", "a.b", "-p", "70000"], "Invalid value for '-p'"),
        (["run", "web1", "a.b", "-F", "/no/config"], "'/no/config' does not exist. See remotesvc"),
        (["run", "web1", "a.b", "-i", "/no/key"], "'/no/key' does not exist. See remotesvc"),
        (["run", "web1", "a.b", "-i", "/"], "'/' is a folder. See remotesvc run --help"),
        (["run", "web1", "a.b", "-i", "/etc/passwd/x"], "cannot be read: Not a directory. See"),
        (["run", "web1", "a.b", "--host-key-policy", "lax"], "'lax' is not one of"),
        (["run", "web1", "a.b", "--jump", "x:y"], "the destination 'x:y'"),
        (["run", "web1//x", "a.b"], "a part of this chain is empty"),
        (["run", "web1", "a.b", "--via", "b/"], "a part of this chain is empty"),
        (["run", "web1", "a.b", "-K"], "-K asks for a password that nobody needs: add -b"),
        (["run", "web1", "a.b", "--become-method", "su"], "but not to become anybody: add -b"),
        (["run", "-b", "web1", "a.b"], "-b has taken 'web1' for a user. Write -b behind the"),
        (["run", "-b", "web1,web2", "a.b", "c"], "-b has taken 'web1,web2' for the name of a"),
        (["run", "@local", "a.b", "-k"], "no host is reached by that"),
        (["run", "@local", "a.b", "--jump", "x"], "--jump is about SSH, and @local is reached"),
        (["run", "web1", "a.b", "--via", "@local", "--transport", "openssh"], "--transport is"),
        (["run", "web1", "a.b", "--via", "@local", "--known-hosts", "x"], "--known-hosts is"),
        (["run", "@local", "a.b", "-l", "nobody"], "-l is about SSH, and @local is reached"),
        (["run", "@local/sudo", "a.b", "-p", "22"], "-p is about SSH, and @local/sudo is"),
        (["run", "@local", "a.b", "-i", "/etc/hosts"], "-i is about SSH, and @local is"),
        (["run", "web1", "a.b", "--transport", "telnet"], "'telnet' is not one of"),
        (["tree"], "Missing argument 'HOST[,HOST…]…'"),
        (["ping", "web1", "--count", "0"], "Invalid value for '--count'"),
        (["doctor", "web1,web2"], "doctor takes one host at a time"),
        (["run", "web1", "a.b", "x=1", "x=2"], "the argument x is given twice"),
        (["run", "web1", "a.b", "--jsn"], "An argument that begins with a dash goes behind --"),
        (["rnu"], "No such command 'rnu'"),
    ],
)
def test_a_mistake_in_the_command_is_one_line(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from remotesvc.cli.main import main

    code = main(words)

    captured = capsys.readouterr()
    line = line_of(Done(code, captured.out, captured.err), 2)
    assert line.startswith("remotesvc")
    assert expected in line


def test_a_broken_ssh_config_is_told_with_file_and_line(
    remotesvc: Program, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("Host web1\n    Port many\n")

    line = line_of(remotesvc("run", "-F", config, "web1", "platform.node"), 3)

    assert str(config) in line
    assert line.endswith("(phase: resolve)")
