"""Starts a throw-away SSH server on 127.0.0.1 for tests and demos.

The system's sshd when there is one, else the embedded server: the same files, the same options
and the same ends for both. Each server is a program of its own under a supervisor (see
`supervisor.py`), so nothing of it runs in this process, and nothing outlives this process
unless it is detached.
"""

import os
import secrets
import select
import shutil
import socket
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from remotesvc.testing import embedded_settings, sshd
from remotesvc.testing.folder import (
    HOST,
    ServerInfo,
    write_client_files,
    write_config_for_port,
    write_keys,
)
from remotesvc.testing.options import Kind, ServerOptions, current_account, current_user
from remotesvc.testing.process import SupervisedProcess

__all__ = ["KeptServer", "ServerStartError", "SshServer", "available_kinds", "start_server"]

# A start takes 0.1 s (sshd) or 0.5 s (embedded); this is for a machine under heavy load.
START_SECONDS = 30.0

# Nothing says when a program begins to listen, so a refused connect is tried again this soon;
# the wait ends at once when the program has ended.
RETRY_SECONDS = 0.01

# Another program may take the free port before the server does; that often in a row it may not.
PORT_ATTEMPTS = 5

# RFC 4253, 4.2: the identification line has at most 255 bytes.
LONGEST_BANNER = 255


class ServerStartError(RuntimeError):
    """The server program did not come up; the text ends with what it wrote."""


class _PortTaken(Exception):
    """Another program got the port first."""


@dataclass(frozen=True)
class KeptServer:
    """A server that nobody owns any more: how to reach it and how to stop it."""

    info: ServerInfo
    pid: int
    stop_command: str


class SshServer:
    """A running server, owned by this process; a context manager.

    `info` says all about it; the most used facts are attributes too. `pid` is the process that
    all others of the server are below. With `close()` they, their sessions and the files are
    gone; so they are soon after this process ended or was killed.
    """

    def __init__(self, info: ServerInfo, process: SupervisedProcess) -> None:
        """Own a server that is ready."""
        self._process = process
        self.info = info
        self.pid = process.pid
        self.kind = info.kind
        self.host = info.host
        self.port = info.port
        self.user = info.user
        self.folder = info.folder
        self.identity_file = info.identity_file
        self.config_file = info.config_file
        self.known_hosts = info.known_hosts

    def __enter__(self) -> "SshServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def log_text(self) -> str:
        """Return what the server has logged; after `close()` what it had logged then."""
        return self._process.log_text()

    def config_for_port(self, port: int) -> Path:
        """Write an ssh_config for this server behind a proxy on `port`; return its path."""
        return write_config_for_port(self.info, port)

    def close(self) -> None:
        """End the server and all its sessions, and remove its folder; twice is fine."""
        self._process.close()

    def detach(self) -> KeptServer:
        """Let the server outlive this process; the answer says how to stop it."""
        self._process.detach()
        return KeptServer(self.info, self.pid, f"kill {self.pid}")


def available_kinds() -> tuple[Kind, ...]:
    """Return the kinds that this process can start, the preferred one first.

    sshd lets nobody in who has no account, and nobody else is there to log in as.
    """
    can_sshd = sshd.find_sshd() is not None and current_account() is not None
    return ("sshd", "embedded") if can_sshd else ("embedded",)


def start_server(kind: Kind | None = None, options: ServerOptions | None = None) -> SshServer:
    """Start a server and return it when it answers.

    Without a kind it is sshd, unless that is not installed or an option needs the embedded
    server. Raises ValueError when kind and options do not go together, FileNotFoundError when
    an sshd is needed and there is none, ServerStartError when it does not come up.
    """
    options = options or ServerOptions()
    kind = _choose(kind, options)
    for _ in range(PORT_ATTEMPTS):
        try:
            return _start_on(_free_port(), kind, options)
        except _PortTaken:
            continue
    raise ServerStartError(
        f"{PORT_ATTEMPTS} free ports of {HOST} in a row were taken by others before the "
        f"{kind} server could listen there; see what opens so many connections"
    )


def _choose(kind: Kind | None, options: ServerOptions) -> Kind:
    possible = options.needs()
    if kind is None:
        kind = next((name for name in available_kinds() if name in possible), "sshd")
    if kind not in possible:
        raise ValueError(f"these options need kind={min(possible)!r}, not {kind!r}: {options}")
    if kind not in available_kinds():
        raise FileNotFoundError(
            "no sshd on PATH or in " + ", ".join(sshd.SSHD_FOLDERS) + ", or no account for this "
            "user id; install openssh-server, or leave out kind='sshd' and the options that only "
            "sshd has"
        )
    return kind


def _start_on(port: int, kind: Kind, options: ServerOptions) -> SshServer:
    folder = Path(tempfile.mkdtemp(prefix="remotesvc-"))
    process = None
    try:
        info = ServerInfo(
            kind=kind,
            port=port,
            user=options.accounts()[0],
            folder=folder,
            aliases=options.aliases,
            host_keys=write_keys(folder, options),
            password=options.password,
            client_config=options.client_config,
        )
        write_client_files(info, options.known)
        banner = "remotesvc-" + secrets.token_hex(8)
        process = _launch(info, banner, options)
        _wait_until_ready(process, port, banner)
    except BaseException:
        if process is not None:
            process.close()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return SshServer(info, process)


def _launch(info: ServerInfo, banner: str, options: ServerOptions) -> SupervisedProcess:
    # Messages are compared with English ones below, and sessions must not inherit our locale.
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    program = sshd.find_sshd()
    if info.kind == "sshd" and program is not None:
        command = sshd.prepare_sshd(program, info.folder, info.port, banner, options)
    else:
        embedded_settings.save(info.folder, info.port, banner, options)
        command = (sys.executable, "-m", "remotesvc.testing.embedded", str(info.folder))
        environment["USER"] = current_user()
        environment["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, sys.path))
    return SupervisedProcess(command, info.folder, environment)


def _wait_until_ready(process: SupervisedProcess, port: int, banner: str) -> None:
    """Return when our server answers on the port; raise when it will not."""
    deadline = time.monotonic() + START_SECONDS
    answer = b""
    while time.monotonic() < deadline:
        try:
            answer = _read_banner(process, port, deadline)
        except ConnectionRefusedError:
            pass
        else:
            if banner.encode() in answer:
                return
        if process.has_ended(RETRY_SECONDS):
            break
    log = process.log_text()
    if "Address already in use" in log:
        raise _PortTaken
    raise ServerStartError(
        f"the server on {HOST}:{port} did not come up within {START_SECONDS:g} s, "
        f"last answer {answer!r}; its log:\n{log}"
    )


def _read_banner(process: SupervisedProcess, port: int, deadline: float) -> bytes:
    """Return the first line that the port says, or what there is of it when our server ends."""
    answer = b""
    with socket.create_connection((HOST, port), timeout=START_SECONDS) as connection:
        watched: list[socket.socket | SupervisedProcess] = [connection, process]
        while len(answer) < LONGEST_BANNER and not answer.endswith(b"\n"):
            patience = max(0.0, deadline - time.monotonic())
            ready = select.select(watched, [], [], patience)[0]
            if connection not in ready:
                break
            try:
                chunk = connection.recv(LONGEST_BANNER)
            except ConnectionResetError:
                break
            if not chunk:
                break
            answer += chunk
    return answer


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
