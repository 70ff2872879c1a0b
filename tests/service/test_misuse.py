"""What is written wrong here says so here, with what to write instead; nothing is sent."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from remotesvc import Router
from remotesvc.service import AllowParents, Pool, Service, expose


class Notes(Service):
    @expose(policy=AllowParents())
    def add(self, text: str) -> str:
        """Return the text."""
        return text


@pytest.fixture
def router(no_leaks: None, empty_home: object) -> Iterator[Router]:
    """A router without children."""
    with Router() as opened:
        yield opened


def verbs_of(router: Router) -> list[Callable[..., Any]]:
    here = router.myself
    return [here.call_service, here.submit_service, here.call_service_no_reply]


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((Notes, Notes.add), r'write call_service\(Notes, "add"\)'),
        ((Notes.add,), r'write call_service\(Class, "add"\)'),
        ((Notes,), r"call_service\('Notes'\): the name of a method is missing"),
        (("app.Notes",), r"call_service\('app.Notes'\): the name of a method is missing"),
        ((Notes, ""), r"the name of a method is missing"),
        ((Notes, "add", 1), r"Notes\.add: the arguments of a service go by name: 1 has none"),
    ],
)
def test_call_that_names_no_method_or_no_argument(
    router: Router, number: int, given: tuple[Any, ...], expected: str
) -> None:
    with pytest.raises(TypeError, match=expected):
        verbs_of(router)[number](*given)


def test_proxy_of_a_name_points_to_the_call_that_takes_one(router: Router) -> None:
    name: Any = "app.Notes"
    with pytest.raises(TypeError, match=r"call_service\('app.Notes', \"method\"\)"):
        router.myself.service(name)


@pytest.mark.parametrize("make", [lambda router: Notes, Notes, lambda router: "app.Notes"])
def test_pool_of_one_service_that_is_no_list_says_how(
    router: Router, make: Callable[[Router], Any]
) -> None:
    with pytest.raises(TypeError, match=r"services=.*write services=\(\.\.\.,\) or a list"):
        Pool(router, services=make(router))
    with Pool(router, services=[Notes]):
        assert router.myself.call_service(Notes, "add", text="x") == "x"


def test_invoker_class_that_is_none_is_named(router: Router) -> None:
    class Wrong(Notes):
        invoker_class: Any = "serialized"

    with pytest.raises(TypeError, match=r"Wrong\.invoker_class='serialized': wanted is a class"):
        Pool(router, services=[Wrong])
