"""The command line: its commands, and the one place where what goes wrong becomes an exit code.

A leaf: nothing of the library imports it. paramiko is imported when a host is reached, not before.
"""

import sys
import traceback
import warnings
from collections.abc import Sequence

import click

import remotesvc
from remotesvc.core.visible import visible

from .call import call
from .demo import demo
from .doctor import doctor
from .exit_codes import ExitCode
from .explain import PLEA
from .output import Output, OutputClosed, OutputFailed
from .ping import ping
from .report import is_debugging
from .run import run
from .services import services
from .tree import tree
from .usage import UsageProblem

__all__ = ["commands", "main"]

EPILOG = """\
\b
Examples:
  remotesvc run web1 app.health.check
  remotesvc call web1 app.logs.LogService.tail path=/var/log/syslog
  remotesvc doctor web1
  remotesvc run --help
  remotesvc demo
"""


@click.group(
    commands=[run, call, services, tree, ping, doctor, demo],
    epilog=EPILOG,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(remotesvc.__version__, prog_name="remotesvc")
@click.pass_context
def commands(ctx: click.Context) -> None:
    """Run your own Python functions on hosts that have nothing but sshd and some Python."""
    if ctx.invoked_subcommand is None:
        ctx.ensure_object(Output).talk(ctx.get_help())
        ctx.exit(ExitCode.USAGE)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line, that of this process by default, and return its exit code."""
    output = Output()
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions:
                # They are for whoever maintains the libraries below us, not for an operator.
                warnings.simplefilter("ignore")
            args = None if argv is None else list(argv)
            return commands.main(args, "remotesvc", standalone_mode=False, obj=output) or 0
    except click.ClickException as error:
        output.talk(f"{_command(error)}: {_told(visible(error.format_message()), error)}")
        return ExitCode.USAGE
    except (KeyboardInterrupt, click.Abort):
        return ExitCode.INTERRUPTED
    except OutputClosed:
        return ExitCode.OUTPUT_CLOSED
    except OutputFailed as error:
        output.talk(f"remotesvc: {error}")
        return ExitCode.INTERNAL
    except Exception as error:  # noqa: BLE001 a bug of ours, told in one line
        if is_debugging():
            output.talk(traceback.format_exc())
        output.talk(f"remotesvc: {visible(f'{type(error).__name__}: {error}')}; {PLEA}")
        return ExitCode.INTERNAL


def _command(error: click.ClickException) -> str:
    ctx = getattr(error, "ctx", None)
    return ctx.command_path if isinstance(ctx, click.Context) else "remotesvc"


def _told(text: str, error: click.ClickException) -> str:
    """Return the text of a mistake with its hint; not all texts of click's end in a stop."""
    hint = _hint(error)
    stop = "" if not hint or text.endswith((".", "?", "!")) else "."
    return f"{text}{stop} {hint}".rstrip()


def _hint(error: click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption):
        return "An argument that begins with a dash goes behind --"
    if isinstance(error, click.UsageError) and not isinstance(error, UsageProblem):
        return f"See {_command(error)} --help"
    return ""
