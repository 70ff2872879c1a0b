"""Logging in: what is offered to a server, in which order, and what an error says about it."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from remotesvc import AuthenticationError, ConnectError, Router
from remotesvc.controller.ssh.identities import public_blob
from remotesvc.testing.keys import make_key
from remotesvc.testing.options import ServerOptions
from remotesvc.testing.server import SshServer, start_server
from tests.controller.ssh.hosts import agent, config_for, connect, needs_kind, start_bare
from tests.integration.hosts import plain_login

PASSWORD = "correct horse"
PUBLIC_KEY = make_key().public.encode()
ASKED = ServerOptions(interactive=(("Password: ", PASSWORD),), accept_user_keys=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """A server that takes the key in its folder."""
    options = ServerOptions(environment=plain_login(tmp_path_factory.mktemp("home_there")))
    with start_server(options=options) as started:
        yield started


@pytest.fixture(scope="module")
def locked() -> Iterator[SshServer]:
    """A server that takes a key with a passphrase."""
    with start_bare(options=ServerOptions(passphrase="sesame")) as started:
        yield started


@pytest.fixture
def router(no_leaks: None, empty_home: Path) -> Iterator[Router]:
    """A router whose end leaves nothing behind."""
    with Router() as opened:
        yield opened


def refusal(router: Router, server: SshServer, **options: Any) -> AuthenticationError:
    """Return the error of a login that fails; it has one line and names host, user and phase."""
    with pytest.raises(AuthenticationError) as caught:
        connect(router, server, **options)
    error = caught.value
    text = str(error)
    assert error.phase == "auth"
    assert error.elapsed is not None
    assert text.startswith("demo: user ") and "\n" not in text
    assert f"by 127.0.0.1 port {server.port}" in text
    assert PASSWORD not in text
    return error


# -- keys in files -------------------------------------------------------------------------------


@pytest.mark.parametrize("key_type", ["ed25519", "ecdsa", "rsa"])
def test_a_key_of_each_type_logs_in(router: Router, key_type: str) -> None:
    options = ServerOptions(user_key_type=key_type)  # type: ignore[arg-type]  # a literal
    with start_bare(options=options) as started:
        assert connect(router, started).call(os.getpid)


def test_a_key_with_its_passphrase_logs_in(router: Router, locked: SshServer) -> None:
    assert connect(router, locked, passphrase="sesame").call(os.getpid)


def test_a_wrong_passphrase_is_told(router: Router, locked: SshServer) -> None:
    error = refusal(router, locked, passphrase="open-up")

    assert f"identity file {locked.identity_file}: the passphrase is wrong" in str(error)
    assert "open-up" not in str(error)


def test_a_missing_passphrase_is_told(router: Router, locked: SshServer) -> None:
    error = refusal(router, locked)

    why = f"identity file {locked.identity_file} needs a passphrase: give pass"
    assert f"Tried: nothing. Not usable: {why}" in str(error)
    assert "add it to the agent with ssh-add. The server takes: publickey. Check" in str(error)


def test_a_passphrase_does_not_harm_keys_that_have_none(router: Router, server: SshServer) -> None:
    assert connect(router, server, passphrase="sesame").call(os.getpid)


def test_a_key_without_a_passphrase_is_tried_after_one_that_fails(
    router: Router, server: SshServer, locked: SshServer
) -> None:
    files = [locked.identity_file, server.identity_file]

    assert connect(router, server, identity_file=files).call(os.getpid)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no identity file"),
        (b"", "holds no private key of a kind that can be used"),
        (b"no key at all\n", "holds no private key of a kind that can be used"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", "holds no private key"),
        (PUBLIC_KEY, "holds a public key, and no agent here has its private"),
    ],
    ids=["missing", "empty", "text", "broken", "public"],
)
def test_a_file_that_is_no_key_is_told(
    router: Router, server: SshServer, tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)

    error = refusal(router, server, identity_file=path)

    assert words in str(error)
    assert str(path) in str(error)


def test_a_folder_is_no_key_file(router: Router, server: SshServer, tmp_path: Path) -> None:
    error = refusal(router, server, identity_file=tmp_path)

    assert f"identity file {tmp_path} cannot be read: Is a directory" in str(error)


def test_default_keys_that_do_not_exist_are_not_worth_a_word(
    router: Router, server: SshServer, tmp_path: Path
) -> None:
    config = config_for(server, tmp_path / "config")

    error = refusal(router, server, config_file=config)

    assert "id_rsa" not in str(error)
    assert "nothing to offer" in str(error)


def test_a_default_key_is_found(
    router: Router, server: SshServer, tmp_path: Path, empty_home: Path
) -> None:
    (empty_home / ".ssh").mkdir()
    (empty_home / ".ssh/id_ed25519").write_bytes(server.identity_file.read_bytes())

    config = config_for(server, tmp_path / "config")

    assert connect(router, server, config_file=config).call(os.getpid)


def test_wrong_keys_are_listed_with_what_the_server_takes(
    router: Router, server: SshServer, tmp_path: Path
) -> None:
    first, second = _write_key(tmp_path / "first"), _write_key(tmp_path / "second")

    error = refusal(router, server, identity_file=[first, second])

    assert f"Tried: key {first} (ssh-ed25519), key {second} (ssh-ed25519)." in str(error)
    assert "The server takes: publickey" in str(error)


def test_a_wrong_user_is_named(router: Router, server: SshServer) -> None:
    error = refusal(router, server, username="nobody-of-that-name")

    assert "user 'nobody-of-that-name' was not let in" in str(error)


@pytest.mark.sshd
def test_a_server_that_takes_nothing_is_told(router: Router) -> None:
    needs_kind("sshd")
    with start_server("sshd", ServerOptions(extra_config=("PubkeyAuthentication no",))) as closed:
        error = refusal(router, closed)
    assert "Tried: nothing. The server takes: nothing from this user. Check" in str(error)


@pytest.mark.sshd
def test_a_server_that_has_enough_of_attempts_is_told(router: Router, tmp_path: Path) -> None:
    needs_kind("sshd")
    keys = [_write_key(tmp_path / f"key{number}") for number in range(3)]
    with start_bare("sshd", ServerOptions(extra_config=("MaxAuthTries 2",))) as started:
        error = refusal(router, started, identity_file=keys)

    assert "it closed the connection after 1 refused (MaxAuthTries?)" in str(error)


def test_keys_that_the_configuration_does_not_allow_are_not_offered(
    router: Router, server: SshServer, tmp_path: Path
) -> None:
    lines = (f"IdentityFile {server.identity_file}", "PubkeyAuthentication no")
    config = config_for(server, tmp_path / "config", *lines)

    error = refusal(router, server, config_file=config)

    assert "Tried: nothing" in str(error)


def test_accepted_algorithms_of_the_configuration_are_kept(router: Router, tmp_path: Path) -> None:
    with start_bare(options=ServerOptions(user_key_type="rsa")) as started:
        key = f"IdentityFile {started.identity_file}"
        for wish in ("-rsa-sha2-*", "rsa-sha2-512"):
            lines = (key, f"PubkeyAcceptedAlgorithms {wish},ssh-rsa")
            config = config_for(started, tmp_path / "config", *lines)
            if wish.startswith("-"):
                with pytest.raises(ConnectError):
                    connect(router, started, config_file=config)
            else:
                assert connect(router, started, config_file=config).call(os.getpid)


# -- agents --------------------------------------------------------------------------------------


def test_a_key_of_the_agent_logs_in(
    router: Router, server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_for(server, tmp_path / "config", "IdentityFile none")
    with agent(tmp_path / "agent", server.identity_file) as socket_path:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket_path))

        context = connect(router, server, config_file=config)

        assert context.call(os.getpid)
        context.shutdown()


def test_the_agent_that_ssh_config_names_is_asked(
    router: Router, server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "nowhere"))
    with agent(tmp_path / "agent", server.identity_file) as socket_path:
        config = config_for(server, tmp_path / "config", f"IdentityAgent {socket_path}")

        assert connect(router, server, config_file=config).call(os.getpid)


@pytest.mark.parametrize("suffix", ["", ".pub"])
def test_only_the_agent_keys_that_are_named_are_offered(
    router: Router, locked: SshServer, tmp_path: Path, suffix: str
) -> None:
    other = _write_key(tmp_path / "other")
    named = tmp_path / "named"
    named.write_bytes(locked.identity_file.read_bytes())
    blob_line = (locked.folder / "authorized_keys").read_text()
    (tmp_path / "named.pub").write_text(blob_line)
    plain = _without_passphrase(locked, tmp_path / "plain")
    with agent(tmp_path / "agent", other, plain) as socket_path:
        lines = (f"IdentityAgent {socket_path}", "IdentitiesOnly yes", "PubkeyAuthentication yes")
        config = config_for(locked, tmp_path / "config", *lines, f"IdentityFile {named}{suffix}")

        # The file itself cannot be opened: it has a passphrase, or is a public key.
        assert connect(router, locked, config_file=config).call(os.getpid)

    assert locked.log_text().count("ailed publickey") == 0


def test_agent_keys_that_nobody_names_are_left_out_where_the_configuration_says_so(
    router: Router, server: SshServer, tmp_path: Path
) -> None:
    other = _write_key(tmp_path / "other")
    with agent(tmp_path / "agent", server.identity_file) as socket_path:
        lines = (f"IdentityAgent {socket_path}", "IdentitiesOnly yes", f"IdentityFile {other}")
        config = config_for(server, tmp_path / "config", *lines)

        error = refusal(router, server, config_file=config)

    assert f"Tried: key {other} (ssh-ed25519)." in str(error)


def test_a_key_is_offered_once_though_agent_and_file_have_it(
    router: Router, server: SshServer, tmp_path: Path
) -> None:
    other = _write_key(tmp_path / "other")
    with agent(tmp_path / "agent", other) as socket_path:
        lines = (f"IdentityAgent {socket_path}", f"IdentityFile {other}")
        config = config_for(server, tmp_path / "config", *lines)

        error = refusal(router, server, config_file=config)

    assert str(error).count("ssh-ed25519") == 1
    assert "Tried: agent key ssh-ed25519" in str(error)


@pytest.mark.parametrize("is_there", [True, False])
def test_an_agent_that_is_none_does_not_keep_from_logging_in(
    router: Router, server: SshServer, tmp_path: Path, is_there: bool
) -> None:
    path = tmp_path / "agent"
    if is_there:
        path.write_text("no socket")
    lines = (f"IdentityAgent {path}", f"IdentityFile {server.identity_file}")
    config = config_for(server, tmp_path / "config", *lines)

    assert connect(router, server, config_file=config).call(os.getpid)
    error = refusal(router, server, config_file=config, username="nobody-of-that-name")
    assert f"the agent at {path} did not answer" in str(error)


def test_the_public_half_of_a_key_is_found_without_its_passphrase(
    locked: SshServer, tmp_path: Path
) -> None:
    public = (locked.folder / "authorized_keys").read_text()
    beside = tmp_path / "key.pub"
    beside.write_text(public)

    found = {public_blob(str(path)) for path in (locked.identity_file, beside, tmp_path / "key")}

    assert len(found) == 1
    assert None not in found


# -- passwords and questions ---------------------------------------------------------------------


@pytest.fixture
def asking() -> Iterator[SshServer]:
    """A server that takes a password, asked for as such or by a question."""
    options = ServerOptions(
        password=PASSWORD, interactive=(("Password: ", PASSWORD),), accept_user_keys=False
    )
    with start_bare(options=options) as started:
        yield started


def test_a_password_logs_in(router: Router) -> None:
    options = ServerOptions(password=PASSWORD, accept_user_keys=False)
    with start_bare(options=options) as started:
        assert connect(router, started, password=PASSWORD).call(os.getpid)


def test_a_password_answers_the_one_hidden_question(router: Router) -> None:
    with start_bare(options=ASKED) as started:
        assert connect(router, started, password=PASSWORD).call(os.getpid)


def test_a_wrong_password_is_sent_once_by_whatever_way(router: Router, asking: SshServer) -> None:
    error = refusal(router, asking, password="wrong horse")

    log = asking.log_text()
    assert log.count("refused keyboard-interactive") + log.count("refused password") == 1
    assert "wrong horse" not in str(error)


def test_a_password_answers_its_question_where_there_is_a_callback_too(router: Router) -> None:
    asked: list[str] = []

    def answer(
        title: str, instructions: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str]:
        asked.extend(question for question, _ in prompts)
        return [PASSWORD]

    with start_bare(options=ASKED) as started:
        refused = refusal(router, started, password="wrong horse", prompts=answer)
        assert asked == [] and "wrong horse" not in str(refused)
        assert connect(router, started, prompts=answer).call(os.getpid)

    assert asked == ["Password: "]


def test_a_wrong_password_is_sent_once_where_there_is_a_callback_too(
    router: Router, asking: SshServer
) -> None:
    before = asking.log_text()

    refusal(router, asking, password="wrong horse", prompts=lambda *question: [PASSWORD])

    log = asking.log_text().removeprefix(before)
    assert log.count("refused keyboard-interactive") + log.count("refused password") == 1


def test_a_function_is_asked_for_the_passphrase_of_a_key(
    router: Router, locked: SshServer
) -> None:
    asked: list[str] = []

    def passphrase(path: str) -> str:
        asked.append(path)
        return "sesame" if len(asked) > 1 else ""

    refused = refusal(router, locked, passphrase=passphrase)
    assert "needs a passphrase" in str(refused)
    assert connect(router, locked, passphrase=passphrase).call(os.getpid)

    assert asked == [str(locked.identity_file)] * 2


def test_a_password_is_not_sent_to_a_server_that_only_asks_questions(
    router: Router, tmp_path: Path
) -> None:
    with start_bare(options=ASKED) as started:
        wish = "PreferredAuthentications password,keyboard-interactive"
        config = config_for(started, tmp_path / "config", wish)

        assert connect(router, started, config_file=config, password=PASSWORD).call(os.getpid)


def test_the_preferred_method_is_tried_first(
    router: Router, asking: SshServer, tmp_path: Path
) -> None:
    config = config_for(asking, tmp_path / "config", "PreferredAuthentications password,publickey")

    assert connect(router, asking, config_file=config, password=PASSWORD).call(os.getpid)

    assert "accepted password" in asking.log_text()


def test_without_anything_to_answer_with_nothing_is_asked(
    router: Router, asking: SshServer
) -> None:
    error = refusal(router, asking)

    assert "The server takes: keyboard-interactive, password" in str(error)
    assert "give a key with -i (identity_file=), an agent, or password= in" in str(error)


def test_questions_go_to_the_callback(router: Router) -> None:
    asked: list[tuple[str, bool]] = []

    def answer(
        title: str, instructions: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str]:
        asked.extend(prompts)
        return ["blue", "42"]

    questions = (("Colour: ", "blue"), ("Answer: ", "42"))
    options = ServerOptions(interactive=questions, accept_user_keys=False)
    with start_bare(options=options) as started:
        assert connect(router, started, prompts=answer).call(os.getpid)

    assert asked == [("Colour: ", False), ("Answer: ", False)]


def test_questions_that_nobody_answers_are_quoted(router: Router) -> None:
    questions = (("Colour\x1b[2J: ", "blue"), ("Answer: ", "42"))
    options = ServerOptions(interactive=questions, accept_user_keys=False)
    with start_bare(options=options) as started:
        error = refusal(router, started, password=PASSWORD)

    assert "Answer:" in str(error)
    assert "give prompts= to answer that" in str(error)
    assert "\x1b" not in str(error)


@pytest.mark.parametrize("kind", [LookupError, ConnectionError])
def test_what_the_callback_raises_is_raised_here(router: Router, kind: type[Exception]) -> None:
    def answer(
        title: str, instructions: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str]:
        raise kind("the user went away")

    with (
        start_server(options=ASKED) as started,
        pytest.raises(kind, match=r"^the user went away$"),
    ):
        connect(router, started, prompts=answer)


@pytest.mark.parametrize("answers", [[], ["one", "two"], [None], PASSWORD])
def test_a_callback_that_gives_the_wrong_number_of_answers_is_told(
    router: Router, answers: Sequence[str]
) -> None:
    with start_bare(options=ASKED) as started, pytest.raises(ValueError, match="list of 1"):
        connect(router, started, prompts=lambda title, instructions, prompts: answers)


# -- a real account ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def account() -> Iterator[str]:
    """A user of this machine with a password, for as long as the tests run."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a user with a password")
    needs_kind("sshd")
    name = f"rsvc{os.getpid()}"
    subprocess.run(["useradd", "-M", "-s", "/bin/sh", "-d", "/", name], check=True)
    try:
        subprocess.run(["chpasswd"], input=f"{name}:{PASSWORD}", text=True, check=True)
        yield name
    finally:
        subprocess.run(["userdel", name], check=True, capture_output=True)


