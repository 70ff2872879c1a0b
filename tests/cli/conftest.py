"""The command line in a folder with an application, and servers for it to reach."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from remotesvc.testing.options import ServerOptions
from remotesvc.testing.server import SshServer, start_server
from tests.cli.program import Program, Sessions, write_app
from tests.integration.hosts import plain_login

# Names of one and the same server: several hosts, for the command line.
ALIASES = ("web1", "web2", "127.0.0.1")


@pytest.fixture
def remotesvc(tmp_path: Path) -> Iterator[Program]:
    """The command, in a folder that has the package `app`."""
    write_app(tmp_path)
    with contextlib.closing(Program(tmp_path)) as program:
        yield program


@pytest.fixture
def places(remotesvc: Program) -> Path:
    """A folder where functions leave their process id."""
    folder = remotesvc.folder / "places"
    folder.mkdir()
    return folder


@pytest.fixture
def gate(remotesvc: Program) -> Path:
    """A pipe: whoever opens it to read waits until the test opens it."""
    path = remotesvc.folder / "gate"
    os.mkfifo(path)
    return path


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """A server for all tests of a module."""
    environment = plain_login(tmp_path_factory.mktemp("home_there"))
    with start_server(options=ServerOptions(aliases=ALIASES, environment=environment)) as server:
        yield server


@pytest.fixture
def server(shared_server: SshServer) -> Iterator[SshServer]:
    """The server, which must have no session left after the test."""
    sessions = Sessions(shared_server.pid)
    yield shared_server
    assert sessions.left() == []
