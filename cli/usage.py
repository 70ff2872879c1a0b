"""The mistake of whoever typed the command: one line, exit code 2, before anything is sent."""

import difflib
from collections.abc import Iterable

import click

__all__ = ["UsageProblem", "did_you_mean"]

# So many names are offered; more are a list to read, not a hint.
OFFERED = 3


class UsageProblem(click.UsageError):
    """The command cannot be run as it was typed; the text says how it could."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'a' or 'b'?" with the public names that are near, "" without any."""
    offered = {one for one in known if name.startswith("_") or not one.startswith("_")}
    near = difflib.get_close_matches(name, sorted(offered), n=OFFERED)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
