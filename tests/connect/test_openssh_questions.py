"""Questions of ssh's, and of servers that look like them: who gets a password or a passphrase."""

import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from remotesvc import AuthenticationError, ConnectError, HostKeyError, Router
from remotesvc.connect.askpass import is_possible
from remotesvc.connect.typist import QUESTIONS_LIMIT
from remotesvc.testing.options import ServerOptions
from remotesvc.testing.server import SshServer
from tests.connect.test_openssh import pytestmark as pytestmark
from tests.controller.ssh.hosts import start_bare
from tests.integration.pythons import OLDEST
from tests.integration.targets import hops

PASSWORD = "that of the target"
PHRASE = "that of the key"


def config_of(folder: Path, target: SshServer, gate: SshServer) -> str:
    """Write an ssh_config with both, called alike but for the port, and return its path."""
    hosts = {"target": target, "gate": gate}
    blocks = [
        re.sub("Host demo", f"Host {name}", one.config_file.read_text(), count=1)
        for name, one in hosts.items()
    ]
    path = folder / "config"
    path.write_text("\n".join(blocks))
    return str(path)


def reach(router: Router, **opts: Any) -> int:
    """Open a context on the target by ssh, and call it."""
    context = router.ssh("target", transport="openssh", python_path=sys.executable, **opts)
    return context.call(hops.pid)


def with_password(**options: Any) -> AbstractContextManager[SshServer]:
    """Return a server that lets in whoever knows the password of the target."""
    return start_bare("embedded", ServerOptions(accept_user_keys=False, **options))


# -- hosts on the way ----------------------------------------------------------------------------


def test_password_does_not_go_to_a_jump_host_that_is_called_alike(
    router: Router, desk: str, tmp_path: Path
) -> None:
    with with_password(password=PASSWORD) as target, with_password(password=PASSWORD) as gate:
        config = config_of(tmp_path, target, gate)
        with pytest.raises(AuthenticationError, match=r"it asks .root@127\.0\.0\.1's password:"):
            reach(router, jump="gate", config_file=config, password=PASSWORD)
        router.close()
        assert "accepted password" not in gate.log_text()


def test_password_goes_to_the_target_behind_a_jump_host_that_takes_a_key(
    router: Router, tmp_path: Path
) -> None:
    if not is_possible():
        pytest.skip("no memfd_create here (Linux, Python 3.8)")
    with with_password(password=PASSWORD) as target, start_bare("embedded") as gate:
        config = config_of(tmp_path, target, gate)
        assert reach(router, jump="gate", config_file=config, password=PASSWORD)
        router.close()
        assert "accepted password" in target.log_text()


def test_user_is_asked_for_each_host_on_the_way_in_its_own_words(
    router: Router, desk: str, tmp_path: Path
) -> None:
    asked: list[str] = []

    def answer(title: str, instructions: str, questions: Any) -> list[str]:
        asked.append(questions[0][0])
        return ["of the gate" if len(asked) == 1 else PASSWORD]

    with with_password(password=PASSWORD) as target, with_password(password="of the gate") as gate:
        config = config_of(tmp_path, target, gate)
        assert reach(router, jump="gate", config_file=config, prompts=answer)
        router.close()
    assert len(asked) == 2 and "root@127.0.0.1" in asked[0]


@pytest.mark.parametrize(
    "form", ["\nroot@127.0.0.1's password: ", "\n(root@127.0.0.1) Password: ", "Password: "]
)
def test_jump_host_that_imitates_a_prompt_gets_no_password(
    router: Router, desk: str, tmp_path: Path, form: str
) -> None:
    evil = with_password(interactive=((form, PASSWORD),))
    with with_password(password=PASSWORD) as target, evil as gate:
        config = config_of(tmp_path, target, gate)
        with pytest.raises(AuthenticationError, match="it asks"):
            reach(router, jump="gate", config_file=config, password=PASSWORD)
        router.close()
        assert "accepted" not in gate.log_text()


