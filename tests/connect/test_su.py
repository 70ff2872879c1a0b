"""Becoming another user by su: it asks on its stdin, which is a terminal until we are in."""

import os
from pathlib import Path

import pytest

from remotesvc import Router
from remotesvc.connect.su import argv
from tests.connect.accounts import Account
from tests.connect.become import Login, refused
from tests.integration.hosts import needs_program


@pytest.fixture
def login(router: Router, who: Account, open_path: Path) -> Login:
    needs_program("su")
    return Login(router, who, "su", open_path)


def test_su_gets_one_string_in_quotes() -> None:
    line = "exec sh -c 'echo \"$0\"' word"
    words = ["sh", "-c", 'echo "$0"', "word"]
    assert argv(words, "alice") == ["su", "-s", "/bin/sh", "-c", line, "alice"]
    assert argv(words, "alice", has_shell_option=False) == ["su", "-c", line, "alice"]


def test_root_becomes_anybody_without_being_asked(router: Router, who: Account) -> None:
    child = router.su(who.name)
    assert child.name == f"su:{who.name}"
    assert child.call(os.getuid) == who.uid


def test_password_lets_us_in(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    child = login(username=login.who.name, password=login.who.password, tty=True)
    assert child.call(os.getuid) == login.who.uid
    assert child.call(bytes, bytes(1 << 20)) == bytes(1 << 20)


def test_password_is_typed_whatever_language_the_machine_speaks(
    login: Login, other_language: str
) -> None:
    child = login(username=login.who.name, password=login.who.password, tty=True)
    assert child.call(os.getuid) == login.who.uid
    assert child.call(os.getenv, "LC_ALL") == other_language
    child.shutdown()
    error = refused(login, username=login.who.name, password="wrong", tty=True)
    assert "did not let us in with that password" in str(error)


def test_language_that_was_asked_for_is_given_back(
    router: Router, who: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert router.su(who.name).call(os.getenv, "LC_ALL") == "C.UTF-8"
    monkeypatch.delenv("LC_ALL")
    assert router.su(who.name).call(os.getenv, "LC_ALL") is None


def test_prompts_give_the_password_when_none_was_given(login: Login) -> None:
    child = login(username=login.who.name, prompts=lambda *asked: [login.who.password], tty=True)
    assert child.call(os.getuid) == login.who.uid


def test_wrong_password_is_told_and_sent_once(login: Login) -> None:
    error = refused(login, username=login.who.name, password="wrong", tty=True)
    assert "did not let us in with that password" in str(error)
    assert error.stderr.count("Password:") == 1


def test_password_that_was_not_given_is_asked_for(login: Login) -> None:
    error = refused(login, username=login.who.name, tty=True)
    assert str(error).endswith(f"it asks for the password of {login.who.name}: give password=")


def test_user_who_does_not_exist_is_told(login: Login) -> None:
    error = refused(login, username="nobody-of-that-name", password="x", tty=True)
    assert "let nobody in (exit status 1). It said: su: user nobody-of-that-name" in str(error)
