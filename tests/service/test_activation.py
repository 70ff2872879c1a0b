"""What waits for what while services are constructed."""

import threading
from typing import Any

from remotesvc.service.activation import Activation, Activations
from tests.service.stations import DEADLINE


def test_ring_of_those_who_go_on_already_holds_nobody_up() -> None:
    """A thread that goes on has still to say so; meanwhile others construct what it waits for."""
    nobody: Any = None
    activations = Activations(nobody, nobody, nobody, threading.Lock())
    done, left, right = (Activation(name) for name in ("done", "left", "right"))
    done.ident, left.ident, right.ident = 1, 2, 1
    activations._waits = {1: left, 2: done}
    invoker: Any = object()
    done.settle(invoker)
    outcomes: list[Any] = []

    thread = threading.Thread(target=lambda: outcomes.append(activations.wait(right)), daemon=True)
    thread.start()
    right.settle(invoker)
    thread.join(DEADLINE)

    assert outcomes == [invoker]
