"""known_hosts as OpenSSH reads and writes it, checked against ssh-keygen and ssh themselves."""

from __future__ import annotations

import base64
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesvc.controller.known_hosts import (
    Changed,
    Known,
    KnownHosts,
    Revoked,
    Unknown,
    Verdict,
    fingerprint,
    name_of,
    remember,
)
from remotesvc.controller.known_hosts.lines import read_key_lines
from remotesvc.controller.known_hosts.text import describe
from remotesvc.core.errors import HostKeyError

needs_keygen = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="no ssh-keygen program on PATH"
)


@dataclass(frozen=True)
class Key:
    """A public key as a known_hosts file and as the wire hold it."""

    key_type: str
    text: str

    @property
    def blob(self) -> bytes:
        return base64.b64decode(self.text)


def made_up_key(key_type: str, filler: bytes) -> Key:
    name = key_type.encode()
    blob = len(name).to_bytes(4, "big") + name + len(filler).to_bytes(4, "big") + filler
    return Key(key_type, base64.b64encode(blob).decode())


ED = made_up_key("ssh-ed25519", b"e" * 32)
OTHER = made_up_key("ssh-ed25519", b"o" * 32)
RSA = made_up_key("ssh-rsa", b"r" * 256)


def known(tmp_path: Path, *lines: str) -> KnownHosts:
    path = tmp_path / "known_hosts"
    path.write_text("".join(f"{line}\n" for line in lines))
    return KnownHosts.read([str(path)])


def line(names: str, key: Key = ED, marker: str = "") -> str:
    return f"{marker} {names} {key.key_type} {key.text} comment".strip()


def judge(hosts: KnownHosts, host: str, port: int = 22, key: Key = ED) -> Verdict:
    return hosts.judge(host, port, key.key_type, key.blob)


@pytest.mark.parametrize(
    ("names", "host", "port", "expected"),
    [
        ("web1", "web1", 22, Known),
        ("web1", "WEB1", 22, Known),
        ("Web1", "web1", 22, Known),
        ("web1", "web2", 22, Unknown),
        ("web1,10.0.0.7", "10.0.0.7", 22, Known),
        ("web?", "web1", 22, Known),
        ("web?", "web10", 22, Unknown),
        ("*.example", "a.b.example", 22, Known),
        ("*,!web1", "web1", 22, Unknown),
        ("!web1,*", "web2", 22, Known),
        ("!web1", "web2", 22, Unknown),
        ("[web]1", "web1", 22, Unknown),
        ("[web1]:2222", "web1", 2222, Known),
        ("[web1]:2222", "web1", 22, Unknown),
        ("[web1]:2222", "web1", 2223, Unknown),
        ("[*]:22??", "web1", 2222, Known),
        ("web1", "web1", 2222, Known),
        ("*,![web1]:2222", "web1", 2222, Known),
        ("*,![web1]:*,!web1", "web1", 2222, Unknown),
        ("::1", "::1", 22, Known),
        ("[::1]:2222", "::1", 2222, Known),
    ],
)
def test_names_are_patterns_with_ports(
    tmp_path: Path, names: str, host: str, port: int, expected: type[Verdict]
) -> None:
    assert isinstance(judge(known(tmp_path, line(names)), host, port), expected)


def test_key_that_any_line_of_any_file_holds_is_known(tmp_path: Path) -> None:
    first, second = tmp_path / "user", tmp_path / "global"
    first.write_text(line("web1", OTHER) + "\n" + line("web1", RSA))
    second.write_text("# comment\n\n" + line("web*"))
    verdict = judge(KnownHosts.read([str(first)], [str(second)]), "web1")
    assert isinstance(verdict, Known)
    assert (verdict.key.file, verdict.key.number) == (str(second), 3)


def test_other_key_is_changed_with_all_that_was_expected(tmp_path: Path) -> None:
    hosts = known(tmp_path, "# x", line("web1", OTHER), line("web*", RSA), line("db1"))
    verdict = judge(hosts, "web1")
    assert isinstance(verdict, Changed)
    assert [(key.key_type, key.fingerprint, key.number) for key in verdict.expected] == [
        ("ssh-ed25519", fingerprint(OTHER.blob), 2),
        ("ssh-rsa", fingerprint(RSA.blob), 3),
    ]
    assert {key.file for key in verdict.expected} == {str(tmp_path / "known_hosts")}


def test_key_of_a_type_that_no_line_has_is_changed(tmp_path: Path) -> None:
    assert isinstance(judge(known(tmp_path, line("web1", RSA)), "web1"), Changed)


def test_mismatch_of_the_plain_name_leaves_another_port_unknown(tmp_path: Path) -> None:
    assert judge(known(tmp_path, line("web1", OTHER)), "web1", 2222) == Unknown()


