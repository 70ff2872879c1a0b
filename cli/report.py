"""Report: what is said about the outcomes of a command, and its exit code.

Results, items, or the lines of --json, go to stdout as they come; errors and summary to stderr.
"""

import os
from collections import defaultdict
from collections.abc import Callable

from remotesvc.core.visible import visible

from .events import Notice
from .exit_codes import ExitCode, combine
from .outcome import Item, Kind, Outcome, Problem
from .output import Output
from .render import Shown, json_line, show_value

__all__ = ["Report", "is_debugging"]

# The summary names this many hosts of each kind.
SHOWN_HOSTS = 5


def is_debugging() -> bool:
    """Tell whether an error of ours shall come with its traceback."""
    return os.environ.get("REMOTESVC_DEBUG", "") not in ("", "0")


class Report:
    """Shows what happens when it is added; with several hosts every line names its host.

    `show` turns a value into text for people.
    """

    def __init__(
        self,
        output: Output,
        host_count: int,
        *,
        is_json: bool = False,
        show: Callable[[object], Shown] = show_value,
    ) -> None:
        self._output = output
        self._has_many = host_count > 1
        self._is_json = is_json
        self._show = show
        self._hosts: dict[Kind, list[str]] = defaultdict(list)

    @property
    def exit_code(self) -> ExitCode:
        """The code for all that was added."""
        return combine(kind.exit_code for kind in self._hosts)

    def add(self, event: Outcome | Item | Notice) -> None:
        """Show what has happened."""
        if isinstance(event, Notice):
            self._output.talk(event.text)
        elif isinstance(event, Outcome):
            self._add_outcome(event)
        elif self._is_json:
            self._output.result(json_line(event))
        else:
            self._show_value(event.host, event.value)

    def _add_outcome(self, outcome: Outcome) -> None:
        self._hosts[outcome.kind].append(outcome.host)
        # A thousand hosts that were waiting are in the summary; a line for each says no more.
        is_told = outcome.kind is Kind.INTERRUPTED and self._has_many
        if outcome.problem is not None and not is_told:
            self._show_problem(outcome.host, outcome.problem)
        if self._is_json:
            self._output.result(json_line(outcome))
        elif outcome.kind is Kind.OK:
            self._show_value(outcome.host, outcome.value)

    def finish(self, elapsed: float) -> None:
        """Show the summary, if there was more than one host."""
        if self._has_many:
            parts = [_count(kind, self._hosts[kind]) for kind in Kind if kind in self._hosts]
            self._output.talk(f"{', '.join(parts)} in {elapsed:.1f} s")

    def _show_value(self, host: str, value: object) -> None:
        shown = self._show(value)
        if shown.text is not None:
            self._output.result(self._prefixed(host, shown.text))
        if shown.note is not None:
            self._output.talk(f"{host}: {shown.note}")

    def _show_problem(self, host: str, problem: Problem) -> None:
        lines = f"{host}: {problem.text}"
        if problem.traceback is not None:
            trace = visible(problem.traceback, is_one_line=False).rstrip()
            # Its last line says what the next one will.
            trace = trace.removesuffix(problem.text).rstrip()
            lines = f"{self._prefixed(host, trace)}\n{lines}" if trace else lines
        self._output.talk(lines)

    def _prefixed(self, host: str, text: str) -> str:
        if not self._has_many:
            return text
        return "\n".join(f"{host}: {line}" for line in text.split("\n"))


def _count(kind: Kind, hosts: list[str]) -> str:
    if kind is Kind.OK:
        return f"{len(hosts)} ok"
    more = ", …" if len(hosts) > SHOWN_HOSTS else ""
    return f"{len(hosts)} {kind.words} ({', '.join(hosts[:SHOWN_HOSTS])}{more})"
