"""Keys that are not simply files: certificates of users and of hosts, and those of an agent."""

import os
import shutil
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from remotesvc import AuthenticationError, Context, HostKeyError, Router
from remotesvc.testing.options import ServerOptions, current_user
from remotesvc.testing.server import SshServer
from tests.connect.become import everything_said
from tests.controller.ssh.hosts import PYTHON, agent, config_for, needs_kind, start_bare
from tests.integration.hosts import needs_program

pytestmark = [
    pytest.mark.sshd,
    pytest.mark.skipif(
        shutil.which("ssh") is None, reason="no ssh on this machine (apt install openssh-client)"
    ),
]

TRANSPORTS = pytest.mark.parametrize("transport", ["openssh", "paramiko"])


def connect(router: Router, server: SshServer, transport: str = "openssh", **opts: Any) -> Context:
    given = {"config_file": server.config_file, "python_path": PYTHON, **opts}
    context = router.ssh("demo", transport=transport, **given)
    assert context.call(os.getpid)
    return context


def keygen(*words: str | Path) -> None:
    program = needs_program("ssh-keygen")
    subprocess.run([program, "-q", *map(str, words)], check=True, stdin=subprocess.DEVNULL)


def make_key(path: Path) -> Path:
    keygen("-t", "ed25519", "-N", "", "-f", path)
    return path


def public(path: Path) -> Path:
    return path.with_name(path.name + ".pub")


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """The key that signs certificates."""
    return make_key(tmp_path / "authority")


def who_trusts(authority: Path) -> AbstractContextManager[SshServer]:
    """Start a server that lets in whom the authority certifies, and no key by itself."""
    lines = (f"TrustedUserCAKeys {public(authority)}", "AuthorizedKeysFile none")
    return start_bare(needs_kind("sshd"), ServerOptions(extra_config=lines))


@TRANSPORTS
def test_certificate_beside_a_key_lets_us_in(
    router: Router, authority: Path, tmp_path: Path, transport: str
) -> None:
    key = make_key(tmp_path / "mine")
    keygen("-s", authority, "-I", "me", "-n", current_user(), public(key))
    with who_trusts(authority) as server:
        connect(router, server, transport, identity_file=str(key))
        assert "ED25519-CERT" in server.log_text()
        router.close()


def test_certificate_that_ssh_config_names_lets_us_in(
    router: Router, authority: Path, tmp_path: Path
) -> None:
    key = make_key(tmp_path / "mine")
    keygen("-s", authority, "-I", "me", "-n", current_user(), public(key))
    signed = (tmp_path / "mine-cert.pub").rename(tmp_path / "elsewhere.pub")
    with who_trusts(authority) as server:
        config = config_for(
            server, tmp_path / "config", f"IdentityFile {key}", f"CertificateFile {signed}"
        )
        connect(router, server, config_file=config)
        assert "ED25519-CERT" in server.log_text()
        router.close()


@TRANSPORTS
@pytest.mark.parametrize(
    "terms", [["-n", "somebody-else"], ["-V", "20010101:20020101"]], ids=["of another", "too old"]
)
def test_certificate_that_does_not_count_is_refused(
    router: Router, authority: Path, tmp_path: Path, transport: str, terms: list[str]
) -> None:
    key = make_key(tmp_path / "mine")
    names = [] if "-n" in terms else ["-n", current_user()]
    keygen("-s", authority, "-I", "me", *terms, *names, public(key))
    with who_trusts(authority) as server:
        with pytest.raises(AuthenticationError) as caught:
            connect(router, server, transport, identity_file=str(key))
        router.close()
    assert "PRIVATE KEY" not in everything_said(caught.value)


# -- hosts, which openssh only can know by a certificate -----------------------------------------


def who_shows_a_certificate(
    authority: Path, folder: Path, name: str
) -> AbstractContextManager[SshServer]:
    """Start a server that is known to nobody, with a certificate for a name."""
    key = make_key(folder / "host")
    keygen("-s", authority, "-I", "it", "-h", "-n", name, public(key))
    lines = (f"HostKey {key}", f"HostCertificate {folder / 'host-cert.pub'}")
    return start_bare(needs_kind("sshd"), ServerOptions(known=False, extra_config=lines))


def known_by(authority: Path, path: Path) -> str:
    """Write a file of known hosts that takes whom the authority certifies."""
    path.write_text(f"@cert-authority * {public(authority).read_text()}")
    return str(path)


def test_host_with_a_certificate_is_known_by_its_authority(
    router: Router, authority: Path, tmp_path: Path
) -> None:
    known = known_by(authority, tmp_path / "known")
    with who_shows_a_certificate(authority, tmp_path, "127.0.0.1") as server:
        connect(router, server, known_hosts=known)
        router.close()


@pytest.mark.parametrize("case", ["another authority", "another name"])
def test_host_with_a_certificate_that_does_not_count_is_refused(
    router: Router, authority: Path, tmp_path: Path, case: str
) -> None:
    trusted = make_key(tmp_path / "other") if case == "another authority" else authority
    name = "web1.example" if case == "another name" else "127.0.0.1"
    known = known_by(trusted, tmp_path / "known")
    with who_shows_a_certificate(authority, tmp_path, name) as server:
        with pytest.raises(HostKeyError):
            connect(router, server, known_hosts=known)
        assert "Accepted" not in server.log_text()
        router.close()


# -- agents --------------------------------------------------------------------------------------


def test_key_of_the_agent_lets_us_in(
    router: Router, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_bare(needs_kind("sshd")) as server:
        config = config_for(server, tmp_path / "config", "IdentityFile none")
        with pytest.raises(AuthenticationError):
            connect(router, server, config_file=config)
        with agent(tmp_path / "agent", server.identity_file) as path:
            monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
            connect(router, server, config_file=config)
            connect(
                router, server, config_file=config, prompts=lambda *asked: pytest.fail("asked")
            )
        router.close()


def test_agent_that_ssh_config_names_is_asked(
    router: Router, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "nowhere"))
    with (
        start_bare(needs_kind("sshd")) as server,
        agent(tmp_path / "agent", server.identity_file) as path,
    ):
        lines = ("IdentityFile none", f"IdentityAgent {path}")
        connect(router, server, config_file=config_for(server, tmp_path / "config", *lines))
        router.close()
