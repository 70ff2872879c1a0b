"""A chain of contexts as one text: what it means, and what is none."""

import pytest

from remotesvc import ConnectError
from remotesvc.connect.spec import Part, parse_spec


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("web1", [("ssh", "web1")]),
        ("admin@web1:2222", [("ssh", "admin@web1:2222")]),
        ("ssh:web1", [("ssh", "web1")]),
        ("[2001:db8::1]:22/local", [("ssh", "[2001:db8::1]:22"), ("local", "")]),
        (
            "bastion/sudo:root/podman:web",
            [("ssh", "bastion"), ("sudo", "root"), ("podman", "web")],
        ),
        ("bastion/inner/sudo", [("ssh", "bastion"), ("ssh", "inner"), ("sudo", "")]),
        ("local/chroot:[/srv/old]/su:app", [("local", ""), ("chroot", "/srv/old"), ("su", "app")]),
        ("web1/docker:db", [("ssh", "web1"), ("docker", "db")]),
        ("ssh", [("ssh", "ssh")]),
    ],
)
def test_each_part_is_a_host_or_a_kind_with_its_target(
    spec: str, parts: list[tuple[str, str]]
) -> None:
    assert [(part.kind, part.target) for part in parse_spec(spec)] == parts


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("", "a part of this chain is empty"),
        ("bastion//web", "a part of this chain is empty"),
        ("/web1", "a part of this chain is empty"),
        ("web1/podman", "podman needs to know which: podman:NAME"),
        ("podman:", "write podman:... in the place of 'podman:'"),
        ("local:there", "write local in the place of 'local:there'"),
        ("web1/exec:nice", "exec takes a list of words: use its method"),
        ("openssh:web1", "use its method"),
    ],
)
def test_what_is_no_chain_is_told_with_what_to_write(spec: str, reason: str) -> None:
    with pytest.raises(ConnectError) as caught:
        parse_spec(spec)
    assert reason in str(caught.value) and repr(spec) in str(caught.value)
    assert caught.value.phase == "resolve"


def test_parts_are_compared_by_what_they_mean() -> None:
    assert parse_spec("ssh:web1") == parse_spec("web1") == [Part("ssh", "web1", "")]
    assert Part("ssh", "web1", "") != "web1"
    assert repr(Part("sudo", "root", "")) == "Part('sudo', 'root')"
