"""Parameter types and word handling that click does not have.

A number may begin with a dash, and `--` has a meaning of its own for us, so the words are marked
before click sees them.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    SecondsType = click.ParamType[float]
    TextType = click.ParamType[str]
else:
    # Older versions of click know no brackets here.
    SecondsType = TextType = click.ParamType

from .usage import UsageProblem

__all__ = ["BEHIND", "ConfigFile", "Path", "Seconds", "Word", "WordsCommand", "literal_tail"]

# No word of a command line holds it, so it cannot be mistaken for a part of one.
MARK = "\0"

NEGATIVE_NUMBER = re.compile(r"-\.?[0-9]")

# Where the number of words after `--` is kept for the command.
TAIL_KEY = "remotesvc.literal_tail"

# An option with a value that may be missing takes the next word for it, as click has it.
BEHIND = "Write -b behind the words, or --become=USER"

# Two weeks, as for Router: the timers of poll(2) end at 24 days.
MAX_SECONDS = 14 * 86400.0


class Seconds(SecondsType):
    """A positive number of seconds, at most two weeks, as for Router."""

    name = "seconds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Refuse what nobody can wait for; not a number is neither more nor less than 0."""
        try:
            seconds = float(value)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds <= MAX_SECONDS:
            self.fail(
                f"{value!r} is not a positive number of seconds, at most two weeks", param, ctx
            )
        return seconds


class Path(TextType):
    """A file name, with `~` resolved: the shell leaves it in --option=~/name."""

    name = "path"

    def __init__(self, must_exist: bool = False) -> None:
        self._must_exist = must_exist

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse a file that has to be there and is not, or cannot be read."""
        path: str = os.path.expanduser(value)
        if self._must_exist:
            problem = _problem_with(path)
            if problem:
                self.fail(f"{path!r} {problem}", param, ctx)
        return path


def _problem_with(path: str) -> str | None:
    """Say what keeps a file from being read, None if nothing does."""
    try:
        is_folder = stat.S_ISDIR(os.stat(path).st_mode)
    except FileNotFoundError:
        return "does not exist"
    except (OSError, ValueError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"
    if is_folder:
        return "is a folder"
    # Not opened: it may be a pipe, which gives its content once.
    return None if os.access(path, os.R_OK) else f"cannot be read: {os.strerror(errno.EACCES)}"


class ConfigFile(Path):
    """An ssh_config; "none" is none at all, as ssh has it."""

    def __init__(self) -> None:
        super().__init__(must_exist=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Let "none" through."""
        return "none" if value == "none" else super().convert(value, param, ctx)


class Word(TextType):
    """A word as it was typed."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take the mark away."""
        return str(value).removeprefix(MARK)


class WordsCommand(click.Command):
    """A command whose words may be negative numbers, and whose `--` is remembered."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Mark numbers, count what stands after `--`, and parse."""
        end = args.index("--") if "--" in args else len(args)
        ctx.meta[TAIL_KEY] = len(args[end + 1 :])
        try:
            return super().parse_args(ctx, [*self._marked(args[:end]), *args[end:]])
        except click.MissingParameter as error:
            taken = ctx.params.get("become")
            if taken in args[:end]:
                raise UsageProblem(f"-b has taken {taken!r} for a user. {BEHIND}", ctx) from error
            raise

    def _marked(self, args: Sequence[str]) -> Iterator[str]:
        before = ""
        for word in args:
            is_number = NEGATIVE_NUMBER.match(word) and before not in self._valued_options()
            yield MARK + word if is_number else word
            before = word

    def _valued_options(self) -> set[str]:
        """Return the options that the next word belongs to."""
        options = [param for param in self.params if isinstance(param, click.Option)]
        return {
            name
            for option in options
            if not (option.is_flag or option.count)
            for name in option.opts
        }


def literal_tail(ctx: click.Context) -> int:
    """Return how many words stood after `--`."""
    return int(ctx.meta[TAIL_KEY])
