"""What ssh_config files mean for a host, compared with the answers of OpenSSH itself."""

from __future__ import annotations

import dataclasses
import os
import re
import select
import shutil
from pathlib import Path

import pytest

from remotesvc.controller.ssh_config import SshSettings, read_settings
from remotesvc.controller.ssh_config.dump import ask_ssh
from remotesvc.controller.ssh_config.lines import read_config_file, walk_lines
from remotesvc.controller.ssh_config.select import Viewpoint
from remotesvc.controller.ssh_config.settings import interpret
from remotesvc.controller.ssh_config.tokens import local_user
from remotesvc.core.errors import ConnectError

needs_ssh = pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh program on PATH")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    (folder / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("KEYS", "/keys")
    return folder


def write(path: Path, text: str) -> str:
    path.write_bytes(text.encode())
    path.chmod(0o600)
    return str(path)


def read(tmp_path: Path, text: str, host: str = "web1", **options: str | int) -> SshSettings:
    """Read with our own reader alone: no ssh is run."""
    path = write(tmp_path / "config", text.replace("TMP", str(tmp_path)))
    user, port = options.get("user"), options.get("port")
    assert user is None or isinstance(user, str)
    assert port is None or isinstance(port, int)
    return read_settings(host, config_file=path, user=user, port=port, ssh_program=None)


def read_by_ssh(path: str, host: str, user: str | None, port: int | None) -> SshSettings:
    viewpoint = Viewpoint(host, user, local_user())
    keywords = {line.keyword for line in walk_lines([read_config_file(path, base="/nowhere")])}
    lines = ask_ssh(
        "ssh", viewpoint, port=port, config_file=path, mentioned=keywords, timeout=30.0
    )
    return interpret(lines, viewpoint, port)


def without_places(settings: SshSettings) -> SshSettings:
    notes, login_notes = (
        tuple(sorted(re.sub(r" \([^)]*\)", "", note) for note in some))
        for some in (settings.notes, settings.login_notes)
    )
    return dataclasses.replace(settings, notes=notes, login_notes=login_notes)


