"""The nspawn connector: a child in the namespaces of a machine of systemd, by its leader's pid."""

import os
import subprocess

from ..core.errors import ConnectError, ResolveError
from ..core.visible import visible
from .command import find_program, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional, Sequence

    from ..bootstrap.command import PythonPath
    from ..types import Opener
    from .base import Attempt, Connection

__all__ = ["TARGET", "argv", "connect"]

TARGET = "machine"


def argv(
    command: "Sequence[str]",
    leader: "int",
    user: "Optional[int]" = None,
    has_users: "bool" = False,
    program: "str" = "nsenter",
    args: "Sequence[str]" = (),
) -> "List[str]":
    """Return how nsenter is called; has_users: whether the machine has user ids of its own."""
    options = ["-t", str(leader), *("-m", "-u", "-i", "-n", "-p", "-r", "-w")]
    if has_users:
        options.append("-U")
    if user is not None:
        options += ["-S", str(user), "-G", str(user)]
    return [program, *options, *args, "--", *command]


def connect(
    router: "Opener",
    context_id: "int",
    attempt: "Attempt",
    machine: "str",
    user: "Optional[int]" = None,
    python_path: "PythonPath" = None,
    program: "str" = "nsenter",
    args: "Sequence[str]" = (),
) -> "Connection":
    """Start a child in a machine: its name, or the pid of its leader. Only root may."""
    find_program(attempt, [program])
    leader = int(machine) if machine.isdigit() else find_leader(attempt, machine)
    has_users = _namespace(leader, "user") != _namespace(os.getpid(), "user")
    denied = "only root may enter machine %s: become root first" % machine
    gone = "machine %s (leader %d) is gone: `machinectl list`" % (machine, leader)
    return start(
        router,
        context_id,
        attempt,
        lambda command: argv(command, leader, user, has_users, program, args),
        python_path,
        [
            ("permission denied", ConnectError, denied),
            ("operation not permitted", ConnectError, denied),
            ("cannot open /proc/%d/" % leader, ResolveError, gone),
        ],
    )


def find_leader(attempt: "Attempt", machine: "str") -> "int":
    """Ask machinectl for the pid of a machine's first process."""
    program = find_program(attempt, ["machinectl"])
    try:
        done = subprocess.run(
            [program, "show", "-p", "Leader", "--", machine],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=max(0.1, attempt.left),
        )
    except subprocess.TimeoutExpired:
        raise attempt.timed_out("resolve", "machinectl did not answer") from None
    name, _, pid = done.stdout.decode("utf-8", "replace").strip().partition("=")
    if name == "Leader" and pid.isdigit() and int(pid) > 0:
        return int(pid)
    text = (
        "%s: there is no machine %s that runs: `machinectl list` lists them, `machinectl start` "
    )
    text += "starts one. It said: %s"
    said = visible(done.stderr.decode("utf-8", "replace").strip())
    raise ResolveError(text % (attempt.where, machine, said), None, attempt.elapsed)


def _namespace(pid: "int", kind: "str") -> "Optional[str]":
    try:
        return os.readlink("/proc/%d/ns/%s" % (pid, kind))
    except OSError:
        return None
