"""Passwords of a command: asked once, on the terminal or as a line of stdin, and shown nowhere."""

import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import pytest

from remotesvc.testing.options import ServerOptions
from remotesvc.testing.server import SshServer, start_server
from tests.cli.program import MODULE, Done, Program
from tests.connect.accounts import Account, account, doas_conf, shared_python, sudoers
from tests.connect.become import arguments_and_environments
from tests.controller.ssh.hosts import start_bare
from tests.integration.hosts import needs_program

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

LOGIN = "PasswordAuthentication yes"

# Makes stdin the controlling terminal, and becomes the command.
IN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture(scope="module")
def who() -> Iterator[Account]:
    """Somebody who becomes root with his password."""
    needs_program("sudo")
    shared_python()
    with account() as made:
        rules = f"{made.name} ALL=(ALL) ALL", f"Defaults:{made.name} timestamp_timeout=0"
        with sudoers(*rules):
            yield made


@pytest.fixture(scope="module")
def by_key(who: Account) -> Iterator[SshServer]:
    """A server that lets him in by a key."""
    options = ServerOptions(aliases=("web1", "web2"), users=(who.name,))
    with start_server("sshd", options) as server:
        yield server


@pytest.fixture(scope="module")
def by_password(who: Account) -> Iterator[SshServer]:
    """A server that lets him in by his password only."""
    options = ServerOptions(
        aliases=("web1", "web2"),
        users=(who.name,),
        accept_user_keys=False,
        extra_config=(LOGIN,),
    )
    with start_server("sshd", options) as server:
        yield server


@pytest.fixture(scope="module")
def by_code() -> Iterator[SshServer]:
    """A server that asks for a password, and then for a code."""
    options = ServerOptions(
        aliases=("web1",), accept_user_keys=False, interactive=(("Code: ", "31415"),)
    )
    with start_bare("embedded", options) as server:
        yield server