# Each is read twice, by us and by ssh -G, for the hosts web1, WEB2 and 10.0.0.7.
TABLE = {
    "empty": "",
    "comments, blank lines, CRLF": "# x\r\n\r\n  Port 2200\r\n\t# y\r\nUser bob # why\r\n",
    "first value wins": "Port 1\nPort 2\nHost web1\nPort 3\nUser a\nHost *\nUser b\n",
    "patterns": "Host web? 10.0.*\nPort 7\nHost !web1 *\nUser other\nHost [w]eb1\nUser set\n",
    "case": "Host web2\nPort 1\nHost WEB2\nPort 2\nMatch host WEB1\nPort 3\n",
    "negation after a match": "Host * !web1\nUser x\nHost *\nUser y\n",
    "comma is no list in Host": "Host web1,WEB2\nPort 7\n",
    "names of a host in a comment": "Host other # web1\nPort 9\n",
    "equals signs and quotes": 'Port=2\nUser = "al ice"\n"HostName" \'x.example\'\n',
    "escapes": 'IdentityFile a\\ b\nIdentityFile "c\\"d"\nIdentityFile e\\f\nIdentityFile "g h"\n',
    "hash inside a word": "User a#b\nHostName c#d\n",
    "deprecated names": "IdentityFile2 /k\nChallengeResponseAuthentication no\nProtocol 2\n",
    "hostname token": "HostName %h.Example.COM\nHost WEB2\nUser q\n",
    "ipv6 hostname": "HostName fe80::A%%eth0\n",
    "identity files": (
        "IdentityFile ~/.ssh/a\nHost web1\nIdentityFile ~/.ssh/b_%h_%r_%p_%n_%u_%L_%l_%i_%%\n"
        "IdentityFile ${KEYS}/%h\nIdentityFile ~/.ssh/a\nIdentitiesOnly yes\n"
    ),
    "identity none": "IdentityFile none\n",
    "identity of another host": "Host other\nIdentityFile /k\n",
    "token C": "HostName z\nUser u\nIdentityFile /k/%C\nUserKnownHostsFile /kh/%C_%k_%n\n",
    "known hosts": 'UserKnownHostsFile /a/b /c/%h "/d" ${KEYS}/x%%\nGlobalKnownHostsFile /e %h\n',
    "no known hosts": "UserKnownHostsFile none\nGlobalKnownHostsFile NONE\n",
    "host key policy": "StrictHostKeyChecking accept-new\nHashKnownHosts yes\nHostKeyAlias Foo\n",
    "host key policy off": "StrictHostKeyChecking OFF\n",
    "host key policy true": "StrictHostKeyChecking true\n",
    "times": "ConnectTimeout 1h30\nServerAliveInterval 2m5s\nServerAliveCountMax 7\n",
    "attempts": "ConnectionAttempts 4\nConnectionAttempts 2\n",
    "no times": "ConnectTimeout none\nServerAliveInterval 0\n",
    "no time": "ConnectTimeout 0\n",
    "address": "AddressFamily inet6\nBindAddress 127.0.0.2\nCompression YES\n",
    "agent path": "IdentityAgent /run/%r/${KEYS}.sock\n",
    "agent none": "IdentityAgent none\n",
    "agent by name": "IdentityAgent $KEYS\n",
    "agent of the environment": "IdentityAgent SSH_AUTH_SOCK\n",
    "methods": "PreferredAuthentications password,gssapi-with-mic,publickey\n",
    "methods off": "PubkeyAuthentication no\nKbdInteractiveAuthentication no\n",
    "algorithms": "Ciphers aes256-ctr,aes128-ctr\nMACs hmac-sha2-256\n",
    "command": 'ProxyCommand nc -X "5" %h %p %r %n %% # not a comment\n',
    "command none": "ProxyCommand none\nProxyJump b\n",
    "jump": "ProxyJump u@a:2222,[::1]:33,c # comment\nProxyCommand x\n",
    "jump after command": "ProxyCommand x\nProxyJump b\n",
    "jump none": "Host web1\nProxyJump none\nHost *\nProxyJump b\n",
    "jump none, then command": "ProxyJump none\nProxyCommand x\nProxyJump b\n",
    "jump uri": "ProxyJump ssh://u@b:99\n",
    "jump through itself with another port": "ProxyJump web1:24\n",
    "include": "Include TMP/part/*.conf\nPort 5\n",
    "include inside a block": "Host WEB2\nInclude TMP/part/*.conf\nUser late\nHost web1\nPort 6\n",
    "include of nothing": "Include TMP/nowhere TMP/part\nPort 5\n",
    "include ends its own block": "Include TMP/part/2.conf\nUser after\n",
    "match": "Match host web* user root\nPort 4\nMatch originalhost web1 localuser *\nUser z\n",
    "match negated": "Match !host web1\nPort 4\nMatch all\nPort 5\nMatch !all\nUser q\n",
    "match with equals sign": "Match host=x,web1,!y\nPort 4\nMatch host web1,!web1\nUser q\n",
    "match on a name": "HostName y%h\nMatch host yweb1\nPort 5\nMatch host web1\nUser q\n",
    "match on a user": "User bob\nMatch user bob,eve\nPort 5\nMatch user root\nPort 6\n",
    "unknown but ignored": "IgnoreUnknown Use*,foo\nUseKeychain yes\nFoo\tbar baz\nPort 3\n",
    "not honoured": (
        "GSSAPIAuthentication yes\nForwardAgent no\nVerifyHostKeyDNS ask\nSetEnv A=b\n"
        "PKCS11Provider none\nRemoteCommand htop # all\nCertificateFile ~/c\nTunnel no\n"
    ),
}


