"""Owns a server and says so, for the tests that kill owners: `owner_program.py KIND MODE`."""

import json
import sys

from remotesvc.testing.options import Kind, ServerOptions
from remotesvc.testing.server import start_server


def main(kind: Kind, mode: str) -> None:
    """Start a server, print how to reach it; hold it until stdin ends, or detach it."""
    # A home without a .bashrc, which may take longer than all else.
    server = start_server(kind, ServerOptions(environment=(("HOME", "/"),)))
    names = ("folder", "host", "identity_file", "known_hosts", "pid", "port", "user")
    facts = {name: getattr(server, name) for name in names}
    facts["stop_command"] = server.detach().stop_command if mode == "detach" else ""
    print(json.dumps(facts, default=str), flush=True)
    if mode == "hold":
        sys.stdin.read()


if __name__ == "__main__":
    main("sshd" if sys.argv[1] == "sshd" else "embedded", sys.argv[2])
