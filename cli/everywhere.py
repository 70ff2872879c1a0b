"""Everywhere: one job on all hosts, reported as it goes; nothing of it runs on afterwards."""

import time
from collections.abc import Callable, Sequence

from .current_folder import current_folder, first_on_path
from .exit_codes import ExitCode, after_signal
from .fan_out import FanOut, prepare
from .hosts import Host
from .interrupts import Interrupts
from .log_lines import show_log
from .options import RunOptions
from .output import Output
from .render import Shown, show_value
from .report import Report
from .visit import Job

__all__ = ["run_everywhere"]


def run_everywhere(
    output: Output,
    hosts: Sequence[Host],
    job: Job,
    settings: RunOptions,
    show: Callable[[object], Shown] = show_value,
) -> ExitCode:
    """Do a job on all hosts, and return the exit code for all that became of it."""
    report = Report(output, len(hosts), is_json=settings.is_json, show=show)
    started = time.monotonic()
    with show_log(output, settings.verbose):
        prepare(hosts)
        fan_out = FanOut(hosts, job, settings.forks, output.remote_line)
        with Interrupts(fan_out) as interrupts:
            with fan_out, first_on_path(current_folder()):
                for event in fan_out.events():
                    report.add(event)
            report.finish(time.monotonic() - started)
    return after_signal(report.exit_code, interrupts.received)