def test_mismatch_of_the_port_is_not_mended_by_the_plain_name(tmp_path: Path) -> None:
    hosts = known(tmp_path, line("[web1]:2222", OTHER), line("web1"))
    assert isinstance(judge(hosts, "web1", 2222), Changed)


@pytest.mark.parametrize("names", ["web1", "*", "[web1]:2222"])
def test_revoked_key_is_refused_even_where_it_is_known(tmp_path: Path, names: str) -> None:
    hosts = known(tmp_path, line("[web1]:2222"), line("web1"), line(names, marker="@revoked"))
    verdict = judge(hosts, "web1", 2222)
    assert isinstance(verdict, Revoked)
    assert verdict.key.number == 3


def test_revoked_key_of_another_host_or_another_key_changes_nothing(tmp_path: Path) -> None:
    hosts = known(
        tmp_path, line("web1"), line("web2", marker="@revoked"), line("*", OTHER, "@revoked")
    )
    assert isinstance(judge(hosts, "web1"), Known)


def test_revoked_line_alone_makes_no_host_known(tmp_path: Path) -> None:
    hosts = known(tmp_path, line("web1", OTHER, "@revoked"))
    assert judge(hosts, "web1") == Unknown()
    assert hosts.key_types("web1", 22) == ()


def test_certificate_authority_unlocks_nothing_and_is_named(tmp_path: Path) -> None:
    hosts = known(
        tmp_path, line("web*", marker="@cert-authority"), line("x", marker="@cert-authority")
    )
    verdict = judge(hosts, "web1")
    assert isinstance(verdict, Unknown)
    assert verdict.authority is not None
    assert verdict.authority.number == 1
    assert judge(hosts, "db1") == Unknown()
    (warning,) = hosts.warnings
    assert warning.startswith(f"{tmp_path}/known_hosts:1: ")


UNREADABLE = [
    "junk",
    "web1 ssh-ed25519",
    f"web1 ssh-ed25519 {ED.text[:-5]}!",
    f"web1 ssh-ed25519 {ED.text}garbage",
    f"web1 ssh-rsa {ED.text}",
    "web1 ssh-ed25519 AAAA",
    "web1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
    f"web1 256 {ED.key_type} {ED.text}",
    f"@unknown web1 ssh-ed25519 {ED.text}",
    f"@revoked,x web1 ssh-ed25519 {ED.text}",
    f"@cert-authority @revoked web1 ssh-ed25519 {ED.text}",
    f"|1|notbase64|x web1 {ED.text}",
    f"|1|AAAA|AAAA ssh-ed25519 {ED.text}",
    f"|2|AAAA|AAAA ssh-ed25519 {ED.text}",
]


@pytest.mark.parametrize("bad", UNREADABLE)
def test_line_that_cannot_be_read_is_a_warning_and_hides_no_other(
    tmp_path: Path, bad: str
) -> None:
    alone = known(tmp_path, bad)
    assert judge(alone, "web1") == Unknown()
    hosts = known(tmp_path, line("web1"), bad, line("web2"))
    (warning,) = hosts.warnings
    assert warning.startswith(f"{tmp_path}/known_hosts:2 ")
    assert isinstance(judge(hosts, "web1"), Known)
    assert isinstance(judge(hosts, "web2"), Known)


