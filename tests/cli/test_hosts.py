"""The list of hosts on the command line."""

import pytest

from remotesvc.cli.hosts import parse_host, parse_hosts, parse_jumps
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
        ("@web/sudo", "there is no group @web"),
        ("web1/", "a part of this chain is empty"),
        ("web1//sudo", "a part of this chain is empty"),
        ("web1/podman", "podman needs to know which"),
        ("web1/sudo:-u", "'-u' cannot be the name of anything"),
        ("web1/exec:ls", "exec takes a list of words"),
        ("bastion/web1:x", "has the port 'x'"),
    ],
)
def test_what_cannot_be_a_host_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        parse_hosts(text)


def test_a_host_may_be_a_chain() -> None:
    chain = parse_host("admin@bastion:2222/sudo:root/chroot:[/srv/old]")

    assert [(part.kind, part.target) for part in chain.parts] == [
        ("ssh", "admin@bastion:2222"),
        ("sudo", "root"),
        ("chroot", "/srv/old"),
    ]
    assert (chain.login, chain.is_becoming, chain.is_local) == (0, True, False)
    assert parse_host("bastion/web1").login == 1
    assert parse_host("@local/web1").is_local


def test_a_name_that_ssh_takes_as_an_address_is_no_chain() -> None:
    (part,) = parse_host("ssh://admin@web1:2222").parts

    assert (part.kind, part.target) == ("ssh", "ssh://admin@web1:2222")


def test_jump_hosts_are_a_list_or_none_at_all() -> None:
    assert parse_jumps([]) is None
    assert parse_jumps(["none"]) == ()
    assert parse_jumps(["a,b@c:22", "d"]) == ("a", "b@c:22", "d")
    with pytest.raises(UsageProblem, match="port"):
        parse_jumps(["a:b"])
