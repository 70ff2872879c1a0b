"""`remotesvc tree`: the contexts on the way to hosts, and what is known of each."""

import getpass
import os
import platform
from collections.abc import Generator, Sequence
from typing import Any

import click

from remotesvc.bootstrap.child import facts
from remotesvc.bootstrap.handshake import refuse_hello
from remotesvc.bootstrap.info import Info
from remotesvc.connect.account import account_name
from remotesvc.connect.tally import count_traffic, read_tally
from remotesvc.core.context import Context
from remotesvc.core.errors import Error
from remotesvc.core.futures import ReplyFuture
from remotesvc.core.verbs import Verbs
from remotesvc.core.visible import visible

from .everywhere import run_everywhere
from .explain import Subject
from .flags import host_flags, take_options
from .hosts import parse_hosts
from .output import Output
from .parameters import Word, WordsCommand
from .render import Shown
from .report import is_debugging
from .tree_text import draw_tree
from .visit import Calls, Job, Reached

__all__ = ["describe", "tree"]

# The bytes sent to contexts and received, by their ids.
Told = dict[int, tuple[int, int]]

# The id of this program, as the parent of contexts.
ROOT = 0

# What others opened may be at work for them: so long it is waited for, in seconds.
PATIENCE = 5.0

EPILOG = """\
\b
Examples:
  remotesvc tree bastion/sudo:root/podman:web
  remotesvc tree web1,web2 --via bastion -b
  remotesvc tree bastion/web1 bastion/web2 --json

\b
Exit codes and --json are those of remotesvc run; the result is a list of objects, from the
first context on the way to the host itself:
  id, parent      numbers; the parent of the first is this program
  name            as it is called on the command line
  connector       what opened it; "" if that was not this program
  user, uid       whom it acts for
  python, executable, pid, hostname
  age             seconds
  sent, received  bytes, as the context says that it runs in; null if that did not say it
"""


@click.command(cls=WordsCommand, epilog=EPILOG, short_help="Draw the contexts of hosts.")
@click.argument("hosts", metavar="HOST[,HOST…]…", type=Word(), nargs=-1, required=True)
@host_flags
@click.pass_context
def tree(ctx: click.Context, /, hosts: tuple[str, ...], **options: Any) -> int:
    """Open every HOST and draw the contexts on the way as a tree.

    Each with its connector, user, Python, process id, age, and the bytes that were sent to it and
    received, with what lies behind it. What several hosts share is one context.
    """
    output = ctx.ensure_object(Output)
    chosen = parse_hosts(*hosts)
    connect, settings = take_options(options, chosen)
    drawn: list[dict[str, Any]] = []

    def collect(value: Any) -> Shown:
        drawn.extend(value)
        return Shown(None)

    job = Job(Subject("tree"), _begin, connect, settings.timeout, is_debugging())
    code = run_everywhere(output, chosen, job, settings, collect)
    if drawn and not settings.is_json:
        output.result(draw_tree(_root(), drawn))
    return code


def _begin(reached: Reached) -> Calls:
    users = []
    for step in reached.steps:
        users.append((yield reached.verbs_of(step).submit(account_name)))
    found: list[dict[str, Any]] = []
    told: Told = {}
    parent = ROOT
    for index, (step, user) in enumerate(zip(reached.steps, users, strict=True)):
        context = step.context
        found.append(describe(context, parent, step.label, user, told.get(context.id)))
        parent = context.id
        behind = reached.steps[index + 1 : index + 2]
        verbs = reached.verbs_of(step)
        told = yield from _ask_traffic(verbs, [one.context.id for one in behind])
    yield from _add_below(found, context, verbs, reached.timeout)
    return found


def _add_below(
    found: list[dict[str, Any]], context: Context, verbs: Verbs, timeout: float | None
) -> Generator[ReplyFuture, Any, None]:
    """Add what runs in a context without having been opened from here; each is asked for facts."""
    below = []
    for child in context.children:
        user = info = None
        asked = child.options(timeout=PATIENCE if timeout is None else min(timeout, PATIENCE))
        try:
            user = yield asked.submit(account_name)
            info = _read_facts((yield asked.submit(facts)))
        except Error:
            pass  # it is busy, or gone: what others opened is no failure of the host
        below.append((child, asked, user if isinstance(user, str) else None, info))
    # Each of them has answered by now, or will not.
    told = yield from _ask_traffic(verbs, [child.id for child, *_ in below])
    for child, asked, user, info in below:
        found.append(describe(child, context.id, child.name, user, told.get(child.id), info))
        yield from _add_below(found, child, asked, timeout)


def _ask_traffic(verbs: Verbs, ids: Sequence[int]) -> Generator[ReplyFuture, Any, Told]:
    """Ask a context for the bytes of its children; it may know nothing, or say nonsense."""
    if not ids:
        return {}
    try:
        return read_tally(ids, (yield verbs.submit(count_traffic, ids)))
    except Error:
        return {}


def _read_facts(told: Any) -> Info | None:
    """Return what a context says of itself, made visible; None if it makes no sense."""
    if refuse_hello(told) is not None:
        return None
    return Info(*(visible(fact) if isinstance(fact, str) else fact for fact in told))


def describe(
    context: Context,
    parent: int,
    name: str,
    user: str | None,
    told: tuple[int, int] | None = None,
    info: Info | None = None,
) -> dict[str, Any]:
    """Return what is known of a context; None for what is not.

    told: the bytes of its link, by the word of the context that it runs in.
    """
    traffic = context.traffic or told or (None, None)
    info = context.info if context.kind else info
    return {
        "id": context.id,
        "parent": parent,
        "name": name,
        "connector": context.kind,
        "user": user,
        "uid": info and info.uid,
        "python": info and ".".join(map(str, info.python_version)),
        "executable": info and info.executable,
        "pid": info and info.pid,
        "hostname": info and info.hostname,
        "age": round(context.age, 3),
        "sent": traffic[0],
        "received": traffic[1],
    }


def _root() -> dict[str, Any]:
    """Describe this program, as far as a tree shows it."""
    return {
        "id": ROOT,
        "name": "this program",
        "connector": "",
        "user": _own_name(),
        "python": platform.python_version(),
        "pid": os.getpid(),
        "age": None,
        "sent": None,
    }


def _own_name() -> str:
    try:
        return account_name()
    except OSError:
        return getpass.getuser()
