"""An SSH server in Python, for machines without sshd and for what sshd does not offer.

A program: `python -m remotesvc.testing.embedded FOLDER`, started and ended by its supervisor.
It really runs what it is asked to run, so it listens on 127.0.0.1 only, and lets in only those
who hold the key of its folder or know the password that it was started with.

What sshd has and this leaves out: terminals, sftp, agent forwarding, variables sent by the
client, exit-signal (a signal comes as status 128 + number, as from a shell).
"""

import contextlib
import logging
import socket
import sys
from functools import partial
from pathlib import Path
from typing import Any

import paramiko

from remotesvc.testing.embedded_gate import Gate
from remotesvc.testing.embedded_session import AnsweringTransport, Forward, start_thread
from remotesvc.testing.embedded_settings import EmbeddedSettings, load
from remotesvc.testing.folder import HOST

__all__ = ["main"]

BACKLOG = 128

# How often a connection without new channels looks whether it still exists.
ACCEPT_SECONDS = 1.0

_log = logging.getLogger("remotesvc.testing.embedded")


def main(argv: list[str]) -> int:
    """Serve until the supervisor ends this process."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(name)s: %(message)s")
    # paramiko logs a traceback for each client that goes early, and what matters is said here.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    settings = load(Path(argv[1]))
    host_keys = [paramiko.PKey.from_path(path) for path in settings.host_key_files]
    with socket.create_server((HOST, settings.port), backlog=BACKLOG) as listener:
        while True:
            connection, peer = listener.accept()
            start_thread(partial(_serve, connection, Gate(settings, peer), settings, host_keys))


def _serve(
    connection: socket.socket, gate: Gate, settings: EmbeddedSettings, host_keys: list[Any]
) -> None:
    """Serve one client until it goes."""
    # Without it each small answer waits for the client's delayed acknowledgement.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with contextlib.closing(AnsweringTransport(connection)) as transport:
        transport.local_version += " " + settings.banner
        for key in host_keys:
            transport.add_server_key(key)
        try:
            transport.start_server(server=gate)
        except (paramiko.SSHException, EOFError, OSError) as error:
            _log.info("a connection ended during key exchange: %s", error)
            return
        # paramiko closes a channel that nobody holds, and a client may take its time to ask for
        # the command of a session.
        held: list[Any] = []
        while transport.is_active():
            channel = transport.accept(ACCEPT_SECONDS)
            if channel is None:
                continue
            held = [one for one in held if not one.closed] + [channel]
            if channel.get_id() in gate.dialled:
                onward = gate.dialled.pop(channel.get_id())
                start_thread(Forward(channel, onward).run)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
