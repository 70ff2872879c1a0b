"""`remotesvc call`: one method of a service of yours on one host or many."""

from collections.abc import Sequence
from typing import Any

import click

from remotesvc.controller.modules.locate import Locator
from remotesvc.controller.modules.origin import is_stdlib_name

from .arguments import parse_arguments
from .callee import Callee
from .current_folder import current_folder, first_on_path
from .dry_run import show_cargo
from .everywhere import run_everywhere
from .exit_codes import ExitCode
from .explain import Subject
from .flags import call_flags, take_options
from .hosts import parse_hosts
from .named_arguments import name_arguments
from .output import Output
from .own_source import find_own
from .parameters import Word, WordsCommand, literal_tail
from .report import is_debugging
from .service_source import EXAMPLE, SoughtMethod
from .usage import UsageProblem
from .visit import Calls, Job, Reached

__all__ = ["call", "split_service"]

EPILOG = """\
\b
Examples:
  remotesvc call web1 app.logs.LogService.tail path=/var/log/syslog lines=50
  remotesvc call web1,web2 app.logs.LogService.follow path=/var/log/syslog  # until Ctrl-C
  remotesvc call @local app.logs.LogService.tail /var/log/syslog --json
  remotesvc call web1 app.logs.LogService.tail /var/log/syslog --dry-run

\b
Exit codes: 0 all fine, 1 the method raised, 2 usage, 3 a host could not be reached,
4 timed out, 130 interrupted (143 by SIGTERM); among several hosts, 3 beats 4 beats 1.

\b
--json writes the objects that remotesvc run --help describes; before that of a host, for
each value that the method yields:
  host       as it was typed
  index      0, 1, 2, …
  item       the value
"""


@click.command(cls=WordsCommand, epilog=EPILOG, short_help="Call a service on hosts.")
@click.argument("hosts", metavar="HOST[,HOST…]", type=Word())
@click.argument("target", metavar="MODULE.CLASS.METHOD", type=Word())
@click.argument("words", metavar="[KEY=VALUE…]", nargs=-1, type=Word())
@call_flags
@click.pass_context
def call(
    ctx: click.Context, /, hosts: str, target: str, words: Sequence[str], **options: Any
) -> int:
    """Call an exposed METHOD of a service on every HOST and show what it returns.

    The call activates the service: CLASS is constructed over there, and lives as long as the
    command. What the method yields is shown as it comes, with --timeout for each value. HOST,
    MODULE, VALUE and all options are those of remotesvc run; a value without KEY= takes the name
    that the method has in its place.
    """
    output = ctx.ensure_object(Output)
    chosen = parse_hosts(hosts)
    connect, settings = take_options(options, chosen)
    arguments = parse_arguments(words, literal_tail=literal_tail(ctx), is_text=settings.is_text)
    callee = _find_method(target)
    kwargs = name_arguments(callee, arguments)
    if settings.is_dry:
        with first_on_path(current_folder()):
            show_cargo(output, Locator(), callee.target.module, is_json=settings.is_json)
        return ExitCode.OK
    service, _, method = str(callee).rpartition(".")

    def begin(reached: Reached) -> Calls:
        return (yield reached.verbs.submit_service(service, method, **kwargs))

    subject = Subject(str(callee), callee.hint, is_service=True)
    job = Job(subject, begin, connect, settings.timeout, is_debugging())
    return run_everywhere(output, chosen, job, settings)


def split_service(text: str, example: str) -> tuple[str, ...]:
    """Return the parts of a name; UsageProblem for what cannot name a service or its method."""
    parts = tuple(text.split("."))
    if not all(part.isidentifier() for part in parts):
        raise UsageProblem(f"{text!r} names no service: write {example}")
    if parts[0] == "__main__":
        raise UsageProblem("the command line has no __main__ of yours: name a module")
    if is_stdlib_name(parts[0]):
        raise UsageProblem(f"{text}: the standard library has no services; write {example}")
    return parts


def _find_method(text: str) -> Callee:
    parts = split_service(text, EXAMPLE)
    with first_on_path(current_folder()):
        callee = find_own(Locator(), parts, SoughtMethod())
    if "." not in callee.target.qualname and not callee.hint:
        raise UsageProblem(f"{text} names no method: write {EXAMPLE}")
    if len(parts) < 3:
        raise UsageProblem(f"{text} has too few parts: write {EXAMPLE}{callee.hint}")
    return callee
