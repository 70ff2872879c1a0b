"""The program `remotesvc`: quiet about Ctrl-C from its first moment on.

Loading the command line takes a while, so it is loaded where an interrupt is caught.
"""

__all__ = ["main"]

# ExitCode.INTERRUPTED, whose module is loaded too late for this.
INTERRUPTED = 130


def main() -> int:
    """Load the command line, run it, and return its exit code."""
    try:
        from .main import main as run_command_line

        return run_command_line()
    except KeyboardInterrupt:
        return INTERRUPTED
