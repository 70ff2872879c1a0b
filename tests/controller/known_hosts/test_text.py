"""What a user reads when a host key is not as it should be."""

from __future__ import annotations

from pathlib import Path

from remotesvc.controller.known_hosts import (
    Changed,
    Known,
    KnownKey,
    Revoked,
    Unknown,
    Verdict,
    fingerprint,
)
from remotesvc.controller.known_hosts.text import describe

BLOB = b"\x00\x00\x00\x0bssh-ed25519rest"
KEY = KnownKey("ssh-rsa", "SHA256:old", "/home/al ice/known_hosts", 7)
FILES = ["/home/al ice/known_hosts", "/etc/ssh/ssh_known_hosts"]


def text_of(verdict: Verdict, port: int = 2222) -> str:
    return describe(verdict, "web1", port, "ssh-ed25519", BLOB, FILES)


def test_changed_key_says_what_was_expected_what_came_and_the_command() -> None:
    text = text_of(Changed((KEY,)))
    assert "expected: ssh-rsa SHA256:old (/home/al ice/known_hosts:7)" in text
    assert f"it showed: ssh-ed25519 {fingerprint(BLOB)}" in text
    assert "ssh-keygen -R '[web1]:2222' -f '/home/al ice/known_hosts'" in text
    assert "ssh-keygen -R web1 -f" in text_of(Changed((KEY,)), port=22)


def test_key_in_several_files_gets_one_command_for_each() -> None:
    other = KnownKey("ssh-rsa", "SHA256:old", "/b", 1)
    text = text_of(Changed((KEY, other, other)))
    assert text.count("ssh-keygen -R") == 2


def test_unknown_key_says_where_it_looked_and_how_to_add_it() -> None:
    text = text_of(Unknown())
    assert f"it showed: ssh-ed25519 {fingerprint(BLOB)}" in text
    assert "/etc/ssh/ssh_known_hosts" in text
    assert "ssh-keyscan -p 2222 web1 >> '/home/al ice/known_hosts'" in text
    assert "compare the fingerprint" in text
    assert "--host-key-policy accept-new" in text


def test_folder_of_the_key_is_made_if_it_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    files = [str(folder / "known_hosts")]
    text = describe(Unknown(), "web1", 22, "ssh-ed25519", BLOB, files)
    assert f"\n  mkdir -p -m 700 '{folder}' && ssh-keyscan" in text

    folder.mkdir()
    text = describe(Unknown(), "web1", 22, "ssh-ed25519", BLOB, files)
    assert "\n  ssh-keyscan" in text


def test_changed_key_says_what_to_do_after_the_command() -> None:
    assert text_of(Changed((KEY,))).endswith("then run again with --host-key-policy accept-new")


def test_unknown_key_without_any_file_says_so() -> None:
    text = describe(Unknown(), "web1", 22, "ssh-ed25519", BLOB, [])
    assert "no file is configured" in text


def test_certificate_authority_is_named_with_the_way_out() -> None:
    text = text_of(Unknown(KEY))
    assert "/home/al ice/known_hosts:7" in text
    assert "add the key itself" in text


def test_revoked_key_offers_no_command_that_trusts_it() -> None:
    text = text_of(Revoked(KEY))
    assert "/home/al ice/known_hosts:7" in text
    assert "revoked" in text
    assert "ssh-key" not in text


def test_known_key_says_by_which_line() -> None:
    assert "/home/al ice/known_hosts:7" in text_of(Known(KEY))