# -- passphrases ---------------------------------------------------------------------------------


FORMS = ["\nEnter passphrase for key '/home/demo/.ssh/id': ", "Enter passphrase for key 'k': "]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("more", [{}, {"password": "x"}])
def test_server_that_imitates_ssh_gets_no_passphrase(
    router: Router, desk: str, tmp_path: Path, form: str, more: dict[str, str]
) -> None:
    with with_password(interactive=((form, PHRASE),)) as server:
        config = config_of(tmp_path, server, server)
        with pytest.raises(AuthenticationError):
            reach(router, config_file=config, passphrase=PHRASE, **more)
        router.close()
        assert "accepted" not in server.log_text()


@pytest.mark.parametrize("form", FORMS)
def test_server_that_imitates_ssh_gets_no_passphrase_through_a_relay(
    router: Router, tmp_path: Path, form: str
) -> None:
    relay = router.local("relay", python_path=OLDEST.path)  # where there is no memfd_create
    with with_password(interactive=((form, PHRASE),)) as server:
        config = config_of(tmp_path, server, server)
        with pytest.raises(AuthenticationError):
            reach(router, via=relay, config_file=config, passphrase=PHRASE)
        router.close()
        assert "accepted" not in server.log_text()


# -- host keys -----------------------------------------------------------------------------------


def ask_about_keys(server: SshServer) -> None:
    """Have ssh ask, as it does by default, and not refuse by itself."""
    text = server.config_file.read_text()
    server.config_file.write_text(text.replace("StrictHostKeyChecking yes", "#"))


@pytest.mark.parametrize("opts", [{"password": PASSWORD}, {"prompts": lambda *_: ["yes"]}])
def test_nobody_is_asked_whether_a_host_key_is_right(
    router: Router, desk: str, opts: dict[str, Any]
) -> None:
    with with_password(known=False, password=PASSWORD) as server:
        ask_about_keys(server)
        for via in (None, router.local("relay")):
            with pytest.raises(HostKeyError, match="mend known_hosts"):
                router.ssh(
                    "demo", transport="openssh", config_file=server.config_file, via=via, **opts
                ).call(hops.pid)
        router.close()
        assert server.known_hosts.read_text() == ""


def test_nobody_is_asked_whether_the_key_of_a_jump_host_is_right(
    router: Router, desk: str, tmp_path: Path
) -> None:
    asked: list[str] = []

    def answer(title: str, instructions: str, questions: Any) -> list[str]:
        asked.append(questions[0][0])
        return ["yes"]

    with start_bare("embedded") as target, with_password(known=False) as gate:
        ask_about_keys(gate)
        config = config_of(tmp_path, target, gate)
        with pytest.raises(HostKeyError, match=r"that of a host on the way.*add it to known_ho"):
            reach(
                router, jump="gate", config_file=config, prompts=answer, host_key_policy="strict"
            )
        router.close()
        assert asked == [] and gate.known_hosts.read_text() == ""


# -- many questions ------------------------------------------------------------------------------


def test_flood_of_questions_ends_the_login(router: Router, desk: str, tmp_path: Path) -> None:
    count = 3 * QUESTIONS_LIMIT
    asked: list[str] = []

    def answer(title: str, instructions: str, questions: Any) -> list[str]:
        asked.append(questions[0][0])
        return [questions[0][0].rpartition(")")[2].strip() or "x"]

    rounds = tuple((f"{number}", f"{number}") for number in range(count))
    with with_password(interactive=rounds) as server:
        config = config_of(tmp_path, server, server)
        with pytest.raises(AuthenticationError, match="it asks too much"):
            reach(router, config_file=config, prompts=answer)
        router.close()
    assert len(asked) == QUESTIONS_LIMIT


def test_errors_are_of_connecting(router: Router) -> None:
    kinds: list[Callable[..., Exception]] = [AuthenticationError, HostKeyError]
    assert all(issubclass(kind, ConnectError) for kind in kinds)  # type: ignore[arg-type]
