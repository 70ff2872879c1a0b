"""Keys that never leave their device: a token that wants its PIN, a key that wants to be touched.

The token is SoftHSM's, which ssh reaches by PKCS#11 as it does any other. For the touch a program
stands in for ssh: it tells of it as ssh does, and no device is needed.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from remotesvc import AuthenticationError, Context, Router
from remotesvc.testing.server import SshServer
from tests.connect.become import arguments_and_environments, everything_said
from tests.controller.ssh.hosts import PYTHON, config_for, needs_kind, start_bare
from tests.integration.hosts import needs_program, write_program

Question = tuple[str, bool]

# Where distributions put the library.
LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")

TOUCHED = """\
#!/bin/sh
for word do last=$word; done
case " $* " in
    *" -G "*) echo "user root"; echo "hostname web1"; exit ;;
    *" -V "*) echo "OpenSSH_9.2p1" >&2; exit ;;
esac
SSH_ASKPASS_PROMPT=none "$SSH_ASKPASS" "Confirm user presence for key SHA256:abc" >{told} &
wait $!
"$SSH_ASKPASS" "root@web1's password: " >{typed}
exec sh -c "$last"
"""


@dataclass(frozen=True)
class Token:
    """A token with one key, and a PIN that no other test has on a command line meanwhile."""

    library: str
    public: str
    pin: str


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Token:
    """Make one, in a folder of this test's own."""
    library = next((path for path in LIBRARIES if os.path.exists(path)), None)
    if library is None or shutil.which("softhsm2-util") is None:
        pytest.skip("no SoftHSM on this machine (apt install softhsm2)")
    folder, key = tmp_path / "tokens", tmp_path / "key.pem"
    folder.mkdir()
    settings = tmp_path / "softhsm.conf"
    settings.write_text(f"directories.tokendir = {folder}\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(settings))
    pin = str(secrets.randbelow(9 * 10**11) + 10**11)
    pins = ("--pin", pin)
    run(needs_program("openssl"), "genpkey", "-algorithm", "RSA", "-out", str(key))
    tool = ("softhsm2-util", "--module", library)
    run(*tool, "--init-token", "--free", "--label", "work", "--so-pin", pin, *pins)
    run(*tool, "--import", str(key), "--token", "work", "--label", "k", "--id", "01", *pins)
    public = run(needs_program("ssh-keygen"), "-y", "-f", str(key))
    key.unlink()
    return Token(library, public, pin)


def run(*words: str) -> str:
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def start_for(token: Token) -> Iterator[SshServer]:
    """Run a server that lets in the key of a token."""
    with start_bare(needs_kind("sshd")) as server:
        (server.folder / "authorized_keys").write_text(token.public)
        yield server


def connect(
    router: Router, server: SshServer, token: Token, folder: Path, **opts: object
) -> Context:
    lines = ("IdentityFile none", f"PKCS11Provider {token.library}")
    config = config_for(server, folder / "config", *lines)
    given = {"config_file": config, "python_path": PYTHON, **opts}
    context = router.ssh("demo", transport="openssh", **given)  # type: ignore[arg-type]
    assert context.call(os.getpid)
    return context


@pytest.mark.sshd
def test_pin_of_a_token_is_asked_of_the_user_and_lets_us_in(
    router: Router, token: Token, tmp_path: Path, desk: str
) -> None:
    asked: list[str] = []

    def prompts(title: str, instructions: str, questions: Sequence[Question]) -> list[str]:
        asked.extend(question for question, _ in questions)
        return [token.pin]

    with start_for(token) as server:
        connect(router, server, token, tmp_path, prompts=prompts)
        assert not any(token.pin.encode() in text for text in arguments_and_environments())
        assert "Accepted publickey" in server.log_text()
        router.close()
    assert asked == ["Enter PIN for 'work': "]


@pytest.mark.sshd
@pytest.mark.parametrize(
    ("option", "text"),
    [
        (None, "we were not let in"),
        # Then ssh offers no keys but those of IdentityFile.
        ("password", "we were not let in"),
        ("passphrase", "it asks \"Enter PIN for 'work':\": give prompts= to answer that"),
    ],
    ids=["nobody to ask", "password of the host", "passphrase of a key file"],
)
def test_pin_that_is_not_given_is_told_and_no_other_secret_is_typed_for_it(
    router: Router, token: Token, tmp_path: Path, option: str | None, text: str
) -> None:
    opts = {} if option is None else {option: token.pin}
    with start_for(token) as server:
        with pytest.raises(AuthenticationError) as caught:
            connect(router, server, token, tmp_path, **opts)
        assert text in str(caught.value)
        assert token.pin not in everything_said(caught.value)
        assert "Accepted publickey" not in server.log_text()
        router.close()


@pytest.mark.sshd
def test_wrong_pin_is_told_at_once_and_asked_for_once(
    router: Router, token: Token, tmp_path: Path, desk: str
) -> None:
    asked: list[str] = []

    def prompts(title: str, instructions: str, questions: Sequence[Question]) -> list[str]:
        asked.extend(question for question, _ in questions)
        return ["27182818"]

    with start_for(token) as server:
        with pytest.raises(AuthenticationError, match="PIN incorrect") as caught:
            connect(router, server, token, tmp_path, prompts=prompts)
        assert "27182818" not in everything_said(caught.value)
        assert "Accepted publickey" not in server.log_text()
        router.close()
    assert asked == ["Enter PIN for 'work': "]


def test_touch_is_no_question(router: Router, tmp_path: Path) -> None:
    """A stand-in for ssh, which tells of a touch: the touch alone is tried, no device."""
    told, typed = tmp_path / "told", tmp_path / "typed"
    program = write_program(tmp_path / "ssh", TOUCHED.format(told=told, typed=typed))
    asked: list[object] = []
    context = router.ssh(
        "web1",
        transport="openssh",
        program=program,
        python_path=PYTHON,
        password="for web1",
        prompts=lambda *one: asked.append(one),
    )
    assert context.call(os.getpid)
    assert not asked
    assert told.read_text() == ""  # and it ended by itself
    assert typed.read_text() == "for web1\n"
