"""An SSH server in Python, for machines without sshd and for what sshd does not offer.

A program: `python -m remotesvc.testing.embedded FOLDER`, started and ended by its supervisor.
It really runs what it is asked to run, so it listens on 127.0.0.1 only, and lets in only those
who hold the key of its folder or know the password that it was started with.

What sshd has and this leaves out: terminals, sftp, agent forwarding, variables sent by the
client, exit-signal (a signal comes as status 128 + number, as from a shell).
"""

import sys
from pathlib import Path

from remotesvc.controller.ssh.postponed import postpone

__all__ = ["main"]


def main(argv: list[str]) -> int:
    """Serve until the supervisor ends this process."""
    # A third of what paramiko imports, for nothing that is used here.
    postpone("invoke")
    from remotesvc.testing.embedded_server import serve

    return serve(Path(argv[1]))


if __name__ == "__main__":
    sys.exit(main(sys.argv))
