"""Becoming another user by doas: it asks on its controlling terminal, and its pipes stay free."""

import os
from pathlib import Path

import pytest

from remotesvc import Router
from remotesvc.connect.doas import argv
from tests.connect.accounts import Account, doas_conf
from tests.connect.become import Login, refused
from tests.integration.hosts import needs_program


@pytest.fixture
def login(router: Router, who: Account, open_path: Path) -> Login:
    needs_program("doas")
    return Login(router, who, "doas", open_path)


def test_doas_that_has_nothing_to_ask_for_must_not_ask() -> None:
    assert argv(["id"], "root", False) == ["doas", "-n", "-u", "root", "--", "id"]
    assert argv(["id"], "root", True) == ["doas", "-u", "root", "--", "id"]


def test_password_lets_us_in_and_a_wrong_one_is_sent_once(login: Login) -> None:
    with doas_conf(f"permit {login.who.name}"):
        child = login(password=login.who.password)
        assert (child.name, child.call(os.getuid)) == ("doas:root", 0)
        assert child.call(bytes, bytes(1 << 20)) == bytes(1 << 20)
        child.shutdown()
        error = refused(login, password="wrong")
        assert "did not let us in with that password" in str(error)
        assert error.stderr.count("password:") == 1
        assert "If it wants a password, give password=" in str(refused(login))


@pytest.mark.parametrize("option", ["", "keepenv "])
def test_password_is_typed_whatever_language_the_machine_speaks(
    login: Login, other_language: str, option: str
) -> None:
    with doas_conf(f"permit {option}{login.who.name}"):
        child = login(password=login.who.password)
        assert child.call(os.getuid) == 0
        # What doas lets through is ours again.
        assert child.call(os.getenv, "LC_ALL") == (other_language if option else None)
        child.shutdown()
        error = refused(login, password="wrong")
    assert "did not let us in with that password" in str(error)


def test_who_needs_no_password_gets_in_without_a_terminal(login: Login) -> None:
    with doas_conf(f"permit nopass {login.who.name}"):
        assert login().call(os.getuid) == 0
        assert login(password="not needed").call(os.getuid) == 0


def test_who_may_not_is_told_what_doas_says(login: Login) -> None:
    with doas_conf("permit root"):
        error = refused(login, password=login.who.password)
    assert "doas: Operation not permitted" in str(error)
