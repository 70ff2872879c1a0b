"""How a tree of contexts looks."""

from typing import Any

from remotesvc.cli.tree_text import draw_tree


def node(number: int, parent: int, name: str, **facts: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("user", "python", "pid", "age", "sent", "received"))
    return {"id": number, "parent": parent, "name": name, "connector": "", **nothing, **facts}


ROOT = node(0, -1, "this program", user="root")


def test_what_is_known_of_a_context_stands_behind_its_name() -> None:
    facts = {"connector": "ssh", "user": "admin", "python": "3.9.2", "pid": 7, "age": 1.25}
    drawn = draw_tree(ROOT, [node(1, 0, "web1", sent=31_200, received=999, **facts)])

    assert drawn.splitlines() == [
        "this program: root",
        "└─ web1: ssh, admin, Python 3.9.2, pid 7, 1.2 s, 31.2 kB sent, 999 B received",
    ]


def test_a_context_that_several_hosts_share_is_drawn_once() -> None:
    one, two = node(2, 1, "web1"), node(3, 1, "web2")

    drawn = draw_tree(ROOT, [node(1, 0, "bastion"), one, node(1, 0, "bastion"), two])

    names = [line.rstrip(": ") for line in drawn.splitlines()]
    assert names == ["this program: root", "└─ bastion", "   ├─ web1", "   └─ web2"]


def test_lines_lead_past_what_is_deeper() -> None:
    drawn = draw_tree(ROOT, [node(1, 0, "a"), node(2, 1, "b"), node(3, 2, "c"), node(4, 0, "d")])

    names = [line.rstrip(": ") for line in drawn.splitlines()[1:]]
    assert names == ["├─ a", "│  └─ b", "│     └─ c", "└─ d"]


def test_ages_and_sizes_are_short_and_names_are_made_visible() -> None:
    facts = {"sent": 5_600_000_000, "received": 0, "age": 7_260.0}
    drawn = draw_tree(ROOT, [node(1, 0, "web\x1b1", **facts), node(2, 0, "b", age=119.0)])

    assert drawn.splitlines()[1:] == [
        "├─ web\\x1b1: 2 h 1 min, 5.6 GB sent, 0 B received",
        "└─ b: 1 min",
    ]