@needs_ssh
@pytest.mark.parametrize("text", TABLE.values(), ids=TABLE.keys())
@pytest.mark.parametrize(
    ("host", "user", "port"),
    [("web1", None, None), ("WEB2", None, None), ("10.0.0.7", None, None), ("web1", "root", 99)],
)
def test_our_reader_and_ssh_agree(
    tmp_path: Path, text: str, host: str, user: str | None, port: int | None
) -> None:
    (tmp_path / "part").mkdir()
    write(tmp_path / "part" / "1.conf", "User first\nHost web1\nPort 11\n")
    write(tmp_path / "part" / "2.conf", "Host *\nPort 12\nHost other\nUser other\n")
    path = write(tmp_path / "config", text.replace("TMP", str(tmp_path)))

    ours = read_settings(host, config_file=path, user=user, port=port, ssh_program=None)
    theirs = read_by_ssh(path, host, user, port)

    assert without_places(ours) == without_places(theirs)


BROKEN = {
    "unknown keyword": "Port 1\nNoSuchThing x\n",
    "unknown keyword of another host": "Host other\nNoSuchThing x\n",
    "no value": "Port 1\nUser\n",
    "only a comment for a value": "Port 1\nUser # x\n",
    "open quote": 'Port 1\nUser "bob\n',
    "bad port": "Host other\nPort 70000\n",
    "two ports": "Port 1\nPort 22 23\n",
    "empty port": 'Port 1\nPort ""\n',
    "bad flag": "Port 1\nIdentitiesOnly maybe\n",
    "bad compression": "Port 1\nCompression true\n",
    "bad policy": "Port 1\nStrictHostKeyChecking maybe\n",
    "bad time": "Port 1\nConnectTimeout 1x\n",
    "negative time": "Port 1\nConnectTimeout -1\n",
    "bad count": "Port 1\nServerAliveCountMax none\n",
    "bad attempts": "Port 1\nConnectionAttempts many\n",
    "no attempts": "Port 1\nConnectionAttempts 0\n",
    "bad family": "Port 1\nAddressFamily inet5\n",
    "bad hop": "Port 1\nProxyJump b:0\n",
    "none among files": "Port 1\nUserKnownHostsFile a none\n",
    "empty file name": 'Port 1\nUserKnownHostsFile a ""\n',
    "bad match": "Port 1\nMatch host\n",
    "match all and more": "Port 1\nMatch all host x\n",
    "empty pattern": 'Port 1\nHost ""\n',
    "empty include": 'Port 1\nInclude ""\n',
}


@needs_ssh
@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_what_ssh_refuses_is_refused_with_file_and_line(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "config", text)
    with pytest.raises(ConnectError):
        read_by_ssh_without_reading(path)
    with pytest.raises(ConnectError, match=re.escape(f"{path}:2: ")) as caught:
        read_settings("web1", config_file=path, ssh_program=None)
    assert caught.value.phase == "resolve"
    assert text.split("\n")[1] in str(caught.value).replace("\\", "")


def read_by_ssh_without_reading(path: str) -> None:
    viewpoint = Viewpoint("web1", None, "root")
    ask_ssh("ssh", viewpoint, port=None, config_file=path, mentioned=None, timeout=30.0)


@needs_ssh
@pytest.mark.parametrize("text", ["UserKnownHostsFile %Z\n", "UserKnownHostsFile ${NO_SUCH}/x\n"])
def test_file_name_that_cannot_be_expanded_is_refused(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "config", text)
    with pytest.raises(ConnectError):
        read_by_ssh_without_reading(path)
    with pytest.raises(ConnectError, match=re.escape(f"{path}:1: ")):
        read_settings("web1", config_file=path, ssh_program=None)


@needs_ssh
def test_match_exec_is_answered_by_ssh(tmp_path: Path) -> None:
    path = write(
        tmp_path / "config",
        'Match exec "test %h = web1"\nPort 41\nUser "bob"\nMatch exec "exit 1"\nPort 42\n',
    )
    assert read_settings("web1", config_file=path).port == 41
    other = read_settings("web2", config_file=path)
    assert (other.port, other.has_explicit_identities) == (22, False)


