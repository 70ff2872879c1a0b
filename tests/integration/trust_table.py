"""Who may activate and call services: the table of the tests, and of docs/security.md."""

from dataclasses import dataclass

__all__ = ["STATES", "TABLE", "Cell", "Row", "render"]

# What the context that is asked has by then.
STATES = ("framework not started", "not active", "active, AllowParents", "active, AllowAny")


@dataclass(frozen=True)
class Cell:
    """What comes of it: who refuses, and what he says; a result where nobody does."""

    shown: str
    text: str


RUNS = Cell("runs", "ran")
ACTIVATED = Cell("**is activated**, runs", "ran")
NO_START = Cell("router: not started", "no services are started here")
NO_START_THERE = Cell("router: not started", "no services are started in the controller; Pool(rou")
NOT_ASKED = Cell(
    "activator: not asked for", "is not active in context 1, and the call did not ask"
)
NOT_ACTIVE = Cell("activator: not active", ", and only a parent may activate it")
POLICY = Cell("policy", "Guarded.parents is refused to context 1 by its policy AllowParents")
SENDER = Cell("sender: no siblings", "siblings may not talk to each other; Router(siblings=True)")
ROUTER = Cell("router: no siblings", "siblings may not talk to each other; Router(siblings=True)")
DROPPED = Cell("router: dropped", "does not lie behind this link")


@dataclass(frozen=True)
class Row:
    """Who asks, how, and what comes of it in each state."""

    name: str
    asker: str
    way: str
    cells: tuple[Cell, Cell, Cell, Cell]


COMMAND = (ACTIVATED, ACTIVATED, RUNS, RUNS)
UNASKED = (NO_START, NOT_ASKED, RUNS, RUNS)
FROM_BELOW = (NO_START_THERE, NOT_ACTIVE, POLICY, RUNS)
FROM_ASIDE = (NO_START, NOT_ACTIVE, POLICY, RUNS)

TABLE = (
    Row("controller", "the controller", "calls", COMMAND),
    Row("controller by hand", "the controller", "sends a frame that does not ask", UNASKED),
    Row("parent", "a parent that is a relay", "calls", COMMAND),
    Row("self", "the context itself", "calls", COMMAND),
    Row("child", "a child of it", "calls", FROM_BELOW),
    Row("child by hand", "a child of it", "forges a frame that asks", FROM_BELOW),
    Row("child as parent", "a child of it", "forges one of its parent", (DROPPED,) * 4),
    Row("sibling", "a sibling, a cousin", "calls", (SENDER,) * 4),
    Row("sibling by hand", "a sibling, a cousin", "forges a frame that asks", (ROUTER,) * 4),
    Row("friend", "one with `siblings=True`", "calls", FROM_ASIDE),
    Row("friend by hand", "one with `siblings=True`", "forges a frame that asks", FROM_ASIDE),
    Row(
        "friend as parent",
        "one with `siblings=True`",
        "forges one of the parent, or on its authority",
        (DROPPED,) * 4,
    ),
)


def render() -> str:
    """Return the table as it stands in the documentation."""
    lines = ["| who asks | how | " + " | ".join(STATES) + " |", "|---" * 6 + "|"]
    lines += [
        f"| {row.asker} | {row.way} | " + " | ".join(cell.shown for cell in row.cells) + " |"
        for row in TABLE
    ]
    return "\n".join(lines) + "\n"
