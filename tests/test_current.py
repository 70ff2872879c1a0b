"""current_router(): the only open one, or the reason why there is none."""

import pytest

from remotesvc import Error, Router, current_router


def test_the_only_open_router_is_the_current_one(no_leaks: None) -> None:
    with Router() as router:
        assert current_router() is router


def test_without_an_open_router_the_error_says_what_to_do(no_leaks: None) -> None:
    with Router():
        pass
    with pytest.raises(Error, match="0 routers are open in this process: open one"):
        current_router()


def test_with_two_open_routers_one_must_be_named(no_leaks: None) -> None:
    with Router() as one:
        with (
            Router(),
            pytest.raises(Error, match="2 routers are open in this process: name the one"),
        ):
            current_router()
        assert current_router() is one
