"""Through jump hosts: each is a login of its own, and one deadline covers them all."""

import os
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from remotesvc import (
    AuthenticationError,
    ConnectError,
    ConnectTimeout,
    DisconnectedError,
    HostKeyError,
    Router,
)
from remotesvc.testing.keys import make_key
from remotesvc.testing.options import ServerOptions
from remotesvc.testing.proxy import DelayProxy
from remotesvc.testing.server import SshServer, start_server
from remotesvc.testing.silent import SilentServer
from tests.controller.ssh.hosts import connect, descendants, needs_kind, start_bare
from tests.integration.hosts import plain_login
from tests.integration.waiting import TIMEOUTS

PASSWORD = "correct horse"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """The host that everybody wants to reach."""
    home = tmp_path_factory.mktemp("home_there")
    options = ServerOptions(aliases=("target",), environment=plain_login(home))
    with start_server(options=options) as started:
        yield started


@pytest.fixture(scope="module", params=[pytest.param("sshd", marks=pytest.mark.sshd), "embedded"])
def bastion(request: pytest.FixtureRequest) -> Iterator[SshServer]:
    """A jump host, with a key of its own."""
    kind = needs_kind(request.param)
    with start_bare(kind, ServerOptions(aliases=("bastion",))) as started:
        yield started


@pytest.fixture(scope="module")
def gate() -> Iterator[SshServer]:
    """A second jump host."""
    with start_bare(options=ServerOptions(aliases=("gate",))) as started:
        yield started


@pytest.fixture
def router(no_leaks: None, empty_home: Path) -> Iterator[Router]:
    """A router whose end leaves nothing behind."""
    with Router() as opened:
        yield opened


def config_of(path: Path, *servers: SshServer, first: str = "") -> Path:
    """Write one ssh_config that knows all the servers by their aliases."""
    blocks = [server.info.host_block() for server in servers]
    path.write_text("\n".join([first, *blocks]))
    return path


def sessions(server: SshServer) -> int:
    """Count the logins that a server has seen."""
    return server.log_text().lower().count("accepted publickey")


# -- the way there -------------------------------------------------------------------------------


def test_a_jump_host_given_is_gone_through(
    router: Router, target: SshServer, bastion: SshServer, tmp_path: Path
) -> None:
    config = config_of(tmp_path / "config", target, bastion)
    before = sessions(bastion)

    context = connect(router, target, "target", config_file=config, jump="bastion")

    assert context.call(os.getpid) in descendants(target.pid)
    assert sessions(bastion) == before + 1


def test_proxy_jump_of_ssh_config_is_gone_through(
    router: Router, target: SshServer, bastion: SshServer, tmp_path: Path
) -> None:
    first = f"Host target\n ProxyJump {bastion.user}@bastion:{bastion.port}\n"
    config = config_of(tmp_path / "config", target, bastion, first=first)
    before = sessions(bastion)

    context = connect(router, target, "target", config_file=config)

    assert context.call(os.getpid) in descendants(target.pid)
    assert sessions(bastion) == before + 1


@pytest.mark.parametrize("jump", ["gate,bastion", ("gate", "bastion")])
def test_two_hops_are_gone_through_in_order(
    router: Router,
    target: SshServer,
    bastion: SshServer,
    gate: SshServer,
    tmp_path: Path,
    jump: str | tuple[str, ...],
) -> None:
    config = config_of(tmp_path / "config", target, bastion, gate)
    before = sessions(gate), sessions(bastion)

    context = connect(router, target, "target", config_file=config, jump=jump)

    assert context.call(len, bytes(3_000_000)) == 3_000_000
    assert (sessions(gate), sessions(bastion)) == (before[0] + 1, before[1] + 1)


def test_a_hop_may_have_a_hop_of_its_own(
    router: Router, target: SshServer, bastion: SshServer, gate: SshServer, tmp_path: Path
) -> None:
    first = "Host target\n ProxyJump bastion\nHost bastion\n ProxyJump gate\n"
    config = config_of(tmp_path / "config", target, bastion, gate, first=first)
    before = sessions(gate)

    assert connect(router, target, "target", config_file=config).call(os.getpid)

    assert sessions(gate) == before + 1