@pytest.mark.sshd
def test_the_password_of_a_real_account_is_taken(router: Router, account: str) -> None:
    options = ServerOptions(users=(account,), extra_config=("PasswordAuthentication yes",))
    with start_server("sshd", options) as started:
        # This returns once the login is through; whether that user has a Python is another matter.
        connect(router, started, password=PASSWORD, identity_file="/nowhere")

        assert f"Accepted password for {account}" in started.log_text()


@pytest.mark.sshd
def test_a_wrong_password_of_a_real_account_is_sent_once(router: Router, account: str) -> None:
    options = ServerOptions(users=(account,), extra_config=("PasswordAuthentication yes",))
    with start_server("sshd", options) as started:
        error = refusal(router, started, password="wrong horse", identity_file="/nowhere")

        assert started.log_text().count("Failed password") == 1
    assert "Tried: password." in str(error)


@pytest.mark.sshd
@pytest.mark.parametrize("order", ["publickey,password", "password,publickey"])
def test_a_server_may_want_key_and_password(router: Router, account: str, order: str) -> None:
    extra = ("PasswordAuthentication yes", f"AuthenticationMethods {order}")
    with start_server("sshd", ServerOptions(users=(account,), extra_config=extra)) as started:
        connect(router, started, password=PASSWORD)

        log = started.log_text()
        assert f"Accepted password for {account}" in log or "Partial password" in log
        error = refusal(router, started)

    assert "The server takes: password" in str(error)


def _write_key(path: Path) -> Path:
    pair = make_key()
    path.touch(mode=0o600)
    path.write_bytes(pair.private)
    return path


def _without_passphrase(server: SshServer, path: Path) -> Path:
    """Write the key of a server's user without its passphrase."""
    path.touch(mode=0o600)
    path.write_bytes(server.identity_file.read_bytes())
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-P", "sesame", "-N", "", "-f", str(path)], check=True
    )
    return path