@dataclass
class Seat:
    """A user at a terminal, and the command that he has started there."""

    ours: int
    theirs: int
    process: "subprocess.Popen[str]"
    seen: str = ""

    def wait_for(self, text: str) -> None:
        """Read what appears on the terminal until it contains a text."""
        while text not in self.seen:
            self.seen += os.read(self.ours, 4096).decode()

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def is_echoing(self) -> bool:
        """Tell whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self.theirs)[3] & termios.ECHO)


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def sit_down(remotesvc: Program, terminal: tuple[int, int], *words: object) -> Seat:
    """Start `remotesvc run` at a terminal."""
    ours, theirs = terminal
    process = subprocess.Popen(
        [sys.executable, "-c", IN_TERMINAL, *MODULE, "run", *map(str, words)],
        cwd=remotesvc.folder,
        env=remotesvc.environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    return Seat(ours, theirs, process)


def root_words(server: SshServer, host: str = "web1") -> tuple[object, ...]:
    return "run", "-F", server.config_file, host, "os.getuid", "-b"


# -- without a terminal --------------------------------------------------------------------------


def test_password_of_sudo_is_a_line_of_stdin_for_all_hosts(
    remotesvc: Program, by_key: SshServer, who: Account
) -> None:
    words = root_words(by_key, "web1,web2")

    done = remotesvc.told(f"{who.password}\n", *words, "-K", "-vvv")

    assert (done.code, sorted(done.out.splitlines())) == (0, ["web1: 0", "web2: 0"])
    assert who.password not in done.err


def test_wrong_password_is_sent_once_and_told_at_once(
    remotesvc: Program, by_key: SshServer, who: Account
) -> None:
    done = remotesvc.told("wrong-one\n", *root_words(by_key), "-K")

    text = "web1: the password of sudo was not accepted (phase: auth)\n"
    assert done == Done(3, "", text)


@pytest.mark.parametrize("method", ["su", "doas"])
def test_password_of_su_and_doas_is_asked_for_as_that_of_sudo_is(
    remotesvc: Program, by_key: SshServer, who: Account, method: str
) -> None:
    needs_program(method)
    # su asks for the password of the user that one becomes: the one who is known here.
    user, uid = ("root", 0) if method == "doas" else (who.name, who.uid)
    become = (f"--become={user}", f"--become-method={method}", "-K")
    words = ("run", "-F", by_key.config_file, "web1,web2", "os.getuid", *become)
    with doas_conf(f"permit {who.name}") if method == "doas" else nullcontext():
        done = remotesvc.told(f"{who.password}\n", *words, "-vvv")
        wrong = remotesvc.told("wrong-one\n", *words)

    assert (done.code, sorted(done.out.splitlines())) == (0, [f"web1: {uid}", f"web2: {uid}"])
    assert who.password not in done.err
    text = f"{method} did not let us in with that password"
    assert wrong.code == 3 and wrong.err.count(text) == 2 and "wrong-one" not in wrong.err


def test_no_password_is_a_mistake_of_the_command(
    remotesvc: Program, by_key: SshServer, who: Account
) -> None:
    refused = remotesvc(*root_words(by_key))
    missing = remotesvc(*root_words(by_key), "-K")

    assert refused.code == 3
    assert refused.err.endswith("If it wants a password, give -K (phase: auth)\n")
    text = "-K asks for a password: there is no terminal, and stdin has no line for it"
    assert missing == Done(2, "", f"remotesvc run: {text}\n")


def test_password_of_ssh_comes_first_and_an_empty_one_of_sudo_is_the_same(
    remotesvc: Program, by_password: SshServer, who: Account
) -> None:
    done = remotesvc.told(f"{who.password}\n\n", *root_words(by_password), "-k", "-K")

    assert done == Done(0, "0\n", "")


@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_password_of_ssh_is_in_no_log(
    remotesvc: Program, by_password: SshServer, who: Account, transport: str
) -> None:
    words = ("run", "-F", by_password.config_file, "web1", "os.getuid", "-k", "-vvv")

    done = remotesvc.told(f"{who.password}\n", *words, "--transport", transport)

    assert (done.code, done.out) == (0, f"{who.uid}\n")
    assert ("debug: " in done.err) == (transport == "paramiko")  # the system's ssh is not told -v
    assert who.password not in done.err


@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_wrong_password_of_ssh_reaches_the_host_once(
    remotesvc: Program, by_password: SshServer, transport: str
) -> None:
    before = by_password.log_text().count("Failed password")
    words = ("run", "-F", by_password.config_file, "web1", "os.getuid", "-k")

    done = remotesvc.told("wrong-one\n", *words, "--transport", transport)

    assert (done.code, done.out) == (3, "")
    assert done.err.endswith("(phase: auth)\n")
    assert "wrong-one" not in done.err
    assert by_password.log_text().count("Failed password") == before + 1


def test_password_stands_in_no_argument_and_no_environment(
    remotesvc: Program, by_password: SshServer, who: Account
) -> None:
    gate = remotesvc.folder / "gate"
    os.mkfifo(gate)
    gate.chmod(0o666)
    for folder in (remotesvc.folder, *remotesvc.folder.parents):
        folder.chmod(folder.stat().st_mode | 0o011)
    words = ("run", "-F", by_password.config_file, "web1", "app.health.pass_through", gate)
    process = remotesvc.start(*words, "-b", "-k", "-K", stdin=subprocess.PIPE)
    assert process.stdin is not None and process.stderr is not None
    process.stdin.write(f"{who.password}\n\n")
    process.stdin.flush()
    assert process.stderr.readline() == "web1: waiting\n"

    seen = arguments_and_environments()

    gate.write_text("")
    done = remotesvc.finish(process)
    assert (done.code, done.out) == (0, "passed\n")
    assert seen and not any(who.password.encode() in text for text in seen)


# -- at a terminal -------------------------------------------------------------------------------


def test_password_is_asked_on_the_terminal_without_echo(
    remotesvc: Program, by_key: SshServer, who: Account, terminal: tuple[int, int]
) -> None:
    seat = sit_down(remotesvc, terminal, *root_words(by_key)[1:], "-K")
    seat.wait_for("sudo password: ")
    assert not seat.is_echoing()
    seat.type(f"{who.password}\n")

    done = remotesvc.finish(seat.process)

    assert done == Done(0, "0\n", "")
    assert seat.is_echoing()
    assert who.password not in seat.seen


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_at_the_question_leaves_the_terminal_as_it_was(
    remotesvc: Program, terminal: tuple[int, int], number: signal.Signals
) -> None:
    seat = sit_down(remotesvc, terminal, "web1", "os.getuid", "-k")
    seat.wait_for("SSH password: ")
    if number == signal.SIGINT:
        seat.type("\x03")
    else:
        seat.process.send_signal(number)

    done = remotesvc.finish(seat.process)

    assert done == Done(128 + number, "", "")
    assert seat.is_echoing()


def test_end_of_input_at_the_question_is_told(
    remotesvc: Program, terminal: tuple[int, int]
) -> None:
    seat = sit_down(remotesvc, terminal, "web1", "os.getuid", "-k")
    seat.wait_for("SSH password: ")
    seat.type("\x04")

    done = remotesvc.finish(seat.process)

    text = "remotesvc run: -k asks for a password: no line was typed\n"
    assert done == Done(2, "", text)


def test_what_a_login_asks_is_asked_with_the_name_of_its_host(
    remotesvc: Program, by_code: SshServer, terminal: tuple[int, int]
) -> None:
    words = ("-F", by_code.config_file, "web1", "os.path.join", "a", "b")
    seat = sit_down(remotesvc, terminal, *words)
    seat.wait_for("web1: Code: ")
    seat.type("31415\n")

    assert remotesvc.finish(seat.process) == Done(0, "a/b\n", "")


def test_ctrl_c_at_such_a_question_ends_the_command(
    remotesvc: Program, by_code: SshServer, terminal: tuple[int, int]
) -> None:
    seat = sit_down(remotesvc, terminal, "-F", by_code.config_file, "web1", "os.getpid")
    seat.wait_for("web1: Code: ")
    seat.type("\x03")

    done = remotesvc.finish(seat.process)

    assert done == Done(130, "", "web1: interrupted\n")
    assert seat.is_echoing()


def test_without_a_terminal_what_a_login_asks_is_told(
    remotesvc: Program, by_code: SshServer
) -> None:
    done = remotesvc.told("secret\n", "run", "-F", by_code.config_file, "web1", "os.getpid", "-k")

    assert (done.code, done.out) == (3, "")
    assert done.err.endswith("(phase: auth)\n")


def test_passphrase_of_a_key_is_asked_once_for_all_hosts(
    remotesvc: Program, terminal: tuple[int, int]
) -> None:
    options = ServerOptions(aliases=("web1", "web2"), passphrase="open sesame")
    with start_bare(options=options) as server:
        words = ("-F", server.config_file, "web1,web2", "os.path.join", "a", "b")
        seat = sit_down(remotesvc, terminal, *words)
        seat.wait_for(f"passphrase of {server.identity_file}")
        seat.type("open sesame\n")

        done = remotesvc.finish(seat.process)

    assert sorted(done.out.splitlines()) == ["web1: a/b", "web2: a/b"]
    assert done.code == 0