@pytest.mark.parametrize("jump", ["none", ()])
def test_no_jump_host_given_counts_before_ssh_config(
    router: Router, target: SshServer, bastion: SshServer, tmp_path: Path, jump: str
) -> None:
    first = "Host target\n ProxyJump bastion\n"
    config = config_of(tmp_path / "config", target, bastion, first=first)
    before = sessions(bastion)

    assert connect(router, target, "target", config_file=config, jump=jump).call(os.getpid)

    assert sessions(bastion) == before


def test_several_contexts_behind_one_hop_are_apart(
    router: Router, target: SshServer, bastion: SshServer, tmp_path: Path
) -> None:
    config = config_of(tmp_path / "config", target, bastion)
    one, two = (
        connect(router, target, "target", config_file=config, jump="bastion") for _ in range(2)
    )

    one.kill()

    assert two.call(os.getpid) in descendants(target.pid)
    with pytest.raises(DisconnectedError):
        one.call(os.getpid)


def test_a_hop_costs_what_it_must(
    router: Router, target: SshServer, bastion: SshServer, tmp_path: Path
) -> None:
    with DelayProxy(target.port, 0.1) as proxy:
        far = target.config_for_port(proxy.port).read_text()
        config = tmp_path / "config"
        config.write_text(f"{far}\n{bastion.info.host_block()}")
        connect(router, target, "target", config_file=config, jump="bastion").call(os.getpid)

        trips = proxy.counts().round_trips
        # Those of sshd's that need not be waited for are not (docs/ssh.md, "What it costs").
        assert trips <= (4 if target.kind == "sshd" else 6)


# -- what goes wrong -----------------------------------------------------------------------------


