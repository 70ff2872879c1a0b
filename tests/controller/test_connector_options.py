"""Options of connectors that are wrong are told where they are given, and secrets not shown."""

import inspect
from typing import Any

import pytest

import remotesvc
from remotesvc.connect import doas, su, sudo
from remotesvc.connect.connectors import find_connector
from remotesvc.controller.connector_options import check_connector_options

FINE: list[tuple[str, dict[str, Any]]] = [
    ("sudo", {"username": "#1000", "password": remotesvc.Secret("x"), "tty": True}),
    ("sudo", {"password": None, "prompts": print, "args": ["-E"], "program": "/opt/sudo"}),
    ("podman", {"container": "web", "user": "app", "workdir": "/srv"}),
    ("lxc", {"instance": "web", "user": 0}),
    ("exec", {"template": ["nice", "{command}"]}),
]

WRONG: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    ("sudo", {"user": "root"}, TypeError, "sudo() has no option 'user'; it has username, passw"),
    ("sudo", {"username": ""}, ValueError, "username: wanted is a name"),
    ("sudo", {"username": "-i"}, ValueError, "does not begin with '-'"),
    ("sudo", {"username": 0}, TypeError, "username: wanted is a name"),
    ("sudo", {"password": b"x"}, TypeError, "text of one line"),
    ("sudo", {"tty": 1}, TypeError, "True, False or None"),
    ("sudo", {"prompts": "yes"}, ValueError, "prompts(title, instructions"),
    ("sudo", {"args": "-E"}, TypeError, "a list of words"),
    ("podman", {"container": "--help"}, ValueError, "container: wanted is a name"),
    ("podman", {"workdir": "srv"}, ValueError, "the absolute path"),
    ("podman", {"password": "x"}, TypeError, "podman() has no option 'password'"),
    ("openssh", {"port": 0}, ValueError, "port: wanted is a number from 1 to 65535, or None"),
    ("openssh", {"port": True}, TypeError, "port: wanted is a number"),
    ("openssh", {"host": "-oProxyCommand=x"}, ValueError, "host: wanted is a name"),
    ("openssh", {"host_key_policy": "maybe"}, ValueError, "one of strict, accept-new, ignore"),
    ("openssh", {"keepalive": 1.5}, TypeError, "a whole number of seconds"),
    ("openssh", {"compression": 1}, TypeError, "True, False or None"),
    ("lxc", {"user": "app"}, TypeError, "the number of a user"),
    ("exec", {"template": "nice"}, TypeError, "a list of words"),
    ("exec", {"template": []}, ValueError, "the program first"),
    ("podman", {"user": 5}, TypeError, "user: wanted is a name"),
    ("sudo", {"python_path": []}, ValueError, "the name or path of a Python"),
    ("sudo", {"python_path": 5}, TypeError, "the name or path of a Python"),
    ("openssh", {"identity_file": 5}, TypeError, "identity_file: wanted is a path, a list"),
    ("openssh", {"known_hosts": ["a", 5]}, ValueError, "known_hosts: wanted is a path, a list"),
    ("openssh", {"jump": 5}, TypeError, "jump: wanted is hosts"),
    ("openssh", {"config_file": 5}, TypeError, "config_file: wanted is a path"),
]


@pytest.mark.parametrize(("kind", "opts"), FINE)
def test_option_that_is_fine_is_taken(kind: str, opts: dict[str, Any]) -> None:
    check_connector_options(kind, find_connector(kind).connect, opts)


@pytest.mark.parametrize(("kind", "opts", "error", "text"), WRONG)
def test_wrong_option_is_named_with_what_is_wanted(
    kind: str, opts: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as caught:
        check_connector_options(kind, find_connector(kind).connect, opts)
    assert text in str(caught.value)


@pytest.mark.parametrize("password", ["hunter2\n", "hunter2\0", b"hunter2", ["hunter2"]])
def test_what_a_password_holds_is_never_quoted(password: Any, no_leaks: None) -> None:
    with remotesvc.Router() as router:
        for opener in (router.sudo, router.su, router.doas):
            with pytest.raises((TypeError, ValueError), match="password: wanted is") as caught:
                opener(password=password)
            assert "hunter2" not in str(caught.value)
        assert router.contexts == []


@pytest.mark.parametrize(
    ("opts", "text"),
    [
        ({"username": 5}, "username: wanted is a name"),
        ({"identity_file": 5}, "identity_file: wanted is a path"),
        ({"known_hosts": 5}, "known_hosts: wanted is a path"),
        ({"config_file": 5}, "config_file: wanted is a path"),
        ({"jump": 5}, "jump: wanted is hosts"),
        ({"python_path": []}, "python_path: wanted is the name"),
        ({"keepalive": "x"}, "keepalive: wanted is a whole number"),
        ({"compression": "x"}, "compression: wanted is True"),
        ({"password": 5}, "password: wanted is text"),
        ({"passphrase": 5}, "passphrase: wanted is text"),
        ({"prompts": 5}, "prompts: wanted is something to call"),
    ],
)
def test_wrong_option_of_ssh_is_named_before_anything_is_looked_up(
    opts: dict[str, Any], text: str, no_leaks: None
) -> None:
    with remotesvc.Router() as router:
        with pytest.raises((TypeError, ValueError)) as caught:
            router.ssh("nowhere.invalid", **opts)
        assert str(caught.value).startswith(text)
        assert router.contexts == []


def test_kinds_of_become_take_the_same_options() -> None:
    options = [list(inspect.signature(kind.connect).parameters) for kind in (sudo, su, doas)]
    assert options[0] == options[1] == options[2]
