"""Who may activate and call services: each cell of the table, between real processes.

Relays below the controller are not there yet: a parent that is one, and cousins, are shown on the
pure functions that every context asks, whatever its place in the tree is.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Context, Router
from remotesvc.core.authority import CALL_SERVICE, is_commanded, refuse_delivery, refuse_sending
from remotesvc.core.pending import Pending
from remotesvc.core.reach import refuse_relay, refuse_source
from remotesvc.core.services import refuse_start
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import DEAD, PLAIN
from remotesvc.service import Pool
from remotesvc.service.admission import refuse_activation, refuse_asking
from remotesvc.service.request import ACTIVATE, pack_request
from tests.integration.hostile_scene import DEADLINE, Scene, target
from tests.integration.lines import Lines
from tests.integration.targets import services_guarded
from tests.integration.targets.services_guarded import Guarded
from tests.integration.trust_table import STATES, TABLE, Cell, Row

NAME = Guarded.name()

# Where the hand-made child awaits answers.
REPLY = 4711

# A parent that is a relay is further down.
CASES = [
    pytest.param(row, state, id=f"{row.name}, {STATES[state]}")
    for row in TABLE
    for state in range(4)
    if row.name != "parent"
]


@pytest.fixture
def open_router(no_leaks: None, empty_home: Path, on_path: None, lines: Lines) -> Iterator[Any]:
    """Opens the router of a row."""
    opened: list[Router] = []

    def make(siblings: bool) -> Router:
        opened.append(Router(siblings=siblings, output=lines))
        return opened[0]

    yield make
    for router in opened:
        router.close()


def method_of(state: int) -> str:
    """Return which of the two methods a state is about."""
    return "anybody" if state == 3 else "parents"


def request(state: int, flags: int = ACTIVATE) -> bytes:
    """Return the payload of a call made by hand."""
    return pack_request(flags, NAME, method_of(state), encode({}))


def prepare(context: Context, state: int) -> None:
    """Bring a child into a state."""
    if state == 1:
        context.services()
    if state > 1:
        context.service(Guarded).anybody()


def prepare_here(router: Router, state: int) -> None:
    """Bring the controller into a state."""
    if state:
        Pool(router, [Guarded] if state > 1 else [])


def send_by_hand(context: Context, payload: bytes) -> str:
    """Send a frame as the controller; return what came of it."""
    switch = context.router.switch
    pending = Pending(context.id)
    switch.send(context.id, CALL_SERVICE, PLAIN, payload, switch.listen(pending))
    reply = pending.wait(DEADLINE)
    return str(decode(reply.payload)[1] if reply.encoding == DEAD else decode(reply.payload))


def answer_to_forger(scene: Scene, dst: int, payload: bytes) -> str:
    """Have the hand-made child send a frame in its own name; return what it is answered."""
    scene.evil.call_no_reply(
        target("say"), [[CALL_SERVICE, PLAIN, payload, REPLY, None, None, dst]], 1
    )
    while not (answers := scene.heard(REPLY)):
        scene.good.call(abs, -1)
    ((encoding, told),) = answers
    return str(decode(told)[1] if encoding == DEAD else decode(told))


def dropped(scene: Scene, dst: int, payload: bytes, caplog: Any) -> str:
    """Have it send frames in the name of others; return what was logged, once nothing came."""
    own = scene.evil.id
    for src, auth in ((0, 0), (own, 0), (0, own)):
        scene.say([CALL_SERVICE, PLAIN, payload, REPLY, src, auth, dst])
    scene.check_the_rest_is_well()
    assert scene.heard(REPLY) == []
    (text,) = [one for one in caplog.messages if "in the name of" in one]
    return str(text)


def run(row: Row, state: int, open_router: Any, caplog: pytest.LogCaptureFixture) -> str:
    """Do what a row says; return what came of it."""
    router = open_router("friend" in row.name)
    if row.name in ("controller", "controller by hand", "self"):
        return run_inside(row.name, router.local(), state)
    if row.name.endswith(("by hand", "as parent")):
        return run_by_hand(row.name, Scene(router), state, caplog)
    asker = router.local()
    if row.name == "child":
        prepare_here(router, state)
        return str(asker.call(services_guarded.ask_parent, method_of(state)))
    other = router.local()
    prepare(other, state)
    return str(asker.call(services_guarded.ask, other, method_of(state)))


def run_inside(name: str, child: Context, state: int) -> str:
    """Ask as the parent of a child, or as that child itself."""
    prepare(child, state)
    if name == "controller":
        return services_guarded.ask(child, method_of(state))
    if name == "self":
        return str(child.call(services_guarded.ask_here, method_of(state)))
    return send_by_hand(child, request(state, flags=0))


def run_by_hand(name: str, scene: Scene, state: int, caplog: pytest.LogCaptureFixture) -> str:
    """Have the hand-made child forge frames to its parent, or to its sibling."""
    dst = 0 if "child" in name else scene.good.id
    if dst:
        prepare(scene.good, state)
    else:
        prepare_here(scene.router, state)
    if "as parent" in name:
        return dropped(scene, dst, request(state), caplog)
    return answer_to_forger(scene, dst, request(state))


@pytest.mark.parametrize(("row", "state"), CASES)
def test_who_may_activate_and_call_is_as_the_table_says(
    row: Row, state: int, open_router: Any, caplog: pytest.LogCaptureFixture
) -> None:
    cell: Cell = row.cells[state]

    assert cell.text in run(row, state, open_router, caplog)

    # What the sender refuses never reaches a router, which would have said so.
    is_refused_by_router = any("siblings may not" in one for one in caplog.messages)
    assert is_refused_by_router == (cell.shown == "router: no siblings")


def test_nobody_but_a_parent_may_even_ask_for_activation(
    open_router: Any, caplog: pytest.LogCaptureFixture
) -> None:
    router = open_router(True)
    one, two = router.local(), router.local()
    services_guarded.activate(two)
    Pool(router)
    for context in (router.myself, two):
        said = one.call(services_guarded.activate, context)
        assert said.startswith("RefusedError: ")
        assert f"service {NAME} can be activated by a parent only" in said
    assert caplog.messages == [], "nothing was sent"
    assert services_guarded.activate(one) == "activated"
    assert [found["name"] for found in one.services()] == [NAME]


# -- whatever the place in the tree is -----------------------------------------------------------

# A relay 2 below the controller 0, its children 5 and 6; their cousin 9 behind another relay 3.
OWN, PARENTS = 5, (2, 0)
CHILD, SIBLING, COUSIN = 7, 6, 9


@pytest.mark.parametrize("src", (*PARENTS, OWN))
def test_parents_whatever_their_distance_activate(src: int) -> None:
    for auth in (*PARENTS, OWN):
        assert is_commanded(src, auth, OWN, PARENTS)
        assert refuse_delivery(CALL_SERVICE, src, auth, OWN, PARENTS, False, 2) is None
    assert refuse_start(True, OWN) is None
    assert refuse_activation("a.B", True, True, OWN) is None
    assert refuse_sending(CALL_SERVICE, True, False) is None
    assert refuse_asking("a.B", is_below=True, is_self=False) is None


@pytest.mark.parametrize("stranger", [CHILD, SIBLING, COUSIN])
def test_strangers_activate_nothing_on_whatever_authority(stranger: int) -> None:
    pairs = [(stranger, stranger), *((stranger, one) for one in (*PARENTS, OWN))]
    pairs += [(one, stranger) for one in (*PARENTS, OWN)]
    for src, auth in pairs:
        assert not is_commanded(src, auth, OWN, PARENTS)
    assert "the first call of a parent starts them" in (refuse_start(False, OWN) or "")
    for is_asked in (True, False):
        text = refuse_activation("a.B", is_asked, False, OWN)
        assert text == "service a.B is not active in context 5, and only a parent may activate it"
    assert "by a parent only" in (refuse_asking("a.B", is_below=False, is_self=False) or "")


def test_cousins_are_siblings_at_the_relay_where_their_ways_meet() -> None:
    """At the controller: both come from below, by different links."""
    assert "siblings may not talk" in (refuse_relay(True, True, siblings=False) or "")
    assert refuse_relay(True, True, siblings=True) is None
    # At a relay on the way one of both is not below: it passes on, and the next one judges.
    assert refuse_relay(True, False, siblings=False) is None
    assert refuse_relay(False, True, siblings=False) is None


def test_cousin_cannot_speak_for_a_parent_at_any_relay_on_the_way() -> None:
    for reach in ({COUSIN}, {3, COUSIN}):  # at the relay 3, and at the controller
        for src, auth in ((0, 0), (COUSIN, 0), (0, COUSIN), (2, 2), (COUSIN, OWN)):
            assert "does not lie behind this link" in (refuse_source(reach, src, auth) or "")
        assert refuse_source(reach, COUSIN, COUSIN) is None
