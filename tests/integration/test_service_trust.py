"""Who may activate and call services: each cell of the table, between real processes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Context, Router
from remotesvc.service import Pool
from tests.integration.lines import Lines
from tests.integration.targets import services_guarded
from tests.integration.targets.services_guarded import NAME
from tests.integration.trust_scene import Scene
from tests.integration.trust_table import (
    AS_ABOVE,
    AS_CONTROLLER,
    ASKING,
    CALLS,
    PLAINLY,
    STATES,
    TABLE,
    Cell,
    Row,
)
from tests.integration.waiting import wait_until

# What stands in a log: who it was, perhaps in whose name, and why not.
NAME_HERE = r"(?:the controller|context \d+|[a-z]+\d*)"
REFUSAL = re.compile(
    rf"{NAME_HERE}: (?:refused|dropped)(?: what came in the name of {NAME_HERE})?: (.*)"
)


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


def refusals(caplog: pytest.LogCaptureFixture) -> set[tuple[str, str]]:
    """Return who logged what of frames that were refused or dropped, and why."""
    found = set()
    for one in caplog.records:
        match = REFUSAL.fullmatch(one.getMessage())
        if match is not None:
            found.add((one.name, match[1]))
    return found


def logger_of(context: Context) -> str:
    """Return the name of the logger for what a context logs."""
    return f"remotesvc.host.{context.name}" if context.id else "remotesvc"


def check(scene: Scene, cell: Cell, told: str | None, caplog: pytest.LogCaptureFixture) -> None:
    """Fail unless a cell tells what came of it: what was told, and who logged what."""
    names = {
        "service": NAME,
        "method": NAME.rpartition(".")[2] + ".parents",
        "asked": f"context {scene.asked.id}" if scene.asked.id else "the controller",
        "asker": f"context {scene.source.id}",
    }
    wanted = None if cell.told is None else cell.told.format(**names)
    # Over the API an error begins with what the asker calls the context that he asked.
    assert told == wanted or re.fullmatch(rf"[\w ]+: {re.escape(wanted or '')}", told or "")
    if cell.log is None:
        scene.settle()
        assert refusals(caplog) == set()
        return
    wait_until(lambda: refusals(caplog) != set())
    scene.settle()
    ((logger, text),) = refusals(caplog)
    assert logger == logger_of(scene.place(cell.log))
    assert text.endswith(cell.logged or wanted or "?")


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_who_may_activate_and_call_is_as_the_table_says(
    row: Row, open_router: Any, caplog: pytest.LogCaptureFixture
) -> None:
    router = open_router(row.siblings)
    for state, cell in enumerate(row.cells):
        scene = Scene(router, row, state)
        caplog.clear()
        told = scene.play()
        assert (told == "ran") == (cell.told == "ran"), f"{STATES[state]}: {told}"
        check(scene, cell, told, caplog)


def test_table_has_every_relation_way_and_state() -> None:
    found = {(row.at, row.to, row.way, row.siblings) for row in TABLE}
    wanted = [("", to, way) for to in ("asked", "relay/asked", "") for way in (CALLS, PLAINLY)]
    wanted += [("relay", "relay/asked", way) for way in (CALLS, PLAINLY, AS_CONTROLLER)]
    wanted += [(one, one, way) for one in ("asked", "relay/asked") for way in (CALLS, PLAINLY)]
    below = (("asker", ""), ("relay/asker", "relay"), ("relay/asker", ""))
    aside = (("asker", "asked"), ("relay/asker", "relay/asked"), ("other/asker", "relay/asked"))
    strangers = [(*pair, way) for pair in (*below, *aside) for way in (CALLS, ASKING, AS_ABOVE)]
    assert {(*one, False) for one in (*wanted, *strangers)} <= found
    assert {(*pair, way, True) for pair in aside for way in (CALLS, ASKING, AS_ABOVE)} <= found
    assert len(found) == len(TABLE) and all(len(row.cells) == len(STATES) for row in TABLE)


def test_nobody_but_a_parent_may_even_ask_for_activation(
    open_router: Any, caplog: pytest.LogCaptureFixture
) -> None:
    router = open_router(True)
    relay, other = router.local(), router.local()
    one, two, cousin = (router.local(via=via) for via in (relay, relay, other))
    services_guarded.activate(two)
    Pool(router)
    for context in (router.myself, relay, two, cousin):
        said = one.call(services_guarded.activate, context)
        assert said.startswith("RefusedError: ")
        assert f"service {NAME} can be activated by a parent only" in said
    assert caplog.messages == [], "nothing was sent"
    assert relay.call(services_guarded.activate, one) == "activated"
    assert [found["name"] for found in one.services()] == [NAME]
