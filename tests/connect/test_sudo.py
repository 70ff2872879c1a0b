"""Becoming root by sudo: with a password, without, where a terminal is wanted, and not at all."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from remotesvc import ConnectError, Router
from remotesvc.connect.sudo import argv
from tests.connect.accounts import Account, sudoers
from tests.connect.become import (
    Login,
    arguments_and_environments,
    everything_said,
    refused,
)
from tests.integration.hosts import needs_program


@pytest.fixture
def login(router: Router, who: Account, open_path: Path) -> Login:
    needs_program("sudo")
    return Login(router, who, "sudo", open_path)


@pytest.fixture
def with_password(who: Account) -> Iterator[None]:
    with sudoers(f"{who.name} ALL=(ALL) ALL", f"Defaults:{who.name} timestamp_timeout=0"):
        yield


def test_sudo_without_a_prompt_must_not_ask() -> None:
    assert argv(["id"], "root", None) == ["sudo", "-n", "-H", "-u", "root", "--", "id"]
    asking = argv(["id"], "alice", "word", "/opt/sudo", ["-E"])
    assert asking == ["/opt/sudo", "-S", "-p", "word", "-H", "-u", "alice", "-E", "--", "id"]


def test_root_becomes_anybody_without_being_asked(router: Router, who: Account) -> None:
    child = router.sudo(who.name)
    assert child.name == f"sudo:{who.name}"
    assert child.call(os.getuid) == who.uid
    assert child.call(os.getenv, "HOME") == "/"


@pytest.mark.parametrize("rule", ["use_pty", "!use_pty", "lecture=always", "pwfeedback"])
@pytest.mark.parametrize("tty", [None, False])
def test_password_lets_us_in(
    login: Login, with_password: None, rule: str, tty: bool | None
) -> None:
    with sudoers(f"Defaults:{login.who.name} {rule}"):
        child = login(password=login.who.password, tty=tty)
    assert child.name == "sudo:root"
    assert child.call(os.getuid) == 0
    assert child.call(bytes, bytes(1 << 20)) == bytes(1 << 20)


def test_password_stands_in_no_argument_and_no_environment(
    login: Login, with_password: None
) -> None:
    child = login(password=login.who.password)
    secret = login.who.password.encode()
    seen = arguments_and_environments()
    assert seen and not any(secret in text for text in seen)
    assert child.connected


def test_prompts_give_the_password_when_none_was_given(login: Login, with_password: None) -> None:
    asked = []

    def prompts(title: str, instructions: str, questions: list[tuple[str, bool]]) -> list[str]:
        asked.extend(questions)
        return [login.who.password]

    assert login(prompts=prompts).call(os.getuid) == 0
    assert asked == [("password of sudo: ", False)]


def test_what_prompts_raises_is_raised(login: Login, with_password: None) -> None:
    def prompts(title: str, instructions: str, questions: list[tuple[str, bool]]) -> list[str]:
        raise LookupError("nobody is there")

    with pytest.raises(LookupError, match="nobody is there"):
        login(prompts=prompts)


def test_wrong_password_is_told_at_once_and_sent_once(login: Login, with_password: None) -> None:
    error = refused(login, password="wrong-" + login.who.name)
    assert str(error) == "sudo:root: the password of sudo was not accepted"
    assert "remotesvc-" not in error.stderr
    assert "wrong-" not in everything_said(error)


def test_password_that_was_not_given_is_asked_for(login: Login, with_password: None) -> None:
    assert "If it wants a password, give password=" in str(refused(login))


def test_who_may_not_is_told_what_sudo_says(login: Login) -> None:
    error = refused(login, password=login.who.password)
    assert "did not let us in with that password" in str(error)
    assert "sudoers" in error.stderr


@pytest.mark.parametrize("password", [None, "not needed"])
def test_password_that_is_not_needed_goes_nowhere(login: Login, password: str | None) -> None:
    with sudoers(f"{login.who.name} ALL=(ALL) NOPASSWD: ALL"):
        child = login(password=password)
    assert child.call(os.getuid) == 0


def test_sudo_that_requires_a_terminal_gets_one(login: Login) -> None:
    with sudoers(
        f"{login.who.name} ALL=(ALL) NOPASSWD: ALL", f"Defaults:{login.who.name} requiretty"
    ):
        assert "give tty=True" in str(refused(login))
        assert login(tty=True).call(os.getuid) == 0
        assert login(password="not needed").call(os.getuid) == 0


def test_language_of_sudo_does_not_matter(
    login: Login, with_password: None, other_language: str
) -> None:
    assert login(password=login.who.password).call(os.getuid) == 0
    english = "sudo: a password is required\n"
    assert refused(login).stderr not in ("", english)


def test_sudo_that_is_missing_is_named(router: Router) -> None:
    with pytest.raises(ConnectError, match=r"/nonexistent/sudo is not installed on .* program="):
        router.sudo(program="/nonexistent/sudo")


def test_closing_the_router_ends_a_login_under_way(login: Login, with_password: None) -> None:
    def prompts(title: str, instructions: str, questions: list[tuple[str, bool]]) -> list[str]:
        login.router.close()
        return [login.who.password]

    with pytest.raises(ConnectError, match="the router was closed while it connected"):
        login(prompts=prompts)
