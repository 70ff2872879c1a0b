"""Who may activate and call services: the table of the tests, and of docs/security.md.

Places stand for where a context is in the tree: "asker", "relay/asked"; "" is the controller.
"""

from dataclasses import dataclass

__all__ = [
    "ASKING",
    "AS_ABOVE",
    "AS_BELOW",
    "AS_CONTROLLER",
    "CALLS",
    "PLAINLY",
    "STATES",
    "TABLE",
    "Cell",
    "Row",
    "render",
    "render_texts",
]

# What the context that is asked has by then.
STATES = ("framework not started", "not active", "active, AllowParents", "active, AllowAny")


@dataclass(frozen=True)
class Cell:
    """What comes of it: who refuses, what he tells the asker, and in whose log it stands.

    told: with {service}, {method} of it, {asked} and {asker}; None where nothing is told.
    log: the place of the context that logs it, None where nobody does; `logged` is its text, where
    that is another one.
    """

    shown: str
    told: str | None
    log: str | None = None
    logged: str | None = None


RUNS = Cell("runs", "ran")
ACTIVATED = Cell("**is activated**, runs", "ran")

NOT_STARTED = Cell("its router: not started", "no services are started here")
NOT_STARTED_IN_RELAY = Cell(NOT_STARTED.shown, NOT_STARTED.told, "relay")
NOT_STARTED_ABOVE = Cell(
    NOT_STARTED.shown,
    "no services are started in the controller; Pool(router) there starts them",
    "",
)

UNASKED = "service {service} is not active in {asked}, and the call did not ask for that"
ACTIVE_NOWHERE = "service {service} is not active in {asked}, and only a parent may activate it"


def not_asked(log: str) -> Cell:
    """Return the refusal of a parent that does not ask for activation."""
    return Cell("activator: not asked for", UNASKED, log)


def not_active(log: str) -> Cell:
    """Return the refusal of a stranger by the activator of a context."""
    return Cell("activator: not active", ACTIVE_NOWHERE, log)


POLICY = Cell("policy", "{method} is refused to {asker} by its policy AllowParents")

SIBLINGS = "siblings may not talk to each other; Router(siblings=True) would let them"
SENDER = Cell("sender: no siblings", SIBLINGS)
BY_CONTROLLER = Cell("router of the controller: no siblings", SIBLINGS, "")
BY_RELAY = Cell("router of the relay: no siblings", SIBLINGS, "relay")

FORGED = "does not lie behind this link"
DROPPED_BY_CONTROLLER = Cell("router of the controller: dropped", None, "", FORGED)
DROPPED_BY_RELAY = Cell("router of the relay: dropped", None, "relay", FORGED)
DROPPED_BY_OTHER = Cell("router of its relay: dropped", None, "other", FORGED)


@dataclass(frozen=True)
class Row:
    """Who asks whom, how, and what comes of it in each state; `at` and `to` are their places."""

    asker: str
    at: str
    asked: str
    to: str
    way: str
    cells: tuple[Cell, Cell, Cell, Cell]
    siblings: bool = False

    @property
    def name(self) -> str:
        """What the tests call it."""
        at, to = self.at or "controller", self.to or "controller"
        return f"{at} to {to} {self.way}" + (", siblings may talk" if self.siblings else "")


COMMAND = (ACTIVATED, ACTIVATED, RUNS, RUNS)
TO_CONTROLLER = (NOT_STARTED_ABOVE, not_active(""), POLICY, RUNS)
TO_RELAY = (NOT_STARTED_IN_RELAY, not_active("relay"), POLICY, RUNS)


def unasked(log: str) -> tuple[Cell, Cell, Cell, Cell]:
    """Return what becomes of frames that do not ask, of parents."""
    return NOT_STARTED, not_asked(log), RUNS, RUNS


def across(log: str) -> tuple[Cell, Cell, Cell, Cell]:
    """Return what becomes of those who are neither above nor below, where siblings may talk."""
    return NOT_STARTED, not_active(log), POLICY, RUNS


# What a function needs to ask by hand is what starts the framework.
UNASKED_HERE = (not_asked("asked"), not_asked("asked"), RUNS, RUNS)

CALLS = "calls"
PLAINLY = "by a frame that does not ask"
ASKING = "by a forged frame that asks"
AS_ABOVE = "by one of a parent, or on its authority"
AS_CONTROLLER = "by one of the controller"
AS_BELOW = "by one of its child"

