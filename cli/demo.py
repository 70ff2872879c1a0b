"""`remotesvc demo`: shows the toolkit at work on this machine, with an SSH server of its own."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from .exit_codes import ExitCode, after_signal
from .interrupts import Interrupts
from .output import Output

if TYPE_CHECKING:
    from remotesvc.testing.server import SshServer

__all__ = ["demo"]

REPORT = "remotesvc.testing.demo_app.report"

EPILOG = """\
\b
Examples:
  remotesvc demo
  remotesvc demo --keep   # leaves the server running; prints how to use and how to stop it
  remotesvc demo --program examples/file_service.py   # and a program of yours, with that server
"""


@dataclass(frozen=True)
class Step:
    """One command of the demo: what it shows, and how it has to end."""

    words: tuple[str, ...]
    explanation: str
    exit_code: ExitCode = ExitCode.OK
    has_result: bool = True
    # Whether the first word is a program of its own, and not a function for `remotesvc run`.
    is_program: bool = False


STEPS = (
    Step(
        ("platform.node",),
        "A function of the standard library, in a Python over there that had nothing installed.",
    ),
    Step(
        (f"{REPORT}.collect", "title=A first look", "lines=3"),
        "A function of an application: its five modules travel with the call, its prints arrive "
        "while it works, and it returns a dict.",
    ),
    Step(
        (f"{REPORT}.fail", "path=/nonexistent"),
        "One that raises: the error arrives with its remote lines, and exit code 1 says so.",
        ExitCode.RAISED,
        has_result=False,
    ),
)


@click.command(epilog=EPILOG, short_help="Show it at work on this machine.")
@click.option("is_kept", "--keep", is_flag=True, help="Leave the SSH server running.")
@click.option("is_embedded", "--embedded", is_flag=True, help="Use our own server, not sshd.")
@click.option(
    "--program",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="Run this Python program too, as FILE -F SSH_CONFIG HOST.",
)
@click.pass_context
def demo(ctx: click.Context, is_kept: bool, is_embedded: bool, program: str | None) -> int:
    """Start a throw-away SSH server on 127.0.0.1 and run functions on it.

    The server is the system's sshd where there is one, with keys and configuration of its own in
    a temporary folder; all of it is gone afterwards. Ends with exit code 1 when something did not
    go as it should, 3 when the server could not be reached.
    """
    # Imported here: the server's keys take paramiko, which --help does without.
    from remotesvc.testing.options import Kind, ServerOptions
    from remotesvc.testing.server import ServerStartError, start_server

    output, commands = ctx.ensure_object(Output), _Commands()
    kind: Kind | None = "embedded" if is_embedded else None
    steps = (*STEPS, _program_step(program)) if program else STEPS
    # Whatever is pressed, and how often: the server goes, and so do its files.
    with Interrupts(commands, is_patient=True) as interrupts:
        try:
            server = start_server(kind, ServerOptions(aliases=("127.0.0.1",)))
        except ServerStartError as error:
            output.talk(f"remotesvc demo: {error}")
            return ExitCode.UNREACHABLE
        with server:
            code = _show_all(output, commands, server, steps, is_kept)
    return after_signal(code, interrupts.received)


class _Commands:
    """Runs one command after another, and hands Ctrl-C on to the one that runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: subprocess.Popen[str] | None = None
        self.is_interrupted = False
        self.is_over = False  # there is a server to stop

    def run(self, argv: Sequence[str]) -> tuple[int, str]:
        """Run a command and return its exit code and output; after Ctrl-C, none is begun."""
        with self._lock:
            if self.is_interrupted:
                return ExitCode.INTERRUPTED, ""
            process = self._running = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
                errors="backslashreplace",
                # In a session of its own, Ctrl-C reaches it through us alone: once, not twice.
                start_new_session=True,
            )
        said, _ = process.communicate()
        with self._lock:
            self._running = None
        return process.returncode, said

    def interrupt(self) -> None:
        """Interrupt the command that runs, and begin no further one; does not block."""
        with self._lock:
            self.is_interrupted = True
            if self._running is not None:
                # Not SIGINT: Python dies of that loudly while it starts.
                self._running.send_signal(signal.SIGTERM)

    drop = interrupt  # a command knows what a second one means

    def close(self) -> None:
        """Do nothing: the server is stopped where it was started."""


