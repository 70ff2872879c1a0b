"""Everywhere: one job on all hosts, reported as it goes; nothing of it runs on afterwards."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Protocol

from .current_folder import current_folder, first_on_path
from .events import Notice
from .exit_codes import ExitCode, after_signal
from .fan_out import FanOut, prepare
from .hosts import Host
from .interrupts import Interrupts
from .log_lines import show_log
from .options import RunOptions
from .outcome import Item, Outcome
from .output import Output
from .questions import Questions
from .render import Shown, show_value
from .report import Report
from .visit import Job

__all__ = ["report_everywhere", "run_everywhere"]


class Reporter(Protocol):
    """Shows what happens as it is added, and knows what exit code it makes."""

    @property
    def exit_code(self) -> ExitCode:
        """The code for all that was added."""

    def add(self, event: Outcome | Item | Notice) -> None:
        """Show what has happened."""

    def finish(self, elapsed: float) -> None:
        """Show what is to be said at the end."""


def run_everywhere(
    output: Output,
    hosts: Sequence[Host],
    job: Job,
    settings: RunOptions,
    show: Callable[[object], Shown] = show_value,
) -> ExitCode:
    """Do a job on all hosts, and return the exit code for all that became of it."""
    report = Report(output, len(hosts), is_json=settings.is_json, show=show)
    return report_everywhere(output, hosts, job, settings, report)


def report_everywhere(
    output: Output, hosts: Sequence[Host], job: Job, settings: RunOptions, report: Reporter
) -> ExitCode:
    """Do the same with another report."""
    questions = Questions(job.connect)
    with closing(questions), show_log(output, settings.verbose):
        passwords = questions.ask_passwords()
        started = time.monotonic()
        prepare([*hosts, *([job.connect.via] if job.connect.via else [])])
        fan_out = FanOut(hosts, job, settings.forks, output.remote_line, questions, passwords)
        with Interrupts(fan_out) as interrupts:
            with fan_out, first_on_path(current_folder()):
                for event in fan_out.events():
                    report.add(event)
            report.finish(time.monotonic() - started)
    return after_signal(report.exit_code, interrupts.received)
