"""`remotesvc run`: one function of yours on one host or many."""

import time
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import click

from remotesvc.controller.modules.locate import Locator

from .arguments import Arguments, parse_arguments
from .callee import Callee, split_target
from .current_folder import current_folder, first_on_path
from .dry_run import show_cargo
from .exit_codes import ExitCode, after_signal
from .fan_out import FanOut, Notice, prepare
from .hosts import Host, parse_hosts, parse_jumps
from .interrupts import Interrupts
from .log_lines import show_log
from .options import ConnectOptions, RunOptions
from .output import Output
from .own_source import find_own
from .parameters import ConfigFile, Path, Seconds, Word, WordsCommand, literal_tail
from .report import Report, is_debugging
from .signature import find_mismatch, signature_of
from .standard_library import find_standard
from .usage import UsageProblem
from .visit import Job

__all__ = ["run"]

EPILOG = """\
\b
Examples:
  remotesvc run web1 platform.node
  remotesvc run web1,web2 app.health.check disk=/srv limit=0.9
  remotesvc run root@10.0.0.7:2222 app.deploy.restart nginx --timeout 60
  remotesvc run @local app.health.check            # on this machine, without SSH
  remotesvc run web1,web2 app.health.check --json  # a line of JSON for each host
  remotesvc run web1 app.text.join -- --all a=b    # after -- no option, no keyword
  remotesvc run web1 app.health.check --dry-run    # what would travel; connects to nothing

\b
Exit codes: 0 all fine, 1 a function raised, 2 usage, 3 a host could not be reached,
4 timed out, 130 interrupted (143 by SIGTERM); among several hosts, 3 beats 4 beats 1.

\b
--json writes one object per host and line:
  host       as it was typed
  outcome    ok, raised, failed, misused, unreachable, lost, timed_out, interrupted, internal
  exit_code  of this host alone
  elapsed    seconds
  result     what the function returned (null unless ok)
  error      null if ok, else {type, message, traceback, phase}; the last two may be null
"""


@click.command(cls=WordsCommand, epilog=EPILOG, short_help="Run a function on hosts.")
@click.argument("hosts", metavar="HOST[,HOST…]", type=Word())
@click.argument("target", metavar="MODULE.FUNC", type=Word())
@click.argument("words", metavar="[ARG…] [KEY=VALUE…]", nargs=-1, type=Word())
@click.option(
    "ssh_config", "-F", "--ssh-config", type=ConfigFile(), help="Instead of ~/.ssh/config."
)
@click.option("user", "-l", "--user", help="Whom to log in as.")
@click.option(
    "port", "-p", "--port", type=click.IntRange(1, 65535), help="Port of the SSH server."
)
@click.option(
    "identity", "-i", "--identity", type=Path(must_exist=True), multiple=True, help="Private key."
)
@click.option(
    "known_hosts", "--known-hosts", type=Path(), multiple=True, help="Instead of the usual files."
)
@click.option(
    "host_key_policy",
    "--host-key-policy",
    type=click.Choice(["strict", "accept-new", "ignore"]),
    help="What to do about a host key that is not known; strict unless ssh_config says otherwise.",
)
@click.option(
    "jump", "--jump", metavar="HOST", multiple=True, help="Go through this host, or none."
)
@click.option(
    "python",
    "--python",
    metavar="PATH",
    multiple=True,
    help="Python of the host; several: the first found.",
)
@click.option(
    "timeout", "--timeout", type=Seconds(), help="For the call on each host; none by default."
)
@click.option(
    "connect_timeout",
    "--connect-timeout",
    type=Seconds(),
    help="For reaching each host; 30 by default.",
)
@click.option(
    "forks",
    "-f",
    "--forks",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Hosts at one time.",
)
@click.option("is_json", "--json", is_flag=True, help="Results as lines of JSON on stdout.")
@click.option("is_text", "--text", is_flag=True, help="Take every argument as text.")
@click.option(
    "verbose", "-v", "--verbose", count=True, help="Show what happens; -vv and -vvv show more."
)
@click.option("is_dry", "--dry-run", is_flag=True, help="Only list what would be sent.")
@click.pass_context
def run(
    ctx: click.Context, /, hosts: str, target: str, words: Sequence[str], **options: Any
) -> int:
    """Run MODULE.FUNC on every HOST and show what it returns.

    HOST is any name that `ssh HOST` knows, user@host:port, or @local. MODULE is found from the
    current folder, and travels with what it imports; nothing is written on the host. An ARG is a
    Python literal (5, [1,2], None) if it parses as one, else text. What the function prints
    appears live on stderr.
    """
    output = ctx.ensure_object(Output)
    connect = _connect_options(options)
    settings = RunOptions(**options)
    chosen = parse_hosts(hosts)
    arguments = parse_arguments(words, literal_tail=literal_tail(ctx), is_text=settings.is_text)
    callee = _find_callee(target, arguments)
    if settings.is_dry:
        with first_on_path(current_folder()):
            show_cargo(output, Locator(), callee.target.module, is_json=settings.is_json)
        return ExitCode.OK
    job = Job(callee, arguments, connect, settings.timeout, is_debugging())
    with show_log(output, settings.verbose):
        return _run_everywhere(output, chosen, job, settings)


def _connect_options(options: dict[str, Any]) -> ConnectOptions:
    """Take the options that are about reaching a host out of all options."""
    names = [field.name for field in fields(ConnectOptions)]
    given = {name: options.pop(name) for name in names}
    given["jump"] = parse_jumps(given["jump"])
    return ConnectOptions(**given)


def _find_callee(text: str, arguments: Arguments) -> Callee:
    """Find the function, and refuse arguments that its `def` does not take."""
    parts = split_target(text)
    callee = find_standard(parts)
    if callee is None:
        with first_on_path(current_folder()):
            callee = find_own(Locator(), parts)
    if callee.function is not None:
        signature = signature_of(callee.function, is_bound=callee.is_bound)
        mismatch = find_mismatch(signature, arguments)
        if mismatch is not None:
            name = callee.target.qualname
            raise UsageProblem(f"{callee}: {mismatch}; its signature is {name}{signature}")
    return callee


def _run_everywhere(
    output: Output, hosts: Sequence[Host], job: Job, settings: RunOptions
) -> ExitCode:
    """Run a job on all hosts, report it, and leave nothing of it running."""
    report = Report(output, len(hosts), is_json=settings.is_json)
    started = time.monotonic()
    prepare(hosts)
    fan_out = FanOut(hosts, job, settings.forks, output.remote_line)
    with Interrupts(fan_out) as interrupts:
        with fan_out, first_on_path(current_folder()):
            for event in fan_out.events():
                if isinstance(event, Notice):
                    output.talk(event.text)
                else:
                    report.add(event)
        report.finish(time.monotonic() - started)
    return after_signal(report.exit_code, interrupts.received)
