"""A login and a first session without the waits that tell nothing, and what becomes of a no."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import paramiko
import pytest

from remotesvc import ConnectError, InterpreterError, Router
from remotesvc.connect.base import Attempt
from remotesvc.connect.tries import Tries
from remotesvc.controller.ssh.auth import Credentials, authenticate
from remotesvc.controller.ssh.chain import Transport
from remotesvc.controller.ssh.channel import ChannelStream
from remotesvc.controller.ssh.connections import Connections, SharedConnection
from remotesvc.controller.ssh.early import EarlyChannel, open_early
from remotesvc.controller.ssh.opening import Opening
from remotesvc.controller.ssh.packets import Packets
from remotesvc.controller.ssh.session import open_session, request_exec
from remotesvc.controller.ssh_config import read_settings
from remotesvc.testing.options import ServerOptions
from remotesvc.testing.proxy import DelayProxy
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
    with start_bare("sshd", ServerOptions(extra_config=("MaxSessions 0",))) as closed:
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
    with start_bare("sshd", ServerOptions(extra_config=("MaxSessions 0",))) as closed:
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
    with suppress(EOFError):  # the connection may have ended by then
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


def test_session_that_is_refused_before_it_is_looked_at_ends_all_the_same(no_leaks: None) -> None:
    with logged_in(0, 1) as transport:
        channel = open_early(transport)
        assert channel is not None
        assert channel.status_event.wait(DEADLINE)
        stream = ChannelStream(channel, channel.close, lambda: False)
        assert stream._status.is_set()  # else its end would be waited for
        stream.start()
        stream.close()
        assert stream.gone.wait(DEADLINE)


def opening_with(get_command: Callable[[], str]) -> Opening:
    """Return how a child gets its channel there; its host is known, its connection is made."""
    anybody: Any = SimpleNamespace(host_keys=SimpleNamespace(check=lambda key, attempt: None))
    attempt = Attempt("there", DEADLINE)
    return Opening(
        connections=Connections(),
        key="there",
        make=lambda: pytest.fail("it has its connection"),
        attempt=attempt,
        tries=Tries(attempt, 0),
        login=anybody,
        jumps=None,
        get_command=get_command,
        must_not_wait=lambda: False,
    )


def let_nothing_out(transport: Transport) -> str:
    """Have it be as in an exchange of keys that the server does not go on with."""
    transport.clear_to_send_timeout = 0
    transport.clear_to_send.clear()
    return "true"


@pytest.mark.parametrize("is_asked", [True, False])
def test_connection_that_takes_no_request_any_more_is_told_as_one_error_of_ours(
    no_leaks: None, is_asked: bool
) -> None:
    with logged_in(0) as transport:
        shared: Any = None
        opening = opening_with(lambda: let_nothing_out(transport))
        if not is_asked:
            let_nothing_out(transport)
        with pytest.raises(ConnectError) as caught:
            opening._begin(shared, transport)
        transport.clear_to_send.set()
    text = "there: the connection ended after the login: Key-exchange timed out waiting for key "
    assert str(caught.value) == text + "negotiation"
    assert caught.value.phase == "interpreter"


def test_further_child_whose_command_cannot_be_asked_for_looks_for_another_connection(
    no_leaks: None,
) -> None:
    with logged_in(0) as transport:
        opening = opening_with(lambda: let_nothing_out(transport))
        chain: Any = None
        shared = SharedConnection(chain, (DEADLINE, 0))
        shared.open(transport)
        assert opening._open_next(shared) is None
        transport.clear_to_send.set()


def test_connection_that_ends_without_a_word_during_the_login_has_a_reason(
    no_leaks: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_to_nobody(message: paramiko.Message) -> None:
        raise EOFError

    (tmp_path / "config").write_text("")
    settings = read_settings("there", config_file=str(tmp_path / "config"))
    with logged_in(0) as transport, monkeypatch.context() as patch:
        patch.setattr(transport.packetizer, "send_message", write_to_nobody)
        with pytest.raises(ConnectError) as caught:
            authenticate(transport, Attempt("there", DEADLINE), settings, Credentials("secret"))
    text = "there: there port 22 ended the connection during the login: the other side closed the "
    assert str(caught.value) == text + "connection"


def test_way_to_log_in_that_was_refused_is_not_why_a_connection_ended(no_leaks: None) -> None:
    with logged_in(0) as transport:
        for refused in (
            paramiko.BadAuthenticationType("Bad authentication type", ["password"]),
            paramiko.ssh_exception.PartialAuthentication(["password"]),
        ):
            transport.saved_exception = refused
            assert transport.get_exception() is refused  # for whoever waits for the login
        assert transport.why_it_ended() is None
        transport.saved_exception = paramiko.SSHException("a packet was forged")
        assert str(transport.why_it_ended()) == "a packet was forged"


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


class _Waited(threading.Condition):
    """Tells when somebody waits; who holds the lock after that has them wait already."""

    def __init__(self, lock: threading.Lock) -> None:
        super().__init__(lock)
        self.is_waited_for = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.is_waited_for.set()
        return super().wait(timeout)


def test_writer_who_waits_for_room_goes_on_by_what_the_answer_grants(no_leaks: None) -> None:
    with logged_in(0) as transport:
        channel = EarlyChannel(5)
        channel._set_transport(transport)
        channel.begin()
        waited = channel.out_buffer_cv = _Waited(channel.lock)
        writer = threading.Thread(target=channel.send, args=(b"for the command",))
        writer.start()
        assert waited.is_waited_for.wait(DEADLINE)
        channel._set_remote_channel(0, 5000, 40000)
        writer.join(DEADLINE)
        is_stuck = writer.is_alive()
        channel._unlink()
        assert not is_stuck


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
