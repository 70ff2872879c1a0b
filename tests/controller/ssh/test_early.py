"""A login and a first session without the waits that tell nothing, and what becomes of a no."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko
import pytest

from remotesvc import InterpreterError, Router
from remotesvc.connect.base import Attempt
from remotesvc.controller.ssh.chain import Transport
from remotesvc.controller.ssh.channel import ChannelStream
from remotesvc.controller.ssh.early import EarlyChannel, open_early
from remotesvc.controller.ssh.packets import Packets
from remotesvc.controller.ssh.session import open_session, request_exec
from remotesvc.testing.options import ServerOptions
from remotesvc.testing.proxy import DelayProxy
from remotesvc.testing.server import start_server
from tests.controller.ssh.hosts import connect, needs_kind, start_bare

# A wait for an event that is sure to come.
DEADLINE = 30.0

# Far above what both ends need to answer, so that the count of round trips is exact.
DELAY = 0.05

VERSION = "SSH-2.0-OpenSSH_9.9"


@pytest.fixture
def router(no_leaks: None, empty_home: Path) -> Iterator[Router]:
    """A router whose end leaves nothing behind."""
    with Router() as opened:
        yield opened


# -- what is saved -------------------------------------------------------------------------------


@pytest.mark.sshd
def test_login_and_first_call_take_two_round_trips_less_than_paramiko_takes(
    router: Router,
) -> None:
    needs_kind("sshd")
    with start_bare("sshd") as server:
        connect(router, server, share=False).call(os.getpid)  # what is made once
        with DelayProxy(server.port, DELAY) as proxy:
            config = server.config_for_port(proxy.port)
            assert connect(router, server, config_file=config).call(os.getpid)
            trips = proxy.counts().round_trips
            router.close()
    # Greeting, keys, login, and command with call: paramiko's own are six, for a bare command.
    assert trips <= 4


# -- a server that says no -----------------------------------------------------------------------


@pytest.mark.sshd
def test_server_that_opens_no_session_is_told_by_the_first_call(router: Router) -> None:
    needs_kind("sshd")
    with start_server("sshd", ServerOptions(extra_config=("MaxSessions 0",))) as closed:
        context = connect(router, closed)
        for _ in range(2):
            with pytest.raises(InterpreterError) as caught:
                context.call(os.getpid)
            text = "demo: the login worked, but the server opens no session: "
            assert str(caught.value).startswith(text)
            assert str(caught.value).endswith(
                ": Connect failed. Does its sshd_config allow one to this user (MaxSessions)?"
            )
        assert caught.value.phase == "interpreter"
        assert caught.value.elapsed is not None


@pytest.mark.sshd
def test_others_who_shared_a_connection_that_was_refused_are_told_the_same(
    router: Router,
) -> None:
    needs_kind("sshd")
    with start_server("sshd", ServerOptions(extra_config=("MaxSessions 0",))) as closed:
        contexts = [connect(router, closed, name=f"host-{number}") for number in range(3)]
        for context in contexts:
            with pytest.raises(InterpreterError, match="opens no session"):
                context.call(os.getpid)


# -- a server of another kind, in this process ---------------------------------------------------


class _Open(paramiko.ServerInterface):  # type: ignore[misc]  # paramiko has no types
    """Lets everybody in, opens sessions or does not, and runs nothing."""

    def __init__(self, answer: int) -> None:
        self._answer = answer

    def check_auth_none(self, username: str) -> int:
        return int(paramiko.AUTH_SUCCESSFUL)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return self._answer

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        return True


@contextmanager
def logged_in(
    first_number: int, answer: int = paramiko.OPEN_SUCCEEDED, version: str = VERSION
) -> Iterator[Transport]:
    """Give a connection to a server that gives its first session a number."""
    near, far = socket.socketpair()
    server = paramiko.Transport(far)
    server.local_version = version
    server._channel_counter = first_number
    server.add_server_key(paramiko.ECDSAKey.generate())
    server.start_server(event=threading.Event(), server=_Open(answer))
    transport = Transport(near, packetizer_class=Packets)
    transport.start_client(timeout=DEADLINE)
    try:
        transport.auth_none("somebody")
        yield transport
    finally:
        for one in (transport, server):
            one.close()
            one.join(DEADLINE)
        near.close()
        far.close()


def reasons_of(channel: paramiko.Channel) -> str:
    """Return how a stream over a channel ends."""
    ended, reasons = threading.Event(), []
    stream = ChannelStream(channel, channel.close, lambda: False)

    def note(reason: str) -> None:
        reasons.append(reason)
        ended.set()

    stream.on_end = note
    request_exec(channel, "true")
    stream.start()
    stream.write(b"for the command")
    assert ended.wait(DEADLINE)
    stream.close()
    assert stream.gone.wait(DEADLINE)
    return f"{reasons[0]}; refusal: {stream.refusal}"


def test_session_with_another_number_ends_the_connection_and_says_what_to_do(
    no_leaks: None,
) -> None:
    with logged_in(7) as transport:
        channel = open_early(transport)
        assert channel is not None
        reason = reasons_of(channel)
    assert "the server numbers sessions in a way of its own, the first one 7" in reason
    assert 'use transport="openssh"' in reason


@pytest.mark.parametrize("code", [1, 2, 3, 4])
def test_refused_session_ends_with_the_reason_though_the_connection_lives(
    no_leaks: None, code: int
) -> None:
    with logged_in(0, code) as transport:
        channel = open_early(transport)
        assert channel is not None
        stream = ChannelStream(channel, channel.close, lambda: False)
        ended = threading.Event()
        stream.on_end = lambda reason: ended.set()
        stream.start()
        assert ended.wait(DEADLINE)
        assert stream.refusal == paramiko.common.CONNECTION_FAILED_CODE[code]
        assert transport.is_active()
        stream.close()
        assert stream.gone.wait(DEADLINE)


def test_connection_that_ends_before_the_answer_ends_the_session(no_leaks: None) -> None:
    with logged_in(0) as transport:
        transport.close()
        transport.join(DEADLINE)
        channel = open_early(transport)
        assert channel is not None
        assert channel.closed and channel.refusal == ""


@pytest.mark.parametrize("version", ["SSH-2.0-dropbear_2022.83", "SSH-2.0-Go", "SSH-2.0-Open"])
def test_other_servers_are_waited_for(no_leaks: None, version: str) -> None:
    with logged_in(3, version=version) as transport:
        assert open_early(transport) is None
        channel = open_session(transport, Attempt("there", DEADLINE))
        assert not isinstance(channel, EarlyChannel)
        assert channel.remote_chanid == 3
        channel.close()


def test_only_the_first_session_of_a_connection_has_a_number_that_is_known(
    no_leaks: None,
) -> None:
    with logged_in(0) as transport:
        channel = open_early(transport)
        assert channel is not None
        assert open_early(transport) is None
        channel.close()


@pytest.mark.parametrize("name", ["_next_channel", "_send_user_message"])
def test_without_paramikos_names_the_answer_is_waited_for(
    no_leaks: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(
        "remotesvc.controller.ssh.early.TRANSPORT_NAMES", (name + "_of_another_paramiko",)
    )
    with logged_in(0) as transport:
        assert open_early(transport) is None


def test_window_counts_what_was_sent_before_the_answer(no_leaks: None) -> None:
    with logged_in(0) as transport:
        channel = open_early(transport)
        assert channel is not None
        with channel.lock:
            channel.out_window_size += 1000
            channel.out_window_size -= 300
        channel._set_remote_channel(0, 5000, 40000)
        assert channel.out_window_size >= 5700
        channel.close()
