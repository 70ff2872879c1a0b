"""One chain of every Python that this machine has, upward and downward, each by the one before."""

import pytest

from remotesvc import Receiver, Router
from tests.integration.lines import Lines
from tests.integration.targets import hops, streams
from tests.interpreters import find_interpreters

pytestmark = pytest.mark.matrix

DEADLINE = 60.0


@pytest.mark.parametrize("direction", ["upward", "downward"])
def test_chain_of_every_python(router: Router, lines: Lines, direction: str) -> None:
    pythons = find_interpreters()
    if direction == "downward":
        pythons.reverse()
    chain = [router.local(str(pythons[0]), python_path=pythons[0].path)]
    for python in pythons[1:]:
        chain.append(router.local(str(python), via=chain[-1], python_path=python.path))
    last = chain[-1]

    assert last.call(hops.add, 20, 22) == 42

    versions = [context.info.python_version[:2] for context in chain]
    assert versions == [python.version for python in pythons]
    with pytest.raises(FileNotFoundError):
        last.call(hops.fail)
    last.call(hops.say, "from the last one")
    assert (last.name, "stdout", b"from the last one") in lines.prints
    assert last.call_service(hops.Desk, "where") == last.call(hops.pid)
    with Receiver(router) as receiver:
        running = last.submit(streams.send_numbers, receiver.sender, 1000)
        assert list(receiver) == list(range(1000))
        running.result(DEADLINE)


def test_children_of_any_python_open_children_of_another(router: Router) -> None:
    pythons = find_interpreters()[:: max(1, len(find_interpreters()) - 1)]
    for python, other in zip(pythons, reversed(pythons), strict=True):
        child = router.local(python_path=python.path)
        opened = child.call(hops.open_local, python_path=other.path)
        assert opened.call(hops.add, 1, 2) == 3, f"{other} in {python}"
        assert child.call(hops.open_via)[1] == 5, f"{python} in {python}"
        child.shutdown()
