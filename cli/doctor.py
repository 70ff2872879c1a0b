"""`remotesvc doctor`: goes the way to one host, phase by phase, and says what is wrong."""

import platform
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

import remotesvc
from remotesvc.connect.account import account_name
from remotesvc.connect.spec import Part

from .events import Notice
from .everywhere import report_everywhere
from .examination import (
    BECOMING,
    FIRST_CALL,
    LOGIN,
    STARTING,
    Examined,
    Finding,
    examine,
    show_examined,
)
from .exit_codes import ExitCode
from .explain import Subject
from .flags import host_flags, take_options
from .hosts import BECOMING as KINDS_OF_BECOMING
from .hosts import Host, parse_hosts
from .options import ConnectOptions, RunOptions
from .outcome import Item, Kind, Outcome
from .output import Output
from .parameters import Word, WordsCommand
from .render import json_line
from .report import is_debugging
from .usage import UsageProblem
from .visit import Calls, Job, Reached

__all__ = ["doctor"]

EPILOG = """\
\b
Examples:
  remotesvc doctor web1
  remotesvc doctor bastion/sudo:root/podman:web -K
  remotesvc doctor web1 --jump bastion --json

\b
Exit codes are those of remotesvc run, and so is the object of --json; its result is there
whatever came of it, a list of objects, one for each context on the way:
  context      as it is called on the command line
  phases       objects with phase, state (ok or failed), seconds, found (a list of texts)
  not_reached  the phases that a failure kept from beginning
"""


@click.command(cls=WordsCommand, epilog=EPILOG, short_help="Say what is wrong with a host.")
@click.argument("host", metavar="HOST", type=Word())
@host_flags
@click.pass_context
def doctor(ctx: click.Context, /, host: str, **options: Any) -> int:
    """Connect to HOST as remotesvc run does, once, and tell of each phase what was found.

    The phases of a login from here are resolve, tcp, host key, auth, interpreter, bootstrap and
    first call. The one that fails says why, and what mends it. Of what is opened in another host
    only that is told that it tells us.
    """
    output = ctx.ensure_object(Output)
    chosen = parse_hosts(host)
    if len(chosen) > 1:
        raise UsageProblem("doctor takes one host at a time")
    connect, settings = take_options(options, chosen)
    chart = _Chart(output, chosen[0], connect, settings)
    job = Job(
        Subject("doctor"), chart.begin, connect, settings.timeout, is_debugging(), chart.note
    )
    return report_everywhere(output, chosen, job, settings, chart)


class _Chart:
    """What is noted of one host, and how it is reported; a Reporter."""

    def __init__(
        self, output: Output, host: Host, connect: ConnectOptions, settings: RunOptions
    ) -> None:
        self.exit_code = ExitCode.OK
        self._output = output
        self._is_json = settings.is_json
        self._parts = _parts(host, connect)
        self._findings: dict[int, list[Finding]] = defaultdict(list)
        self._lock = threading.Lock()
        # Of the contexts that were all opened, so many have answered; None before.
        self._answered: int | None = None

    def note(self, context_id: int, phase: str, elapsed: float, text: str) -> None:
        """Take what a context goes through."""
        with self._lock:
            self._findings[context_id].append(Finding(phase, elapsed, text))

    def begin(self, reached: Reached) -> Calls:
        """Call something in each context."""
        self._answered = 0
        for step in reached.steps:
            step.context.wait_until_ready()
            started = time.perf_counter()
            user = yield reached.verbs_of(step).submit(account_name)
            taken = time.perf_counter() - started
            end = self._findings[step.context.id][-1].elapsed + taken
            self.note(step.context.id, FIRST_CALL, end, f"it acts for {user}")
            self._answered += 1
        return None

    def add(self, event: Outcome | Item | Notice) -> None:
        """Show what became of the host."""
        if isinstance(event, Notice):
            self._output.talk(event.text)
        if not isinstance(event, Outcome):
            return
        self.exit_code = event.kind.exit_code
        contexts = self._contexts(event)
        if self._is_json:
            value = [one.plain for one in contexts]
            self._output.result(json_line(replace(event, value=value)))
            return
        self._output.result(f"{_versions()}\n{show_examined(contexts)}")
        if event.kind is Kind.OK:
            self._output.talk(f"{event.host} is fine")

    def finish(self, elapsed: float) -> None:
        """Say nothing more."""

    def _contexts(self, outcome: Outcome) -> list[Examined]:
        with self._lock:
            findings = [self._findings[key] for key in sorted(self._findings)]
        failed = len(findings)
        if outcome.problem is not None:
            failed = max(0, failed - 1) if self._answered is None else self._answered
        found = [
            examine(part.text, one)
            for part, one in zip(self._parts, findings[:failed], strict=False)
        ]
        if outcome.problem is not None:
            begun = findings[failed] if failed < len(findings) else ()
            part = self._parts[min(failed, len(self._parts) - 1)]
            ahead = _ahead(part.kind)
            found.append(examine(part.text, begun, outcome.problem, outcome.elapsed, ahead))
        return found


def _ahead(kind: str) -> Sequence[str]:
    """Return the phases that a kind of context goes through."""
    if kind == "ssh":
        return LOGIN
    return BECOMING if kind in KINDS_OF_BECOMING else STARTING


def _parts(host: Host, connect: ConnectOptions) -> list[Part]:
    """Return the contexts on the way, in the order in which they are opened."""
    parts = [*(connect.via.parts if connect.via is not None else ()), *host.parts]
    if connect.become is not None:
        parts.append(connect.become.part)
    return parts


def _versions() -> str:
    from importlib import metadata  # only here: it is a tenth of what every command would load

    return (
        f"remotesvc {remotesvc.__version__}, Python {platform.python_version()}, "
        f"paramiko {metadata.version('paramiko')}"
    )
