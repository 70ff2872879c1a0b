"""The server behind `embedded.py`: accepts connections, and serves each on a thread of its own."""

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

__all__ = ["serve"]

BACKLOG = 128

# How often a connection without new channels looks whether it still exists.
ACCEPT_SECONDS = 1.0

_log = logging.getLogger("remotesvc.testing.embedded")


def serve(folder: Path) -> int:
    """Serve by the settings in a folder until this process is ended."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(name)s: %(message)s")
    # paramiko logs a traceback for each client that goes early, and what matters is said here.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    settings = load(folder)
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
