"""Policies that come with the library, and what own ones look like."""

from typing import Any

import pytest

from remotesvc.core.wire import Message
from remotesvc.service.base import Service
from remotesvc.service.call import Call
from remotesvc.service.policy import AllowAny, AllowParents, Policy

SERVICE = Service(router=None)  # type: ignore[arg-type]  # no policy here asks for it


def call(*, is_commanded: bool) -> Call:
    message = Message(dst=3, src=7, auth=9, handle=5, reply_to=0, encoding=0, payload=b"")
    return Call(message, ("app.FileService", "fetch"), b"", is_commanded, lambda *_: None)


@pytest.mark.parametrize("is_commanded", [True, False])
def test_allow_parents_asks_whether_it_is_a_command(is_commanded: bool) -> None:
    verdict = AllowParents().is_authorized(SERVICE, call(is_commanded=is_commanded))

    assert verdict is is_commanded


@pytest.mark.parametrize("is_commanded", [True, False])
def test_allow_any_allows_any(is_commanded: bool) -> None:
    assert AllowAny().is_authorized(SERVICE, call(is_commanded=is_commanded)) is True


def test_policy_that_does_not_say_who_is_authorized_authorizes_nobody() -> None:
    with pytest.raises(NotImplementedError, match="Silent does not say who is authorized"):
        type("Silent", (Policy,), {})().is_authorized(SERVICE, call(is_commanded=True))


def test_policies_are_shown_by_their_names() -> None:
    class Only(Policy):
        def __init__(self, *ids: int) -> None:
            self.ids = ids

        def is_authorized(self, service: Service, call: Call) -> bool:
            return call.src in self.ids

        def describe(self) -> str:
            return f"Only{self.ids}"

    shown: list[Any] = [AllowAny(), AllowParents(), Only(1, 2)]
    assert repr(shown) == "[AllowAny, AllowParents, Only(1, 2)]"
    assert Only(1, 7).is_authorized(SERVICE, call(is_commanded=False))
