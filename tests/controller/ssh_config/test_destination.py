"""Destinations as a user types them, and the names that are refused."""

from __future__ import annotations

import pytest

from remotesvc.controller.ssh_config.destination import Destination, check_user, split_destination
from remotesvc.core.errors import ConnectError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web1", (None, "web1", None)),
        ("web1:2222", (None, "web1", 2222)),
        ("alice@web1", ("alice", "web1", None)),
        ("alice@web1:2222", ("alice", "web1", 2222)),
        ("alice@corp@web1", ("alice@corp", "web1", None)),
        ("CORP\\alice@web1", ("CORP\\alice", "web1", None)),
        ("::1", (None, "::1", None)),
        ("fe80::1%eth0", (None, "fe80::1%eth0", None)),
        ("alice@2001:db8::22", ("alice", "2001:db8::22", None)),
        ("[::1]", (None, "::1", None)),
        ("[::1]:22", (None, "::1", 22)),
        ("alice@[2001:db8::22]:2200", ("alice", "2001:db8::22", 2200)),
        ("ssh://web1", (None, "web1", None)),
        ("ssh://alice@web1:2222", ("alice", "web1", 2222)),
        ("ssh://al%40ice@[::1]:22/", ("al@ice", "::1", 22)),
        ("SSH://web1/", (None, "web1", None)),
    ],
)
def test_destination_is_split_into_user_host_port(
    text: str, expected: tuple[str | None, str, int | None]
) -> None:
    assert split_destination(text) == expected


def test_parts_of_a_destination_have_names() -> None:
    assert split_destination("a@b:3") == Destination(user="a", host="b", port=3)


@pytest.mark.parametrize("port", ["0", "65536", "999999999999", "ssh", "-1", "+22", "", "٢٢"])
def test_bad_port_is_an_error_that_quotes_it(port: str) -> None:
    with pytest.raises(ConnectError, match="1 to 65535") as caught:
        split_destination(f"web1:{port}")
    assert caught.value.phase == "resolve"
    assert repr(port) in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice@",
        "@web1",
        "-oProxyCommand=touch x",
        "alice@-web1",
        "-lroot@web1",
        "web1 web2",
        "web1;id",
        "$(id)",
        "`id`",
        "web1\n",
        "web1\x1b[0m",
        "http://web1",
        "ssh://web1/path",
        "web1/path",
        "[::1",
        "[::1]22",
        "[web1]:22",
        "a:b:c",
        "ssh://a`id`@web1",
        "ssh://%2dlroot@web1",
    ],
)
def test_text_that_is_no_destination_is_refused(text: str) -> None:
    with pytest.raises(ConnectError) as caught:
        split_destination(text)
    assert caught.value.phase == "resolve"
    assert "user@host" in str(caught.value)


@pytest.mark.parametrize("user", ["", "a;b", "a$(b)", "a\\", "a -o", "a\x00"])
def test_user_that_could_be_syntax_is_refused(user: str) -> None:
    with pytest.raises(ConnectError):
        check_user(user)