ABOVE = (
    Row("the controller", "", "its child", "asked", CALLS, COMMAND),
    Row("the controller", "", "its child", "asked", PLAINLY, unasked("asked")),
    Row("the controller", "", "one behind a relay", "relay/asked", CALLS, COMMAND),
    Row("the controller", "", "one behind a relay", "relay/asked", PLAINLY, unasked("asked")),
    Row("a relay", "relay", "its child", "relay/asked", CALLS, COMMAND),
    Row("a relay", "relay", "its child", "relay/asked", PLAINLY, unasked("asked")),
    Row("a relay", "relay", "its child", "relay/asked", AS_CONTROLLER, COMMAND),
    Row("the controller", "", "itself", "", CALLS, (NOT_STARTED_ABOVE, *COMMAND[1:])),
    Row("the controller", "", "itself", "", PLAINLY, (NOT_STARTED_ABOVE, *unasked("")[1:])),
    Row("a child", "asked", "itself", "asked", CALLS, COMMAND),
    Row("a child", "asked", "itself", "asked", PLAINLY, UNASKED_HERE),
    Row("one behind a relay", "relay/asked", "itself", "relay/asked", CALLS, COMMAND),
    Row("one behind a relay", "relay/asked", "itself", "relay/asked", PLAINLY, UNASKED_HERE),
)

BELOW = (
    Row("a child", "asker", "the controller", "", CALLS, TO_CONTROLLER),
    Row("a child", "asker", "the controller", "", ASKING, TO_CONTROLLER),
    Row("a child", "asker", "the controller", "", AS_ABOVE, (DROPPED_BY_CONTROLLER,) * 4),
    Row("a child", "relay/asker", "its parent, a relay", "relay", CALLS, TO_RELAY),
    Row("a child", "relay/asker", "its parent, a relay", "relay", ASKING, TO_RELAY),
    Row(
        "a child",
        "relay/asker",
        "its parent, a relay",
        "relay",
        AS_ABOVE,
        (DROPPED_BY_RELAY,) * 4,
    ),
    Row("one behind a relay", "relay/asker", "the controller", "", CALLS, TO_CONTROLLER),
    Row("one behind a relay", "relay/asker", "the controller", "", ASKING, TO_CONTROLLER),
    Row(
        "one behind a relay",
        "relay/asker",
        "the controller",
        "",
        AS_ABOVE,
        (DROPPED_BY_RELAY,) * 4,
    ),
    Row("a relay", "relay", "the controller", "", AS_BELOW, TO_CONTROLLER),
)


def aside(siblings: bool) -> tuple[Row, ...]:
    """Return the rows of those who are neither above nor below."""
    may = " that may talk" if siblings else ""
    places = (
        ("a sibling", "asker", "asked", BY_CONTROLLER, DROPPED_BY_CONTROLLER),
        ("a sibling behind the relay", "relay/asker", "relay/asked", BY_RELAY, DROPPED_BY_RELAY),
        ("a cousin", "other/asker", "relay/asked", BY_CONTROLLER, DROPPED_BY_OTHER),
        ("the relay of a cousin", "other", "relay/asked", BY_CONTROLLER, DROPPED_BY_CONTROLLER),
    )
    rows = []
    for who, at, to, refused, dropped in places:
        whom = "another child" if to == "asked" else "one behind a relay"
        for way, cells in (
            (CALLS, across("asked") if siblings else (SENDER,) * 4),
            (ASKING, across("asked") if siblings else (refused,) * 4),
            (AS_ABOVE, (dropped,) * 4),
        ):
            rows.append(Row(who + may, at, whom, to, way, cells, siblings))
    return tuple(rows)


TABLE = (*ABOVE, *BELOW, *aside(siblings=False), *aside(siblings=True))


def render() -> str:
    """Return the table as it stands in the documentation."""
    lines = ["| who asks | whom | how | " + " | ".join(STATES) + " |", "|---" * 7 + "|"]
    lines += [
        f"| {row.asker} | {row.asked} | {row.way} | "
        + " | ".join(cell.shown for cell in row.cells)
        + " |"
        for row in TABLE
    ]
    return "\n".join(lines) + "\n"


def render_texts() -> str:
    """Return the table of what is told and logged."""
    names = {"service": "app.Logs", "method": "Logs.tail"}
    names.update({"asked": "context 2", "asker": "context 3"})
    titles = {None: "nobody's", "": "this program's", "asked": "that of who was asked"}
    logs: dict[tuple[str, str], list[str]] = {}
    for cell in dict.fromkeys(cell for row in TABLE for cell in row.cells):
        if cell.told == "ran":
            continue
        text = "nothing" if cell.told is None else f"*{cell.told.format(**names)}*"
        if cell.logged:
            text += f"; the log says *src 0 {cell.logged}*"
        logs.setdefault((cell.shown, text), []).append(titles.get(cell.log, "that of that relay"))
    lines = ["| who refuses, why | what who asks is told | whose log has it |", "|---" * 3 + "|"]
    for (shown, text), found in logs.items():
        lines.append(f"| {shown} | {text} | {', '.join(found)} |")
    return "\n".join(lines) + "\n"
