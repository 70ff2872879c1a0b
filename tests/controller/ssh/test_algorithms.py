"""Lists of algorithms as ssh_config writes them, applied to those of a transport."""

from __future__ import annotations

import pytest

from remotesvc.controller.ssh.algorithms import order_ciphers, pick_algorithms

DEFAULT = ("chacha20", "aes256-ctr", "aes128-ctr")
SUPPORTED = (*DEFAULT, "aes128-cbc", "3des-cbc")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", DEFAULT),
        ("aes128-ctr,chacha20", ("aes128-ctr", "chacha20")),
        ("+3des-cbc", (*DEFAULT, "3des-cbc")),
        ("+aes128-ctr", DEFAULT),
        ("^aes128-ctr,3des-cbc", ("aes128-ctr", "3des-cbc", "chacha20", "aes256-ctr")),
        ("-aes*", ("chacha20",)),
        ("-chacha20,aes256-ctr", ("aes128-ctr",)),
        ("aes128-gcm@openssh.com,aes128-ctr", ("aes128-ctr",)),
        ("aes128-gcm@openssh.com", ()),
        ("-*", ()),
    ],
)
def test_list_replaces_or_changes_the_default(text: str, expected: tuple[str, ...]) -> None:
    assert pick_algorithms(text, DEFAULT, SUPPORTED) == expected


def test_ciphers_that_need_no_mac_come_first_and_the_others_keep_their_order() -> None:
    names = ("aes256-ctr", "aes128-ctr", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
    assert order_ciphers(names) == (*names[2:], *names[:2])
