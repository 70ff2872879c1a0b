"""`remotesvc ping`: how long a call takes to each context on the way to a host, and back."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import click

from remotesvc.core.visible import visible

from .everywhere import run_everywhere
from .explain import Subject
from .flags import host_flags, take_options
from .hosts import parse_hosts
from .output import Output
from .parameters import Word, WordsCommand
from .render import Shown
from .report import is_debugging
from .visit import Calls, Job, Reached

__all__ = ["ping", "show_pings", "summarize"]

COUNT = 5

EPILOG = """\
\b
Examples:
  remotesvc ping web1,web2
  remotesvc ping bastion/sudo:root/podman:web --count 100
  remotesvc ping web1 --via bastion --json

\b
Exit codes and --json are those of remotesvc run; the result is a list of objects, from the
first context on the way to the host itself:
  context           as it is called on the command line
  min, median, max  seconds, from here to it and back
  hop               seconds, of the median what is more than that of the context before, or 0
"""


@click.command(cls=WordsCommand, epilog=EPILOG, short_help="Measure round trips to hosts.")
@click.argument("hosts", metavar="HOST[,HOST…]…", type=Word(), nargs=-1, required=True)
@click.option(
    "count",
    "--count",
    type=click.IntRange(1, 100_000),
    default=COUNT,
    show_default=True,
    help="Calls to each context.",
)
@host_flags
@click.pass_context
def ping(ctx: click.Context, /, hosts: tuple[str, ...], count: int, **options: Any) -> int:
    """Call an empty function in each context on the way to every HOST, and tell how long it takes.

    Shown is the shortest, the median and the longest time from here to the context and back, and
    how much of the median the last hop takes. A call before the first one is not counted.
    """
    output = ctx.ensure_object(Output)
    chosen = parse_hosts(*hosts)
    connect, settings = take_options(options, chosen)

    def begin(reached: Reached) -> Calls:
        times: list[list[float]] = [[] for _ in reached.steps]
        for _ in range(count + 1):
            for step, taken in zip(reached.steps, times, strict=True):
                started = time.perf_counter()
                yield reached.verbs_of(step).submit(bool)
                taken.append(time.perf_counter() - started)
        labels = [step.label for step in reached.steps]
        return summarize(labels, [taken[1:] for taken in times])

    job = Job(Subject("ping"), begin, connect, settings.timeout, is_debugging())
    return run_everywhere(output, chosen, job, settings, show_pings)


def summarize(labels: Sequence[str], times: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
    """Return what --json shows of the times of one host, in the order of the way."""
    import statistics  # only here: it takes longer to load than all else of this command

    found, before = [], 0.0
    for label, taken in zip(labels, times, strict=True):
        median = statistics.median(taken)
        found.append(
            {
                "context": label,
                "min": round(min(taken), 6),
                "median": round(median, 6),
                "max": round(max(taken), 6),
                # On a busy machine the nearer one may have taken longer.
                "hop": round(max(0.0, median - before), 6),
            }
        )
        before = median
    return found


def show_pings(value: Any) -> Shown:
    """Return the lines for one host."""
    return Shown("\n".join(_lines(value)))


def _lines(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    width = max(len(visible(one["context"])) for one in found)
    for index, one in enumerate(found):
        low, middle, high = (f"{one[key] * 1000:.2f}" for key in ("min", "median", "max"))
        hop = f", {one['hop'] * 1000:+.2f} ms for this hop" if index else ""
        yield f"{visible(one['context']):<{width}}  {low} / {middle} / {high} ms{hop}"
