"""The list of hosts on the command line."""

import pytest

from remotesvc.cli.hosts import parse_hosts, parse_jumps
from remotesvc.cli.usage import UsageProblem


def test_hosts_keep_their_order_and_come_once() -> None:
    found = parse_hosts("web2, web1,,root@10.0.0.7:2222,web2,[::1]:22,@local")

    names = ["web2", "web1", "root@10.0.0.7:2222", "[::1]:22", "@local"]
    assert [host.name for host in found] == names
    assert [host.is_local for host in found] == [False, False, False, False, True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no host is named"),
        (" , ", "no host is named"),
        ("@web", "there is no group @web"),
        ("web1:ssh", "has the port 'ssh'"),
        ("-oProxyCommand=x", "ssh would read it as an option"),
        ("web1;reboot", "holds ';'"),
        ("@", "there is no group"),
    ],
)
def test_what_cannot_be_a_host_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        parse_hosts(text)


def test_jump_hosts_are_a_list_or_none_at_all() -> None:
    assert parse_jumps([]) is None
    assert parse_jumps(["none"]) == ()
    assert parse_jumps(["a,b@c:22", "d"]) == ("a", "b@c:22", "d")
    with pytest.raises(UsageProblem, match="port"):
        parse_jumps(["a:b"])
