"""Logins that happen in another context: passwords go there once, questions come here."""

import os
from pathlib import Path
from typing import Any

import pytest

from remotesvc import AuthenticationError, Context, Router, Secret
from tests.connect.accounts import Account, as_user, shared_python
from tests.connect.become import everything_said
from tests.integration.hosts import needs_program


class Hops:
    """How somebody becomes another user by su, in a context of this router."""

    def __init__(self, router: Router, who: Account, folder: Path) -> None:
        self.router = router
        self.relay = router.local("relay", python_path=shared_python())
        self.who = who
        self.program = as_user(folder, who, "su")

    def su(self, **opts: Any) -> Context:
        """Return at once: nothing of it has happened yet."""
        given = {"program": self.program, "python_path": shared_python(), "tty": True, **opts}
        return self.router.su(self.who.name, via=self.relay, **given)


@pytest.fixture
def hops(router: Router, who: Account, open_path: Path) -> Hops:
    needs_program("su")
    return Hops(router, who, open_path)


def test_password_lets_us_in(hops: Hops) -> None:
    assert hops.su(password=hops.who.password).call(os.getuid) == hops.who.uid
    assert hops.su(password=Secret(hops.who.password)).call(os.getuid) == hops.who.uid


def test_user_is_asked_here_and_told_who_asks(hops: Hops) -> None:
    asked: list[Any] = []

    def prompts(*question: Any) -> list[str]:
        asked.append(question)
        return [hops.who.password]

    child = hops.su(prompts=prompts)
    assert child.call(os.getuid) == hops.who.uid
    assert child.name == f"relay/su:{hops.who.name}"
    assert [(title, text) for title, text, _ in asked] == [(child.name, "")]


@pytest.mark.parametrize("way", ["password", "prompts", "nobody", "failing"])
def test_login_that_fails_is_told_with_the_name_of_the_chain(hops: Hops, way: str) -> None:
    ways: dict[str, dict[str, Any]] = {
        "password": {"password": "wrong"},
        "prompts": {"prompts": lambda *question: ["wrong"]},
        "nobody": {},
        "failing": {"prompts": lambda *question: 1 / 0},
    }
    child = hops.su(**ways[way])
    with pytest.raises(Exception, match=f"relay/su:{hops.who.name}: |prompts= failed") as caught:
        child.call(os.getuid)
    if way != "failing":
        assert isinstance(caught.value, AuthenticationError) and caught.value.phase == "auth"
    assert "wrong" not in everything_said(caught.value).replace("wrong password", "")
    assert hops.router.contexts == [hops.relay]
    assert hops.relay.call(os.getpid)


def test_login_that_waits_for_its_user_is_given_up_when_the_router_closes(hops: Hops) -> None:
    is_asked: list[bool] = []

    def prompts(*question: Any) -> list[str]:
        is_asked.append(True)
        hops.router.close()
        return ["too late"]

    future = hops.su(prompts=prompts).submit(os.getuid)
    with pytest.raises(Exception, match=r"closed|ended|gone"):
        future.result(30)
    assert is_asked == [True]
