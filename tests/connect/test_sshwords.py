"""How ssh is called, and what its last words mean."""

import pathlib
from typing import Any

import pytest

from remotesvc.connect.openssh import argv
from remotesvc.connect.retry import AWAY, BUSY, FINAL
from remotesvc.connect.sshwords import failure_of, options_argv, split_destination


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("web1", ("web1", [])),
        ("alice@web1", ("alice@web1", [])),
        ("alice@web1:2222", ("alice@web1", ["-p", "2222"])),
        ("web1:2222", ("web1", ["-p", "2222"])),
        ("[::1]:22", ("::1", ["-p", "22"])),
        ("alice@[::1]", ("alice@::1", [])),
        ("fe80::1", ("fe80::1", [])),
        ("ssh://alice@web1:2222", ("ssh://alice@web1:2222", [])),
        ("alice@corp@web1:22", ("alice@corp@web1", ["-p", "22"])),
    ],
)
def test_host_is_whatever_the_other_transport_takes(
    host: str, expected: tuple[str, list[str]]
) -> None:
    assert split_destination(host) == expected


@pytest.mark.parametrize("host", ["", "-oProxyCommand=reboot", "alice@", "alice@-x"])
def test_host_that_ssh_would_take_for_an_option_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="host="):
        split_destination(host)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, []),
        ({"username": "alice"}, ["-l", "alice"]),
        ({"port": 2222}, ["-p", "2222"]),
        ({"config_file": "none"}, ["-F", "none"]),
        ({"identity_file": "/k"}, ["-i", "/k", "-o", "IdentitiesOnly=yes"]),
        (
            {"identity_file": [pathlib.Path("/k"), "/l"]},
            ["-i", "/k", "-i", "/l", "-o", "IdentitiesOnly=yes"],
        ),
        ({"has_password": True}, ["-o", "IdentitiesOnly=yes"]),
        (
            {"known_hosts": ["/a b", "/c"]},
            ["-o", 'UserKnownHostsFile="/a b" "/c"', "-o", "GlobalKnownHostsFile=none"],
        ),
        ({"host_key_policy": "strict"}, ["-o", "StrictHostKeyChecking=yes"]),
        ({"host_key_policy": "accept-new"}, ["-o", "StrictHostKeyChecking=accept-new"]),
        ({"host_key_policy": "ignore"}, ["-o", "StrictHostKeyChecking=no"]),
        ({"jump": "a,b"}, ["-o", "ProxyJump=a,b"]),
        ({"jump": ["a", "b"]}, ["-o", "ProxyJump=a,b"]),
        ({"jump": ()}, ["-o", "ProxyJump=none"]),
        ({"compression": True}, ["-o", "Compression=yes"]),
        ({"keepalive": 15}, ["-o", "ServerAliveInterval=15"]),
    ],
)
def test_option_becomes_words_and_what_is_left_out_is_for_the_configuration(
    given: dict[str, Any], words: list[str]
) -> None:
    assert options_argv(**given) == words


def test_policy_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(ValueError, match="accept-new, ignore, strict"):
        options_argv(host_key_policy="maybe")


def test_ssh_asks_nothing_unless_something_may_have_to_be_typed() -> None:
    quiet = argv("command", "web1:22", ["-C"], args=["-vvv"])
    assert quiet[:2] == ["ssh", "-vvv"]
    assert "BatchMode=yes" in quiet
    assert quiet[-6:] == ["-C", "-p", "22", "--", "web1", "command"]
    asking = argv("command", "web1", may_ask=True)
    assert {"BatchMode=no", "NumberOfPasswordPrompts=1"} < set(asking)


CLOSED = "kex_exchange_identification: Connection closed by remote host\r\n"


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        (CLOSED, BUSY),
        (CLOSED + "Connection closed by 127.0.0.1 port 22\r\n", BUSY),
        ("Warning: added to known hosts\r\n" + CLOSED, BUSY),
        ("kex_exchange_identification: read: Connection reset by peer\r\n", BUSY),
        ("ssh_exchange_identification: Connection closed by remote host\r\n", BUSY),
        ("ssh: connect to host web1 port 22: Connection refused\r\n", AWAY),
        ("ssh: connect to host web1 port 22: No route to host\r\n", AWAY),
        ("ssh: connect to host web1 port 22: Connection timed out\r\n", AWAY),
        ("ssh: Could not resolve hostname web1: Name or service not known\r\n", AWAY),
        ("Connection timed out during banner exchange\r\n", AWAY),
        ("channel 0: open failed: connect failed: Connection refused\r\n" + CLOSED, AWAY),
        ("channel 0: open failed: administratively prohibited\r\n", FINAL),
        ("alice@web1: Permission denied (publickey).\r\n", FINAL),
        ("alice@bastion: Permission denied (publickey).\r\n" + CLOSED, FINAL),
        ("Host key verification failed.\r\n" + CLOSED, FINAL),
        ("Received disconnect: Too many authentication failures\r\n" + CLOSED, FINAL),
        ("Host key verification failed.\r\n", FINAL),
        ("Connection to web1 closed by remote host.\r\n", FINAL),
        ("the login said: " + CLOSED, FINAL),
        ("", FINAL),
    ],
)
def test_failure_before_the_greeting_is_told_from_all_others(said: str, failure: str) -> None:
    assert failure_of(said) == failure