def _show_all(
    output: Output,
    commands: _Commands,
    server: "SshServer",
    steps: Sequence[Step],
    is_kept: bool,
) -> ExitCode:
    output.result(f"An SSH server ({server.kind}) runs on {_address(server)}.")
    ends = []
    for step in steps:
        ends.append(_show(output, commands, server, step))
        if commands.is_interrupted:
            output.talk("Interrupted: the server and its files are removed")
            return ExitCode.INTERRUPTED
        if ends[-1] == ExitCode.UNREACHABLE:
            return _give_up(output, server)
    if is_kept:
        _keep(output, server, steps)
    elif not any(ends):
        output.result("\nThat was all; the server and its files are removed.")
    return ExitCode.RAISED if any(ends) else ExitCode.OK


def _give_up(output: Output, server: "SshServer") -> ExitCode:
    """End a demo whose server lets nobody in: no further step could do better."""
    if server.kind == "sshd":
        output.talk(
            "remotesvc demo: sshd does not let this account in; try: remotesvc demo --embedded"
        )
    return ExitCode.UNREACHABLE


def _show(output: Output, commands: _Commands, server: "SshServer", step: Step) -> int:
    """Run the command of a step as the reader would; return 0 if it ended as it should.

    Otherwise tell so, and return its exit code, or RAISED where that was the one expected.
    """
    output.result(f"\n{step.explanation}\n$ {_command(server, step)}")
    start = (sys.executable,) if step.is_program else (sys.executable, "-m", "remotesvc")
    code, said = commands.run((*start, *_words(server, step)))
    if said:
        output.result(said.removesuffix("\n"))
    if commands.is_interrupted:
        return ExitCode.INTERRUPTED
    if (code, bool(said)) == (step.exit_code, step.has_result):
        return ExitCode.OK
    result = "a result" if step.has_result else "no result"
    output.talk(
        f"remotesvc demo: exit code {code}, but {int(step.exit_code)} and {result} "
        f"were expected. The server's log:\n{server.log_text()}"
    )
    return code or ExitCode.RAISED


def _keep(output: Output, server: "SshServer", steps: Sequence[Step]) -> None:
    kept = server.detach()
    commands = "\n".join(f"  {_command(server, step)}" for step in steps)
    output.result(
        f"\nThe server keeps running on {_address(server)}. The commands again:\n{commands}\n"
        f"Stop it, and remove its files, with:\n  {kept.stop_command}"
    )


def _command(server: "SshServer", step: Step) -> str:
    """Return a line to paste into a shell; another remotesvc on PATH is not the one shown."""
    start = (sys.executable,) if step.is_program else _program()
    return shlex.join((*start, *_words(server, step)))


def _program() -> tuple[str, ...]:
    ours = os.path.join(os.path.dirname(sys.executable), "remotesvc")
    found = shutil.which("remotesvc")
    if found is not None and os.path.realpath(found) == os.path.realpath(ours):
        return ("remotesvc",)
    return (ours,) if os.path.exists(ours) else (sys.executable, "-m", "remotesvc")


def _words(server: "SshServer", step: Step) -> Sequence[str]:
    where = ("-F", str(server.config_file), _address(server))
    return (*step.words, *where) if step.is_program else ("run", *where, *step.words)


def _program_step(path: str) -> Step:
    return Step(
        (path,), "A program that opens contexts on that server by itself.", is_program=True
    )


def _address(server: "SshServer") -> str:
    return f"{server.host}:{server.port}"
