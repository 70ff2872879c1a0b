"""The host of the SSH measurements: a real sshd, as near or as far as wanted, with a quiet login.

Its home is empty (a start-up file of the account can cost more than everything else), and so is
the folder of packages beside its `python3`, which else is the interpreter that the peers run in.
"""

import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.process import PeerProcess
from remotesvc.testing.options import ServerOptions
from remotesvc.testing.proxy import DelayProxy
from remotesvc.testing.server import SshServer, start_server

__all__ = ["connect", "start_host"]

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


@contextmanager
def start_host(folder: Path) -> Iterator[SshServer]:
    """Run the host below an existing, empty folder."""
    home, python = folder / "home", folder / "python"
    home.mkdir(mode=0o700)
    venv.create(python, symlinks=True)
    environment = (("HOME", str(home)), ("PATH", f"{python}/bin:{SYSTEM_PATH}"))
    with start_server("sshd", ServerOptions(environment=environment)) as server:
        yield server


def connect(peer: PeerProcess, server: SshServer, round_trip: float = 0.0) -> dict[str, float]:
    """Let the peer connect, call once and end; return what it took.

    Without a latency it goes to the server directly, and only the seconds are known. The counts
    are taken when the result of the call is there, so the end of the connection is not in them;
    the TCP handshake is.
    """
    if not round_trip:
        figures = peer.ask(str(server.config_file))
        peer.ask("")
        return figures
    known_hosts = server.known_hosts.read_text()
    # A proxy of its own, so that the ends of earlier connections are not counted.
    with DelayProxy(server.port, round_trip / 2) as proxy:
        config = server.config_for_port(proxy.port)
        figures = peer.ask(str(config))
        counts = proxy.counts()
        peer.ask("")
    config.unlink()
    server.known_hosts.write_text(known_hosts)
    figures["round_trips"] = counts.round_trips + counts.connections
    figures["bytes_up"] = counts.bytes_up
    figures["bytes_down"] = counts.bytes_down
    return figures