def test_line_ends_tabs_and_other_encodings_are_read_over(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_bytes(
        b"# caf\xe9\r\n\r\n  " + line("web1").replace(" ", "\t").encode() + b" \xff\r\n"
    )
    hosts = KnownHosts.read([str(path)])
    assert hosts.warnings == ()
    assert isinstance(judge(hosts, "web1"), Known)


def test_missing_file_is_empty_and_an_unreadable_one_is_a_warning(tmp_path: Path) -> None:
    hosts = KnownHosts.read([str(tmp_path / "missing"), str(tmp_path)])
    (warning,) = hosts.warnings
    assert str(tmp_path) in warning
    assert judge(hosts, "web1") == Unknown()


@given(st.binary(max_size=200))
def test_no_content_is_an_error(content: bytes) -> None:
    lines, warnings = read_key_lines("file", content)
    assert len(lines) + len(warnings) <= content.count(b"\n") + 1


def test_key_types_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    hosts = known(tmp_path, line("web1", RSA), line("[web1]:2222"), line("web*", OTHER))
    assert hosts.key_types("web1", 22) == ("ssh-rsa", "ssh-ed25519")
    assert hosts.key_types("web1", 2222) == ("ssh-ed25519",)
    assert hosts.key_types("web1", 2223) == ("ssh-rsa", "ssh-ed25519")
    assert hosts.key_types("db1", 22) == ()


def test_remember_makes_folder_and_file_for_the_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "home" / ".ssh" / "known_hosts"
    path.parent.parent.mkdir()
    remember(str(path), "Web1", 2222, ED.key_type, ED.blob)
    assert path.read_text() == f"[web1]:2222 ssh-ed25519 {ED.text}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("is_hashed", [False, True])
def test_what_was_remembered_is_known(tmp_path: Path, is_hashed: bool) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(line("web0", OTHER))  # and no newline at its end
    for host, port in (("web1", 22), ("web1", 2222), ("::1", 22)):
        remember(str(path), host, port, ED.key_type, ED.blob, hashed=is_hashed)
    hosts = KnownHosts.read([str(path)])
    assert hosts.warnings == ()
    assert len(path.read_text().splitlines()) == 4
    assert ("web1" in path.read_text()) is not is_hashed
    for host, port in (("web1", 22), ("web1", 2222), ("::1", 22)):
        assert isinstance(judge(hosts, host, port), Known)
    assert isinstance(judge(hosts, "web0"), Changed)


@pytest.mark.parametrize("host", ["a b", "*", "a,b", "!a", "a\nb", "|1|x", "#a", "@revoked", ""])
def test_name_that_would_be_read_otherwise_is_not_written(tmp_path: Path, host: str) -> None:
    path = tmp_path / "known_hosts"
    with pytest.raises(HostKeyError):
        remember(str(path), host, 22, ED.key_type, ED.blob)
    assert not path.exists()


def test_file_that_cannot_be_written_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(HostKeyError, match="web1 could not be added to"):
        remember(str(tmp_path), "web1", 22, ED.key_type, ED.blob)


MakeKey = Callable[[str], Key]


@pytest.fixture
def make_key(tmp_path: Path) -> MakeKey:
    """Return a maker of real keys; call it once per type."""

    def make(kind: str) -> Key:
        path = tmp_path / f"key_{kind}"
        run("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path))
        key_type, text = Path(f"{path}.pub").read_text().split()[:2]
        return Key(key_type, text)

    return make


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@needs_keygen
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_fingerprint_is_that_of_ssh_keygen(tmp_path: Path, make_key: MakeKey, kind: str) -> None:
    key = make_key(kind)
    assert run("ssh-keygen", "-l", "-f", str(tmp_path / f"key_{kind}.pub")).split()[1] == (
        fingerprint(key.blob)
    )


@needs_keygen
def test_file_hashed_by_ssh_keygen_is_read(tmp_path: Path, make_key: MakeKey) -> None:
    key = make_key("ed25519")
    path = tmp_path / "known_hosts"
    path.write_text(line("web1,[web2]:2222", key) + "\n" + line("[::1]:24", key) + "\n")
    run("ssh-keygen", "-q", "-H", "-f", str(path))
    assert "web" not in path.read_text()
    hosts = KnownHosts.read([str(path)])
    assert hosts.warnings == ()
    assert isinstance(judge(hosts, "WEB1", 22, key), Known)
    assert isinstance(judge(hosts, "web2", 2222, key), Known)
    assert isinstance(judge(hosts, "::1", 24, key), Known)
    assert judge(hosts, "web2", 22, key) == Unknown()
    assert isinstance(judge(hosts, "web1", 22, OTHER), Changed)


@needs_keygen
@pytest.mark.parametrize("is_hashed", [False, True])
def test_what_was_remembered_is_found_and_removed_by_ssh_keygen(
    tmp_path: Path, make_key: MakeKey, is_hashed: bool
) -> None:
    key = make_key("ed25519")
    path = str(tmp_path / "known_hosts")
    remember(path, "web1", 2222, key.key_type, key.blob, hashed=is_hashed)
    assert key.text in run("ssh-keygen", "-F", name_of("web1", 2222), "-f", path)
    changed = KnownHosts.read([path]).judge("web1", 2222, OTHER.key_type, OTHER.blob)
    text = describe(changed, "web1", 2222, OTHER.key_type, OTHER.blob, [path])
    (command,) = [row for row in text.split("\n") if row.strip().startswith("ssh-keygen -R")]
    subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    assert KnownHosts.read([path]).lines == ()


@needs_keygen
@pytest.mark.parametrize(
    ("names", "host", "port"),
    [
        ("web1", "web1", 22),
        ("w*,!web2", "web1", 22),
        ("w*,!web1", "web1", 22),
        ("[w]eb1", "web1", 22),
        ("[web1]:2?22", "web1", 2222),
        ("[web1]:2222", "web1", 22),
        ("WEB1", "web1", 22),
    ],
)
def test_names_match_as_for_ssh_keygen(
    tmp_path: Path, make_key: MakeKey, names: str, host: str, port: int
) -> None:
    key = make_key("ed25519")
    hosts = known(tmp_path, line(names, key))
    found = subprocess.run(
        ["ssh-keygen", "-F", name_of(host, port), "-f", str(tmp_path / "known_hosts")],
        stdout=subprocess.DEVNULL,
    )
    assert isinstance(judge(hosts, host, port, key), Known) == (found.returncode == 0)
