"""`remotesvc run`: one function of yours on one host or many."""

from collections.abc import Sequence
from typing import Any

import click

from remotesvc.controller.modules.locate import Locator

from .arguments import Arguments, parse_arguments
from .callee import Callee, split_target
from .current_folder import current_folder, first_on_path
from .dry_run import show_cargo
from .everywhere import run_everywhere
from .exit_codes import ExitCode
from .explain import Subject
from .flags import call_flags, take_options
from .function_source import SoughtFunction
from .hosts import parse_hosts
from .output import Output
from .own_source import find_own
from .parameters import Word, WordsCommand, literal_tail
from .report import is_debugging
from .signature import find_mismatch, signature_of
from .standard_library import find_standard
from .usage import UsageProblem
from .visit import Calls, Job, Reached

__all__ = ["run"]

EPILOG = """\
\b
Examples:
  remotesvc run web1 platform.node
  remotesvc run web1,web2 app.health.check disk=/srv limit=0.9
  remotesvc run root@10.0.0.7:2222 app.deploy.restart nginx --timeout 60
  remotesvc run @local app.health.check            # on this machine, without SSH
  remotesvc run web1,web2 app.deploy.restart nginx -b -K  # as root, asking for the password once
  remotesvc run bastion/sudo:root/podman:web app.health.check  # a chain: each part in the last
  remotesvc run web1,web2 app.health.check --via bastion  # which is trusted with everything
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
@call_flags
@click.pass_context
def run(
    ctx: click.Context, /, hosts: str, target: str, words: Sequence[str], **options: Any
) -> int:
    """Run MODULE.FUNC on every HOST and show what it returns.

    HOST is any name that `ssh HOST` knows, user@host:port, @local, or a chain of these and of
    sudo:USER, podman:NAME and their like. MODULE is found from the current folder, and travels
    with what it imports; nothing is written on the host. An ARG is a Python literal (5, [1,2],
    None) if it parses as one, else text. What the function prints appears live on stderr.
    """
    output = ctx.ensure_object(Output)
    chosen = parse_hosts(hosts)
    connect, settings = take_options(options, chosen)
    arguments = parse_arguments(words, literal_tail=literal_tail(ctx), is_text=settings.is_text)
    callee = _find_callee(target, arguments)
    if settings.is_dry:
        with first_on_path(current_folder()):
            show_cargo(output, Locator(), callee.target.module, is_json=settings.is_json)
        return ExitCode.OK

    def begin(reached: Reached) -> Calls:
        # Named, because there is nothing to call here: the function exists over there only.
        named: Any = callee.target
        return (yield reached.verbs.submit(named, *arguments.args, **arguments.kwargs))

    subject = Subject(str(callee), callee.hint)
    job = Job(subject, begin, connect, settings.timeout, is_debugging())
    return run_everywhere(output, chosen, job, settings)


def _find_callee(text: str, arguments: Arguments) -> Callee:
    """Find the function, and refuse arguments that its `def` does not take."""
    parts = split_target(text)
    callee = find_standard(parts)
    if callee is None:
        with first_on_path(current_folder()):
            callee = find_own(Locator(), parts, SoughtFunction())
    if callee.function is not None:
        signature = signature_of(callee.function, is_bound=callee.is_bound)
        mismatch = find_mismatch(signature, arguments)
        if mismatch is not None:
            name = callee.target.qualname
            raise UsageProblem(f"{callee}: {mismatch}; its signature is {name}{signature}")
    return callee
