"""`remotesvc services`: what services are active on hosts, and what they offer."""

from typing import Any

import click

from remotesvc.service.catalog import CATALOG

from .call import split_service
from .catalog_text import show_catalog
from .everywhere import run_everywhere
from .explain import Subject
from .flags import host_flags, take_options
from .hosts import parse_hosts
from .output import Output
from .parameters import Word, WordsCommand
from .report import is_debugging
from .usage import UsageProblem
from .visit import Calls, Job, Reached

__all__ = ["services"]

EXAMPLE = "module.Class, for example app.logs.LogService"

EPILOG = """\
\b
Examples:
  remotesvc services web1 --activate app.logs.LogService
  remotesvc services web1,web2 --activate app.logs.LogService --json
  remotesvc services @local --activate app.logs.LogService --activate app.disk.DiskService

\b
Exit codes and --json are those of remotesvc run; the result is a list of objects:
  name       module.Class
  invoker    what schedules its calls
  calls, errors, waiting   numbers
  methods    objects with name, arguments ([name, type, default] each), policies, is_stream,
             is_no_reply, doc
"""


@click.command(cls=WordsCommand, epilog=EPILOG, short_help="List the services of hosts.")
@click.argument("hosts", metavar="HOST[,HOST…]", type=Word())
@click.option(
    "names",
    "--activate",
    metavar="MODULE.CLASS",
    type=Word(),
    multiple=True,
    help="Have this service activated first.",
)
@host_flags
@click.pass_context
def services(ctx: click.Context, /, hosts: str, names: tuple[str, ...], **options: Any) -> int:
    """List the services that are active on every HOST: methods, arguments, policies, counts.

    Each command starts a child of its own, in which nothing is active: --activate constructs a
    service of yours there, without calling it.
    """
    output = ctx.ensure_object(Output)
    chosen = parse_hosts(hosts)
    connect, settings = take_options(options, chosen)
    for name in names:
        if len(split_service(name, EXAMPLE)) < 2:
            raise UsageProblem(f"{name!r} is one word: write {EXAMPLE}")

    def begin(reached: Reached) -> Calls:
        for name in names:
            yield reached.verbs.submit_activation(name)
        return (yield reached.verbs.submit_service(CATALOG, "services"))

    subject = Subject(" ".join(("services", *names)), is_service=True)
    job = Job(subject, begin, connect, settings.timeout, is_debugging())
    return run_everywhere(output, chosen, job, settings, show_catalog)