@needs_ssh
def test_match_exec_starts_nothing_when_ssh_is_not_to_run(tmp_path: Path) -> None:
    proof = tmp_path / "it ran"
    path = write(tmp_path / "config", f'Match exec "touch {proof}"\nPort 41\n')
    with pytest.raises(ConnectError, match=re.escape(f"{path}:1: ")):
        read_settings("web1", config_file=path, ssh_program=None)
    assert not proof.exists()


@needs_ssh
def test_match_exec_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    held, never = tmp_path / "held", tmp_path / "never"
    os.mkfifo(held)
    os.mkfifo(never)
    path = write(tmp_path / "config", f'Match exec "exec 3> {held}; cat {never}"\nPort 41\n')
    viewpoint = Viewpoint("web1", None, "root")
    reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(ConnectError, match="gave no answer"):
            ask_ssh("ssh", viewpoint, port=None, config_file=path, mentioned=None, timeout=1.0)
        # The pipe ends when the last process that holds it is gone.
        poll = select.poll()
        poll.register(reader, select.POLLIN)
        assert poll.poll(30_000)
        assert os.read(reader, 1) == b""
    finally:
        os.close(reader)


@needs_ssh
def test_unknown_directive_is_for_ssh_to_judge(tmp_path: Path) -> None:
    path = write(tmp_path / "config", "Port 1\nFromTheFuture yes\n")
    with pytest.raises(ConnectError, match=re.escape(f"{path}:2: ")) as caught:
        read_settings("web1", config_file=path)
    assert "Bad configuration option" in caught.value.stderr


@needs_ssh
def test_canonical_names_are_for_ssh_to_find(tmp_path: Path) -> None:
    text = "CanonicalizeHostname always\nMatch canonical host web1\nPort 41\n"
    assert read_settings("web1", config_file=write(tmp_path / "config", text)).port == 41


def test_what_only_ssh_can_tell_is_an_error_without_it(tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="install an OpenSSH client"):
        read(tmp_path, "CanonicalizeHostname yes\n")
    with pytest.raises(ConnectError, match="no directive nosuchthing"):
        read(tmp_path, "NoSuchThing yes\n")


def test_plain_files_start_no_ssh(tmp_path: Path) -> None:
    path = write(tmp_path / "config", "Host web1\nInclude none.conf\nIdentityFile %d/k\n")
    proof = tmp_path / "it ran"
    program = tmp_path / "ssh"
    program.write_text(f"#!/bin/sh\ntouch '{proof}'\nexit 1\n")
    program.chmod(0o755)
    read_settings("web1", config_file=path, ssh_program=str(program))
    assert not proof.exists()
    with pytest.raises(ConnectError):
        write(tmp_path / "config", "Match final\n")
        read_settings("web1", config_file=path, ssh_program=str(program))
    assert proof.exists()


def test_own_config_is_read_before_the_one_of_the_system(home: Path) -> None:
    write(home / ".ssh" / "config", "HashKnownHosts no\nPort 2200\nInclude d/x\n")
    (home / ".ssh" / "d").mkdir()
    write(home / ".ssh" / "d" / "x", "User relative\n")
    settings = read_settings("web1")
    assert (settings.port, settings.user, settings.hash_known_hosts) == (2200, "relative", False)


def test_no_file_means_the_defaults_of_openssh(home: Path) -> None:
    (home / ".ssh" / "id_ed25519").write_text("")
    settings = read_settings("WEB1", config_file="none")
    assert settings == SshSettings(
        hostname="web1",
        user=local_user(),
        port=22,
        identity_files=(f"{home}/.ssh/id_ed25519",),
        has_explicit_identities=False,
        identities_only=False,
        identity_agent=None,
        authentications=("publickey", "keyboard-interactive", "password"),
        proxy_jump=(),
        proxy_command=None,
        user_known_hosts_files=(f"{home}/.ssh/known_hosts", f"{home}/.ssh/known_hosts2"),
        global_known_hosts_files=("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"),
        strict_host_key_checking="ask",
        host_key_alias=None,
        hash_known_hosts=False,
        connect_timeout=None,
        connection_attempts=1,
        server_alive_interval=0,
        server_alive_count_max=3,
        compression=False,
        address_family="any",
        bind_address=None,
        kex_algorithms="",
        host_key_algorithms="",
        ciphers="",
        macs="",
        pubkey_algorithms="",
        notes=(),
        login_notes=(),
    )


