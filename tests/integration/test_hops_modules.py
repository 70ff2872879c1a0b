"""What a relay compiles before a child of its own is ready: what takes part in it, and no more."""

import os
import sys
from collections.abc import Iterator

import pytest

from remotesvc import Context, Router
from remotesvc.bootstrap.manifest import MODULES
from tests.controller.ssh.hosts import start_bare
from tests.integration.hosts import needs_program
from tests.integration.targets import hops
from tests.integration.targets.imported import imported

# Whatever is opened.
ALWAYS = """
    bootstrap.command bootstrap.handshake bootstrap.info bootstrap.seed
    connect connect.base connect.opener connect.order connect.process
    core.complaints core.depot core.express core.hops core.lanes core.reach core.relay core.routes
    core.visible
"""

OF_CONNECTORS = {
    "local": "connect.local",
    "ssh": """
        connect.ahead connect.command connect.openssh connect.patient connect.retry
        connect.sshwords connect.tries
    """,
    "sudo": """
        connect.become connect.command connect.login connect.prompts connect.sudo connect.typist
        core.secret
    """,
}

# What a first question takes beside that.
OF_QUESTIONS = "core.clerk core.dead core.errands core.questions core.shelf"

# Each takes a millisecond or two, and nothing that happens here needs it.
NEVER = {"pkgutil", "queue", "random", "shutil", "typing"}


@pytest.fixture
def relay(router: Router) -> Context:
    """A child that got source, as one on another host does."""
    return router.local("relay", python_path=sys.executable)


def names(*texts: str) -> set[str]:
    """Return the full names of modules."""
    return {f"remotesvc.{name}" for text in texts for name in text.split()}


@pytest.fixture(params=OF_CONNECTORS)
def kind(request: pytest.FixtureRequest) -> str:
    """How the child of the relay is opened."""
    kind: str = request.param
    if kind != "local":
        needs_program(kind)
    if kind == "sudo" and os.getuid() != 0:
        pytest.skip("sudo asks whoever is not root")
    return kind


@pytest.fixture
def opened(router: Router, relay: Context, kind: str) -> Iterator[tuple[set[str], Context]]:
    """What was there before, and the child of the relay, which is ready."""
    before = set(relay.call(imported))
    if kind == "ssh":
        with start_bare("embedded") as server:
            child = router.ssh("demo", config_file=str(server.config_file), via=relay)
            assert child.info
            yield before, child
            router.close()
    else:
        child = router.open(kind, via=relay, python_path=sys.executable)
        assert child.info
        yield before, child


def test_relay_has_imported_what_a_plain_hop_takes_and_no_more(
    relay: Context, kind: str, opened: tuple[set[str], Context]
) -> None:
    before, _ = opened
    new = set(relay.call(imported)) - before
    ours = {name for name in new if name.startswith("remotesvc.")} - set(MODULES)
    assert ours == names(ALWAYS, OF_CONNECTORS[kind])
    assert new & NEVER == set()


def test_what_answers_questions_is_imported_with_the_first_one(
    router: Router, relay: Context
) -> None:
    below = router.local(via=relay)
    below.call(hops.add, 1, 2)  # all that it takes went ahead
    assert not names(OF_QUESTIONS) & set(relay.call(imported))
    # The relay's I/O thread has to import it now, and may not wait for the parent.
    assert below.call(hops.ask_module, "remotesvc.core.chain") == "module"
    assert names(OF_QUESTIONS) <= set(relay.call(imported))


def test_child_that_opens_by_itself_answers_its_first_question_too(relay: Context) -> None:
    # Nothing was sent ahead of that, as no order was given.
    assert relay.call(hops.in_child, "ask_module", "remotesvc.core.chain") == "module"
