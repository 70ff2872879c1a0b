"""Throw-away hosts: which programs are on their PATH, what their login does before the command.

Each is an SSH server with an empty home and a PATH of one folder, so that nothing of the account
or of this machine is found there by chance.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Context, Router
from remotesvc.testing.options import Kind, ServerOptions
from remotesvc.testing.server import SshServer, start_server
from tests.leaks import holdings, wait_for_release

__all__ = [
    "PYTHON",
    "Host",
    "Print",
    "needs_namespaces",
    "needs_program",
    "nothing_left",
    "plain_login",
    "start_host",
    "write_program",
]

# (name of the context, "stdout" or "stderr", line)
Print = tuple[str, str, bytes]

# The interpreter itself, not the link to it in a virtual environment.
PYTHON = os.path.realpath(sys.executable)

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# The account's shell replaces itself by this, which does what the login is to do. The second
# line gives it file systems of its own to do it with.
LOGIN = """\
#!/bin/sh
[ -n "$PRIVATE" ] || [ -z "{namespace}" ] || PRIVATE=1 exec {namespace} "$0" "$@"
PATH={system_path}
{lines}
PATH={path}
unset PRIVATE
exec {shell} "$@"
"""


@dataclass(frozen=True)
class Host:
    """A running server, and the home folder of its account."""

    server: SshServer
    home: Path

    def connect(self, router: Router, **options: Any) -> Context:
        """Open a context there."""
        return router.ssh("demo", config_file=str(self.server.config_file), **options)


@contextmanager
def start_host(
    folder: Path,
    programs: Mapping[str, str] | None = None,
    *,
    login: Sequence[str] = (),
    namespace: bool = False,
    shell: str | None = None,
    environment: Mapping[str, str] | None = None,
    authorized_keys_options: str = "",
    kind: Kind | None = None,
) -> Iterator[Host]:
    """Run a host; `programs` are the names on its PATH and where they lead, beside sh.

    login: lines of sh that run before each command. namespace: whether it has mounts of its own.
    There PATH is the system's, for what leads to `programs` may be hidden by a mount.
    shell: the login shell; without one, and without `login`, it is the account's own.
    """
    home, path = folder / "home_there", folder / "bin"
    home.mkdir(mode=0o700, exist_ok=True)
    path.mkdir()
    names = {"sh": "/bin/sh", **({"python3": PYTHON} if programs is None else programs)}
    for name, target in names.items():
        (path / name).symlink_to(target)
    if login:
        shell = _write_login(folder, login, namespace, path, shell or "/bin/sh")
    options = ServerOptions(
        environment=(
            ("HOME", str(home)),
            ("PATH", str(path)),
            *(environment or {}).items(),
        ),
        shell=shell,
        authorized_keys_options=authorized_keys_options,
    )
    with start_server(kind, options) as server:
        yield Host(server, home)


def _write_login(
    folder: Path, lines: Sequence[str], namespace: bool, path: Path, shell: str
) -> str:
    text = LOGIN.format(
        namespace=f"{shutil.which('unshare')} -m" if namespace else "",
        system_path=SYSTEM_PATH,
        lines="\n".join(lines),
        path=SYSTEM_PATH if namespace else path,
        shell=shell,
    )
    return write_program(folder / "login", text)


def write_program(path: Path, text: str) -> str:
    """Write something that can be executed."""
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def plain_login(home: Path) -> tuple[tuple[str, str], ...]:
    """Return variables for the sessions of a server: an empty home, and this Python first.

    What a shell reads in the home of the account may cost more than all that is tested.
    """
    return (("HOME", str(home)), ("PATH", f"{os.path.dirname(PYTHON)}:{SYSTEM_PATH}"))


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fail when the block leaves a descriptor, a thread or a child process behind."""
    before = holdings()
    yield
    left = wait_for_release(before)
    assert not left, "left behind: " + ", ".join(left)


def needs_program(name: str) -> str:
    """Return where a program is; skip the test where it is not."""
    found = shutil.which(name, path=SYSTEM_PATH)
    if found is None:
        pytest.skip(f"no {name} on this machine (make test-deps)")
    return found


def needs_namespaces() -> None:
    """Skip the test where this account may not have mounts of its own."""
    unshare = needs_program("unshare")
    command = [unshare, "-m", "mount", "-t", "tmpfs", "none", "/tmp"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no mounts of one's own here: {done.stderr.strip()}")