def test_agent_of_the_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    assert read_settings("web1", config_file="none").identity_agent == "/run/agent"


def test_word_of_the_caller_counts_before_the_file(tmp_path: Path) -> None:
    settings = read(tmp_path, "User file\nPort 1\nProxyCommand x %r %p\n", user="caller", port=2)
    assert (settings.user, settings.port) == ("caller", 2)
    assert settings.proxy_command == "x caller 2"


def test_tilde_is_home(tmp_path: Path, home: Path) -> None:
    settings = read(tmp_path, "IdentityFile ~/k\nUserKnownHostsFile ~/kh\nIdentityAgent ~/%d\n")
    assert settings.identity_files == (f"{home}/k",)
    assert settings.user_known_hosts_files == (f"{home}/kh",)
    assert settings.identity_agent == f"{home}/{home}"


def test_file_that_others_can_write_is_refused(home: Path) -> None:
    path = home / ".ssh" / "config"
    write(path, "Port 1\n")
    path.chmod(0o666)
    with pytest.raises(ConnectError, match="chmod go-w"):
        read_settings("web1")


def test_missing_file_that_was_named_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(ConnectError, match=re.escape(str(path))) as caught:
            read_settings("web1", config_file=str(path))
        assert caught.value.phase == "resolve"


def test_file_that_includes_itself_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="16 deep"):
        read(tmp_path, "Include TMP/config\n")


def test_way_through_the_host_itself_is_an_error(tmp_path: Path) -> None:
    text = "Host *\nProxyJump bastion\n"
    assert read(tmp_path, text, "web1").proxy_jump == ("bastion",)
    with pytest.raises(ConnectError, match="ProxyJump none"):
        read(tmp_path, text, "bastion")
    assert read(tmp_path, text, "bastion", port=2222).proxy_jump == ("bastion",)


def test_tokens_of_a_hop_are_replaced(tmp_path: Path) -> None:
    assert read(tmp_path, "ProxyJump %r@b-%h\nUser q\n").proxy_jump == ("q@b-web1",)


@pytest.mark.parametrize("host", ["-oProxyCommand=x", "a b", "$(id)", "u@h", "ssh://h", ""])
def test_host_that_ssh_could_misread_is_refused(host: str) -> None:
    with pytest.raises(ConnectError):
        read_settings(host, config_file="none")


def test_user_that_a_shell_could_misread_is_refused() -> None:
    with pytest.raises(ConnectError):
        read_settings("web1", config_file="none", user="x;id")


def test_note_says_what_is_left_out_where_it_stands_and_what_to_do(tmp_path: Path) -> None:
    settings = read(tmp_path, "Port 1\nKnownHostsCommand /bin/keys %H\nGSSAPIAuthentication no\n")
    (note,) = settings.notes
    assert note.startswith(f"KnownHostsCommand /bin/keys %H ({tmp_path}/config:2) is not run")
    assert note.endswith("host keys come from files only; only the ssh program can do that")


def test_way_to_log_in_that_is_left_out_is_a_note_for_who_is_not_let_in(tmp_path: Path) -> None:
    settings = read(tmp_path, "GSSAPIAuthentication yes\n")
    assert settings.notes == ()
    (note,) = settings.login_notes
    assert note.startswith(f"GSSAPIAuthentication yes ({tmp_path}/config:1) is not tried")


@needs_ssh
def test_answer_of_ssh_from_another_home_is_not_used(home: Path) -> None:
    write(home / ".ssh" / "config", 'Match exec "true"\nPort 1\n')
    with pytest.raises(ConnectError, match="HOME"):
        read_settings("web1")
