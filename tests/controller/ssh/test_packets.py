"""What the loop reads of an SSH connection: packets that are whole, by any key, up to its end."""

import concurrent.futures
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paramiko.packet import Packetizer

from remotesvc import Context, DisconnectedError, Router
from remotesvc.controller.ssh.packets import PACKET_LIMIT, Packets, is_whole
from remotesvc.controller.ssh.sealed import TAG_SIZE
from remotesvc.testing.server import SshServer
from tests.controller.ssh.hosts import (
    config_for,
    connect,
    needs_kind,
    relay_command,
    start_bare,
)

# A wait for an event that is sure to come.
DEADLINE = 30.0

LARGE = 4 * 1024 * 1024

# Put before the program of relay_command(): at a signal, what a file holds goes in between.
FORGER = """\
import os, signal
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, open({forged!r}, "rb").read()))
open({pid!r}, "w").write(str(os.getpid()))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    """The best server that there is here."""
    with start_bare() as started:
        yield started


@pytest.fixture
def router(no_leaks: None, empty_home: Path) -> Iterator[Router]:
    """A router whose end leaves nothing behind."""
    with Router() as opened:
        yield opened


def is_on_loop(context: Context) -> bool:
    """Tell whether the loop reads what the host sends."""
    link = context.router.switch.routes[context.id]
    return not getattr(link._stream, "is_read_elsewhere", False)


# -- a packet ------------------------------------------------------------------------------------


@given(st.integers(0, PACKET_LIMIT), st.integers(0, 2 * TAG_SIZE), st.data())
def test_packet_is_whole_with_its_last_byte(size: int, more: int, data: st.DataObject) -> None:
    whole = size.to_bytes(4, "big") + bytes(size + TAG_SIZE)
    cut = data.draw(st.integers(0, len(whole) - 1))
    assert is_whole(whole + bytes(more))
    assert not is_whole(whole[:cut])


@pytest.mark.parametrize("size", [PACKET_LIMIT + 1, 2**31, 2**32 - 1])
def test_packet_that_is_to_be_larger_than_any_is_refused_at_its_length(size: int) -> None:
    with pytest.raises(paramiko.SSHException, match=f"a packet of {size} bytes; the limit is"):
        is_whole(size.to_bytes(4, "big"))


# -- who reads -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", True),
        ("Ciphers aes256-gcm@openssh.com", True),
        ("Ciphers aes128-ctr", False),
        ("Ciphers aes256-cbc", False),
        ("Compression yes", True),
    ],
)
def test_loop_reads_where_packets_tell_their_length(
    router: Router, tmp_path: Path, line: str, expected: bool
) -> None:
    more = ("Ciphers +aes256-cbc",) if "cbc" in line else ()
    with start_bare(extra_config=more) as server:
        config = tmp_path / "config"
        config.write_text(f"{line}\n{server.config_file.read_text()}")
        host = connect(router, server, config_file=config)
        assert host.call(len, bytes(LARGE)) == LARGE
        assert host.call(bytes, LARGE) == bytes(LARGE)
        assert is_on_loop(host) == expected
        host.shutdown()


def test_host_behind_a_jump_host_is_read_by_the_thread_of_its_connection(
    router: Router, server: SshServer, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    with start_bare(aliases=("inner",)) as inner:
        config.write_text(server.config_file.read_text() + inner.config_file.read_text())
        host = connect(router, inner, "inner", config_file=config, jump="demo")
        assert host.call(bytes, LARGE) == bytes(LARGE)
        assert not is_on_loop(host)
        host.shutdown()


# -- new keys ------------------------------------------------------------------------------------


def _call_both_ways(host: Context) -> None:
    """Have much come and go at once, by several threads."""

    def call(number: int) -> None:
        for _ in range(10):
            data = bytes([number]) * 100_000
            assert host.call(bytes.upper, data) == data.upper()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(call, range(4)))


@pytest.mark.parametrize("whose", ["server", "ours"])
def test_calls_go_on_while_new_keys_are_agreed(
    router: Router, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    needs_kind("sshd")
    keys = []
    take = Packets.set_inbound_cipher

    def noted(packets: Packets, *args: Any, **options: Any) -> None:
        take(packets, *args, **options)
        keys.append(threading.current_thread())

    monkeypatch.setattr(Packets, "set_inbound_cipher", noted)
    more = ("RekeyLimit 256K",) if whose == "server" else ()
    with start_bare("sshd", extra_config=more) as server:
        host = connect(router, server)
        host.call(os.getpid)
        if whose == "ours":
            monkeypatch.setattr(Packetizer, "REKEY_BYTES", 1 << 18)
        _call_both_ways(host)
        assert is_on_loop(host)
        host.shutdown()
    assert len(keys) > 3
    assert all(isinstance(thread, paramiko.Transport) for thread in keys)


# -- the end -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forged", "reason"),
    [
        (b"\xff" * 64, f"a packet of {2**32 - 1} bytes"),
        ((32).to_bytes(4, "big") + bytes(48), "what came is not what was sent"),
    ],
    ids=["too large", "not genuine"],
)
def test_bytes_that_the_server_did_not_send_end_the_connection(
    router: Router, server: SshServer, tmp_path: Path, forged: bytes, reason: str
) -> None:
    (tmp_path / "forged").write_bytes(forged)
    command = relay_command(tmp_path, server.port)
    relay = tmp_path / "relay.py"
    paths = {name: str(tmp_path / name) for name in ("forged", "pid")}
    relay.write_text(FORGER.format(**paths) + relay.read_text())
    lines = f"IdentityFile {server.identity_file}", f"ProxyCommand {command}"
    config = config_for(server, tmp_path / "config", *lines)
    with start_bare() as other:
        untouched = connect(router, other)
        host = connect(router, server, config_file=config)
        host.call(os.getpid)
        assert is_on_loop(host)
        future = host.submit(time.sleep, 1000)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGUSR1)
        with pytest.raises(DisconnectedError, match=reason):
            future.result(DEADLINE)
        assert untouched.call(abs, -1) == 1
        untouched.shutdown()