def test_a_wrong_host_key_of_the_hop_is_the_hops(
    router: Router, target: SshServer, bastion: SshServer, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text(f"[{bastion.host}]:{bastion.port} {make_key().public}\n")
    first = f"Host bastion\n UserKnownHostsFile {wrong}\n"
    config = config_of(tmp_path / "config", target, bastion, first=first)
    before = sessions(target), sessions(bastion)

    with pytest.raises(HostKeyError) as caught:
        connect(router, target, "target", config_file=config, jump="bastion")

    assert str(caught.value).startswith(
        f"target: the key of [{bastion.host}]:{bastion.port} has changed"
    )
    assert (sessions(target), sessions(bastion)) == before


def test_a_wrong_host_key_behind_the_hop_is_the_targets(
    router: Router, target: SshServer, bastion: SshServer, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text(f"[{target.host}]:{target.port} {make_key().public}\n")
    first = f"Host target\n UserKnownHostsFile {wrong}\n"
    config = config_of(tmp_path / "config", target, bastion, first=first)

    with pytest.raises(HostKeyError, match="has changed") as caught:
        connect(router, target, "target", config_file=config, jump="bastion")

    assert f"[{target.host}]:{target.port} has changed" in str(caught.value)


def test_a_refusal_names_the_hop_that_refused(
    router: Router, target: SshServer, bastion: SshServer, tmp_path: Path
) -> None:
    first = "Host bastion\n User nobody-of-that-name\n"
    config = config_of(tmp_path / "config", target, bastion, first=first)

    with pytest.raises(AuthenticationError) as caught:
        connect(router, target, "target", config_file=config, jump="bastion")

    assert f"was not let in by 127.0.0.1 port {bastion.port}" in str(caught.value)


def test_the_password_for_the_target_is_not_given_to_the_hop(
    router: Router, tmp_path: Path, target: SshServer
) -> None:
    options = ServerOptions(aliases=("hop",), password=PASSWORD, accept_user_keys=False)
    with start_bare(options=options) as hop:
        config = config_of(tmp_path / "config", target, hop)

        with pytest.raises(AuthenticationError) as caught:
            connect(router, target, "target", config_file=config, jump="hop", password=PASSWORD)

        assert "password for" not in hop.log_text()
    assert f"by 127.0.0.1 port {hop.port}" in str(caught.value)


def test_a_hop_that_is_down_is_named(router: Router, target: SshServer, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    config = config_of(tmp_path / "config", target)

    with pytest.raises(ConnectError, match="Connection refused") as caught:
        connect(router, target, "target", config_file=config, jump=f"127.0.0.1:{port}")

    assert caught.value.phase == "tcp"
    assert f"cannot connect to 127.0.0.1 port {port}" in str(caught.value)


def test_a_target_that_the_hop_cannot_reach_is_named(
    router: Router, bastion: SshServer, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    config = config_of(tmp_path / "config", bastion)

    with pytest.raises(ConnectError) as caught:
        connect(router, bastion, f"127.0.0.1:{port}", config_file=config, jump="bastion")

    assert caught.value.phase == "tcp"
    assert f"the jump host cannot reach 127.0.0.1 port {port}: " in str(caught.value)
    assert "onnect" in str(caught.value).rpartition(":")[2]
    assert "ChannelException" not in str(caught.value)


@pytest.mark.sshd
def test_a_hop_that_forwards_nothing_is_named(
    router: Router, target: SshServer, tmp_path: Path
) -> None:
    needs_kind("sshd")
    options = ServerOptions(aliases=("hop",), extra_config=("AllowTcpForwarding no",))
    with start_bare("sshd", options) as hop:
        config = config_of(tmp_path / "config", target, hop)

        with pytest.raises(ConnectError, match="the jump host cannot reach") as caught:
            connect(router, target, "target", config_file=config, jump="hop")

    assert "prohibited" in str(caught.value)


def test_the_deadline_covers_what_lies_behind_the_hop(
    router: Router, bastion: SshServer, tmp_path: Path
) -> None:
    config = config_of(tmp_path / "config", bastion)

    with SilentServer() as silent:
        options = {"config_file": config, "jump": "bastion"}
        for timeout in TIMEOUTS:
            with pytest.raises(ConnectTimeout) as caught:
                connect(
                    router, bastion, f"127.0.0.1:{silent.port}", connect_timeout=timeout, **options
                )
            if caught.value.phase == "tcp" and "said nothing" in str(caught.value):
                break  # it was through the hop

    assert caught.value.phase == "tcp"
    assert f"no answer within {timeout:g} s" in str(caught.value)
    assert f"127.0.0.1 port {silent.port} said nothing" in str(caught.value)


def test_a_hop_that_goes_away_takes_what_is_behind_it_along(
    router: Router, target: SshServer, bastion: SshServer, tmp_path: Path
) -> None:
    with DelayProxy(bastion.port) as proxy:
        near = bastion.config_for_port(proxy.port).read_text()
        config = tmp_path / "config"
        config.write_text(f"{near}\n{target.info.host_block()}")
        context = connect(router, target, "target", config_file=config, jump="bastion")
        context.call(os.getpid)

        proxy.cut()

        with pytest.raises(DisconnectedError, match="the SSH connection was lost"):
            context.submit(os.getpid).result(30)


def test_jump_host_may_have_the_address_of_the_host_behind_it(
    router: Router, target: SshServer, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    known = target.config_file.read_text().splitlines()
    config.write_text("\n".join(["Host inner gate", *known[1:]]) + "\n")

    context = router.ssh("inner", jump="gate", config_file=config)

    assert context.call(os.getpid)
    context.shutdown()


def test_hops_in_a_circle_are_told(router: Router, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        "Host a\n HostName 127.0.0.1\n Port 1\n ProxyJump b\n"
        "Host b\n HostName 127.0.0.1\n Port 2\n ProxyJump a\n"
    )

    with pytest.raises(ConnectError, match=r"lead in a circle: 127\.0\.0\.1 port 1 through"):
        router.ssh("a", config_file=str(config))


def test_a_circle_of_ever_new_names_is_told(router: Router, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host *\n ProxyJump x%h\n")

    with pytest.raises(ConnectError, match="lead in a circle"):
        router.ssh("a", config_file=str(config))


def test_question_of_a_jump_host_says_whose_it_is(
    router: Router, target: SshServer, tmp_path: Path
) -> None:
    asked: list[tuple[str, str]] = []

    def answer(
        title: str, instructions: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str]:
        asked.extend((title, question) for question, _ in prompts)
        return ["31415"]

    options = ServerOptions(
        aliases=("asking",), accept_user_keys=False, interactive=(("Code: ", "31415"),)
    )
    with start_bare("embedded", options) as asking:
        config = config_of(tmp_path / "config", asking, target)
        context = router.ssh("target", config_file=config, jump="asking", prompts=answer)
        assert context.call(os.getpid)
        context.shutdown()

    assert asked == [("jump host asking", "Code: ")]
